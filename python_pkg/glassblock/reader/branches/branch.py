"""A branch of a layer: the operations between where it reads the stream and what it adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from glassblock.reader.operations.modulation import modulators
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.residual import Stream, Update
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import JOINS, Cone


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
    made_beside
        What shifts, scales and gates it that was made of something else than the stream.
    joined
        The branches of other streams of the layer that are the same work: one attention over all of them.
    alone
        Whether it reads what another block made, and nothing of the stream.
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
    made_beside: set[int] = field(default_factory=set)
    joined: list[Branch] = field(default_factory=list)
    alone: bool = False

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


def branches(graph: Graph, streams: list[Stream], norms: dict[int, NormSite]) -> list[Branch]:
    """Cut a layer into its branches, in the order in which they run."""
    states = {value: count for stream in streams for value, count in stream.states.items()}
    found = [cut(graph, stream, update, norms, states) for stream in streams for update in stream.updates]
    ordered = sorted((b for b in found if b is not None), key=lambda b: b.start)
    return _joined(ordered) if len(streams) > 1 else ordered


def cut(
    graph: Graph, stream: Stream, update: Update, norms: dict[int, NormSite], states: dict[int, int]
) -> Branch | None:
    """Cut out the branch that makes an update of the stream; None where there is no work in it.

    Parameters
    ----------
    graph, norms
        The recording, and its norms by the value that they make.
    stream, update
        The stream, and what is added to it.
    states
        All values that are a stream of the layer, and how many additions are in each: nothing behind them is the
        branch's. It may read another stream than the one it is added to (reversible layers).
    """
    first = stream.call.first
    post = norms.get(graph.same(update.value)) or norms.get(update.value)
    inner = post.input if post else update.value
    behind = {*states} - {inner}  # where a stream begins anew, what a block made is its first state
    cone = graph.cone(inner, behind, first)
    beside = modulators(graph, states, cone)
    if beside:
        cone = graph.cone(inner, behind | beside, first)
    own = stream.states
    if cone.edge.isdisjoint(own):
        own = {v: count for v, count in states.items() if graph.shape(v)[-1:] == graph.shape(stream.source)[-1:]}
    pre, read = _pre_norm(graph, own, cone, norms)
    if read is None:
        read = max((v for v in cone.edge if v in own), key=lambda v: own[v], default=None)
    outside = _before_work(graph, pre, {*states, *beside}, first) if pre is not None else set()
    ops = [op for op in cone.ops if op.index not in outside]
    if read is None or not ops or not any(graph.heavy(op) for op in ops):
        return None
    return Branch(
        graph,
        stream,
        replace(update, add=max(update.add, own[read] + 1)),
        own[read],
        read,
        pre,
        post,
        inner,
        ops,
        _own_call(graph, stream.call, ops),
        norms,
        list(update.notes),
        beside | set(update.gates),
    )


def _before_work(graph: Graph, pre: NormSite, states: set[int], first: int) -> set[int]:
    """Return the operations of a norm, and those that made its input of the stream."""
    made = (op.index for op in graph.cone(pre.input, states, first).ops if not graph.heavy(op))
    return {*range(pre.first, pre.last), *made}


def _joined(found: list[Branch]) -> list[Branch]:
    """Put branches of several streams together that are one attention over all of them."""
    kept: list[Branch] = []
    for branch in found:
        mixing = _mixing(branch)
        other = next((b for b in kept if b.stream is not branch.stream and mixing & _mixing(b)), None)
        if other is None:
            kept.append(branch)
            continue
        norms = [site for b in (other, branch) if (site := b.pre_norm) is not None]
        outside = {index for site in norms for index in range(site.first, site.last)}
        ops = {op.index: op for op in (*other.ops, *branch.ops) if op.index not in outside}
        other.ops = [ops[index] for index in sorted(ops)]
        other.call = _own_call(other.graph, other.stream.call, other.ops)
        other.made_beside |= branch.made_beside
        other.joined.append(branch)
    for branch in kept:
        if branch.joined:
            branch.notes.append(f"one attention over {len(branch.joined) + 1} streams, each with weights of its own")
    return kept


def _mixing(branch: Branch) -> set[int]:
    """Return the operations of a branch in which tokens look at each other."""
    graph = branch.graph
    return {op.index for op in branch.ops if graph.product(op) is not None or op.name.startswith("scaled_dot")}


def _own_call(graph: Graph, layer: Call, ops: list[Op]) -> Call | None:
    """Return the call of the module within the layer that does this work and no other."""
    call = graph.common_call(op for op in ops if graph.heavy(op))
    return call if call is not None and layer.index in call.parents[:-1] and _alone(graph, call, ops) else None


def _alone(graph: Graph, call: Call, work: list[Op]) -> bool:
    """Whether a module does no other work than this branch's: other matrices in it would be another block's."""
    mine = {op.index for op in work}
    others = (op for op in graph.span(call) if op.index not in mine and graph.projection(op) is not None)
    weights = {graph.weights[value] for op in work for value in op.inputs}
    return all(any(graph.weights[value] in weights for value in op.inputs if graph.weights[value]) for op in others)


def _pre_norm(
    graph: Graph, states: dict[int, int], cone: Cone, norms: dict[int, NormSite]
) -> tuple[NormSite | None, int | None]:
    """Find the norm of the branch that reads the stream itself, alone or joined with something else.

    Where several do, such as one for the router and one for the experts, it is the one with the most work behind it.
    """
    found: list[tuple[NormSite, int]] = []
    for op in cone.ops:
        for site in (norms[value] for value in op.outputs if value in norms):
            read = (site.input, graph.same(site.input), *_parts(graph, site.input))
            found += [(site, value) for value in read if value in states][:1]
    if len(found) > 1:
        mine = {op.index for op in cone.ops}
        return max(found, key=lambda one: _work_behind(graph, one[0].output, mine))
    return found[0] if found else (None, None)


def _work_behind(graph: Graph, value: int, mine: set[int]) -> int:
    """Return the size of the matrices that a value meets first."""
    reached = graph.onward([value], lambda op: op.index in mine and not graph.heavy(op))
    met = {v for op in reached if op.index in mine and graph.heavy(op) for v in op.inputs if graph.weights[v]}
    return sum(map(graph.size, met))


def _parts(graph: Graph, value: int) -> tuple[int, ...]:
    """Return what was joined along the channels to a value."""
    op = graph.producer(graph.same(value))
    if op is None or op.name not in JOINS:
        return ()
    width = graph.shape(value)[-1]
    return tuple(map(graph.same, op.inputs)) if all(graph.shape(v)[-1] < width for v in op.inputs) else ()
