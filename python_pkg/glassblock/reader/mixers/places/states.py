"""Mixers with a matrix for each head as their state: delta rules, Mamba-2, lightning attention, mLSTM."""

from __future__ import annotations

from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import as_it_is, cut, split, then, turned
from glassblock.reader.mixers.decay import independent
from glassblock.reader.mixers.places.decay import log_decay
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.pieces import Pieces, find_pieces
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.record import Op

_BY_HEAD = 4


def matrix_state(look: Look) -> Places:
    """Find the taps of a mixer with a matrix for each head as its state."""
    pieces = find_pieces(look)
    if pieces is None:
        return {}
    stepped = next((op for op in look.graph.ops if op.name == "softplus" and _feeds(look, op)), None)
    names = ("C", "B", "x") if stepped is not None and not _betas(look, pieces) else ("q", "k", "v")
    which = (pieces.reader, pieces.key, pieces.value)
    out = way_out(look, pieces.mixed, 1 << pieces.value)
    channels = pieces.channels[pieces.value]
    found: Places = {name: _piece(look, pieces, at) for name, at in zip(names, which, strict=True)}
    if names[0] == "q":
        found |= _before_convolution(look, pieces) | _betas(look, pieces)
    elif stepped is not None:
        found |= steps(look, stepped)
    if look.conv_in is not None and pieces.cut:
        found["conv_in"] = look.place(look.conv_in)
    decay = log_decay(look, pieces.state, pieces.mixed)
    if decay is not None:
        found["log_decay"] = _decay(look, decay, pieces)
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
        "dt": _repeated(look, after, graph.shape(logit)[-1]) if repeated else look.place(after),
    }


def _decay(look: Look, value: int, pieces: Pieces) -> Place | Missing:
    """Look at one number for each head, or one for each channel of its keys."""
    shape, heads = look.graph.shape(value), look.graph.shape(pieces.state.outputs[0])[1]
    if shape[:2] == (look.batch, look.tokens):
        flat = len(shape) == _BY_HEAD - 1 and shape[-1] == heads * pieces.channels[pieces.key] != heads
        return Place(value, split(-1, pieces.channels[pieces.key]) if flat else as_it_is)
    return _repeated(look, value, heads)


def _repeated(look: Look, value: int, heads: int) -> Place | Missing:
    """Look at one number for each head that a kernel for single tokens has once for each channel, and state."""
    shape = look.graph.shape(value)
    alike = independent(look.graph, value) == look.batch * heads
    if look.tokens != 1 or shape[:2] != (look.batch, heads) or not alike:
        return Missing("its kernel has it in another form than one number for each token and head")
    trailing = range(2, len(shape))
    first: tuple[slice | int, ...] = (slice(None), slice(None), *(0 for _ in trailing))
    return Place(
        value,
        lambda x: x[first].unsqueeze(1),
        (lambda x: x.permute(*trailing, 0, 1).unsqueeze(-2),),
    )


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
    if not pieces.cut:
        return _own_convolutions(look, pieces)
    widths = [look.graph.shape(v)[-1] for v in pieces.values]
    for name, at in (("q", pieces.reader), ("k", pieces.key), ("v", pieces.value)):
        first = sum(widths[:at])
        part = then(turned, cut(first + widths[at], first), split(-1, pieces.channels[at]))
        found[f"{name}_conv_in"] = Place(look.conv_in, part)
    return found


def _own_convolutions(look: Look, pieces: Pieces) -> Places:
    """Look at what the convolution of each piece is given, where each has its own."""
    graph, found = look.graph, Places()
    for name, at in (("q", pieces.reader), ("k", pieces.key), ("v", pieces.value)):
        cone = graph.to_projections(pieces.values[at]).ops
        own = next((op for op in cone if graph.depthwise(op) is not None), None)
        if own is not None:
            found[f"{name}_conv_in"] = look.place(look.convolved(own), pieces.channels[at])
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
