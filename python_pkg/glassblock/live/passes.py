"""Forward passes: where one begins, which interventions it sees, and what runs again without being one.

A pass begins at the outermost module that is called and holds all layers of a stack: mostly the model itself, or its
base model where somebody calls that. What is called beneath these, one layer say, is edited and not recorded.

Checkpointed layers run again while gradients are computed. Then the node of the autograd graph that asks for them
tells in which pass it was made, and they see the interventions of that pass once more: whatever was changed since, the
gradients are those of the forward that was run.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from glassblock.ir import Architecture
from glassblock.live.baseline import Observer
from glassblock.live.edits import Moment
from glassblock.live.frames import Origin
from glassblock.live.means import Collector
from glassblock.live.order import Order
from glassblock.live.plan import Plan
from glassblock.live.recorder import Recorder

REMEMBERED = 256
"""How many passes whose gradients may still be asked for are remembered in a thread."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Interventions, ready to be looked up."""

    plan: Plan = field(default_factory=Plan)
    count: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """How the next passes of a thread shall begin. ``prepared`` None: with what is in force."""

    origin: Origin
    prepared: Prepared | None = None
    collector: Collector | None = None
    baseline: Observer | None = None


@dataclass(slots=True, eq=False)
class Pass:
    """One forward pass while it runs.

    Attributes
    ----------
    prepared
        The interventions that it sees.
    origin
        Who started it.
    owner
        The module at which it began; None for what is called on its own.
    graph
        Whether gradients may be asked for.
    calls
        How often shared modules were called, by place.
    within
        How many calls of the owner by itself are under way.
    """

    prepared: Prepared
    origin: Origin
    owner: nn.Module | None = None
    recorder: Recorder | None = None
    collector: Collector | None = None
    moment: Moment = field(default_factory=Moment)
    graph: bool = False
    calls: dict[Any, int] = field(default_factory=dict)
    within: int = 0

    @property
    def plan(self) -> Plan:
        """What to edit."""
        return self.prepared.plan


@dataclass(frozen=True, slots=True)
class _Mark:
    """From which number on the nodes of a thread's autograd graph belong to a pass."""

    number: int
    prepared: Prepared
    first: Any
    order: Order


class _Local(threading.local):
    def __init__(self) -> None:
        self.start: Start | None = None
        self.current: Pass | None = None
        self.marks: deque[_Mark] | None = None
        self.again: tuple[_Mark | None, Pass] | None = None
        self.turns: deque[tuple[int, int, int]] = deque(maxlen=REMEMBERED * 64)


