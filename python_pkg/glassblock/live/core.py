"""The core of a session: what it is made of, what it is doing, and who is told.

What one can do with it stands in `running.py`, `looking.py` and `intervening.py`; `session.py` puts them together.
The session owns no thread and no browser: whoever wants to follow subscribes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from torch import nn

from glassblock.errors import ModelError, PromptError
from glassblock.ir import Architecture
from glassblock.live.control import Control
from glassblock.live.engine import Engine
from glassblock.live.events import Event, Events, Subscriber
from glassblock.live.frames import Frame
from glassblock.live.interventions import Interventions
from glassblock.live.layout import layout_of
from glassblock.live.prompts import Prompt, Prompts
from glassblock.live.run import Run
from glassblock.live.runner import Runner
from glassblock.live.shows import Shows

Status = Literal["idle", "running", "generating", "detached"]

FRAMES = 64
"""How many of the last frames a session keeps."""

FRAMES_BYTES = 256 << 20
"""Size of all kept frames together from which the oldest are dropped: those of a long context are large."""


class Core:
    """A model with its architecture, hooks, runs and frames. What it is made of, `Session` says."""

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
        if isinstance(reference, str) or not isinstance(reference, Iterable):
            got = "one text" if isinstance(reference, str) else type(reference).__name__
            raise PromptError(f"expected a list of reference prompts, got {got}. Pass reference=[{reference!r}].")
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

    @property
    def status(self) -> str:  # not Status: jedi, which completes in notebooks, fails on a Literal here
        """What the session is doing: ``idle``, ``running``, ``generating`` or ``detached``."""
        return self._status

    @property
    def last_run(self) -> Run | None:
        """The run that was made last."""
        return self._run

    @property
    def interventions(self) -> Interventions:
        """The interventions in force."""
        return self._control.in_force

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call a function with each event; return a function that ends this.

        It is called in the thread in which something happens, with ``"frame"`` and the Frame, ``"interventions"``
        and the set, ``"run"`` and the Run, ``"status"`` and the status, ``"problem"`` and the error of a generation in
        the background, or a sentence that says what is not read any more. If it raises, it is dropped with a warning:
        whoever looks on cannot disturb the model.
        """
        return self._events.subscribe(subscriber)

    def detach(self) -> None:
        """Remove everything from the model. Again does no harm."""
        self._runner.stop.set()
        self._engine.detach()
        if self._status != "detached":
            self._set_status("detached")

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
