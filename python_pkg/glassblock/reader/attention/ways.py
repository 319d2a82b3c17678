"""The way of queries or keys from their projection to the product, with what the dimensions count on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from glassblock.reader.attention.axes import CHANNELS, HEADS, Axes, after, before, count, look, pieces
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.trail import trail
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT, REPEATS, SLICES

Counted = tuple[int, Axes]
"""A value, and what its dimensions count."""
_SPLITS = LAYOUT | SLICES | {"clamp", "clip"}
"""What a projection is followed by before anything is done to its numbers but to bound them (DBRX)."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way of a factor of a product back to its projection.

    Attributes
    ----------
    values
        The values on it, the factor first, as far as it is known what their dimensions count.
    ops
        The operations on it, the last first.
    projected
        Whether a projection is at its other end.
    end
        The value that it leads to where there is none: one from outside.
    """

    values: dict[int, Axes]
    ops: tuple[Op, ...]
    projected: bool
    end: int

    def made(self, graph: Graph, channels: int) -> Counted | None:
        """Return the last value before any norm or rotation in which heads are whole; None where there is none."""
        read = {v for op in self.ops for v in op.inputs} | set(self.values)
        split = takewhile(lambda op: _splits(graph, op), reversed(self.ops))
        first = self.ops[-1].inputs if self.ops else self.values
        made = [v for v in first if v in self.values] + [v for op in split for v in op.outputs if v in read]
        whole = [(v, self.values[v]) for v in made if v in self.values] if self.projected else []
        whole = [each for each in whole if count(each[1], CHANNELS) == channels and look(each[1]) is not None]
        return next(reversed([each for each in whole if pieces(each[1], HEADS) <= 1] or whole), None)

    def copies(self, graph: Graph) -> int:
        """Return how often each head follows itself: keys may be repeated before they are turned or kept."""
        for op in self.ops:
            out = next((v for v in op.outputs if v in self.values), None)
            if op.name not in REPEATS or out is None or op.inputs[0] not in self.values:
                continue
            many, few = (count(self.values[v], HEADS) for v in (out, op.inputs[0]))
            if many > few and _inner(self.values[out], self.values[op.inputs[0]], op) and self._alike(graph, op, out):
                return many // few
        return 1

    def _alike(self, graph: Graph, repeat: Op, out: int) -> bool:
        """Whether all that happens to heads after they were repeated happens to all copies alike."""
        copied = {out, *(v for op in graph.onward([out], lambda _: True) for v in op.outputs)} | set(graph.remembered)
        for op in takewhile(lambda op: op is not repeat, self.ops):
            made = next((self.values[v] for v in op.outputs if v in self.values), ())
            heads = [at - len(made) for at, dim in enumerate(made) if any(axis.what == HEADS for axis in dim)]
            others = [graph.shape(v) for v in op.inputs if v not in copied and graph.size(v)]
            if any(len(shape) >= -at and shape[at] > 1 for shape in others for at in heads):
                return False
        return True


def way_of(branch: Branch, value: int, axes: Axes) -> Way:
    """Follow a factor of a product back to its projection."""
    graph, path = branch.graph, trail(branch, value)
    ops, known, counted = path.since_projection(), {value: axes}, axes
    sources = [*(op.outputs for op in path.ops[1 : len(ops) + 1]), (path.end,)]
    for op, earlier in zip(ops, sources, strict=False):
        source = next((v for v in op.inputs if v in earlier), None)
        found = None if source is None else before(graph, op, counted, source)
        if source is None or found is None:
            break
        known[source] = counted = found
    return Way(known, ops, bool(path.projections), path.end)


def same_behind(graph: Graph, value: int, axes: Axes) -> Iterator[Counted]:
    """Go back through values with the same numbers, each head also where it is there once."""
    yield value, axes
    while (op := graph.producer(value)) is not None and op.inputs:
        same = op.name in LAYOUT | SLICES and graph.size(op.inputs[0]) == graph.size(value)
        found = before(graph, op, axes, op.inputs[0]) if same or op.name in REPEATS else None
        if found is None:
            return
        value, axes = op.inputs[0], found
        yield value, axes


def same_onward(graph: Graph, value: int, axes: Axes) -> Iterator[Counted]:
    """Go on through values with the same numbers, as long as each is used once."""
    yield value, axes
    while len(users := graph.consumers[value]) == 1:
        found = after(graph, users[0], axes) if len(users[0].inputs) == 1 and users[0].outputs else None
        if found is None:
            return
        value, axes = users[0].outputs[0], found
        yield value, axes


def _splits(graph: Graph, op: Op) -> bool:
    """Whether an operation only takes apart what a projection made; a bias of its own is added first."""
    bias = op.name == "add" and sum(graph.values[v].trained and len(graph.shape(v)) == 1 for v in op.inputs) == 1
    return bias or (op.name in _SPLITS and len(op.inputs) == 1)


def _inner(many: Axes, few: Axes, op: Op) -> bool:
    """Whether the copies of a head follow each other."""
    if op.name == "repeat_interleave" or count(few, HEADS) == 1:
        return True
    grown = [at for at, (a, b) in enumerate(zip(reversed(many), reversed(few), strict=False)) if a != b]
    heads = [at for at, dim in enumerate(reversed(many)) if any(axis.what == HEADS for axis in dim)]
    return grown == heads[:1] and op.name in ("expand", "broadcast_to", "expand_as")
