"""Three pieces that are cut from what was convolved or projected, or projected one by one: who of them is who.

Two of them make the state, the third reads it. Of the two the values go in linearly: no product has them on both sides,
as the keys of a delta rule, which also meet each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT

_CUTS = ("split", "chunk", "split_with_sizes", "tensor_split", "unbind")
_RENEWS = ("add", "getitem", "select", "addcmul", "baddbmm")
_PRODUCTS = ("mul", "matmul", "einsum", "baddbmm", "addcmul")
_CURVED = ("exp", "maximum", "sigmoid", "silu", "softplus", "rsqrt", "pow", "square")
_PIECES = 3
_BY_HEAD = 4


@dataclass(frozen=True, slots=True)
class Pieces:
    """What enters the recurrence.

    Attributes
    ----------
    values, channels
        The pieces, and how many channels a head of each has.
    mixed
        For each value of the recording a bit for each piece that it was made of.
    state
        The operation that makes the state after the last token.
    reader, key, value
        Which piece reads the state, which says where to write and which what.
    cut
        Whether they were cut from one tensor.
    """

    values: tuple[int, ...]
    channels: tuple[int, ...]
    mixed: list[int]
    state: Op
    reader: int
    key: int
    value: int
    cut: bool


def find_pieces(look: Look) -> Pieces | None:
    """Find three pieces of which two make a state."""
    graph, starts = look.graph, look.convolution.outputs if look.convolution is not None else ()
    for op in look.through(starts or [v for made in look.projections[:-1] for v in made.outputs]):
        if op.name in _CUTS and len(op.outputs) >= _PIECES:
            every = [(v, _channels(look, v)) for v in op.outputs]
            heads = [(v, channels) for v, channels in every if channels != graph.shape(v)[-1]]
            found = _three(look, every if len(every) == _PIECES else heads, cut=len(every) == _PIECES)
            if found is not None:
                return found
    return _three(look, [one for op in look.projections[:-1] if (one := _split(look, op)) is not None], cut=False)


def _three(look: Look, split: list[tuple[int, int]], *, cut: bool) -> Pieces | None:
    """Find the three among more that are split into heads: an output gate may be, too."""
    for three in combinations(dict(split).items(), _PIECES):
        found = _told_apart(look, tuple(v for v, _ in three), tuple(c for _, c in three), cut=cut)
        if found is not None and _meets(look, found):
            return found
    return None


def _told_apart(look: Look, values: tuple[int, ...], channels: tuple[int, ...], *, cut: bool) -> Pieces | None:
    mixed = look.made_of(values)
    state = _state(look, mixed, channels)
    if state is None:
        return None
    reader = next(at for at in range(_PIECES) if not mixed[state.outputs[0]] & 1 << at)
    value = _value(look, values, mixed, state, [at for at in range(_PIECES) if at != reader])
    return Pieces(values, channels, mixed, state, reader, _PIECES - reader - value, value, cut)


def _meets(look: Look, pieces: Pieces) -> bool:
    """Whether what the recurrence makes depends on what is taken to read it, as it does not on an output gate."""
    made = way_out(look, pieces.mixed, 1 << pieces.value).made
    return bool(pieces.mixed[made] & 1 << pieces.reader)


def _split(look: Look, projection: Op) -> tuple[int, int] | None:
    """Return what a projection made, perhaps convolved, right before it is split into heads, and their channels."""
    graph = look.graph
    for op in look.through(projection.outputs):
        before, after = (graph.shape(v) for v in (op.inputs[0], op.outputs[0]))
        split = (len(before), len(after)) == (_BY_HEAD - 1, _BY_HEAD) and after[-1] not in (1, before[-1])
        if op.name in LAYOUT and split:
            return op.inputs[0], after[-1]
        if graph.depthwise(op) is not None:
            return _split(look, op)
    return None


def _channels(look: Look, value: int) -> int:
    """Return how many channels a head of a piece has, by the shape that it is given next."""
    graph, shape = look.graph, look.graph.shape(value)
    made = (v for op in graph.consumers[value] if op.name in LAYOUT for v in op.outputs)
    after = [shape] if len(shape) == _BY_HEAD else [graph.shape(v) for v in made if graph.size(v) == graph.size(value)]
    return next((each[-1] for each in after), shape[-1])


def _state(look: Look, mixed: list[int], channels: tuple[int, ...]) -> Op | None:
    """Return the last operation that makes a matrix for each head of two pieces alone."""
    graph = look.graph
    for op in reversed(graph.ops):
        shape = graph.shape(op.outputs[0])
        if op.name not in _RENEWS or len(shape) != _BY_HEAD or shape[0] != look.batch:
            continue
        of = [at for at in range(_PIECES) if mixed[op.outputs[0]] & 1 << at]
        if len(of) == _PIECES - 1 and sorted(shape[2:]) == sorted(channels[at] for at in of):
            return op
    return None


def _value(look: Look, values: tuple[int, ...], mixed: list[int], state: Op, both: list[int]) -> int:
    """Return which of the two pieces in the state are the values."""
    before = look.graph.cone(state.outputs[0]).ops
    curved = {at for at in both if _curved(before, mixed, 1 << at)}
    if len(curved) == 1:
        return next(at for at in both if at not in curved)
    past = [at for at in both if _skips(look, mixed, 1 << at)]
    if len(past) == 1:
        return past[0]
    graph = look.graph
    for op in reversed(graph.ops[: state.index]):
        factors = graph.product(op)
        of = [mixed[v] for v in factors] if factors is not None else []
        if op.name == "matmul" and sorted(of) == sorted(1 << at for at in both):  # keys, turned, by values
            return next(at for at in both if 1 << at == of[1])
    sizes = [graph.size(v) for v in values]
    return max(both, key=lambda at: sizes[at])


def _curved(ops: tuple[Op, ...], mixed: list[int], bit: int) -> bool:
    """Whether something made of a piece is multiplied by something else made of it, or goes through a function."""
    return any(
        sum(bool(mixed[v] & bit) for v in op.inputs) > (op.name not in _CURVED)
        for op in ops
        if op.name in _PRODUCTS or op.name in _CURVED
    )


def _skips(look: Look, mixed: list[int], bit: int) -> bool:
    """Whether a piece is multiplied by a learned number for each head or channel, past the state."""
    graph = look.graph
    for op in graph.ops:
        alone = [v for v in op.inputs if mixed[v] == bit] if op.name == "mul" and len(op.inputs) == 2 else []
        others = [v for v in op.inputs if v not in alone]
        if len(alone) == len(others) == 1 and graph.learned[others[0]] and not graph.fed[others[0]]:
            return True
    return False
