"""How many heads there are: numbers in q over tokens times channels of a head.

Dividing by the tokens that went into the projection, instead of naming a dimension, holds in every layout: heads before
or after tokens, tokens before the batch, images cut into windows. The way
from a value back to the stream is its `trail`.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, observed
from glassblock.reader.attention_core import Core
from glassblock.reader.branch import Branch
from glassblock.reader.graph import REPEATS, Graph, show
from glassblock.reader.recognise import flattenings
from glassblock.reader.record import Op


@dataclass(frozen=True, slots=True)
class Trail:
    """The way of an activation back from a value to where the layer began.

    Attributes
    ----------
    ops
        The operations on it, last first, norms left out.
    projections
        Those among them that are projections.
    end
        Where it ends: the stream, or a value from outside the layer.
    """

    ops: tuple[Op, ...]
    projections: tuple[Op, ...]
    end: int

    def since_projection(self) -> tuple[Op, ...]:
        """Return the operations after the last projection."""
        return self.ops[: self.ops.index(self.projections[0])] if self.projections else self.ops


def trail(branch: Branch, value: int) -> Trail:
    """Follow a value back, at each operation along the largest activation."""
    graph, first = branch.graph, branch.stream.call.first
    ops: list[Op] = []
    projections: list[Op] = []
    while value not in branch.stream.states:
        op = graph.producer(value)
        site = branch.norms.get(value)
        if site is not None and site.input != value:
            value = site.input
            continue
        if op is None or op.index < first or not op.inputs:
            break
        ops.append(op)
        read = graph.projection(op)
        if read is not None:
            projections.append(op)
            value = read[0]
            continue
        moving = [v for v in op.inputs if graph.activation(v) and not graph.weights[v]]
        if not moving:
            break
        value = max(moving, key=graph.size)
    return Trail(tuple(ops), tuple(projections), value)


def count_heads(branch: Branch, q: int, v_head_dim: int, projection: Op | None, leading: int) -> int:
    """Count query heads: by the size of q, or as they lie before the output projection.

    Parameters
    ----------
    branch
        The branch.
    q
        The queries as they go into the product.
    v_head_dim
        Channels of a head's output.
    projection
        The output projection.
    leading
        How many matrices of scores there are for each text.
    """
    graph = branch.graph
    sized = _by_size(graph, branch, graph.size(q), q, graph.shape(q)[-1])
    read = graph.projection(projection) if projection is not None else None
    if read is not None and sized != leading:
        width = graph.shape(read[0])[-1]
        for heads, channels in flattenings(branch, read[0]):
            if channels == v_head_dim and heads * channels == width:
                return heads
    return sized or leading


def count_kv_heads(branch: Branch, core: Core, heads: int) -> Fact[int] | None:
    """Count key/value heads before they are repeated for the query heads."""
    graph, k, v = branch.graph, core.k, core.v
    dims = graph.shape(k)[-1], graph.shape(v)[-1]
    # Where nothing was cut into pieces the keys' own number is sure; they may come from two places.
    tokens = branch.batch * core.keys if core.heads == heads else None
    for value, dim in ((k, dims[0]), (v, dims[1])):
        for op in trail(branch, value).since_projection():
            if op.name not in REPEATS or graph.shape(op.outputs[0])[-1] != dim:
                continue
            before, after = graph.size(op.inputs[0]), graph.size(op.outputs[0])
            found = _by_size(graph, branch, before, value, dim, tokens) if before < after else None
            if found is not None:
                shapes = f"{show(graph.shape(op.inputs[0]))} to {show(graph.shape(op.outputs[0]))}"
                return observed(found, f"{op.name} of k: {shapes}")
    found = _by_size(graph, branch, graph.size(k), k, dims[0], tokens)
    return None if found is None else observed(found, f"k: {show(graph.shape(k))}")


def _by_size(
    graph: Graph, branch: Branch, size: int, value: int, channels: int, tokens: int | None = None
) -> int | None:
    tokens = tokens or _tokens(graph, trail(branch, value))
    if not tokens or size % (tokens * channels):
        return None
    return size // (tokens * channels) or None


def _tokens(graph: Graph, path: Trail) -> int | None:
    """How many tokens, of all texts together, the projections on a trail read."""
    counts = []
    for op in path.projections:
        read = graph.projection(op)
        assert read is not None
        convolved = op.name.startswith("conv")
        value = op.outputs[0] if convolved else read[0]
        counts.append(graph.size(value) // graph.shape(value)[1 if convolved else -1])
    return min(counts, default=None)
