"""Which values of a recording are an attention's queries, keys, values, scores and pattern.

The recording may be of a live pass, of one module with its numbers: in prefill or while decoding, by any kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.reader.attention.core import FUSED, attention_core
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.trail import trail
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.tracing.graph import LAYOUT, SLICES, Graph
from glassblock.reader.tracing.record import Op

TURNS = frozenset({"transpose", "permute", "swapaxes", "movedim"})
"""Operations that swap tokens and heads."""
_SPLITS = LAYOUT | SLICES | {"clamp", "clip"}
"""What a projection is followed by before anything is done to its numbers but to bound them (DBRX)."""


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection made of the stream for the heads, before any norm or rotation.

    Attributes
    ----------
    value
        Its number.
    by_head
        Whether heads come before tokens in it.
    channels
        How many each head has; heads may be side by side in it.
    """

    value: int
    by_head: bool
    channels: int


@dataclass(frozen=True, slots=True)
class AttentionValues:
    """Values of a recording, by their numbers.

    Attributes
    ----------
    q, k, v
        What goes into the products: rotated where there is a rotation, keys and values with those of the cache.
    mixed
        The weighted sums of values.
    heads
        How many heads ask.
    q_made, k_made
        Queries and keys as their projections made them; None where no single one does, as from two parts of a latent.
    scores, pattern
        What goes into the softmax, and what the values are weighed by. None where a kernel does it all.
    kernel
        The call of torch's own kernel, where there is one.
    """

    q: int
    k: int
    v: int
    mixed: int
    heads: int
    q_made: Projected | None
    k_made: Projected | None
    scores: int | None = None
    pattern: int | None = None
    kernel: Op | None = None


def attention_values(graph: Graph, source: int, output: int) -> AttentionValues | None:
    """Find the values of an attention in a recording of its module.

    Parameters
    ----------
    graph
        The recording.
    source
        The value that the module was given.
    output
        The value that it returned.

    Returns
    -------
    AttentionValues or None
        None where no softmax over tokens was seen.
    """
    return values_of(whole_branch(graph, source, output))


def values_of(branch: Branch) -> AttentionValues | None:
    """Find the values of an attention in its branch; None where no softmax over tokens was seen."""
    graph = branch.graph
    core = attention_core(branch)
    if core is None:
        return None
    made = _projected(branch, core.q), _projected(branch, core.k)
    if core.op.name == FUSED:
        return AttentionValues(core.q, core.k, core.v, core.mixed, core.heads, *made, kernel=core.op)
    product = graph.producer(core.mixed)
    factors = graph.product(product) if product is not None else None
    if factors is None:
        return None
    pattern = next((value for value in factors if graph.same(value) != graph.same(core.v)), None)
    return AttentionValues(core.q, core.k, core.v, core.mixed, core.heads, *made, core.op.inputs[0], pattern)


def _projected(branch: Branch, value: int) -> Projected | None:
    """Go back to the projection, and from there on as far as only the layout changes and heads are whole."""
    graph, channels = branch.graph, branch.graph.shape(value)[-1:]
    back = trail(branch, value)
    if not back.projections:
        return None
    read = {v for op in back.ops for v in op.inputs} | {value}
    made, by_head = back.projections[0].outputs[0], False
    way = [next((v for v in op.outputs if v in read), op.outputs[0]) for op in reversed(back.since_projection())]
    first = next((v for v in way if graph.shape(v)[-1:] == channels), value)  # split into heads, all of them or a part
    flat = graph.shape(made)[-1] % channels[0] == 0 and graph.size(made) == graph.size(first)
    found = Projected(made, by_head, channels[0]) if graph.shape(made)[-1:] == channels or flat else None
    for op, made in zip(reversed(back.since_projection()), way, strict=True):
        if op.name not in _SPLITS or len(op.inputs) != 1:
            break
        by_head ^= op.name in TURNS
        found = Projected(made, by_head, channels[0]) if graph.shape(made)[-1:] == channels else found
    return found
