"""Which values of a recording are an attention's queries, keys, values, scores and pattern.

The recording may be of a live pass, of one module with its numbers: in prefill or while decoding, by any kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from glassblock.reader.attention.core import FUSED, Core, attention_cores
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
    again
        Scores and pattern where they are made once more in the same way, for another part of the values.
    parts, several
        How many softmaxes there are, and whether they are of different scores.
    """

    q: int
    k: int
    v: int
    mixed: int
    heads: int
    scores: int | None = None
    pattern: int | None = None
    kernels: tuple[Op, ...] = ()
    again: tuple[tuple[int, int | None], ...] = ()
    parts: int = 1
    several: bool = False


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
    cores = [*attention_cores(branch)]
    return _values(branch.graph, cores[0], cores[1:]) if cores else None


def _values(graph: Graph, core: Core, others: list[Core]) -> AttentionValues | None:
    alike = [other for other in others if _made_alike(graph, _weighing(core), _weighing(other))]
    found = AttentionValues(core.q, core.k, core.v, core.mixed, core.heads, parts=len(others) + 1)
    found = replace(found, several=len(alike) < len(others))
    if core.op.name == FUSED:
        return replace(found, kernels=(core.op, *(other.op for other in alike)))
    weighed = [_scores_and_pattern(graph, each) for each in (core, *alike)]
    met = graph.product(core.steps[0])
    if None in weighed or met is None:
        return None
    (scores, pattern), *again = [pair for pair in weighed if pair is not None]
    return replace(found, k=met[1], scores=scores, pattern=pattern, again=tuple(again))


def _scores_and_pattern(graph: Graph, core: Core) -> tuple[int, int | None] | None:
    product = graph.producer(core.mixed)
    factors = graph.product(product) if product is not None else None
    if factors is None:
        return None
    return core.op.inputs[0], next((value for value in factors if graph.same(value) != graph.same(core.v)), None)


def _weighing(core: Core) -> tuple[Any, ...]:
    """Return what makes the pattern: of a kernel all that it is given but the values."""
    if core.op.name != FUSED:
        return core.op.name, Ref(core.op.inputs[0])
    names = {0: "query", 1: "key", 3: "attn_mask", 5: "is_causal", 6: "scale"}
    return core.op.name, *(argument(core.op, at, name) for at, name in names.items())


def _made_alike(graph: Graph, one: Any, other: Any) -> bool:
    """Whether two things are the same, or made by the same operations of the same things."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(_made_alike(graph, *pair) for pair in zip(one, other, strict=True))
    if not isinstance(one, Ref) or not isinstance(other, Ref):
        return bool(one == other)
    makers = graph.producer(one.value), graph.producer(other.value)
    if one == other or None in makers:
        return one == other
    a, b = (op for op in makers if op is not None)
    same = a.name == b.name and a.kwargs.keys() == b.kwargs.keys()
    return same and a.outputs.index(one.value) == b.outputs.index(other.value) and _made_alike(graph, *_given(a, b))


def _given(*ops: Op) -> list[tuple[Any, ...]]:
    return [(*op.args, *op.kwargs.values()) for op in ops]
