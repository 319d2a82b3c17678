"""Put the architecture together from what was recognised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glassblock.ir import Architecture, Block
from glassblock.reader.branches.numbering import numbered_blocks
from glassblock.reader.operations.flow import Flow
from glassblock.reader.operations.norms import NormSite, norm_sites
from glassblock.reader.operations.params import count_all
from glassblock.reader.stacks.above import final_norms, head
from glassblock.reader.stacks.below import below, looks_up_tokens
from glassblock.reader.stacks.context import context_length
from glassblock.reader.stacks.edges import edges_into
from glassblock.reader.stacks.naming import named_stacks
from glassblock.reader.stacks.runs import Run, layer_calls, read_run
from glassblock.reader.stacks.sharing import with_sharing
from glassblock.reader.stacks.used import layers_used, marked_unused
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.observe import Observation
from glassblock.reader.tracing.record import Call, Op


@dataclass(frozen=True, slots=True)
class _Around:
    """The blocks around a stack, and which parameters are embeddings."""

    inputs: tuple[Block, ...]
    outputs: tuple[Block, ...]
    tables: tuple[str, ...]


def assemble(observation: Observation, name: str) -> Architecture | None:
    """Make the architecture of a recorded model; None if it has no layers around a stream."""
    assert observation.recording is not None
    graph = Graph(observation.recording, observation.model)
    norms = norm_sites(graph)
    calls = layer_calls(graph, observation.fold)
    flow = Flow(graph, calls)
    runs = _runs(graph, flow, calls, norms)
    if not runs:
        return None
    if len(runs) < len(calls):  # what is no run of layers after all is on the way between those that are
        calls = {run.stack.name: calls[run.stack.name] for run in runs}
        flow = Flow(graph, calls)
        runs = _runs(graph, flow, calls, norms)
    runs = _main_last(graph, flow, runs)
    edges = [edge for run in runs for edge in edges_into(graph, flow, run)]
    leaving = {edge.source for edge in edges}
    last = [run is runs[-1] or run.stack.name not in leaving for run in runs]
    around = [_around(graph, flow, run, norms, last=at_end) for run, at_end in zip(runs, last, strict=True)]
    stacks = [replace(run.stack, used=layers_used(graph, run)) for run in runs]
    towers = [replace(s, inputs=a.inputs, outputs=a.outputs) for s, a in zip(stacks[:-1], around, strict=False)]
    named, named_edges = named_stacks([*towers, stacks[-1]], edges)
    tables = dict.fromkeys(table for each in around for table in each.tables)
    groups = [group for stack in named for group in stack.groups]
    architecture = Architecture(
        name=name,
        cls=type(observation.model).__name__,
        stacks=named,
        inputs=around[-1].inputs,
        outputs=around[-1].outputs,
        params=count_all(observation.model, tables, groups, _multiplied(graph)),
        trace=observation.trace,
        context=context_length(observation.model, runs[-1].stack.name, around[-1].inputs),
        edges=named_edges,
    )
    return with_sharing(observation.model, architecture)


def _runs(graph: Graph, flow: Flow, calls: dict[str, list[Call]], norms: dict[int, NormSite]) -> list[Run]:
    return [run for c, layers in calls.items() if (run := read_run(graph, c, layers, norms, flow)) is not None]


def _multiplied(graph: Graph) -> set[str]:
    """Return the paths of the parameters that activations are multiplied with."""
    return {graph.weights[read[1]] for op in graph.ops if (read := graph.projection(op)) is not None}


def _main_last(graph: Graph, flow: Flow, runs: list[Run]) -> list[Run]:
    """Put the run last that the model's first result comes from; the others stay in the order in which they ran."""
    names = [run.stack.name for run in runs]
    for result in graph.recording.results:
        reached = [origin for origin in flow.way(result).origins if origin in names]
        if reached:
            main = runs[names.index(reached[-1])]
            return [*(run for run in runs if run is not main), main]
    return runs


def _around(graph: Graph, flow: Flow, run: Run, norms: dict[int, NormSite], *, last: bool) -> _Around:
    under = below(graph, _ops_below(graph, flow, run), run.source, norms)
    outputs = final_norms(graph, flow, run.outputs, norms, several=run.stack.streams is not None)
    if last:
        outputs += numbered_blocks(head(graph, flow, run.stack.name, run.outputs, under, norms))
    return _Around(under.blocks, tuple(marked_unused(graph, outputs)), under.tables)


def _ops_below(graph: Graph, flow: Flow, run: Run) -> list[Op]:
    """Return what the stream is made by, and the look-ups of tokens that the layers are given besides it."""
    ops = {op.index: op for source in (run.source, *run.beside) for op in flow.way(source).below}
    for value in run.calls[0].inputs:
        if value != run.source and graph.learned[value]:
            given = flow.way(value).below
            if any(op.name == "embedding" and looks_up_tokens(graph, op) for op in given):
                ops |= {op.index: op for op in given}
    return [ops[index] for index in sorted(ops)]
