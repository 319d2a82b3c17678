"""Mixers with one number for each channel as their state: RG-LRU, RWKV; and short convolutions, which have none."""

from __future__ import annotations

from glassblock.reader.branches.place import Place, Places, View
from glassblock.reader.branches.views import as_it_is
from glassblock.reader.mixers.places.decay import log_decay
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.record import Op

_VECTOR = 2


def linear_recurrence(look: Look) -> Places:
    """Find the taps of a state that fades by what the text decides and is added to (RG-LRU, arXiv:2402.19427)."""
    graph, state = look.graph, _added(look)
    decay = log_decay(look, state, [0] * len(graph.values)) if state is not None else None
    written = _written(look, state) if state is not None else None
    if state is None or decay is None or written is None:
        return {}
    if graph.shape(decay)[:2] != (look.batch, look.tokens):
        return {}
    out = way_out(look, look.made_of([written]), 1)
    places: Places = {"v": look.place(written), "log_decay": look.place(decay)}
    if look.conv_in is not None:
        places["conv_in"] = look.place(look.conv_in)
    places["recurrence_out"] = look.place(out.made)
    if out.gate is not None:
        places["gate"] = look.place(out.gate)
    return {**places, "state": Place(state.outputs[0], _flat(look, state))}


def _flat(look: Look, state: Op) -> View:
    """Look at the state of one token as (batch, channels)."""
    return as_it_is if len(look.graph.shape(state.outputs[0])) == _VECTOR else lambda x: x[:, -1]


def _added(look: Look) -> Op | None:
    """Return the last addition of a vector without tokens, or with one."""
    graph = look.graph
    for op in reversed(graph.ops):
        shape = graph.shape(op.outputs[0])
        if op.name != "add" or shape[0] != look.batch or not graph.activation(op.outputs[0]):
            continue
        if len(shape) == _VECTOR or (look.tokens == 1 and shape[1] == 1):
            return op
    return None


def _written(look: Look, state: Op) -> int | None:
    """Return what is added to the state, of all tokens."""
    for value in state.inputs:
        root = look.root(value)
        made = look.graph.producer(root)
        product = look.graph.activation(root) and made is not None and made.name == "mul"
        by_token = look.graph.shape(root)[:2] == (look.batch, look.tokens)
        if product and by_token and not _fades(look, root):
            return root
    return None


def _fades(look: Look, value: int) -> bool:
    """Whether a product is of the state before: of what was kept or made of nothing."""
    op = look.graph.producer(value)
    return op is not None and any(not look.graph.activation(look.root(v)) for v in op.inputs)


def weighted_mean(look: Look) -> Places:
    """Find the taps of a weighted mean of values whose weights are exponentials of keys (RWKV, arXiv:2305.13048)."""
    graph = look.graph
    made = [op.outputs[0] for op in look.projections[:-1]]
    mixed = look.made_of(made)
    state = None
    for op in reversed(graph.ops):
        shape = graph.shape(op.outputs[0])
        both = [at for at in range(len(made)) if mixed[op.outputs[0]] & 1 << at]
        if op.name == "add" and len(shape) == _VECTOR and len(both) == 2 and shape[0] == look.batch:
            state = op
            break
    if state is None:
        return {}
    keys = [at for at in both if _exponential(look, mixed, 1 << at)]
    values = [at for at in both if at not in keys]
    if len(keys) != 1 or len(values) != 1:
        return {}
    out = way_out(look, mixed, 1 << values[0])
    places: Places = {"k": look.place(made[keys[0]]), "v": look.place(made[values[0]])}
    places["recurrence_out"] = look.place(out.made)
    if out.gate is not None:
        places["gate"] = look.place(out.gate)
    return {**places, "state": Place(state.outputs[0], as_it_is)}


def _exponential(look: Look, mixed: list[int], bit: int) -> bool:
    return any(op.name == "exp" and mixed[op.outputs[0]] & bit for op in look.graph.ops)


def convolved(look: Look) -> Places:
    """Find the taps of a short convolution that is all that mixes tokens (LFM2)."""
    graph, conv_in = look.graph, look.conv_in
    if look.convolution is None or conv_in is None or len(look.projections) < 2:
        return {}
    out = way_out(look, look.made_of([conv_in]), 1)
    if look.root(out.made) not in look.convolution.outputs and graph.producer(out.made) is not look.convolution:
        return {}
    places: Places = {"conv_in": look.place(conv_in), "conv_out": look.place(out.made)}
    return places if out.gate is None else {**places, "gate": look.place(out.gate)}
