"""The terms of an update: branches that were added to each other, or joined, before they met the stream.

A layer may add what two branches made and add the sum to the stream (parallel layers), or join what tokens of several
kinds were made to (mixture of transformers). Within a module a sum is that block's own affair, such as routed and
shared experts.
"""

from __future__ import annotations

from collections.abc import Collection

from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import JOINS


def terms(graph: Graph, layer: Call, states: Collection[int], value: int) -> list[int]:
    """Split an update into what its branches made.

    Parameters
    ----------
    graph
        The recording.
    layer
        The call of the layer.
    states
        The values that are the stream.
    value
        The update.

    Returns
    -------
    list of int
        Only what the layer itself added, and of which each term has work of its own; what was joined along the tokens
        wherever no work is common to both. The update alone where there is nothing to split.
    """
    op = graph.producer(graph.same(value))
    if op is None or op.call is None:
        return [value]
    ours = op.call == layer.index
    parts = _summed(graph, op) if ours else ()
    parts = parts or _side_by_side(graph, op)
    if len(parts) < 2:
        return [value]
    cones = [set(graph.cone(v, states, layer.first).ops) for v in parts]
    for at, cone in enumerate(cones):
        alone = cone.difference(*(other for i, other in enumerate(cones) if i != at))
        if sum(graph.heavy(o) for o in alone) < 2 or (not ours and any(map(graph.heavy, cone - alone))):
            return [value]
    return [term for v in parts for term in terms(graph, layer, states, v)]


def _summed(graph: Graph, op: Op) -> tuple[int, ...]:
    """Return the terms of a sum: of two, or of several that were stacked."""
    stacked = graph.producer(op.inputs[0]) if op.name == "sum" else None
    if stacked is not None and stacked.name == "stack":
        whole = graph.size(op.outputs[0])
        return stacked.inputs if all(graph.size(v) == whole for v in stacked.inputs) else ()
    return op.inputs if op.name == "add" and len(op.inputs) == 2 else ()


def _side_by_side(graph: Graph, op: Op) -> tuple[int, ...]:
    """Return what was joined along the tokens: each kind of token has its own weights (mixture of transformers)."""
    width = graph.shape(op.outputs[0])[-1:]
    joined = op.name in JOINS and len(op.inputs) > 1
    return op.inputs if joined and all(graph.shape(v)[-1:] == width for v in op.inputs) else ()
