"""How many heads there are: numbers in q over tokens times channels of a head.

Dividing by the tokens that went into the projection, instead of naming a dimension, holds in every layout: heads before
or after tokens, tokens before the batch, images cut into windows.
"""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.attention.core import Core
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import flattenings
from glassblock.reader.branches.trail import Trail, trail
from glassblock.reader.tracing.graph import Graph, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import REPEATS


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
    graph, k = branch.graph, core.k
    width = graph.shape(k)[-1]
    # Where nothing was cut into pieces the keys' own number is sure; they may come from two places.
    tokens = branch.batch * core.keys if core.heads == heads else None
    for op in trail(branch, k).since_projection():
        if op.name not in REPEATS or graph.shape(op.outputs[0])[-1] != width:
            continue
        before, after = graph.size(op.inputs[0]), graph.size(op.outputs[0])
        found = _by_size(graph, branch, before, k, width, tokens) if before < after else None
        if found is not None:
            shapes = f"{show(graph.shape(op.inputs[0]))} to {show(graph.shape(op.outputs[0]))}"
            return observed(found, f"{op.name} of k: {shapes}")
    found = _by_size(graph, branch, graph.size(k), k, width, tokens)
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
