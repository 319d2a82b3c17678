"""Mixers with a vector for each channel as their state, whose step and directions are made of what they scan: Mamba."""

from __future__ import annotations

from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import as_it_is, then, turned
from glassblock.reader.mixers.places.decay import log_decay
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.states import steps
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT

_CUTS = ("split", "chunk", "split_with_sizes", "tensor_split")
_PIECES = 3
_STATE, _BY_STATE = 3, 4
_SAME = Missing("the tensor that is scanned is the one that its step, B and C are made of")


def selective_scan(look: Look) -> Places:
    """Find the taps of a selective scan: what is convolved is projected to a step, B and C, and scanned by them."""
    graph = look.graph
    found = _projected(look)
    if look.convolution is None or found is None:
        return {}
    made, cut = found
    read = graph.projection(made)
    stepped = next((op for op in graph.ops if op.name == "softplus" and graph.activation(op.inputs[0])), None)
    state = _state(look, cut)
    if read is None or stepped is None or state is None:
        return {}
    entering = _entering(look, read[0], made)
    start = read[0] if entering is None else entering
    directions = [v for v in cut.outputs if graph.shape(v)[-1] == graph.shape(state.outputs[0])[-1]]
    mixed = look.made_of([start, *directions])
    of = mixed[state.outputs[0]]
    reads = [v for at, v in enumerate(directions, 1) if not of & 1 << at]
    writes = [v for at, v in enumerate(directions, 1) if of & 1 << at]
    out = way_out(look, mixed, 1)
    places: Places = {"conv_in": look.place(look.conv_in)} if look.conv_in is not None else {}
    places |= {"x": look.place(read[0]), "v": _SAME if entering is None else Place(entering, turned)}
    places |= steps(look, stepped)
    places |= {name: look.place(_normed(look, v[-1])) for name, v in (("B", writes), ("C", reads)) if v}
    decay = log_decay(look, state, mixed)
    if decay is not None:
        places["log_decay"] = _by_state(look, decay)
    places["recurrence_out"] = look.place(out.made)
    if out.gate is not None:
        places["gate"] = look.place(out.gate)
    return {**places, "state": Place(state.outputs[0], as_it_is)}


def _projected(look: Look) -> tuple[Op, Op] | None:
    """Return the projection of what was convolved, and the operation that cuts it in three."""
    graph = look.graph
    for op in look.through(look.convolution.outputs if look.convolution is not None else ()):
        if graph.projection(op) is None:
            continue
        cuts = (user for user in graph.onward(op.outputs, lambda user: user.name in LAYOUT) if user.name in _CUTS)
        cut = next((user for user in cuts if len(user.outputs) == _PIECES), None)
        if cut is not None:
            return op, cut
    return None


def _state(look: Look, cut: Op) -> Op | None:
    """Return the last operation that adds to a vector for each channel."""
    graph, sizes = look.graph, {look.graph.shape(v)[-1] for v in cut.outputs}
    assert look.convolution is not None
    channels = graph.shape(look.convolution.inputs[0])[1]
    for op in reversed(graph.ops):
        shape = graph.shape(op.outputs[0])
        if op.name == "add" and len(shape) == _STATE and shape[:2] == (look.batch, channels) and shape[-1] in sizes:
            return op
    return None


def _entering(look: Look, value: int, projection: Op) -> int | None:
    """Return what enters the scan alone, channels before tokens, and not the projection to step, B and C too."""
    users = [op for op in look.graph.consumers[value] if op is not projection and op.name in ("transpose", "mT")]
    others = [v for op in users for v in op.outputs]
    reached = (v for v in others if projection.index not in {op.index for op in look.through([v])})
    return next(reached, None)


def _normed(look: Look, value: int) -> int:
    graph = look.graph
    sites = (site for site in look.branch.norms.values() if graph.same(site.input) == graph.same(value))
    return next((site.output for site in sites), value)


def _by_state(look: Look, value: int) -> Place | Missing:
    """Look at a number for each channel and each of its state as (batch, tokens, channels, state)."""
    shape = look.graph.shape(value)
    if len(shape) == _BY_STATE and shape[:2] == (look.batch, look.tokens) != shape[::2]:
        return Place(value, as_it_is)
    if len(shape) == _BY_STATE and shape[::2] == (look.batch, look.tokens):
        return Place(value, turned)
    if len(shape) == _STATE and look.tokens == 1:
        return Place(value, then(lambda x: x.unsqueeze(1)))
    return Missing("its kernel has it in no shape that can be looked at without a copy")
