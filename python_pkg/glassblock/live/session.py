"""The session: a model with its architecture, taps, interventions, runs and frames.

Everything a person can do on the page is a method here, and every method that changes something leaves a
step in the history. The session owns no thread and no browser: whoever wants to follow subscribes.
"""

from __future__ import annotations

import textwrap
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, overload

from torch import Tensor, nn

from glassblock import surface
from glassblock.diagram import Diagram
from glassblock.errors import ModelError, PromptError, TapError
from glassblock.ir import Architecture
from glassblock.live.control import Control
from glassblock.live.effective import LIMIT, effective_attention
from glassblock.live.engine import Engine
from glassblock.live.events import Event, Events, Subscriber
from glassblock.live.frames import Frame
from glassblock.live.generation import Generation, check_generates
from glassblock.live.history import History
from glassblock.live.interventions import Interventions
from glassblock.live.kinds import Kind
from glassblock.live.layout import layout_of
from glassblock.live.prompts import Prompt, Prompts
from glassblock.live.reading import read_taps
from glassblock.live.run import Run
from glassblock.live.runner import Runner
from glassblock.live.shows import Shows
from glassblock.live.targets import unavailable

Status = Literal["idle", "running", "generating", "detached"]

FRAMES = 64
"""How many of the last frames a session keeps."""

FRAMES_BYTES = 256 << 20
"""Size of all kept frames together from which the oldest are dropped: those of a long context are large."""


