"""Mixers with a matrix for each head as their state: GatedDeltaNet, KDA, Mamba-2, lightning attention.

Three pieces are cut from what was convolved or projected. Two of them make the state, the third reads it. Of the two
the values go in linearly: no product has them on both sides, as the keys of a delta rule, which also meet each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import as_it_is, cut, split, then, turned
from glassblock.reader.mixers.places.decay import log_decay
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.graph import LAYOUT
from glassblock.reader.tracing.record import Op

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
    cut
        The operation that cut them apart.
    values, channels
        The pieces, and how many channels a head of each has.
    mixed
        For each value of the recording a bit for each piece that it was made of.
    state
        The operation that makes the state after the last token.
    reader, key, value
        Which piece reads the state, which says where to write and which what.
    """

    cut: Op
    values: tuple[int, ...]
    channels: tuple[int, ...]
    mixed: list[int]
    state: Op
    reader: int
    key: int
    value: int


def matrix_state(look: Look) -> Places:
    """Find the taps of a mixer with a matrix for each head as its state."""
    pieces = _pieces(look)
    if pieces is None:
        return {}
    stepped = next((op for op in look.graph.ops if op.name == "softplus" and _feeds(look, op)), None)
    skips = _skips(look, pieces)
    names = ("C", "B", "x") if skips or (stepped is not None and not _betas(look, pieces)) else ("q", "k", "v")
    which = (pieces.reader, pieces.key, pieces.value)
    out = way_out(look, pieces.mixed, 1 << pieces.value)
    channels = pieces.channels[pieces.value]
    found: Places = {name: _piece(look, pieces, at) for name, at in zip(names, which, strict=True)}
    if names[0] == "q":
        found |= _before_convolution(look, pieces) | _betas(look, pieces)
    elif stepped is not None:
        found |= steps(look, stepped)
    if look.conv_in is not None:
        found["conv_in"] = look.place(look.conv_in)
    decay = log_decay(look, pieces.state, pieces.mixed)
    if decay is not None:
        found["log_decay"] = _decay(look, decay)
    found["recurrence_out"] = look.place(out.made, channels)
    if out.gate is not None:
        found["gate"] = look.place(out.gate, channels)
    return {**found, "state": Place(pieces.state.outputs[0], as_it_is)}


def steps(look: Look, softplus: Op) -> Places:
    """Find the step: before its bias and function, and after it and its bounds."""
    graph, before = look.graph, softplus.inputs[0]
    made = graph.producer(look.root(before))
    if made is not None and made.name == "add":
        before = next((v for v in made.inputs if graph.fed[v]), before)
    after = softplus.outputs[0]
    clamp = next((op for op in graph.consumers[after] if op.name in ("clamp", "clip")), None)
    after = clamp.outputs[0] if clamp is not None else after
    logit = look.logit(before)
    repeated = graph.size(after) != graph.size(logit)
    return {
        "dt_logit": look.place(logit),
        "dt": Missing("its kernel has it once for each channel") if repeated else look.place(after),
    }


def _decay(look: Look, value: int) -> Place | Missing:
    shape = look.graph.shape(value)
    if shape[:2] == (look.batch, look.tokens):
        return Place(value, as_it_is)
    return Missing("its kernel has it once for each number of the state")


def _pieces(look: Look) -> Pieces | None:
    """Find three pieces of which two make a state."""
    starts = look.convolution.outputs if look.convolution is not None else ()
    for op in look.through(starts or [v for made in look.projections[:-1] for v in made.outputs]):
        if op.name not in _CUTS or len(op.outputs) != _PIECES:
            continue
        channels = tuple(_channels(look, v) for v in op.outputs)
        mixed = look.made_of(op.outputs)
        state = _state(look, mixed, channels)
        if state is None:
            continue
        of = mixed[state.outputs[0]]
        reader = next(at for at in range(_PIECES) if not of & 1 << at)
        value = _value(look, op, mixed, state, [at for at in range(_PIECES) if at != reader])
        return Pieces(op, op.outputs, channels, mixed, state, reader, _PIECES - reader - value, value)
    return None


