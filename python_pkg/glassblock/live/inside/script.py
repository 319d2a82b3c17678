"""The script of a kind of call: at which of its operations which tap is, and what is to be done there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from glassblock.errors import TapError
from glassblock.ir import Block
from glassblock.live.inside.kernel import KernelCall
from glassblock.live.inside.region import Region
from glassblock.live.inside.rehearsal import Rehearsed
from glassblock.live.inside.stepper import Act
from glassblock.reader.attention.values import attention_values
from glassblock.reader.branches.place import LinearMap, Missing, Place, View
from glassblock.reader.insides import linear_map, places
from glassblock.reader.tracing.graph import LAYOUT, Graph
from glassblock.reader.tracing.record import Op, Ref
from glassblock.reader.tracing.steps import made, tensors, writes
from glassblock.reader.tracing.watch import Watched

KEPT = ("scores", "pattern")
"""Taps that a kernel may keep to itself."""

Change = Callable[[Tensor], Tensor]
"""An edit of a tap, bound to its pass: takes and returns the tensor in its documented shape."""


@dataclass(frozen=True, slots=True)
class At:
    """A tensor of an operation: which of those that it is given, or of those that it makes."""

    step: int
    which: int
    given: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a tap is in a sequence of operations.

    Attributes
    ----------
    seen
        Where it is read: where it is made; what a cache holds is made outside of the call, and read where it is used.
    changed
        Where it is edited: wherever it is used, so that a cache keeps what the model made and no edit meets it twice.
    apart
        Those of them that do not lead into a projection.
    view, also
        How to look at it, and at further copies of the same numbers.
    """

    seen: At
    changed: tuple[At, ...]
    apart: tuple[At, ...]
    view: View
    also: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What is known of a kind of call.

    Attributes
    ----------
    names
        Its operations.
    spots
        By tap, or the reason why it is not offered.
    kernels
        The operations that are torch's own attention, whose scores and pattern are computed; empty where there is none.
    heads
        How many heads it has.
    linear
        What goes through it linearly, of a mixer of which that is known.
    """

    names: tuple[str, ...]
    spots: Mapping[str, Spot | Missing]
    kernels: tuple[int, ...] = ()
    heads: int = 1
    linear: LinearMap | None = None

    def check(self, taps: Sequence[str]) -> None:
        """Raise a `TapError` if one of the taps is not offered."""
        for tap in taps:
            if tap in KEPT and self.kernels:
                continue
            spot = self.spots.get(tap, Missing("nothing of the kind was seen in its pass"))
            if isinstance(spot, Missing):
                raise TapError(spot.reason)

    def acts(self, work: Mapping[str, Work]) -> dict[int, Act]:
        """Return what is to be done at which operation, for taps that were checked."""
        by_step: dict[int, list[_Doing]] = defaultdict(list)
        acts: dict[int, Act] = {}
        for tap, what in work.items():
            spot = self.spots.get(tap)
            if isinstance(spot, Spot) and not (tap in KEPT and self.kernels):
                changed = (spot.apart if what.apart else spot.changed) if what.changes else ()
                for at in dict.fromkeys((spot.seen, *changed)):
                    by_step[at.step].append(_Doing(at, at == spot.seen, at in changed, spot, what))
        for step, doing in by_step.items():
            acts[step] = _act(self.names[step], doing)
        kept = {tap: work[tap] for tap in KEPT if tap in work}
        for kernel in self.kernels if kept else ():
            # Several parts of the values are weighed by one pattern: it is shown once, and edited for each of them.
            mine = kept if kernel == self.kernels[0] else {tap: Work(what.changes) for tap, what in kept.items()}
            acts[kernel] = _after(_kernel_act(mine, self.heads), acts.get(kernel))
        return acts


Show = Callable[[Callable[[], Tensor]], None]
"""Somebody who wants to see a tap: gets a function that returns it in its documented shape, and keeps its errors."""


@dataclass(slots=True)
class Work:
    """What is wanted of a tap in one call.

    Attributes
    ----------
    changes
        Edits, in their order.
    shows
        Who wants to see it, before the edits.
    apart
        Whether it is edited only where it does not go into a projection.
    """

    changes: list[Change] = field(default_factory=list)
    shows: list[Show] = field(default_factory=list)
    apart: bool = False
    _done: tuple[Tensor, Tensor] | None = None

    def show(self, look: Callable[[], Tensor]) -> None:
        """Show it to all who want to see it."""
        for show in self.shows:
            show(look)

    def through(self, x: Tensor) -> Tensor:
        """Return a tensor in its documented shape changed; the same object where nothing changes it."""
        for change in self.changes:
            x = change(x)
        return x

    def changed(self, x: Tensor, spot: Spot) -> Tensor:
        """Return a tensor with what a spot's view shows of it changed, also where it is used a second time."""
        if self._done is None or self._done[0] is not x:
            self._done = x, _written(x, spot, self.through(spot.view(x)))
        return self._done[1]


@dataclass(frozen=True, slots=True)
class _Doing:
    """What is to be done with one tensor of one operation."""

    at: At
    show: bool
    change: bool
    spot: Spot
    work: Work


