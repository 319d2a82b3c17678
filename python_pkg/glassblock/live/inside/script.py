"""The script of a kind of call: at which of its operations which tap is, and what is to be done there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from glassblock.errors import TapError
from glassblock.ir import Block
from glassblock.live.inside.kernel import KernelCall
from glassblock.live.inside.stepper import Act
from glassblock.reader.attention.values import attention_values
from glassblock.reader.branches.place import Missing, Place, View
from glassblock.reader.insides import places
from glassblock.reader.tracing.steps import made, tensors, writes
from glassblock.reader.tracing.watch import Watched

KEPT = ("scores", "pattern")
"""Taps that a kernel may keep to itself."""

Change = Callable[[Tensor], Tensor]
"""An edit of a tap, bound to its pass: takes and returns the tensor in its documented shape."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a tap is in a sequence of operations.

    Attributes
    ----------
    step
        Its operation.
    which
        Which of the tensors that this one makes.
    view
        How to look at it.
    """

    step: int
    which: int
    view: View


@dataclass(frozen=True, slots=True)
class Script:
    """What is known of a kind of call.

    Attributes
    ----------
    names
        Its operations.
    spots
        By tap, or the reason why it is not offered.
    kernel
        The operation that is torch's own attention, whose scores and pattern are computed; None where there is none.
    """

    names: tuple[str, ...]
    spots: Mapping[str, Spot | Missing]
    kernel: int | None = None

    def check(self, taps: Sequence[str]) -> None:
        """Raise a `TapError` if one of the taps is not offered."""
        for tap in taps:
            if tap in KEPT and self.kernel is not None:
                continue
            spot = self.spots.get(tap, Missing("nothing of the kind was seen in its pass"))
            if isinstance(spot, Missing):
                raise TapError(spot.reason)

    def acts(self, work: Mapping[str, Work]) -> dict[int, Act]:
        """Return what is to be done at which operation, for taps that were checked."""
        by_step: dict[int, list[tuple[Spot, Work]]] = defaultdict(list)
        acts: dict[int, Act] = {}
        for tap, what in work.items():
            spot = self.spots.get(tap)
            if isinstance(spot, Spot) and not (tap in KEPT and self.kernel is not None):
                by_step[spot.step].append((spot, what))
        for step, at in by_step.items():
            acts[step] = _act(self.names[step], at)
        kept = {tap: work[tap] for tap in KEPT if tap in work}
        if self.kernel is not None and kept:
            acts[self.kernel] = _after(_kernel_act(kept), acts.get(self.kernel))
        return acts


@dataclass(slots=True)
class Work:
    """What is wanted of a tap: changes, in their order, and to be shown the tensor before them."""

    changes: list[Change] = field(default_factory=list)
    show: Callable[[Tensor], None] | None = None

    def through(self, x: Tensor) -> Tensor:
        """Show a tensor and return it changed; the same object where nothing changes it."""
        if self.show:
            self.show(x)
        for change in self.changes:
            x = change(x)
        return x


def script_of(call: Watched, block: Block) -> Script:
    """Find out where the taps of a block are in a recorded call.

    Raises
    ------
    TapError
        If the call has nothing to read.
    """
    graph = call.graph
    spots = {tap: _spot(call, place) for tap, place in places(graph, call.source, call.output, block).items()}
    values = attention_values(graph, call.source, call.output) if block.role == "attention" else None
    kernel = values.kernel if values else None
    if kernel is None or values is None:
        return Script(tuple(call.steps), spots)
    given = KernelCall.of(*call.arguments(kernel))
    off = given.off(call.tensor(kernel.outputs[0]))
    if off:
        return Script(tuple(call.steps), {**spots, **dict.fromkeys(KEPT, Missing(off))})
    return Script(tuple(call.steps), spots, kernel.step)


def _spot(call: Watched, place: Place | Missing) -> Spot | Missing:
    if isinstance(place, Missing):
        return place
    op = call.graph.producer(place.value)
    if op is None or op.step < 0:
        return Missing("it is given to its module and not made in it")
    return Spot(op.step, op.outputs.index(place.value), place.view)


def _act(name: str, at: Sequence[tuple[Spot, Work]]) -> Act:
    def act(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = tensors((args, kwargs))
        result = func(*args, **kwargs)
        for spot, work in at:
            x = made(name, inputs, result)[spot.which]
            new = _changed(x, spot.view, work)
            if new is x:
                continue
            if writes(name):
                x.copy_(new)
            else:
                result = _replaced(result, x, new)
        return result

    return act


def _changed(x: Tensor, view: View, work: Work) -> Tensor:
    """Return a tensor with what a view shows of it changed; the same object where nothing is."""
    seen = view(x)
    new = work.through(seen)
    if new is seen:
        return x
    if new.shape != seen.shape:
        raise TapError(f"expected an edit to keep the shape {tuple(seen.shape)}, got {tuple(new.shape)}")
    whole = x.clone(memory_format=torch.preserve_format)
    part = view(whole)
    if part.untyped_storage().data_ptr() != whole.untyped_storage().data_ptr():
        raise TapError("it is laid out so that it can be read and not edited")
    part.copy_(new)
    return whole


def _replaced(result: Any, x: Tensor, new: Tensor) -> Any:
    if result is x:
        return new
    return tree_map(lambda leaf: new if leaf is x else leaf, result)


def _kernel_act(kept: Mapping[str, Work]) -> Act:
    """Return what stands for a kernel: itself where it is only looked at, else the written-out softmax."""
    scoring, weighing = (kept.get(tap, Work()) for tap in KEPT)

    def act(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = KernelCall.of(args, kwargs)
        if not scoring.changes and not weighing.changes:
            with torch.no_grad():
                scores = scoring.through(call.scores())
                if weighing.show:
                    weighing.show(call.pattern(scores))
            return func(*args, **kwargs)
        pattern = weighing.through(call.pattern(scoring.through(call.scores())))
        return call.mixed(pattern).to(call.value.dtype)

    return act


def _after(first: Act, then: Act | None) -> Act:
    """Return both: the second gets what the first returned as what the operation returned."""
    if then is None:
        return first
    return lambda func, args, kwargs: then(lambda *a, **k: first(func, a, k), args, kwargs)
