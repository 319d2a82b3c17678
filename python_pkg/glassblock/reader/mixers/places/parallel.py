"""Mixers that look at all tokens at once without a softmax: products of queries and keys, masked, meet the values."""

from __future__ import annotations

from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import tokens_first
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.way_out import way_out
from glassblock.reader.tracing.record import Op

_TURNS = ("transpose", "permute", "swapaxes", "T", "mT")


def parallel(look: Look) -> Places:
    """Find the taps of linear attention in its parallel form (retention, arXiv:2307.08621) and its kin."""
    found = _products(look)
    if found is None:
        return {}
    first, second = found
    graph = look.graph
    (q, k), factors = graph.product(first) or (0, 0), graph.product(second) or ()
    met = {v for op in graph.onward(first.outputs, lambda op: not graph.heavy(op)) for v in op.outputs} | {
        *first.outputs
    }
    values = [v for v in factors if v not in met]
    if len(values) != 1:
        return {}
    turn = graph.producer(k)
    k = turn.inputs[0] if turn is not None and turn.name in _TURNS else k
    out = way_out(look, look.made_of([graph.same(values[0])]), 1)
    places: Places = {name: _in_product(look, v) for name, v in (("q", q), ("k", k), ("v", values[0]))}
    places["recurrence_out"] = look.place(out.made, graph.shape(values[0])[-1])
    return places if out.gate is None else {**places, "gate": look.place(out.gate, graph.shape(values[0])[-1])}


def _products(look: Look) -> tuple[Op, Op] | None:
    """Return a product of activations as large as text by text, and the next one that it goes into."""
    graph = look.graph
    for first in graph.ops:
        square = graph.product(first) is not None and graph.shape(first.outputs[0])[-2:] == (look.tokens, look.tokens)
        if square:
            reached = graph.onward(first.outputs, lambda op: not graph.heavy(op))
            second = next((op for op in reached if graph.product(op) is not None), None)
            if second is not None:
                return first, second
    return None


def _in_product(look: Look, value: int) -> Place | Missing:
    view = tokens_first(look.graph.shape(value), look.batch)
    return (
        Missing("its heads lie in no order that can be looked at without a copy")
        if view is None
        else Place(value, view)
    )
