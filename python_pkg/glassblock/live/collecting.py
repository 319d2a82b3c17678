"""Collecting: clean passes of the model in which values are taken that interventions put in the place of others.

Means are taken over the reference prompts, of all ports in one go when the first of them is needed, and stay so. What
is inside of blocks, means by position and the values of other prompts are taken for the taps that ask for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from glassblock.errors import GlassblockError, InterventionError
from glassblock.live.edits import Moment
from glassblock.live.engine import Engine
from glassblock.live.interventions import Interventions
from glassblock.live.kinds import Add, Want
from glassblock.live.materials import Need
from glassblock.live.means import Capture, Collector, Means, MeansByPosition
from glassblock.live.plan import Plan, insides, needs
from glassblock.live.prompts import Prompt, Prompts, batched
from glassblock.live.reading import read_taps

CLEAN = Want("clean")


class Collecting:
    """Provides one engine with the values that interventions ask for.

    Parameters
    ----------
    engine
        Whose materials are filled.
    prompts
        Encodes.
    call
        Makes a forward pass.
    reference
        Prompts over which means are taken.
    """

    def __init__(
        self,
        engine: Engine,
        prompts: Prompts,
        call: Callable[[dict[str, Any]], Any],
        reference: Sequence[Prompt],
    ) -> None:
        self._engine = engine
        self._prompts = prompts
        self._call = call
        self._reference = tuple(reference)
        self._offered: dict[tuple[str, str], int] = {}
        """Taps inside of blocks that were found to be editable, and how many channels they have."""
        self._clean_of: dict[str, Any] | None = None
        self.means_over: dict[str, Any] | None = None
        """The inputs over which means were taken, where there were no reference prompts: they stay those of it."""

    def provide(self, interventions: Interventions, last: dict[str, Any] | None) -> bool:
        """Collect what is missing; say whether values that were there before are others now.

        Parameters
        ----------
        interventions
            What asks for values.
        last
            Inputs of the last prompt, None where there was none.

        Raises
        ------
        InterventionError
            If there is nothing to take values of.
        """
        self._try_insides(interventions, last)
        renewed = last is not self._clean_of and self._engine.materials.has(CLEAN)
        if renewed:
            self._engine.materials.forget(CLEAN)
        wanted = needs(interventions)
        self._engine.reach({key for need, keys in wanted.items() if not need.inside for key in keys})
        for need, keys in wanted.items():
            missing = self._engine.materials.missing(need, keys)
            if missing:
                self._collect(need, missing, last)
        return renewed

    def _try_insides(self, interventions: Interventions, last: dict[str, Any] | None) -> None:
        """Try once whether the model offers what is to be edited inside of it: no forward shall fail later."""
        edited = insides(interventions)
        if edited.keys() - self._offered.keys():
            probes = {site: _Probe() for site in edited if site not in self._offered}
            tried: dict[str, dict[str, tuple[_Probe, ...]]] = {}
            for (block, tap), probe in probes.items():
                tried.setdefault(block, {})[tap] = (probe,)
            self._try(Plan(inside=tried), self._any_inputs() if last is None else last)
            self._offered.update((site, probe.width) for site, probe in probes.items() if probe.width)
        for site, items in edited.items():
            for item in items:
                if isinstance(item.kind, Add) and item.target.kind == "tap" and site in self._offered:
                    item.kind.check_width(self._offered[site], item.address)

    def _any_inputs(self) -> dict[str, Any]:
        return self._prompts.encode(self._reference[0]) if self._reference else {"input_ids": self._prompts.any_ids()}

    def _try(self, plan: Plan, inputs: dict[str, Any]) -> None:
        try:
            with self._engine.collecting(Capture(frozenset()), plan), torch.no_grad():
                self._call(inputs)
        except GlassblockError:
            raise
        except Exception:  # noqa: BLE001 - what it takes is not known yet, if nothing was run: a run will tell
            return

    def _collect(self, need: Need, keys: set[str], last: dict[str, Any] | None) -> None:
        want, subjects = need.want, self._subjects(need.want, last)
        collector: Collector = Capture(keys)
        if want.of == "means":
            collector = MeansByPosition(keys)
        elif want.of == "mean":
            collector = Means()
        for inputs in subjects:
            if need.inside:
                self._look_inside(inputs, keys, collector)
            else:
                self._pass(inputs, collector)
        if want.of == "mean" and not need.inside:  # all taps there are were seen
            keys = set(self._engine.keys)
        self._engine.materials.keep(need, keys, collector)
        if want == CLEAN:
            self._clean_of = last

    def _subjects(self, want: Want, last: dict[str, Any] | None) -> list[dict[str, Any]]:
        """Return the inputs of the passes in which something is to be seen."""
        if want.of == "prompt":
            ids = want.prompt
            return [self._prompts.encode(ids if isinstance(ids, str) else torch.tensor([list(ids)]))]
        if want == CLEAN:
            if last is None:
                raise InterventionError(
                    "expected a run whose values are held, but nothing was run yet."
                    " Run a prompt first: session.run('...')."
                )
            return [last]
        if self._reference:
            return batched([self._prompts.encode(prompt) for prompt in self._reference])
        if last is None:
            raise InterventionError(
                "expected reference prompts to take means over, got none, and nothing was run yet."
                " Pass attach(..., reference=[...]), run a prompt first, or use how='zero'."
            )
        self.means_over = self.means_over or last
        return [self.means_over]

    def _pass(self, inputs: dict[str, Any], collector: Collector) -> None:
        with self._engine.collecting(collector), torch.no_grad():
            self._call(inputs)

    def _look_inside(self, inputs: dict[str, Any], keys: set[str], collector: Collector) -> None:
        nothing = Capture(frozenset())  # the passes are clean, and what is at ports is not asked for
        found = read_taps(self._engine.inside, sorted(keys), lambda: self._pass(inputs, nothing))
        collector.begin(nothing.order, nothing.mask)
        for key, x in found.items():
            collector.add(key, _by_token(key, x))


class _Probe:
    """Changes nothing, and notes how many channels there are."""

    def __init__(self) -> None:
        self.width = 0

    def __call__(self, x: Tensor, moment: Moment) -> Tensor:
        self.width = int(x.shape[-1])
        return x


def _by_token(key: str, x: Tensor) -> Tensor:
    """Return what is inside of a block as (batch, tokens, ...), or as (batch x tokens, ...) where it is so."""
    if key.endswith((".scores", ".pattern")):
        return x.transpose(1, 2)
    return x.flatten(2) if x.ndim > 3 else x