class Passes:
    """The passes of all threads on one model."""

    def __init__(self) -> None:
        self._local = _Local()
        self._marks: deque[_Mark] = deque()

    @contextmanager
    def next(self, start: Start) -> Iterator[None]:
        """Say how the passes that this thread starts within shall begin; leave none behind, whatever ends them."""
        before = self._local.start
        self._local.start = start
        try:
            yield
        finally:
            self._local.start = before
            self._local.current = None

    @property
    def baseline(self) -> Observer | None:
        """What keeps or compares the activations of this thread's next passes."""
        return self._local.start.baseline if self._local.start else None

    def begin(self, owner: nn.Module, in_force: Prepared) -> Pass | None:
        """Begin a pass at a module; None if it is part of one, or a part that runs again for its gradients."""
        local, current = self._local, self._local.current
        if current is not None and current.owner is not None:
            itself = owner is current.owner
            if _running(current.owner, 2 if itself else 1):
                current.within += itself
                return None
            local.current = None  # its forward was interrupted, so that nobody ended it
        if in_backward():
            return None
        start = local.start or _OUTSIDE
        local.current = Pass(start.prepared or in_force, start.origin, owner, collector=start.collector)
        local.current.graph = torch.is_grad_enabled()
        return local.current

    def given(self, current: Pass, moment: Moment) -> None:
        """Take note of what a pass was given, before it makes any node of a graph."""
        current.moment = moment
        if not current.graph:
            return
        local = self._local
        if local.marks is None:
            local.marks = deque(maxlen=REMEMBERED)
        self._marks = local.marks
        if not local.marks or local.marks[-1].prepared is not current.prepared or current.prepared.count:
            local.marks.append(_Mark(_sequence_number(), current.prepared, moment.first, moment.order))

    def end(self, owner: nn.Module) -> Pass | None:
        """End the pass that began at a module; None if none did."""
        current = self._local.current
        if current is None or current.owner is not owner:
            return None
        if current.within:
            current.within -= 1
            return None
        self._local.current = None
        return current

    def current(self, in_force: Prepared) -> Pass:
        """Return the pass of this thread; what is called on its own, or again, is edited and not recorded."""
        current = self._local.current
        if current is not None and not (current.graph and in_backward()):
            return current
        mark = self._mark() if in_backward() else None
        prepared = mark.prepared if mark else in_force
        again = self._local.again
        if again is None or again[0] is not mark or again[1].prepared is not prepared:
            moment = Moment(mark.first, mark.order) if mark else Moment()
            self._local.again = again = mark, Pass(prepared, "outside", moment=moment)
        return again[1]

    def turn(self, current: Pass, place: int, turns: int) -> int:
        """Say for which of the layers that share a module it is called now, counting its calls at one place."""
        local = self._local
        if current.owner is not None:
            count = current.calls[place] = current.calls.get(place, -1) + 1
            if current.graph and current.prepared.count:
                local.turns.append((_sequence_number(), place, count % turns))
            return count % turns
        node = torch._C._current_autograd_node() if in_backward() else None  # noqa: SLF001 - as above
        if node is None:
            return 0
        # A node of a function in Python is made before what it calls runs, any other one after.
        number = node._sequence_nr() + isinstance(node, torch.autograd.function.BackwardCFunction)  # noqa: SLF001
        past = (turn for made, at, turn in reversed(local.turns) if at == place and made <= number)
        return next(past, 0)

    def forget(self) -> None:
        """Forget the passes of all threads, also of those that are in the middle of one."""
        self._local, self._marks = _Local(), deque()

    def _mark(self) -> _Mark | None:
        """Return the mark of the pass in which the node that is at work was made.

        On an accelerator gradients are computed in a thread of their own, which has no marks: then those of
        the thread that made the last pass are asked.
        """
        node = torch._C._current_autograd_node()  # noqa: SLF001 - there is no public way to ask
        marks = self._local.marks or self._marks
        if node is None:
            return None
        number = node._sequence_nr()  # noqa: SLF001 - likewise
        return next((mark for mark in reversed(marks) if mark.number <= number), None)


_OUTSIDE = Start("outside")
_CALL = nn.Module._call_impl.__code__  # noqa: SLF001 - every call of a module goes through it


def in_backward() -> bool:
    """Whether this thread computes gradients."""
    return bool(torch._C._current_graph_task_id() != -1)  # noqa: SLF001 - there is no public way to ask


def _sequence_number() -> int:
    """Return the number that the next node of this thread's graph will get."""
    return int(torch._C._autograd._get_sequence_nr())  # noqa: SLF001 - there is no public way to ask


def _running(module: nn.Module, times: int) -> bool:
    """Whether so many calls of a module are under way in this thread."""
    frame = sys._getframe()  # noqa: SLF001 - the stack is what is asked for
    while frame is not None and times:
        if frame.f_code is _CALL and frame.f_locals.get("self") is module:
            times -= 1
        frame = frame.f_back  # type: ignore[assignment]
    return not times


def entrances(model: nn.Module, architecture: Architecture) -> Iterator[nn.Module]:
    """Go through the modules at which a pass may begin, the model first: each holds all layers of a stack."""
    modules, found = dict(model.named_modules()), {"": None}
    for stack in architecture.stacks:
        holders = [_above(layer.path) for layer in stack.layers()]
        shared = [path for path in holders[0] if all(path in others for others in holders)] if holders else []
        found |= dict.fromkeys(shared)
    for path in found:
        module = modules.get(path)
        if module is not None and type(module).forward is not nn.Module.forward:
            yield module


def _above(path: str) -> list[str]:
    """Return the paths of the modules that hold one, the outermost first."""
    names = path.split(".")
    names = names[: names.index("*")] if "*" in names else names[:-1]
    return [".".join(names[:length]) for length in range(len(names) + 1)]


def without_numbers() -> bool:
    """Whether there is nothing to measure: in vmap or the like, with fake tensors, while a CUDA graph is captured."""
    if torch._C._functorch.peek_interpreter_stack() is not None:  # noqa: SLF001 - there is no public way to ask
        return True
    if torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is not None:  # noqa: SLF001 - likewise
        return True
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return bool(started and torch.cuda.is_current_stream_capturing())
