"""A branch of a layer: the operations between where it reads the stream and what it adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from glassblock.reader.graph import Cone, Graph
from glassblock.reader.norms import NormSite
from glassblock.reader.record import Call, Op
from glassblock.reader.residual import Stream, Update


@dataclass(slots=True)
class Branch:
    """One branch, cut out of the recording.

    Attributes
    ----------
    graph, stream, update
        Where it was cut from, and which term of which addition it is.
    reads
        How many additions were in the stream that it read.
    read
        The value of the stream that it read.
    pre_norm, post_norm
        The norms on its way in and out.
    inner
        What it made, before the norm on its way out.
    ops
        Its operations without those norms, in the order of execution.
    call
        The call of the module that does all of its work; None where that is the layer itself.
    norms
        All norms of the recording, by the value that they make.
    """

    graph: Graph
    stream: Stream
    update: Update
    reads: int
    read: int
    pre_norm: NormSite | None
    post_norm: NormSite | None
    inner: int
    ops: list[Op]
    call: Call | None
    norms: dict[int, NormSite]
    notes: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Path of its module; empty where no single module is the block."""
        return self.call.path if self.call else ""

    @property
    def start(self) -> int:
        """Index of its first operation."""
        return self.ops[0].index

    @property
    def batch(self) -> int:
        """How many texts went through at once."""
        shape = self.graph.shape(self.stream.source)
        return shape[0] if len(shape) > 2 else 1

    def projections(self) -> list[Op]:
        """Its multiplications by learned matrices, in the order of execution."""
        return [op for op in self.ops if self.graph.projection(op) is not None]

    def back(self, value: int) -> Cone:
        """What happened to a value since the projections that it comes from, within the branch."""
        return self.graph.to_projections(value, self.stream.states, self.stream.call.first)


def branches(graph: Graph, stream: Stream, norms: dict[int, NormSite]) -> list[Branch]:
    """Cut a layer into its branches, in the order in which they run."""
    found = [_branch(graph, stream, update, norms) for update in stream.updates]
    return sorted((b for b in found if b is not None), key=lambda b: b.start)


def _branch(graph: Graph, stream: Stream, update: Update, norms: dict[int, NormSite]) -> Branch | None:
    first = stream.call.first
    post = norms.get(graph.same(update.value)) or norms.get(update.value)
    inner = post.input if post else update.value
    cone = graph.cone(inner, stream.states, first)
    pre, read = _pre_norm(graph, stream, cone, norms)
    if read is None:
        read = max(
            (v for v in cone.edge if v in stream.states),
            key=lambda v: stream.states[v],
            default=None,
        )
    outside = range(pre.first, pre.last) if pre else range(0)
    ops = [op for op in cone.ops if op.index not in outside]
    if read is None or not ops or not any(graph.heavy(op) for op in ops):
        return None
    call = graph.common_call(op for op in ops if graph.heavy(op))
    own = call if call is not None and stream.call.index in call.parents[:-1] and _alone(graph, call, cone) else None
    return Branch(
        graph,
        stream,
        update,
        stream.states[read],
        read,
        pre,
        post,
        inner,
        ops,
        own,
        norms,
        list(update.notes),
    )


def _alone(graph: Graph, call: Call, cone: Cone) -> bool:
    """Whether a module does no other work than this branch's: other matrices in it would be another block's."""
    mine = {op.index for op in cone.ops}
    others = (op for op in graph.span(call) if op.index not in mine and graph.projection(op) is not None)
    weights = {graph.weights[value] for op in cone.ops for value in op.inputs}
    return all(any(graph.weights[value] in weights for value in op.inputs if graph.weights[value]) for op in others)


def _pre_norm(
    graph: Graph, stream: Stream, cone: Cone, norms: dict[int, NormSite]
) -> tuple[NormSite | None, int | None]:
    """Find the first norm of the branch that reads the stream itself."""
    for op in cone.ops:
        for value in op.outputs:
            site = norms.get(value)
            if site is None:
                continue
            read = site.input if site.input in stream.states else graph.same(site.input)
            if read in stream.states:
                return site, read
    return None, None
