"""What meets the scores on their way to the softmax: masks, and what is added to them by distance.

A sum is taken apart into its terms, a mask that was put into a bias too. A *mask* knows neither learned numbers nor
heads. ALiBi has a slope for each head and nothing learned. A relative bias is learned and the same for every text. And
there are further products with the queries, of which the other factor is a position.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, assumed, observed
from glassblock.reader.attention.core import Core
from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.graph import Graph, numbers, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS, LAYOUT, REPEATS, SLICES

_LOOKUPS = ("embedding", "gather", "take_along_dim", "index_select")
_PICKS = ("topk", "scatter", "scatter_")
_CHOSEN = "a query sees only the tokens that scores of their own choose for it"
_UNNAMED = "something else that is computed from the stream joins the scores"
_HIDES = -1e3
"""A score below this is none: masks put minus infinity or something like it."""


@dataclass(frozen=True, slots=True)
class Met:
    """What meets the scores.

    Attributes
    ----------
    masks
        Values that hide tokens by their position.
    bias
        What is added by distance: ``none``, ``alibi`` or ``relative``.
    notes
        What else there is, in words.
    """

    masks: tuple[int, ...]
    bias: Fact[str]
    notes: tuple[str, ...]


def what_meets(branch: Branch, core: Core, heads: int) -> Met:
    """Sort what meets the scores of so many heads."""
    graph = branch.graph
    terms = [term for value in core.met for term in _terms(graph, value)]
    axis = _head_axis(branch, core, heads)
    learned = {v for v in terms if _learned_numbers(graph, v)}
    masks = tuple(v for v in terms if v not in learned and (graph.learned[v] or not _by_head(graph, v, axis)))
    named = [(v, _bias(branch, core, v, learned=v in learned)) for v in terms if v not in masks]
    biases = [bias for _, bias in named if bias is not None]
    notes = [_CHOSEN for v in terms if graph.learned[v] and v not in learned and _picked(branch, v)]
    notes += [_UNNAMED for v, bias in named if bias is None and v in learned]
    where = "only masks join the scores" if masks else "nothing joins the scores"
    return Met(
        masks=tuple(v for v in terms if v not in learned),
        bias=biases[0] if biases else observed("none", where),
        notes=tuple(dict.fromkeys(notes)),
    )


def _terms(graph: Graph, value: int, depth: int = 0) -> list[int]:
    """Take a sum apart: into what is added, and into conditions by which tokens are hidden."""
    op = graph.producer(value)
    if op is None or depth > 20:
        return [value]
    inputs = [v for v in op.inputs if graph.size(v) > 1]
    same = op.name in LAYOUT | REPEATS | SLICES and len(inputs) == 1
    if same or op.name in {"add", "sub", *JOINS} or (op.name in ("where", "masked_fill") and _hides(op)):
        return [term for v in inputs for term in _terms(graph, v, depth + 1)] or [value]
    return [value]


def _hides(op: Op) -> bool:
    return any(number < _HIDES for number in numbers(op))


def _bias(branch: Branch, core: Core, value: int, *, learned: bool) -> Fact[str] | None:
    """Name a term that is added by distance; None where it is something else."""
    graph, shape = branch.graph, show(branch.graph.shape(value))
    if not learned:
        made = graph.cone(value).ops
        if not made and not graph.values[value].name:
            return assumed("relative", f"a bias for each head was made beforehand: {shape}")
        sloped = not made or any(op.name in ("mul", "matmul", "einsum") for op in made)
        where = f"a bias for each head joins the scores and nothing in it is learned: {shape}"
        return observed("alibi", where) if sloped else None
    if not _from_stream(branch, value):
        return observed("relative", f"a learned bias joins the scores: {shape}")
    if _of_positions(branch, core, value):
        return observed("relative", f"queries times positions join the scores: {shape}")
    return None


def _learned_numbers(graph: Graph, value: int) -> bool:
    """Whether learned numbers go into a value as they are, and not only into a choice of what to hide."""
    queue, seen = [value], {value}
    while queue:
        current = queue.pop()
        if not graph.learned[current] or "float" not in graph.values[current].dtype:
            continue
        op = graph.producer(current)
        if op is None or op.name == "folded":
            return True
        carried = [v for v in graph.carried(op) if v not in seen]
        queue += carried
        seen.update(carried)
    return False


def _picked(branch: Branch, value: int) -> bool:
    return any(op.name in _PICKS for op in branch.graph.cone(value, branch.stream.states).ops)


def _head_axis(branch: Branch, core: Core, heads: int) -> int:
    """Return which dimension of the scores is the heads, counted from the last."""
    scores = branch.graph.shape(core.op.inputs[0])
    after_tokens = len(scores) > 2 and scores[-3] not in (heads, branch.batch * heads) and scores[-2] == heads
    return 2 if after_tokens else 3


def _by_head(graph: Graph, value: int, axis: int) -> bool:
    """Whether a value that meets the scores has its own numbers for each head."""
    shape = graph.shape(value)
    return len(shape) >= axis and shape[-axis] > 1


def looks_up(graph: Graph, op: Op) -> bool:
    """Whether an operation takes rows out of a learned table."""
    picked = op.name in _LOOKUPS or (op.name == "getitem" and len(op.inputs) > 1)
    return picked and any(graph.learned[v] for v in op.inputs)


def _from_stream(branch: Branch, value: int) -> bool:
    edge = branch.graph.cone(value, branch.stream.states, branch.stream.call.first).edge
    return bool(edge & branch.stream.states.keys())


def _of_positions(branch: Branch, core: Core, value: int) -> bool:
    """Whether queries or keys are multiplied by something that no text went into, and taken by distance."""
    graph, states, first = branch.graph, branch.stream.states, branch.stream.call.first
    ops = graph.cone(value, states, first).ops
    if any(op.name in _PICKS for op in ops):
        return False
    of_q = {graph.same(core.q), graph.same(core.k)}
    for op in ops:
        factors = graph.product(op)
        if factors is not None and not all(map(graph.activation, factors)):
            return True
        read = graph.projection(op)
        if read is not None and (graph.same(read[0]) in of_q or any(looks_up(graph, o) for o in ops)):
            return True
    return False
