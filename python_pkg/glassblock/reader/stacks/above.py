"""What lies above the layers of a stack: its final norm, and for the main one the map to logits."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from glassblock.ir import Block, Fact, Port, Unembedding, from_module, observed
from glassblock.reader.branches.norm_block import norm_block
from glassblock.reader.feedforward.dense import feed_forward
from glassblock.reader.operations.flow import Flow
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.params import count_in
from glassblock.reader.operations.shapes import length, named
from glassblock.reader.operations.work import multiply_adds
from glassblock.reader.stacks.below import Below
from glassblock.reader.tracing.graph import Graph, numbers, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import SLICES
from glassblock.reader.walk import parameter_at


def final_norms(
    graph: Graph, flow: Flow, outputs: Iterable[int], norms: dict[int, NormSite], *, several: bool
) -> list[Block]:
    """Return the norm that the stream goes through after the last layer, all of it or the tokens that are kept.

    Parameters
    ----------
    graph
        The recording.
    flow
        What flows between runs.
    outputs
        What the last layers returned.
    norms
        All norms of the recording.
    several
        Whether there are several streams, which are merged before the norm.
    """
    made = {graph.same(value) for value in outputs}
    found = [
        site for site in norms.values() if _uncut(graph, site.input) in made and not flow.within(graph.ops[site.first])
    ]
    if several and not found:
        later = {op.index for op in flow.after(outputs)}
        found = [site for site in norms.values() if site.first in later and site.path and not site.gated]
    return [norm_block(graph, site, "norm") for site in sorted(found, key=lambda site: site.first)[:1]]


def _uncut(graph: Graph, value: int) -> int:
    """Follow a value back through changes of layout, cuts and the mean over tokens to what it is a part of."""
    value = graph.same(value)
    op = graph.producer(value)
    if op is None or not op.inputs:
        return value
    pooled = op.name == "mean" and graph.shape(op.inputs[0])[-1:] == graph.shape(value)[-1:]
    return _uncut(graph, op.inputs[0]) if pooled or op.name in SLICES else value


def head(
    graph: Graph,
    flow: Flow,
    run: str,
    outputs: Iterable[int],
    under: Below,
    norms: dict[int, NormSite],
) -> list[Block]:
    """Return what makes the model's results of the stream: the unembedding, projections and norms before it.

    Where a result is made of several runs (two towers that are compared), what each contributes is a projection into
    the space that they share, and no unembedding.

    Parameters
    ----------
    graph
        The recording.
    flow
        What flows between runs.
    run
        Container of the run.
    outputs
        What its last layer returned.
    under
        What is below its layers: a map to as many as there are tokens is an unembedding, whatever the width.
    norms
        All norms of the recording.
    """
    later = [op for op in flow.after(outputs) if graph.projection(op) is not None]
    stream = graph.shape(next(iter(outputs)))[-1]
    found: list[Block] = []
    met: set[int] = set()
    for result in graph.recording.results:
        way = flow.way(result)
        inside = {op.index for op in way.between} - met if run in way.origins else set()
        own = [op for op in later if op.index in inside and flow.way(op.outputs[0]).origins == (run,)]
        if own:
            met |= inside
            logits = len(way.origins) == 1 and _makes_logits(graph, own[-1], result, under.words, stream)
            last = _unembedding(graph, own[-1], under.tables) if logits else _projector(graph, own[-1])
            between = [site for site in norms.values() if site.first in inside and own[0].index < site.first]
            found += _made_into(graph, own, between if len(way.origins) == 1 else [], last)
    return found


def _made_into(graph: Graph, own: list[Op], between: list[NormSite], last: Block) -> list[Block]:
    """Return what makes one result, in the order in which it runs; the last of it is known."""
    blocks = [(op.index, _projector(graph, op)) for op in own[:-1]] + [(own[-1].index, last)]
    blocks += [(site.first, norm_block(graph, site, "head_norm")) for site in between if site.path]
    return [block for _, block in sorted(blocks, key=itemgetter(0))]


def _makes_logits(graph: Graph, op: Op, result: int, words: int | None, stream: int) -> bool:
    """Whether a projection makes what the model returns, and that is no stream again as in a model without a head."""
    read = graph.projection(op)
    rows = graph.shape(op.outputs[0])[-1]
    if read is None or graph.shape(result)[-1:] != (rows,):
        return False
    return rows == words or rows not in (stream, graph.shape(read[0])[-1])


def _projector(graph: Graph, op: Op) -> Block:
    path = graph.path_of(op)
    return Block(
        address="head_proj",
        role="projector",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, [op]),
        spec=feed_forward(graph, [op]),
        reads=named(graph, op.inputs[0]),
        makes=named(graph, op.outputs[0]),
        weights=multiply_adds(graph, [op], length(graph, op.inputs[0])),
    )


def _unembedding(graph: Graph, op: Op, tables: Iterable[str]) -> Block:
    read = graph.projection(op)
    assert read is not None
    rows, width = graph.shape(op.outputs[0])[-1], graph.shape(read[0])[-1]
    call = graph.calls[op.call] if op.call is not None else None
    path = call.path if call is not None else ""
    shapes = f"{op.name}: {show(graph.shape(read[0]))} to {show(graph.shape(op.outputs[0]))}"
    weight = parameter_at(graph.model, graph.weights[read[1]])
    tied = weight is not None and any(weight is parameter_at(graph.model, table) for table in tables)
    made = call is not None and call.outputs and graph.same(call.outputs[0]) == graph.same(op.outputs[0])
    return Block(
        address="unembed",
        role="unembedding",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, [op]),
        spec=Unembedding(
            rows=observed(rows, shapes),
            width=observed(width, shapes),
            tied=from_module(tied, "one parameter" if tied else "a parameter of its own"),
            softcap=_softcap(graph, op),
        ),
        ports=(Port("in", path, "input"), Port("out", path, "output")) if made and path else (),
        reads=named(graph, read[0]),
        makes=named(graph, op.outputs[0]),
        weights=multiply_adds(graph, [op], length(graph, read[0])),
    )


def _softcap(graph: Graph, op: Op) -> Fact[float] | None:
    after = graph.ops[op.index + 1 :]
    capped = next((later for later in after if later.name == "tanh"), None)
    if capped is None:
        return None
    for later in after[after.index(capped) :]:
        if later.name == "mul" and numbers(later):
            return observed(numbers(later)[0], "tanh of the logits, multiplied back")
    return None
