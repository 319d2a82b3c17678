"""What flows between runs of layers: which run a value comes from, and what happened to it on the way.

A run of layers is known by the path of its container. Every layer's output counts as the run's, because some models
take the stream of a layer before the last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op


@dataclass(frozen=True, slots=True)
class Way:
    """What a value was made from, as far as the layers of any run.

    Attributes
    ----------
    origins
        Containers of the runs it comes from, in the order in which they ran.
    leaves
        For each of them the layers whose outputs those are, by their places in the run.
    below
        Operations that depend on none of them.
    between
        Operations that do, in the order of execution.
    """

    origins: tuple[str, ...]
    leaves: dict[str, tuple[int, ...]]
    below: tuple[Op, ...]
    between: tuple[Op, ...]


class Flow:
    """Questions about what flows between runs.

    Parameters
    ----------
    graph
        The recording.
    calls
        For the container of each run the calls of its layers.
    """

    def __init__(self, graph: Graph, calls: dict[str, list[Call]]) -> None:
        self._graph = graph
        self._outputs = {
            graph.same(value): (container, place)
            for container, layers in calls.items()
            for place, call in enumerate(layers)
            for value in call.outputs
            if value not in call.inputs
        }
        self._order = list(calls)
        self._spans = sorted((call.first, call.last) for layers in calls.values() for call in layers)
        self._known: dict[int, Way] = {}

    def within(self, op: Op) -> bool:
        """Whether an operation ran in a layer."""
        at = bisect_right(self._spans, op.index, key=itemgetter(0)) - 1
        return at >= 0 and op.index < self._spans[at][1]

    def run_of(self, call: Call) -> str:
        """Return the run that a layer's call is of; empty where it is of none."""
        return next((self._outputs[v][0] for v in map(self._graph.same, call.outputs) if v in self._outputs), "")

    def way(self, value: int) -> Way:
        """Return where a value comes from."""
        if value not in self._known:
            self._known[value] = self._find(value)
        return self._known[value]

    def _find(self, value: int) -> Way:
        graph = self._graph
        cone = graph.cone(value, at=lambda op: any(graph.same(v) in self._outputs for v in op.outputs))
        reached = {self._outputs[graph.same(v)] for v in cone.edge if graph.same(v) in self._outputs}
        leaves = {run: tuple(sorted(at for other, at in reached if other == run)) for run, _ in reached}
        dependent = {v for v in cone.edge if graph.same(v) in self._outputs}
        below: list[Op] = []
        between: list[Op] = []
        for op in cone.ops:
            later = any(v in dependent for v in op.inputs)
            (between if later else below).append(op)
            if later:
                dependent.update(op.outputs)
        return Way(tuple(sorted(leaves, key=self._order.index)), leaves, tuple(below), tuple(between))

    def from_run(self, run: str, way: Way) -> list[Op]:
        """Return the operations on a way that depend on one of the runs that it comes from."""
        found: list[Op] = []
        dependent: set[int] = set()
        for op in way.between:
            if any(v in dependent or self._outputs.get(self._graph.same(v), ("",))[0] == run for v in op.inputs):
                dependent.update(op.outputs)
                found.append(op)
        return found

    def after(self, values: Iterable[int]) -> tuple[Op, ...]:
        """Return the operations that depend on some values and ran in no layer, in the order of execution."""
        found = {op.index for op in self._graph.onward(values, self._apart) if self._apart(op)}
        return tuple(self._graph.ops[index] for index in sorted(found))

    def _apart(self, op: Op) -> bool:
        return not self.within(op)
