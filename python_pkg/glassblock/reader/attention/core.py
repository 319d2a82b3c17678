"""Find the attention proper: a product of two activations, a softmax over it, a product with the result.

Or a call of torch's own kernel, which is the same in one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.trail import trail
from glassblock.reader.tracing.graph import Graph, argument
from glassblock.reader.tracing.record import Op, Ref
from glassblock.reader.tracing.values import JOINS

FUSED = "scaled_dot_product_attention"
"""torch's own attention, from q, k and v to the weighted sum."""


@dataclass(frozen=True, slots=True)
class Core:
    """The attention proper.

    Attributes
    ----------
    op
        The operation with the softmax.
    q, k, v
        What goes into the products, as it goes in.
    mixed
        The weighted sum of values.
    steps
        The operations from the first product to the softmax.
    met
        What else meets the scores on the way: masks, biases.
    heads, keys
        How many leading pieces there are for each text, heads or heads times windows, and how many tokens they look at.
    """

    op: Op
    q: int
    k: int
    v: int
    mixed: int
    steps: tuple[Op, ...]
    met: tuple[int, ...]
    heads: int
    keys: int


def attention_core(branch: Branch) -> Core | None:
    """Find the attention proper in a branch, the first where there are several; None if there is none."""
    return next(attention_cores(branch), None)


def attention_cores(branch: Branch) -> Iterator[Core]:
    """Go through all that is an attention proper in a branch."""
    for op in branch.ops:
        found = _fused_core(branch, op) if op.name == FUSED else None
        if op.name == "softmax" or _is_softmax(branch.graph, op):
            found = _written_core(branch, op)
        if found is not None and _over_tokens(branch, found):
            yield found


def _is_softmax(graph: Graph, op: Op) -> bool:
    """Whether this is the last step of a softmax that is written out: ``exp(x - logsumexp(x))``."""
    less = graph.producer(op.inputs[0]) if op.name == "exp" and op.inputs else None
    if less is None or less.name != "sub" or len(less.inputs) != 2:
        return False
    norm = graph.producer(graph.same(less.inputs[1]))
    return norm is not None and norm.name == "logsumexp" and graph.same(norm.inputs[0]) == graph.same(less.inputs[0])


def _over_tokens(branch: Branch, core: Core) -> bool:
    """Whether this is attention over tokens: learned queries that weigh unprojected states look at earlier layers."""
    return branch.graph.activation(core.q) or bool(trail(branch, core.k).projections)


def _fused_core(branch: Branch, op: Op) -> Core:
    graph = branch.graph
    q, k, v = (ref.value for ref in (argument(op, i, n) for i, n in enumerate(("query", "key", "value"))))
    mask = argument(op, 3, "attn_mask")
    met = (mask.value,) if isinstance(mask, Ref) else ()
    heads = graph.size(q) // (branch.batch * graph.shape(q)[-2] * graph.shape(q)[-1])
    return Core(op, q, k, v, op.outputs[0], (op,), met, heads, graph.shape(k)[-2])


def _written_core(branch: Branch, op: Op) -> Core | None:
    graph = branch.graph
    steps = _to_product(graph, op.inputs[0], branch.stream.call.first, set())
    after = _next_product(branch, op.outputs[0])
    if steps is None or after is None:
        return None
    factors, scores = graph.product(steps[0]), graph.shape(steps[0].outputs[0])
    mixing = graph.product(after)
    assert factors is not None
    assert mixing is not None
    leading = graph.size(steps[0].outputs[0]) // (scores[-1] * scores[-2])
    pattern_first = _made_from(graph, mixing[0], op)
    return Core(
        op,
        factors[0],
        _upright(graph, factors[1]),
        mixing[1] if pattern_first else mixing[0],
        after.outputs[0],
        steps,
        _met(graph, steps, factors),
        leading // branch.batch,
        scores[-1],
    )


def _met(graph: Graph, steps: tuple[Op, ...], factors: tuple[int, int]) -> tuple[int, ...]:
    """Collect what else goes into the steps than what the step before made."""
    found = [v for v in steps[0].inputs if v not in factors]
    for before, step in pairwise(steps):
        others = [v for v in step.inputs if v not in before.outputs and graph.size(v) > 1]
        found += others if step.name not in JOINS else []
    return tuple(dict.fromkeys(found))


def _upright(graph: Graph, keys: int) -> int:
    """Return the keys before they were transposed for the product, tokens x channels."""
    op = graph.producer(keys)
    turned = op is not None and op.name in ("transpose", "swapaxes", "permute", "T", "mT")
    return op.inputs[0] if op is not None and turned else keys


def _to_product(graph: Graph, value: int, first: int, seen: set[int]) -> tuple[Op, ...] | None:
    """Return the operations back from a value to the product of two activations, product first."""
    op = graph.producer(value)
    if op is None or op.index < first or op.index in seen or op.name == "softmax":
        return None
    seen.add(op.index)
    if graph.product(op) is not None:
        return (op,)
    if graph.heavy(op):
        return None
    for source in op.inputs:
        found = _to_product(graph, source, first, seen)
        if found is not None:
            return (*found, op)
    return None


def _next_product(branch: Branch, value: int) -> Op | None:
    graph, end = branch.graph, branch.ops[-1].index
    reached = graph.onward([value], lambda op: op.index <= end and not graph.heavy(op))
    return next((op for op in reached if graph.product(op) is not None), None)


def _made_from(graph: Graph, value: int, op: Op) -> bool:
    cone = graph.cone(value, first=op.index)
    return op in cone.ops
