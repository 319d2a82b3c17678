"""The state of a sequence mixer: what one token leaves to the next, and how it is renewed.

Whatever the form (token by token, in chunks, as a scan over chunks), a state starts as zeros and is renewed by
``state = decay * state + write``. So each value that starts as zeros is followed through multiplications to an
addition of its own size. If what is written was itself made from the state, by products alone, then it is a correction
of what the state said: the delta rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op, Shape
from glassblock.reader.tracing.values import JOINS, LAYOUT, REPEATS, SHAPED, SLICES

_ZEROS = ("zeros", "zeros_like", "new_zeros")
_SUMS = ("add", "addcmul", "baddbmm")
_LINEAR = frozenset("mul matmul einsum sum add sub addcmul baddbmm div where masked_fill neg addmm bmm".split())
_SAME = LAYOUT | {"masked_fill", "where"}


@dataclass(frozen=True, slots=True)
class State:
    """What one token leaves to the next.

    Attributes
    ----------
    shape
        Its shape, without the batch.
    value
        What it starts as.
    decay
        What it is multiplied by at each step; None if it is kept whole.
    corrected
        Whether what is written depends on what was there.
    steps
        How many of the chunks' or tokens' decays lie side by side in `decay`.
    alike
        How many states of this shape there are.
    """

    shape: Shape
    value: int
    decay: int | None
    corrected: bool
    steps: int = 1
    alike: int = 1


def find_state(branch: Branch) -> State | None:
    """Find the largest state of a branch; None if none was seen."""
    inside = _span(branch)
    starts = [op.outputs[0] for op in inside if op.name in _ZEROS]
    found = [state for value in starts if (state := _renewed(branch, value)) is not None]
    if not found:
        chain = repeated_in_loop(branch)
        found = [state for op in chain[:1] if (state := _renewed(branch, op.outputs[0])) is not None]
    found = found or [state for value in starts if (state := _scanned(branch, value)) is not None]
    if not found:
        return None
    largest = max(found, key=lambda state: branch.graph.size(state.value))
    alike = len({state.value for state in found if state.shape == largest.shape})
    return State(largest.shape, largest.value, largest.decay, largest.corrected, largest.steps, alike)


def _span(branch: Branch) -> list[Op]:
    """Return the operations of the branch's module, those included whose result was not used."""
    call = branch.call or branch.stream.call
    return branch.graph.ops[max(call.first, branch.start) : call.last]


def _renewed(branch: Branch, value: int) -> State | None:
    """Return a state that is renewed by a sum with something that was made from the tokens.

    Where the state also takes part in a sum that is only the output, the one that goes on to the next sum counts.
    """
    graph, found = branch.graph, []
    for op, kept, decay in _sums(branch, value):
        written = [v for v in op.inputs if v != kept and graph.learned[v] and from_text(branch, v)]
        shape = graph.shape(op.outputs[0])
        by_token = len(shape) < 2 or graph.recording.tokens in shape[:2] or shape[0] > branch.batch
        if written and not by_token and graph.size(op.outputs[0]) == graph.size(value):
            found.append((next(_sums(branch, op.outputs[0]), None) is None, op.index, op, written, decay))
    if not found:
        return None
    _, _, op, written, decay = min(found, key=lambda one: one[:2])
    return State(_without_batch(branch, graph.shape(op.outputs[0])), value, decay, _follows(branch, value, written))


def _sums(branch: Branch, value: int) -> Iterator[tuple[Op, int, int | None]]:
    """Go through the sums that a value takes part in, whole or multiplied: the sum, its term, the factor.

    A running maximum is such a sum for exponents: what is added to it first is a logarithm of its decay.
    """
    graph, end = branch.graph, branch.stream.call.last
    queue: list[tuple[int, int | None]] = [(value, None)]
    seen = {value}
    while queue:
        current, factor = queue.pop(0)
        for op in graph.consumers[current]:
            if op.index >= end or not op.outputs or op.outputs[0] in seen:
                continue
            others = [v for v in op.inputs if v != current]
            constant = not any(from_text(branch, v) for v in others)
            if op.name == "maximum" or (op.name in _SUMS and not constant):
                product = op.name == "addcmul" and op.inputs.index(current)
                yield op, current, op.inputs[3 - product] if product else factor
            elif graph.size(op.outputs[0]) == graph.size(value) and _keeps(op, constant=constant):
                seen.add(op.outputs[0])
                queue.append((op.outputs[0], others[0] if op.name == "mul" and others else factor))


def _keeps(op: Op, *, constant: bool) -> bool:
    """Whether an operation multiplies a value, moves it, or adds to it what the text does not change."""
    return op.name == "mul" or op.name in _SAME | SLICES or (op.name in ("add", "sub") and constant)


def from_text(branch: Branch, value: int) -> bool:
    """Whether the numbers of a value differ with the text that went in; of zeros only the shape does."""
    states = branch.stream.states
    cone = branch.graph.cone(value, states, branch.stream.call.first, lambda op: op.name in SHAPED)
    return any(v in states for v in cone.edge)


def _follows(branch: Branch, value: int, targets: Iterable[int]) -> bool:
    """Whether products and sums alone lead from a value to one of the targets: no function, no learned matrix."""
    graph, wanted, end = branch.graph, set(targets), branch.stream.call.last

    def moves(op: Op) -> bool:
        linear = op.name in _LINEAR | LAYOUT | SLICES | REPEATS
        return op.index < end and linear and graph.projection(op) is None

    return any(moves(op) and not wanted.isdisjoint(op.outputs) for op in graph.onward([value], moves))


def _scanned(branch: Branch, value: int) -> State | None:
    """Return a state that is put before the states of all chunks, which are then summed with their decays."""
    graph = branch.graph
    for op in graph.consumers[value]:
        if op.name not in JOINS or op.index >= branch.stream.call.last:
            continue
        before, after = graph.shape(value), graph.shape(op.outputs[0])
        axes = [at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b]
        if len(axes) != 1 or len(before) < 4 or not graph.learned[op.outputs[0]]:  # batch, chunk, and two or more
            continue
        shape = tuple(size for at, size in enumerate(before) if at not in (0, axes[0]))
        return State(shape, value, _scan_decay(graph, op.outputs[0]), corrected=False, steps=after[axes[0]] ** 2)
    return None


def _scan_decay(graph: Graph, value: int) -> int | None:
    """Return what the chunks' states are multiplied by before they are summed."""
    queue, seen = [value], {value}
    while queue:
        for op in graph.consumers[queue.pop(0)]:
            if op.name in ("mul", "einsum", "matmul"):
                return next((v for v in op.inputs if v not in seen), None)
            if op.name in LAYOUT | SLICES:
                queue += [v for v in op.outputs if v not in seen]
                seen.update(op.outputs)
    return None


def _without_batch(branch: Branch, shape: Shape) -> Shape:
    return shape[1:] if shape[0] == branch.batch else shape


def repeated_in_loop(branch: Branch) -> list[Op]:
    """Additions to something that has no tokens, at least one for each token, building on each other.

    The last token's may be missing: what it leaves to the next is not used.
    """
    graph, tokens = branch.graph, branch.graph.recording.tokens
    by_place: dict[tuple[object, ...], list[Op]] = {}
    for op in branch.ops:
        if op.name in _SUMS and tokens not in graph.shape(op.outputs[0]):
            by_place.setdefault((op.call, op.name, graph.shape(op.outputs[0])), []).append(op)
    for ops in by_place.values():
        before = graph.cone(ops[-1].outputs[0], first=ops[0].index).ops
        chain = [op for op in before if op in ops]
        if len(chain) >= tokens - 1:
            return chain
    return []
