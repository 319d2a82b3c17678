"""Rotary position embedding, recognised by its arithmetic.

A rotation is a sum of two products of which one factor each comes from the activation and the other
from the positions alone: ``x * cos + rotate(x) * sin``. How many channels take part is read from the
shapes; halves that are rotated apart are counted together where they are joined.
"""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.graph import Cone, Graph, show
from glassblock.reader.record import Op

_JOINS = ("cat", "concat", "stack", "hstack")


def rope_dims(graph: Graph, queries: Cone) -> Fact[int]:
    """Count the channels of a head that are rotated.

    Parameters
    ----------
    graph
        The recording.
    queries
        What happened to the queries between their projection and the attention.
    """
    rotated = _rotated(graph, queries)
    if not rotated:
        return observed(0, "no rotation between the query projection and the attention")
    for op in queries.named(*_JOINS):
        joined = [v for v in op.inputs if graph.same(v) in rotated]
        if joined:
            dims = sum(rotated[graph.same(v)] for v in joined)
            return observed(dims, f"rotation of {show(graph.shape(op.outputs[0]))}")
    value, dims = next(iter(rotated.items()))
    return observed(dims, f"rotation of {show(graph.shape(value))}")


def _rotated(graph: Graph, cone: Cone) -> dict[int, int]:
    """Values that a rotation made, with the number of channels that it mixed."""
    found: dict[int, int] = {}
    for op in cone.ops:
        value = op.outputs[0] if op.outputs else -1
        if op.name in ("add", "sub") and len(op.inputs) == 2:
            sides = [graph.producer(graph.same(v)) for v in op.inputs]
            if all(side is not None and _by_position(graph, side) for side in sides):
                found[value] = graph.shape(value)[-1]
        elif op.name == "mul" and "complex" in graph.values[value].dtype and _by_position(graph, op):
            found[value] = 2 * graph.shape(value)[-1]
    return found


def _by_position(graph: Graph, op: Op) -> bool:
    """Whether an activation is multiplied by something that knows the positions alone."""
    if op.name != "mul" or len(op.inputs) != 2:
        return False
    one, other = op.inputs
    if graph.learned[one] == graph.learned[other]:
        return False
    angles = other if graph.learned[one] else one
    return graph.size(angles) > 1
