"""Modulation: what a layer is given besides its stream shifts, scales and gates it, the same at every token.

Diffusion transformers make a shift and a scale after each norm, and a gate for each update, from the time step and a
class or a text (adaLN-Zero, Peebles and Xie 2022, arXiv:2212.09748). Such numbers are made without the stream and meet
it channel by channel; so they are no work of the block that they meet, and the matrices they come from are a block of
their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from glassblock.ir import Block
from glassblock.reader.operations.params import count_in
from glassblock.reader.operations.shapes import length, named
from glassblock.reader.operations.work import multiply_adds
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import Cone

_MEETS = ("add", "mul", "sub")
_NOTE = "makes shifts, scales and gates for the stream of what the layer is given besides it"


def modulators(graph: Graph, states: Collection[int], cone: Cone) -> set[int]:
    """Find the values by which a branch is shifted or scaled.

    Parameters
    ----------
    graph
        The recording.
    states
        The values that are the stream.
    cone
        What the branch was made of.
    """
    found: set[int] = set()
    streaming = set(states)
    for op in cone.ops:
        if any(value in streaming for value in op.inputs):
            streaming.update(op.outputs)
        if op.name not in _MEETS or len(op.inputs) != 2:
            continue
        for value, other in (op.inputs, reversed(op.inputs)):
            fewer = graph.size(value) < graph.size(other) and graph.shape(value)[-1:] == graph.shape(other)[-1:]
            if fewer and value not in streaming and graph.activation(value) and graph.learned[other]:
                found.add(value)
    return found


def modulation(graph: Graph, layer: Call, made: Iterable[int], states: Collection[int], address: str) -> Block | None:
    """Make the block of the matrices that modulate a layer; None if it has none of its own."""
    cones = [graph.cone(value, states, layer.first).ops for value in made]
    ops = sorted({op.index: op for cone in cones for op in cone}.values(), key=lambda op: op.index)
    heavy = [op for op in ops if graph.projection(op) is not None]
    if not heavy:
        return None
    path = _path(graph, layer, heavy)
    first, last = heavy[0], heavy[-1]
    return Block(
        address=address,
        role="projector",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, ops),
        notes=(_NOTE,),
        reads=named(graph, first.inputs[0]),
        makes=named(graph, last.outputs[0]),
        weights=multiply_adds(graph, ops, length(graph, last.outputs[0])),
    )


def _path(graph: Graph, layer: Call, heavy: list[Op]) -> str:
    """Return the path of the module within the layer that does this work and no other; empty without one."""
    call = graph.common_call(heavy)
    mine = {op.index for op in heavy}
    if call is None or layer.index not in call.parents[:-1]:
        return ""
    return call.path if all(op.index in mine for op in graph.span(call) if graph.heavy(op)) else ""