class Session:
    """A live model. Made by `glassblock.attach`; also a context manager that detaches at its end.

    Parameters
    ----------
    model
        A model in memory, on any device. It keeps its weights, kernels and outputs.
    architecture
        What it is, as the reader read it.
    tokenizer
        For prompts that are text.
    reference
        Prompts over which mean ablation takes its means.
    title
        What to call it.
    suggestions
        Prompts worth trying, as (task, text, answer).
    """

    def __init__(
        self,
        model: nn.Module,
        architecture: Architecture,
        tokenizer: Any = None,
        *,
        reference: Sequence[Prompt] = (),
        title: str | None = None,
        suggestions: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.architecture = architecture
        self.title = title or architecture.name
        self.suggestions = tuple(suggestions)
        self.layout = layout_of(architecture)
        self.frames: deque[Frame] = deque(maxlen=FRAMES)
        if isinstance(reference, str):
            raise PromptError(f"expected a list of reference prompts, got one text. Pass reference=[{reference!r}].")
        self._reference = tuple(reference)
        self._prompts = Prompts(model, tokenizer, architecture)
        self._events = Events()
        self._control = Control(architecture, self._take_up)
        self._unavailable: dict[str, str] | None = None
        self._starting = threading.Lock()
        self._status: Status = "idle"
        self._run: Run | None = None
        self._shows, self._showing = Shows(), threading.Lock()
        self._engine = Engine(model, architecture, self.layout, self._on_frame, self._on_problem)
        self._runner = Runner(model, self._engine, self._prompts, architecture, self._reference)
        self._engine.attach()

    # ---- what it is

    @property
    def diagram(self) -> Diagram:
        """The architecture as a diagram of its own, without the live model."""
        return Diagram(self.architecture)

    @property
    def interventions(self) -> Interventions:
        """The interventions in force."""
        return self._control.in_force

    @property
    def history(self) -> History:
        """What was done, and what can be undone, redone and copied as Python."""
        return self._control.history

    @property
    def status(self) -> str:  # not Status: jedi, which completes in notebooks, fails on a Literal here
        """What the session is doing: ``idle``, ``running``, ``generating`` or ``detached``."""
        return self._status

    @property
    def last_run(self) -> Run | None:
        """The run that was made last."""
        return self._run

    @property
    def reference_in_words(self) -> str:
        """Over what mean ablation takes its means."""
        if self._reference:
            return f"mean over all tokens of {len(self._reference)} reference prompts"
        where = self._runner.means_over
        when = f" when the first mean was taken, “{textwrap.shorten(where, 80, placeholder=' …')}”" if where else ""
        return f"mean over all tokens of the prompt that was run last{when} (no reference prompts were given)"

    def unavailable(self) -> dict[str, str]:
        """Return the addresses of the frame's rows that cannot be ablated, with the reasons."""
        if self._unavailable is None:
            self._unavailable = unavailable(self.architecture, (site.address for site in self.layout.sites))
        return dict(self._unavailable)

    @property
    def unread(self) -> dict[str, str]:
        """What is not read any more because reading it failed, by address, and why. Its rows are not measured."""
        return dict(self._engine.problems.unread)

    # ---- running

    def run(self, prompt: Prompt | None = None) -> Run:
        """Run a prompt once, clean and, where something is ablated, once more under the interventions.

        Parameters
        ----------
        prompt
            Text, token ids (positions,) or (batch, positions), or a dict of the model's keyword arguments.
            None runs the last one again; its clean pass is then not repeated.

        Returns
        -------
        Run
            Predictions for the token after the last position of the first row.

        Raises
        ------
        PromptError
            If the prompt is empty, too long, or text without a tokenizer; or None and there was none before.
        """
        self._check_attached()
        with self._doing("running"):
            run = self._runner.run(self._runner.subject(prompt), self.interventions)
            if not run.frames:
                self._engine.problems.silent()
            return self._finish(run)

    @overload
    def generate(
        self,
        prompt: Prompt | None = ...,
        max_new_tokens: int = ...,
        *,
        background: Literal[False] = ...,
        **options: Any,
    ) -> Run: ...

    @overload
    def generate(
        self, prompt: Prompt | None = ..., max_new_tokens: int = ..., *, background: Literal[True], **options: Any
    ) -> Generation: ...

    def generate(
        self, prompt: Prompt | None = None, max_new_tokens: int = 20, *, background: bool = False, **options: Any
    ) -> Run | Generation:
        """Let the model continue a prompt under the interventions in force, which may change meanwhile.

        Parameters
        ----------
        prompt
            As for `run`; None continues the last prompt again, without what was generated after it.
        max_new_tokens
            How many tokens at most.
        background
            Return at once; the generation goes on in a thread.
        **options
            For the model's own ``generate``; it is greedy where ``do_sample=True`` is not among them.

        Returns
        -------
        Run or Generation
            The run over prompt and continuation; in the background a handle whose ``result()`` is that run.

        Raises
        ------
        PromptError
            As for `run`; or if a generation is under way, or there are no ids to continue.
        ModelError
            If the model cannot generate, or the session was detached meanwhile.
        """
        self._check_attached()
        asked = self._runner.subject(None).prompt if prompt is None else prompt
        inputs = self._prompts.encode(asked, room=max_new_tokens)
        check_generates(self.model, inputs)
        with self._starting:
            if self._status == "generating":
                raise PromptError("expected no generation to be under way, but one is. Stop it first: session.stop().")
            self._runner.stop.clear()
            self._status = "generating"
        self._tell("status", "generating")

        def work() -> Run:
            try:
                subject = self._runner.generate(asked, inputs, max_new_tokens=max_new_tokens, **options)
                self._check_attached()
                return self._finish(self._runner.run(subject, self.interventions))
            finally:
                if self._status == "generating":
                    self._set_status("idle")

        if not background:
            return work()
        return Generation(work, self._runner.stop, on_error=lambda error: self._tell("problem", error))

    def stop(self) -> None:
        """Stop the generation after its current token."""
        self._runner.stop.set()

    def cache(self, *names: str, prompt: Prompt | None = None) -> dict[str, Tensor]:
        """Run a prompt under the interventions in force, and return what was computed at and inside of blocks.

        The model runs as it always does: nothing is converted, its kernels are its own, its logits the same.

        Parameters
        ----------
        *names
            An address and a tap, ``L3.attn.pattern``, ``L0.mlp.post``, ``L2.mixer.beta``, ``L3.moe.E5.in``, or
            TransformerLens's name, ``blocks.3.attn.hook_pattern``. The table in ``docs/taps.md`` has all of them.
        prompt
            As for `run`; None runs the last one again.

        Returns
        -------
        dict of str to Tensor
            By the names that were given: copies, in the shapes of that table.

        Raises
        ------
        TapError
            If a name is no tap, with the nearest one; or if this model cannot offer it, with the reason.
        AddressError
            If a block is nothing in this model.
        PromptError
            As for `run`.
        """
        self._check_attached()
        subject = self._runner.subject(prompt)
        with self._doing("running"):
            return read_taps(self._engine.inside, names, lambda: self._runner.pass_quietly(subject, self.interventions))

    def effective_attention(self, name: str, prompt: Prompt | None = None, *, limit: int = LIMIT) -> Tensor:
        """Return the exact token-to-token matrix of a linear mixer: which source tokens its output is made of.

        A mixer without attention (GatedDeltaNet, Mamba, RWKV, …) is linear in its values, too. The model's own code is
        run on a basis of values: ``ceil(tokens / channels)`` times where the channels of a head share a matrix, once
        for each token where each channel has its own. The interventions in force hold in what comes before it.

        Parameters
        ----------
        name
            Address of the mixer, or its module path.
        prompt
            As for `run`; None takes the last one.
        limit
            Bytes that the matrix may take.

        Returns
        -------
        Tensor
            (batch, heads, tokens, tokens), or (batch, channels, tokens, tokens) where each channel has its own: row by
            target, column by source. Its product with `cache`'s ``v`` (of a state space ``x``) is ``recurrence_out``.

        Raises
        ------
        TapError
            If the block is no linear mixer, did not run, or the matrix would be larger than the limit.
        AddressError
            If the name is nothing in this model.
        PromptError
            As for `run`.
        """
        self._check_attached()
        subject = self._runner.subject(prompt)
        block = self.architecture.block(self.architecture.resolve(name))
        with self._doing("running"), self._engine.inside.capturing(block.address) as calls:
            self._runner.pass_quietly(subject, self.interventions)
            if not calls:
                raise TapError(f"{block.address} did not run on this prompt.")
            return effective_attention(calls[-1], limit)

    def watch(self, *names: str) -> None:
        """Read taps inside of blocks in every forward pass from now on, whoever starts it.

        They are in ``Frame.inside``, on the model's device, beside what each frame holds anyway.

        Parameters
        ----------
        *names
            As for `cache`, in the place of those that were watched: none ends it. Taps between blocks are refused,
            since frames describe them.

        Raises
        ------
        TapError, AddressError
            If a name is no tap inside of a block of this model.
        """
        self._check_attached()
        self._engine.watch(names)
        self._runner.forget_clean()

    def show(self, *names: str, on: Hashable) -> None:
        """Let frames hold what a page draws of taps inside of blocks, beside what is watched and what others show.

        Of a ``pattern`` the last queries of the first text, of a mixer's ``state``, ``beta`` and ``log_decay`` one
        number for each head and token: `Frame.shown`, small and on the host. What cannot be shown is in
        `Frame.unshown`, with the reason. Nothing is left on the model when nobody shows anything any more.

        Parameters
        ----------
        *names
            As for `cache`, in the place of those that were shown on this page: none ends it.
        on
            Who shows it.
        """
        with self._showing:
            before = self._shows.names
            self._shows = self._shows.on(on, names)
            if self._shows.names == before:
                return
            if self._status != "detached":
                self._engine.show(self._shows.names)
            self._runner.forget_clean()

    def frames_again(self) -> tuple[Frame, ...]:
        """Make the passes of the last run once more, unseen, for what is shown since: its frames then hold it.

        Returns
        -------
        tuple of Frame
            As `Run.frames`, with the numbers (`Frame.seq`) that they had; none where nothing was run.
        """
        self._check_attached()
        run = self._run
        if run is None:
            return ()
        again = self._runner.run_quietly(self._runner.subject(None), run.interventions).frames
        if self._run is not run or len(again) != len(run.frames):
            return ()
        frames = tuple(replace(new, seq=old.seq) for new, old in zip(again, run.frames, strict=True))
        self._run = replace(run, frames=frames)
        by_seq = {frame.seq: frame for frame in frames}
        self.frames = deque((by_seq.get(frame.seq, frame) for frame in list(self.frames)), maxlen=FRAMES)
        return frames

    # ---- intervening

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
        targets: str | Sequence[str] | None = None,
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

    def decode(self, token: int) -> str:
        """Return a token as text; its id in angle brackets where there is no tokenizer."""
        return self._prompts.decode(token)

    # ---- following, saving, leaving

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call a function with each event; return a function that ends this.

        It is called in the thread in which something happens, with ``"frame"`` and the Frame, ``"interventions"``
        and the set, ``"run"`` and the Run, ``"status"`` and the status, ``"problem"`` and the error of a generation in
        the background, or a sentence that says what is not read any more. If it raises, it is dropped with a warning:
        whoever looks on cannot disturb the model.
        """
        return self._events.subscribe(subscriber)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Save as a self-contained page (``.html``) or as a picture (``.svg``); the ending says as what.

        The page holds the diagram, the last run, and the effect of each single ablation; of a long text the values of
        its last tokens, as many of each run as fit into 8 MiB for all. The picture shows the
        last run with what is ablated now, and needs no browser.

        Parameters
        ----------
        path
            Where to.
        **options
            Of a picture: ``theme`` (``"light"``, ``"dark"``), ``width`` (CSS pixels of a diagram, 300 to 820),
            ``folded`` (whether layers of one kind share a card) and ``opened`` (the address of a block that shows its
            inside). Of a page: ``progress``, which is called after each
            ablation with how many were made and how many there are; where it returns False, no more are made.

        Raises
        ------
        SourceError
            If the path ends in something else, or an option is not one of these.
        PromptError
            If nothing was run and the session knows no prompt.
        """
        return surface.save(self, path, **options)

    def detach(self) -> None:
        """Remove everything from the model. Again does no harm."""
        self._runner.stop.set()
        self._engine.detach()
        if self._status != "detached":
            self._set_status("detached")

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detach."""
        self.detach()

    def __repr__(self) -> str:
        """Return what it is and what is in force."""
        return f"Glassblock session on {self.title} ({self._status}, {len(self.interventions)} ablated)"

    def _repr_mimebundle_(self, **_: Any) -> surface.MimeBundle:
        return surface.display(self)

    # ---- inside

    def _finish(self, run: Run) -> Run:
        self._run = run
        shown = run.frames[-1] if run.frames else None
        if shown is not None and (not self.frames or self.frames[-1] is not shown):
            self._keep(shown)  # a clean pass that was known already is the last one again
        self._tell("run", run)
        return run

    def _on_frame(self, frame: Frame) -> None:
        if self._runner.seen(frame):
            self._keep(frame)

    def _keep(self, frame: Frame) -> None:
        self.frames.append(frame)
        while len(self.frames) > 1 and sum(kept.nbytes for kept in list(self.frames)) > FRAMES_BYTES:
            self.frames.popleft()
        self._tell("frame", frame)

    def _on_problem(self, sentence: str) -> None:
        self._tell("problem", sentence)

    def _changed(self, changed: bool) -> bool:
        if changed:
            self._tell("interventions", self.interventions)
        return changed

    def _take_up(self, interventions: Interventions) -> None:
        self._runner.provide(interventions)
        self._engine.use(interventions)

    @contextmanager
    def _doing(self, status: Status) -> Iterator[None]:
        before = self._status
        if before == "idle":
            self._set_status(status)
        try:
            yield
        finally:
            if before == "idle" and self._status == status:
                self._set_status("idle")

    def _set_status(self, status: Status) -> None:
        self._status = status
        self._tell("status", status)

    def _tell(self, event: Event, what: Any) -> None:
        self._events.tell(event, what)

    def _check_attached(self) -> None:
        if self._status == "detached":
            raise ModelError(
                f"expected an attached session, got one that was detached from {self.title}."
                " Attach again: session = glassblock.attach(model, tokenizer)."
            )
