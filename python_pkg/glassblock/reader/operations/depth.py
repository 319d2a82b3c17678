"""Residual streams over depth: what is kept of earlier layers is read beside the stream, and the stream begins anew.

Attention residuals keep the stream as it was after every so many layers. A branch reads a mixture of those and of the
stream, by a softmax over them with a learned query; after a layer at which the stream is kept, it begins again with
what that layer's first block makes.
"""

from __future__ import annotations

from dataclasses import replace

from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.residual import Stream, Update, additions_between
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import JOINS

_ANEW = "the stream begins anew with what this block makes; what came in is kept beside it"
_MIXTURE = "branches read mixtures of the stream and of what is kept of earlier layers"


def begun_anew(graph: Graph, call: Call, norms: dict[int, NormSite]) -> list[Stream]:
    """Follow a stream that begins within a layer: its first block's output, which no addition joins to what came in.

    Parameters
    ----------
    graph
        The recording.
    call
        The call of the layer.
    norms
        All norms of the recording.

    Returns
    -------
    list of Stream
        One, or none where what the layer returns is no sum that begins with a block's output.
    """
    source = call.inputs[0] if call.inputs else None
    if source is None or not call.outputs or graph.size(call.outputs[0]) != graph.size(source):
        return []
    end = call.outputs[0]
    last = graph.producer(graph.same(end))
    if last is None or last.name != "add" or last.index < call.first:
        return []
    for first in last.inputs:
        cone = graph.cone(first, {source}, call.first)
        worked = source in cone.edge and any(graph.projection(op) is not None for op in cone.ops)
        stream = additions_between(graph, call, first, end, norms, 1) if worked else None
        if stream is not None:
            updates = [Update(first, 1, notes=[_ANEW]), *stream.updates]
            return [replace(stream, source=source, states={source: 0, **stream.states}, updates=updates)]
    return []


def with_mixtures(graph: Graph, stream: Stream) -> Stream:
    """Return a stream with the mixtures over depth that branches read instead of it, as states of their own."""
    states = dict(stream.states)
    for op in graph.span(stream.call):
        if op.name in JOINS and len(op.inputs) > 1:
            read = [count for v in op.inputs if (count := _count(graph, states, v)) is not None]
            if read and _several(graph, op, stream):
                states |= dict.fromkeys(_mixtures(graph, op, stream), max(read))
    return (
        stream if len(states) == len(stream.states) else replace(stream, states=states, notes=[*stream.notes, _MIXTURE])
    )


def _count(graph: Graph, states: dict[int, int], value: int | None) -> int | None:
    """Return how many additions are in a value that is the stream in some layout; None if it is not."""
    while value is not None and value not in states:
        value = graph.behind(value)
    return None if value is None else states[value]


def _several(graph: Graph, op: Op, stream: Stream) -> bool:
    """Whether what was joined is several streams, side by side in a dimension of their own."""
    one, shape = graph.shape(stream.source), graph.shape(op.outputs[0])
    return len(shape) == len(one) + 1 and shape[: len(one) - 1] == one[:-1] and shape[-1] == one[-1]


def _mixtures(graph: Graph, joined: Op, stream: Stream) -> list[int]:
    """Return the values of one stream's shape that were made of several without a learned matrix."""
    shape, found = graph.shape(stream.source), []
    queue, seen = [*joined.outputs], set[int]()
    while queue:
        for op in graph.consumers[queue.pop()]:
            inside = stream.call.first <= op.index < stream.call.last
            if op.index in seen or not inside or graph.projection(op) is not None:
                continue
            seen.add(op.index)
            single = [v for v in op.outputs if graph.shape(v) == shape]
            found += single
            queue += [v for v in op.outputs if v not in single]
    return found
