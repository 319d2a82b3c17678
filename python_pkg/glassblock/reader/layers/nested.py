"""A stream within a branch: a bottleneck in which several blocks add to a narrower stream of their own.

MobileBERT's layers project the stream down to a quarter, let an attention and four feed-forward blocks add to that, and
project the result back up (Sun et al., 2020, arXiv:2004.02984, figure 1).
"""

from __future__ import annotations

from glassblock.ir import Block
from glassblock.reader.branches.branch import Branch, cut
from glassblock.reader.branches.numbering import numbered
from glassblock.reader.branches.recognise import Recognised, recognise
from glassblock.reader.layers.roles import RECOGNISERS
from glassblock.reader.operations.params import count_in
from glassblock.reader.operations.residual import Stream, Update, additions_between

_FEWEST = 6
"""Projections of a branch with blocks of its own: two around them, and two of each of two blocks."""


def nested(branch: Branch) -> Recognised | None:
    """Return what a branch with a stream of its own consists of; None for any other branch."""
    inner = _inner_stream(branch)
    if inner is None:
        return None
    graph = branch.graph
    found = [
        (one, recognise(one, RECOGNISERS))
        for update in inner.updates
        if (one := _cut(branch, inner, update)) is not None
    ]
    names = numbered(what.part for _, what in found)
    parts = tuple(
        Block(
            address=name,
            role=what.role,
            path=one.path,
            cls=graph.class_of(one.path),
            params=count_in(graph, one.path, one.ops),
            spec=what.spec,
            notes=what.notes,
        )
        for name, (one, what) in zip(names, found, strict=True)
    )
    width = graph.shape(inner.source)[-1]
    return Recognised("other", "bottleneck", parts=parts, notes=(f"its blocks add to a stream of {width} channels",))


def _cut(branch: Branch, inner: Stream, update: Update) -> Branch | None:
    """Cut out a block that reads the inner stream, or the outer one (the attention's values in MobileBERT)."""
    both = {**branch.stream.states, **inner.states}
    own = cut(branch.graph, inner, update, branch.norms, inner.states)
    return own or cut(branch.graph, branch.stream, update, branch.norms, both)


def _inner_stream(branch: Branch) -> Stream | None:
    graph, projections = branch.graph, branch.projections()
    last = graph.projection(projections[-1]) if len(projections) >= _FEWEST else None
    if last is None:
        return None
    for op in projections[:2]:
        source = op.outputs[0]
        if graph.size(source) == graph.size(last[0]) < graph.size(branch.stream.source):
            inner = additions_between(graph, branch.stream.call, source, last[0], branch.norms, 0)
            if inner is not None and len(inner.updates) > 1:
                return inner
    return None
