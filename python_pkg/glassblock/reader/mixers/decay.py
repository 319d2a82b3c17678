"""How a state forgets: by how many different factors, and whether the text decides them."""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.mixers.state import State, from_text
from glassblock.reader.tracing.graph import Graph, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT, REPEATS, SLICES

_RUNNING = ("maximum", "max", "amax", "logaddexp", "cummax")
"""Running maxima, subtracted in an exponent so that it does not overflow. They cancel out and are no decay."""


def decay_of(branch: Branch, state: State | None, heads: int) -> Fact[str]:
    """Say how a mixer's state forgets.

    Returns
    -------
    Fact
        ``none``, ``fixed`` (the text does not decide), ``per head``, ``per channel``, ``per channel and state``.
    """
    if state is None:
        return _decay_of_scores(branch)
    if state.decay is None:
        return observed("none", "the state is added to and never multiplied")
    graph = branch.graph
    where = f"the state is multiplied by {show(graph.shape(state.decay))}"
    if not any(from_text(branch, value) for value in _exponents(graph, state.decay)):
        return observed("fixed", f"{where}, which the text does not change")
    factors = max(1, independent(graph, state.decay) // (branch.batch * state.steps))
    return observed(_granularity(factors, state.shape, heads), f"{where}: {factors} factors for a token")


def _granularity(factors: int, shape: tuple[int, ...], heads: int) -> str:
    size = 1
    for length in shape:
        size *= length
    if factors == size and len(shape) > 1:
        return "per channel and state"
    return "per head" if heads and factors <= heads else "per channel"


def _exponents(graph: Graph, decay: int) -> list[int]:
    """Return what decides a decay: of an exponential the terms of its exponent without running maxima."""
    op = _maker(graph, decay)
    if op is None or op.name != "exp":
        return [decay]
    found, queue = [], [op.inputs[0]]
    while queue:
        value = queue.pop()
        made = _maker(graph, value)
        if made is not None and made.name in ("add", "sub"):
            queue += made.inputs
        elif graph.learned[value] and (made is None or made.name not in _RUNNING):
            found.append(value)
    return found


def _maker(graph: Graph, value: int) -> Op | None:
    """Return the operation that made a value's numbers, seen through changes of layout and cuts."""
    op = graph.producer(value)
    while op is not None and op.inputs and op.name in LAYOUT | SLICES | REPEATS | {"masked_fill"}:
        op = graph.producer(op.inputs[0])
    return op


def independent(graph: Graph, value: int, known: dict[int, int] | None = None) -> int:
    """Count the numbers of a value that are not repetitions of each other."""
    known = {} if known is None else known
    if value not in known:
        known[value] = graph.size(value)  # also where a value is met again on the way
        known[value] = _count_independent(graph, value, known)
    return known[value]


def _count_independent(graph: Graph, value: int, known: dict[int, int]) -> int:
    op, size = graph.producer(value), graph.size(value)
    learned = [v for v in op.inputs if graph.learned[v]] if op is not None else []
    if op is None or not learned or graph.heavy(op):
        return size
    counts = [independent(graph, v, known) for v in learned]
    if op.name in SLICES | {"masked_fill", "pad"}:
        return max(1, counts[0] * size // graph.size(op.inputs[0]))
    if op.name in LAYOUT | REPEATS or len(counts) == 1:
        return min(size, counts[0])
    whole = all(count == graph.size(v) for count, v in zip(counts, learned, strict=True))
    return size if whole else min(size, max(counts))


def _decay_of_scores(branch: Branch) -> Fact[str]:
    """Say how the parallel form forgets: by a mask of decays on the products of queries and keys."""
    graph, tokens = branch.graph, branch.graph.recording.tokens
    products = {op.outputs[0] for op in branch.ops if graph.product(op) is not None}
    for op in branch.ops:
        if op.name != "mul" or len(op.inputs) != 2 or not any(graph.same(v) in products for v in op.inputs):
            continue
        mask = next(v for v in op.inputs if graph.same(v) not in products)
        if graph.shape(mask)[-2:] != (tokens, tokens):
            continue
        cone = graph.cone(mask, branch.stream.states, branch.stream.call.first)
        decays = cone.named("exp", "pow", "cumprod") or any(graph.values[v].name for v in cone.edge)
        if from_text(branch, mask):
            return observed("per head", f"scores are multiplied by {show(graph.shape(mask))} made from the text")
        if decays:
            return observed("fixed", f"scores are multiplied by {show(graph.shape(mask))} without the text")
    return observed("none", "nothing that was mixed fades")
