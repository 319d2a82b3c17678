"""Which values of a recording are an attention's queries, keys, values, scores and pattern.

The recording may be of a live pass, of one module with its numbers: in prefill or while decoding, by any kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.reader.attention.core import FUSED, attention_core
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.tracing.graph import Graph, argument
from glassblock.reader.tracing.record import Op, Ref


@dataclass(frozen=True, slots=True)
class AttentionValues:
    """Values of a recording, by their numbers.

    Attributes
    ----------
    q, k, v
        What goes into the products: rotated where there is a rotation, keys and values with those of the cache. To a
        kernel keys are given as tokens x channels, to a product that is written out as channels x tokens.
    mixed
        The weighted sums of values.
    heads
        How many heads ask.
    scores, pattern
        What goes into the softmax, and what the values are weighed by. None where a kernel does it all.
    kernels
        The calls of torch's own kernel that weigh by one pattern; one but where several parts of the values are weighed
        apart. Empty where the attention is written out.
    """

    q: int
    k: int
    v: int
    mixed: int
    heads: int
    scores: int | None = None
    pattern: int | None = None
    kernels: tuple[Op, ...] = ()


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
    if core.op.name == FUSED:
        kernels = tuple(op for op in branch.ops if op.name == FUSED and _weighs_alike(op, core.op))
        return AttentionValues(core.q, core.k, core.v, core.mixed, core.heads, kernels=kernels)
    product = graph.producer(core.mixed)
    factors = graph.product(product) if product is not None else None
    met = graph.product(core.steps[0])
    if factors is None or met is None:
        return None
    pattern = next((value for value in factors if graph.same(value) != graph.same(core.v)), None)
    return AttentionValues(core.q, met[1], core.v, core.mixed, core.heads, core.op.inputs[0], pattern)


def _weighs_alike(op: Op, other: Op) -> bool:
    """Whether two calls of the kernel are given the same but for their values."""
    return _pattern_of(op) == _pattern_of(other)


def _pattern_of(op: Op) -> tuple[object, ...]:
    names = {0: "query", 1: "key", 3: "attn_mask", 5: "is_causal", 6: "scale"}
    given = [argument(op, at, name) for at, name in names.items()]
    return tuple(each.value if isinstance(each, Ref) else each for each in given)
