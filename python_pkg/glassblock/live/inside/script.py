"""The script of a kind of call: at which of its operations which tap is, and what is to be done there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from glassblock.errors import TapError
from glassblock.ir import Block
from glassblock.live.inside.region import Region
from glassblock.live.inside.rehearsal import Rehearsed
from glassblock.live.inside.split import Split, splits
from glassblock.live.inside.stepper import Act
from glassblock.live.inside.swap import given
from glassblock.live.inside.work import AtTensor, Task, Work, act_of, kernel_act
from glassblock.reader.attention.values import attention_values
from glassblock.reader.branches.place import LinearMap, Missing, Place, View
from glassblock.reader.insides import linear_map, places
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT, SLICES
from glassblock.reader.tracing.watch import Watched

KEPT = ("scores", "pattern")
"""Taps that a kernel may keep to itself."""

CACHED = ("k_rot", "v")
"""Taps with what a cache holds from earlier passes, which are edited anew in each."""


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
    views
        How to look at it, and at further copies of the same numbers.
    """

    seen: At
    changed: tuple[At, ...]
    apart: tuple[At, ...]
    views: tuple[View, ...]


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
    spots: Mapping[str, Spot | Split | Missing]
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
        tasks: dict[int, list[Task]] = defaultdict(list)
        for tap, what in work.items():
            spot = self.spots.get(tap)
            if tap in KEPT and self.kernels:
                continue
            if isinstance(spot, Spot):
                changed = (spot.apart if what.apart else spot.changed) if what.changes else ()
                for at in dict.fromkeys((spot.seen, *changed)):
                    task = AtTensor(at.which, at.given, at == spot.seen, at in changed, spot.views, what)
                    tasks[at.step].append(task)
            elif isinstance(spot, Split):
                for step, one in spot.tasks(self.names, what).items():
                    tasks[step].append(one)
        instead = self._kernel_acts(work)
        return {step: act_of(self.names[step], tasks[step], instead.get(step)) for step in {*tasks, *instead}}

    def _kernel_acts(self, work: Mapping[str, Work]) -> dict[int, Act]:
        """Return what stands for torch's attention. Of several with one pattern the first shows it, and all edit it."""
        if not any(tap in work for tap in KEPT):
            return {}
        kept = [work.get(tap, Work()) for tap in KEPT]
        acts = {}
        for kernel in self.kernels:
            acts[kernel] = kernel_act(kept[0], kept[1], self.heads)
            kept = [Work(what.changes) for what in kept]
        return acts


def script_of(rehearsed: Rehearsed, block: Block, region: Region | None = None) -> Script:
    """Find out where the taps of a block are in a rehearsed call of its module, or of its layer where it has none."""
    call = rehearsed.call
    source, output = (call.source, call.output) if region is None else region.ends(call.graph)
    found = places(call.graph, source, output, block)
    spots: dict[str, Spot | Split | Missing] = {
        tap: _spot(call, place, whole=tap in CACHED) for tap, place in found.items()
    }
    spots.update(splits(call.graph, source, found))
    script = Script(tuple(call.steps), spots, linear=linear_map(block, found))
    values = attention_values(call.graph, source, output) if block.role == "attention" else None
    kernels = tuple(kernel.step for kernel in values.kernels) if values else ()
    off = next((off for off in map(rehearsed.off.get, kernels) if off is not None), None)
    if off is not None:
        return replace(script, spots={**script.spots, **dict.fromkeys(KEPT, Missing(off))})
    return replace(script, kernels=kernels, heads=block.heads)


def _spot(call: Watched, place: Place | Missing, *, whole: bool = False) -> Spot | Missing:
    """Return where a place is; of what is the ``whole`` that a cache holds, none that goes there is edited."""
    if isinstance(place, Missing):
        return place
    op = call.graph.producer(place.value)
    made_at = None if op is None else At(op.step, op.outputs.index(place.value), given=False)
    used = {
        At(user.step, which, given=True): user
        for each in (place.value, *place.again)
        for user in call.graph.consumers[each]
        for which, value in enumerate(given(user))
        if value == each and not (whole and _kept(call.graph, user))
    }
    seen = made_at or next(iter(used), None)
    if seen is None:
        return Missing("it is given to its module and not used there")
    apart = tuple(at for at, user in used.items() if not _projected(call.graph, user))
    return Spot(seen, tuple(used) or (seen,), apart, (place.view, *place.also))


def _kept(graph: Graph, user: Op) -> bool:
    """Whether an operation hands what it is given, or a part of it, to a cache and to nothing else."""
    ways = [user, *graph.onward(user.outputs, lambda _: True)]
    return all(op.name in LAYOUT | SLICES for op in ways) and not any(graph.returned[v] for v in user.outputs)


def _projected(graph: Graph, user: Op) -> bool:
    """Whether an operation hands what it is given to a projection, in another layout or as it is."""
    ways = [user, *(graph.onward(user.outputs, lambda op: op.name in LAYOUT) if user.name in LAYOUT else ())]
    return any(graph.projection(op) is not None for op in ways)
