"""Edges between stacks: what one run of layers hands to another, and what it goes through on the way."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from glassblock.ir import Block, Edge
from glassblock.reader.feedforward.dense import feed_forward
from glassblock.reader.operations.flow import Flow
from glassblock.reader.operations.params import count_in
from glassblock.reader.operations.shapes import length, named
from glassblock.reader.operations.work import multiply_adds
from glassblock.reader.stacks.runs import Run
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op


def edges_into(graph: Graph, flow: Flow, run: Run) -> list[Edge]:
    """Return the edges that end in a run of layers.

    Parameters
    ----------
    graph
        The recording.
    flow
        What flows between runs.
    run
        Where they end.
    """
    joined = any(op.name == "embedding" for op in flow.way(run.source).below)
    found = _from_all(graph, flow, run.source, Edge("", run.stack.name, "merge" if joined else "stream"))
    for value in dict.fromkeys(_contexts(graph, flow, run).values()):
        found += _from_all(graph, flow, value, Edge("", run.stack.name, "cross-attention"))
    return [*found, *_between_layers(graph, flow, run)]


def _between_layers(graph: Graph, flow: Flow, run: Run) -> list[Edge]:
    """Return what joins the stream from one layer to the next: Qwen3-VL adds what early vision layers saw."""
    found: list[Edge] = []
    for index, (before, call) in enumerate(pairwise(run.calls), start=1):
        value = call.inputs[0]
        if graph.same(value) not in {graph.same(made) for made in before.outputs}:
            edge = Edge("", run.stack.name, "merge", enters=(index,))
            found += [one for one in _from_all(graph, flow, value, edge) if _seen(one) not in map(_seen, found)]
    return found


def _seen(edge: Edge) -> tuple[str, tuple[int, ...]]:
    return edge.source, edge.leaves


def _from_all(graph: Graph, flow: Flow, value: int, edge: Edge) -> list[Edge]:
    """Return an edge of one kind from each run that a value is made of."""
    found: list[Edge] = []
    way, taken = flow.way(value), set[int]()
    for origin in reversed(way.origins):  # what several come through is on the way from the last of them
        if origin != edge.target:
            own = [op for op in flow.from_run(origin, way) if op.index not in taken]
            taken.update(op.index for op in own)
            work = [op for op in own if _works(graph, op)]
            via = tuple(_projectors(graph, work))  # they are numbered over all edges, with the names of the stacks
            shape = named(graph, value)
            found.append(replace(edge, source=origin, via=via, shape=shape, leaves=way.leaves[origin]))
    return found[::-1]


def _contexts(graph: Graph, flow: Flow, run: Run) -> dict[str, int]:
    """Return what the layers are given besides the stream that comes from another run, by that run."""
    looked_at = {
        branch.context for group in run.stack.groups for branch in group.template.branches if branch.context is not None
    }
    found: dict[str, int] = {}
    for call in run.calls:
        for value in call.inputs:
            for origin in flow.way(value).origins if graph.learned[value] else ():
                if origin in looked_at and value != run.source:
                    found.setdefault(origin, value)
        if looked_at <= found.keys():
            break
    return found


def _works(graph: Graph, op: Op) -> bool:
    """Whether an operation does what a projector is there for, or stands for a module that does."""
    if op.name == "folded":
        return any(_works(graph, inner) for inner in _ran_for(graph, op))
    return graph.projection(op) is not None or _convolves(graph, op)


def _ran_for(graph: Graph, folded: Op) -> list[Op]:
    """Return what ran in the module that is like the one that an operation answered for."""
    key = graph.calls[folded.call].key if folded.call is not None else ""
    return next((graph.span(call) for call in graph.calls if key and call.key == key and not call.folded), [])


def _convolves(graph: Graph, op: Op) -> bool:
    return op.name.startswith("conv") and len(op.inputs) > 1 and bool(graph.weights[op.inputs[1]])


def _projectors(graph: Graph, work: list[Op]) -> list[Block]:
    """Make one block of projections that ran in one module; those without one stand alone."""
    if not work:
        return []
    call = graph.common_call(work)
    if call is not None and call.path and len(call.parents) > 1 and not _holds_layers(graph, call.path):
        return [_projector(graph, _run(graph, graph.span(call)), call.path)]
    by_call: dict[int | None, list[Op]] = {}
    for op in work:
        by_call.setdefault(op.call, []).append(op)
    return [_projector(graph, _run(graph, ops), graph.path_of(ops[0])) for ops in by_call.values()]


def _run(graph: Graph, ops: list[Op]) -> list[Op]:
    return _ran_for(graph, ops[0]) if ops[0].name == "folded" else ops


def _holds_layers(graph: Graph, path: str) -> bool:
    """Whether a module is more than what is between stacks: it runs layers itself."""
    return any(call.key for call in graph.calls if call.path.startswith(f"{path}."))


def _projector(graph: Graph, ops: list[Op], path: str) -> Block:
    heavy = [op for op in ops if graph.heavy(op)]
    first, last = heavy[0], heavy[-1]
    return Block(
        address="projector",
        role="projector",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, ops),
        spec=feed_forward(graph, ops),
        reads=named(graph, first.inputs[0]),
        makes=named(graph, last.outputs[0]),
        weights=multiply_adds(graph, ops, length(graph, last.outputs[0])),
    )
