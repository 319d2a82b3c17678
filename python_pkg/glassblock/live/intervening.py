"""Intervening: ablations that stay until they are undone, for the length of a block, or for one run.

Every method that changes what is in force leaves a step in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from glassblock import surface
from glassblock.live.core import Core
from glassblock.live.history import History
from glassblock.live.interventions import Interventions
from glassblock.live.kinds import Kind
from glassblock.live.run import Run
from glassblock.live.targets import unavailable


class Intervening(Core):
    """What changes what the model does."""

    @property
    def history(self) -> History:
        """What was done, and what can be undone, redone and copied as Python."""
        return self._control.history

    def unavailable(self) -> dict[str, str]:
        """Return the addresses of the frame's rows that cannot be ablated, with the reasons."""
        if self._unavailable is None:
            self._unavailable = unavailable(self.architecture, (site.address for site in self.layout.sites))
        return dict(self._unavailable)

    def ablate(self, *names: str, how: str | Kind = "zero", positions: Any = None) -> None:
        """Intervene on layers, blocks, heads, experts, neurons or taps, in addition to what is in force.

        Parameters
        ----------
        *names
            Addresses, module paths or taps: ``L1.attn.H2``, ``L1.attn.KV0``, ``L0.mlp``, ``L0.mlp.N17``, ``L3``,
            ``L3.attn.pattern``, ``model.layers.0.mlp``.
        how
            A kind, such as ``gb.Scale(0.5)``, or the name of one whose settings have defaults: ``zero``, ``mean``,
            ``noise``, ``freeze``, ``skip``.
        positions
            At which tokens of the sequence: a whole number, several of them or a slice; None is all.

        Raises
        ------
        AddressError, TapError
            If a name is nothing in this model, with the nearest names that are.
        InterventionError
            If it cannot be done, with the reason.
        """
        self._check_attached()
        self._changed(self._control.ablate(names, how, positions))

    def change(self, *names: str, how: str | Kind) -> None:
        """Ablate these addresses in the place of all that is done to them, and at the same tokens.

        `ablate` adds to what changes a value and keeps it, as noise does; here nothing else stays.

        Parameters
        ----------
        *names, how
            As for `ablate`, and so is what it raises.
        """
        self._check_attached()
        self._changed(self._control.change(names, how))

    def restore(self, *names: str) -> None:
        """Undo the ablation of these addresses; of all where none is given.

        Raises
        ------
        InterventionError
            If an address is not ablated.
        """
        self._check_attached()
        self._changed(self._control.restore(names))

    def undo(self) -> bool:
        """Undo the last step; False where there is none."""
        self._check_attached()
        return self._changed(self._control.undo())

    def redo(self) -> bool:
        """Redo the step that was undone last; False where there is none."""
        self._check_attached()
        return self._changed(self._control.redo())

    @contextmanager
    def ablated(self, *names: str, how: str | Kind = "zero", positions: Any = None) -> Iterator[Self]:
        """Ablate for the length of a ``with`` block, beside the history: steps within it are kept without these.

        Parameters
        ----------
        *names, how, positions
            As for `ablate`.
        """
        self._check_attached()
        with self._control.beside(names, how, positions):
            yield self

    def preview(self, *names: str, how: str | Kind = "zero", positions: Any = None) -> Run:
        """Run the last prompt with these ablated and nothing else, beside the history and unseen by the page.

        Parameters
        ----------
        *names, how, positions
            As for `ablate`.
        """
        return self.previewer()(*names, how=how, positions=positions)

    def previewer(self) -> Callable[..., Run]:
        """Return `preview` of the prompt that was run last: it stays of that one, whatever is run meanwhile."""
        self._check_attached()
        subject = self._runner.subject(None)

        def preview(*names: str, how: str | Kind = "zero", positions: Any = None) -> Run:
            self._check_attached()
            interventions = Interventions().adding(self._control.asked(names, how, positions))
            return self._runner.run_quietly(subject, interventions)

        return preview

    def sweep(
        self,
        targets: str | Iterable[str] | None = None,
        how: str | Kind = "zero",
        metric: str = "logprob",
        tokens: Sequence[str | int] = (),
        *,
        progress: Callable[[int, int], object] | None = None,
    ) -> Any:
        """Measure exactly what each single ablation does to the prediction of the last prompt, one forward pass each.

        Everything is ablated alone, whatever is in force, and nothing is left behind: history and interventions stay
        as they are. Interrupting it returns what was measured.

        Parameters
        ----------
        targets
            ``"head"``, ``"block"``, ``"expert"``, ``"layer"``, or several of these, or addresses. None is every head,
            block and expert; for a kind that is for layers alone every layer.
        how
            As for `ablate`.
        metric
            ``"logprob"`` (nats), ``"logit"``, ``"difference"`` of two tokens' logits, or ``"kl"`` from the clean
            prediction (nats).
        tokens
            The tokens that the metric is about, as text or ids. None given: the most probable of the clean run.
        progress
            Called after each with how many are done and how many there are; if it returns False, the sweep ends.

        Returns
        -------
        Effects
            ``metric(ablated) - metric(clean)`` for each address; ``.top(10)``, ``.to_pandas()``, ``.save(path)``.

        Raises
        ------
        PromptError
            If nothing was run, the prediction is no number, or there is no such metric or token.
        AddressError, InterventionError
            If a target is nothing in this model, or nothing is left to ablate.
        """
        self._check_attached()
        return surface.experiment("sweep")(self, targets, how, metric, tokens, progress=progress)