def _channels(look: Look, value: int) -> int:
    """Return how many channels a head of a piece has, by the shape that it is given next."""
    graph, shape = look.graph, look.graph.shape(value)
    if len(shape) == _BY_HEAD:
        return shape[-1]
    users = (
        op for op in graph.consumers[value] if op.name in LAYOUT and graph.size(op.outputs[0]) == graph.size(value)
    )
    return next((graph.shape(op.outputs[0])[-1] for op in users), shape[-1])


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


def _value(look: Look, made: Op, mixed: list[int], state: Op, both: list[int]) -> int:
    """Return which of the two pieces in the state are the values."""
    before = look.graph.cone(state.outputs[0]).ops
    curved = {at for at in both if _curved(before, mixed, 1 << at)}
    if len(curved) == 1:
        return next(at for at in both if at not in curved)
    skipped = [at for at in both if _skipped(look, mixed, 1 << at)]
    if len(skipped) == 1:
        return skipped[0]
    graph = look.graph
    for op in reversed(graph.ops[: state.index]):
        factors = graph.product(op)
        of = [mixed[v] for v in factors] if factors is not None else []
        if op.name == "matmul" and sorted(of) == sorted(1 << at for at in both):  # keys, turned, by values
            return next(at for at in both if 1 << at == of[1])
    sizes = [graph.size(v) for v in made.outputs]
    return max(both, key=lambda at: sizes[at])


def _curved(ops: tuple[Op, ...], mixed: list[int], bit: int) -> bool:
    """Whether something made of a piece is multiplied by something else made of it, or goes through a function."""
    return any(
        sum(bool(mixed[v] & bit) for v in op.inputs) > (op.name not in _CURVED)
        for op in ops
        if op.name in _PRODUCTS or op.name in _CURVED
    )


def _skipped(look: Look, mixed: list[int], bit: int) -> bool:
    """Whether a piece is multiplied by a learned number for each head or channel, past the state."""
    graph = look.graph
    for op in graph.ops:
        alone = [v for v in op.inputs if mixed[v] == bit] if op.name == "mul" and len(op.inputs) == 2 else []
        others = [v for v in op.inputs if v not in alone]
        if len(alone) == len(others) == 1 and graph.learned[others[0]] and not graph.fed[others[0]]:
            return True
    return False


def _skips(look: Look, pieces: Pieces) -> bool:
    return _skipped(look, pieces.mixed, 1 << pieces.value)


def _feeds(look: Look, op: Op) -> bool:
    return look.graph.activation(op.inputs[0])


def _piece(look: Look, pieces: Pieces, at: int) -> Place | Missing:
    shape = look.graph.shape(pieces.values[at])
    if len(shape) == _BY_HEAD:
        return Place(pieces.values[at], as_it_is)
    return look.place(pieces.values[at], pieces.channels[at])


def _before_convolution(look: Look, pieces: Pieces) -> Places:
    """Look at the parts of what is convolved, which keeps the order of channels."""
    if look.conv_in is None:
        return {}
    found: Places = {}
    widths = [look.graph.shape(v)[-1] for v in pieces.values]
    for name, at in (("q", pieces.reader), ("k", pieces.key), ("v", pieces.value)):
        first = sum(widths[:at])
        part = then(turned, cut(first + widths[at], first), split(-1, pieces.channels[at]))
        found[f"{name}_conv_in"] = Place(look.conv_in, part)
    return found


def _betas(look: Look, pieces: Pieces) -> Places:
    """Find how strongly each token is written: a sigmoid of one number for each head, perhaps scaled."""
    graph, heads = look.graph, look.graph.shape(pieces.state.outputs[0])[1]
    for op in graph.ops:
        shape = graph.shape(op.outputs[0]) if op.name == "sigmoid" else ()
        if shape != (look.batch, look.tokens, heads) or pieces.mixed[op.outputs[0]]:
            continue
        made = op.outputs[0]
        scaled = [user for user in graph.consumers[made] if graph.scaling(user) is not None]
        made = scaled[0].outputs[0] if scaled else made
        return {"beta_logit": Place(op.inputs[0], as_it_is), "beta": Place(made, as_it_is)}
    return {}
