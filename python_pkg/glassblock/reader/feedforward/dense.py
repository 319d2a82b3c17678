"""Dense feed-forward blocks: two or three projections with a function between them."""

from __future__ import annotations

from collections.abc import Sequence

from glassblock.ir import FeedForward, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import Recognised
from glassblock.reader.feedforward.activations import activation_of
from glassblock.reader.tracing.graph import Graph, argument, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import SLICES


def recognise_feed_forward(branch: Branch) -> Recognised | None:
    """Recognise a feed-forward block: nothing in it mixes tokens.

    Without any function between its matrices it is a linear map of low rank and no feed-forward block (LAuReL).
    """
    spec = feed_forward(branch.graph, branch.ops)
    if spec is not None and spec.activation.value == "none" and not spec.gated.value:
        return Recognised("projector", "linear", spec)
    return Recognised("mlp", "mlp", spec) if spec is not None else None


def feed_forward(graph: Graph, ops: Sequence[Op]) -> FeedForward | None:
    """Read a feed-forward block from its operations; None if they are something else.

    A depthwise convolution between its projections is part of it (SegFormer's Mix-FFN, arXiv:2105.15203).
    """
    projections = [op for op in ops if graph.projection(op) is not None]
    others = [op for op in ops if graph.heavy(op) and op not in projections and graph.depthwise(op) is None]
    if len(projections) < 2 or others:
        return None
    down, between = down_projection(graph, projections, ops[0].index)
    if down is None:
        return None
    name, halves = activation_of(between), gated(graph, between)
    read = graph.projection(down)
    shapes = f"input of {graph.path_of(down) or down.name}: {show(graph.shape(read[0]))}" if read else ""
    return FeedForward(
        hidden=observed(_inner_width(graph, down), shapes),
        gated=observed(halves, f"{'a' if halves else 'no'} product of two projections"),
        activation=observed(name or "none", f"operations {_names(between)}"),
    )


def down_projection(graph: Graph, projections: Sequence[Op], first: int) -> tuple[Op | None, tuple[Op, ...]]:
    """Return the projection that reads the function of what another one made, and what is between them.

    The last one with a function before it: a matrix may be two of low rank. Without any function the last one.
    """
    found: list[tuple[Op, tuple[Op, ...]]] = []
    for op in reversed(projections):
        read = graph.projection(op)
        cone = graph.to_projections(read[0], first=first) if read is not None else None
        if cone is not None and any(graph.producer(value) in projections for value in cone.edge):
            found.append((op, cone.ops))
    working = [one for one in found if activation_of(one[1]) is not None or gated(graph, one[1])]
    return next(iter(working or found), (None, ()))


def gated(graph: Graph, ops: Sequence[Op]) -> bool:
    """Whether two different activations are multiplied: gate and value.

    ``x * sigmoid(x)`` is no gate: both factors come from the same place.
    """
    for op in ops:
        if op.name == "glu":
            return True
        if op.name == "mul" and len(op.inputs) == 2:
            factors = [origin(graph, value, ops[0].index) for value in op.inputs]
            sizes = {graph.size(value) for value in op.inputs}
            if all(factors) and len(sizes) == 1 and not (factors[0] & factors[1]):
                return True
    return False


def origin(graph: Graph, value: int, first: int) -> frozenset[int]:
    """Return the values in which an activation was projected or cut out."""

    def cut(op: Op) -> bool:
        smaller = op.name in SLICES and graph.size(op.outputs[0]) < graph.size(op.inputs[0])
        return smaller or graph.projection(op) is not None

    edge = graph.cone(value, first=first, at=cut).edge
    return frozenset(v for v in edge if graph.learned[v] and not graph.weights[v] and not graph.values[v].name)


def _inner_width(graph: Graph, op: Op) -> int:
    read = graph.projection(op)
    assert read is not None
    activation, weight = (graph.shape(v) for v in read)
    if op.name.startswith("conv"):
        return weight[1] * (argument(op, 6, "groups") or 1)
    # Experts that are multiplied as a batch put the weight first and the token in the last column.
    return activation[-2] if op.inputs[0] == read[1] and len(weight) == 3 else activation[-1]


def _names(ops: Sequence[Op]) -> str:
    return ", ".join(dict.fromkeys(op.name for op in ops))[:80]