def script_of(rehearsed: Rehearsed, block: Block, region: Region | None = None) -> Script:
    """Find out where the taps of a block are in a rehearsed call of its module, or of its layer where it has none."""
    call = rehearsed.call
    source, output = (call.source, call.output) if region is None else region.ends(call.graph)
    found = places(call.graph, source, output, block)
    script = Script(
        tuple(call.steps), {tap: _spot(call, place) for tap, place in found.items()}, linear=linear_map(block, found)
    )
    values = attention_values(call.graph, source, output) if block.role == "attention" else None
    kernels = tuple(kernel.step for kernel in values.kernels) if values else ()
    off = next((off for off in map(rehearsed.off.get, kernels) if off is not None), None)
    if off is not None:
        return replace(script, spots={**script.spots, **dict.fromkeys(KEPT, Missing(off))})
    return replace(script, kernels=kernels, heads=block.heads)


def _spot(call: Watched, place: Place | Missing) -> Spot | Missing:
    if isinstance(place, Missing):
        return place
    op = call.graph.producer(place.value)
    made_at = None if op is None else At(op.step, op.outputs.index(place.value), given=False)
    used = {
        At(user.step, which, given=True): user
        for user in call.graph.consumers[place.value]
        for which, value in enumerate(_given(user))
        if value == place.value
    }
    seen = made_at or next(iter(used), None)
    if seen is None:
        return Missing("it is given to its module and not used there")
    apart = tuple(at for at, user in used.items() if not _projected(call.graph, user))
    return Spot(seen, tuple(used) or (seen,), apart, place.view, place.also)


def _projected(graph: Graph, user: Op) -> bool:
    """Whether an operation hands what it is given to a projection, in another layout or as it is."""
    ways = [user, *(graph.onward(user.outputs, lambda op: op.name in LAYOUT) if user.name in LAYOUT else ())]
    return any(graph.projection(op) is not None for op in ways)


def _given(op: Op) -> list[int]:
    """Return the values among an operation's arguments, in order."""
    leaves = tree_leaves((op.args, op.kwargs), is_leaf=lambda leaf: isinstance(leaf, Ref))
    return [leaf.value for leaf in leaves if isinstance(leaf, Ref)]


def _act(name: str, doing: Sequence[_Doing]) -> Act:
    """Return what is done at an operation: with what it is given before it runs, with what it makes after."""
    before = [each for each in doing if each.at.given]
    after = [each for each in doing if not each.at.given]

    def act(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = tensors((args, kwargs))
        for each in before:
            x = inputs[each.at.which]
            new = _done(each, x)
            if new is not x and x is inputs[0] and writes(name):
                x.copy_(new)  # the model goes on with the tensor that it writes into
            else:
                args, kwargs = _replaced((args, kwargs), x, new)
        result = func(*args, **kwargs)
        for each in after:
            x = made(name, inputs, result)[each.at.which]
            new = _done(each, x)
            if new is not x and writes(name):
                x.copy_(new)
            else:
                result = _replaced(result, x, new)
        return result

    return act


def _done(doing: _Doing, x: Tensor) -> Tensor:
    if doing.show:
        doing.work.show(lambda: doing.spot.view(x))
    return doing.work.changed(x, doing.spot) if doing.change else x


def _written(x: Tensor, spot: Spot, new: Tensor) -> Tensor:
    """Return a copy of a tensor in which a view of it holds something new; itself where it is nothing new."""
    seen = spot.view(x)
    if new is seen or (new.shape == seen.shape and new.data_ptr() == seen.data_ptr()):
        return x
    if new.shape != seen.shape:
        raise TapError(f"expected an edit to keep the shape {tuple(seen.shape)}, got {tuple(new.shape)}")
    whole = x.clone(memory_format=torch.preserve_format)
    for view in (spot.view, *spot.also):
        part = view(whole)
        if part.untyped_storage().data_ptr() != whole.untyped_storage().data_ptr():
            raise TapError("it is laid out so that it can be read and not edited")
        part.copy_(new)
    return whole


def _replaced(result: Any, x: Tensor, new: Tensor) -> Any:
    if new is x:
        return result
    if result is x:
        return new
    return tree_map(lambda leaf: new if leaf is x else leaf, result)


def _kernel_act(kept: Mapping[str, Work], heads: int) -> Act:
    """Return what stands for a kernel: itself where it is only looked at, else the written-out softmax."""
    scoring, weighing = (kept.get(tap, Work()) for tap in KEPT)

    def in_heads(scores: Tensor) -> Tensor:
        """Return (batch, heads, tokens, keys): heads that share a key may be packed side by side, as tokens are."""
        if scores.ndim == 3:
            return scores.reshape(-1, heads, *scores.shape[1:])
        return scores.reshape(scores.shape[0], heads, -1, scores.shape[-1])

    def act(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = KernelCall.of(args, kwargs)
        if not scoring.changes and not weighing.changes:
            with torch.no_grad():
                scores = cache(lambda: in_heads(call.scores()))
                scoring.show(scores)
                weighing.show(lambda: call.pattern(scores()))
            return func(*args, **kwargs)
        packed = call.scores()
        scoring.show(lambda: in_heads(packed))
        pattern = call.pattern(scoring.through(in_heads(packed)))
        weighing.show(lambda: pattern)
        return call.mixed(weighing.through(pattern).reshape_as(packed)).to(call.value.dtype)

    return act


def _after(first: Act, then: Act | None) -> Act:
    """Return both: the second gets what the first returned as what the operation returned."""
    if then is None:
        return first
    return lambda func, args, kwargs: then(lambda *a, **k: first(func, a, k), args, kwargs)
