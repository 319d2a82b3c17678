"""One module's work as a branch, for recordings of a single call."""

from __future__ import annotations

from glassblock.reader.branches.branch import Branch
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.residual import Stream, Update
from glassblock.reader.tracing.graph import Graph


def whole_branch(graph: Graph, source: int, output: int, norms: dict[int, NormSite] | None = None) -> Branch:
    """Return all that a recorded module did as one branch.

    Parameters
    ----------
    graph
        The recording.
    source, output
        The value that the module was given, and the one that it returned.
    norms
        The norms to see as such; none where every operation counts.
    """
    stream = Stream(graph.calls[0], source, {source: 0})
    return Branch(
        graph,
        stream,
        Update(output, 1),
        reads=0,
        read=source,
        pre_norm=None,
        post_norm=None,
        inner=output,
        ops=list(graph.cone(output, {source}).ops),
        call=graph.calls[0],
        norms=norms or {},
    )
