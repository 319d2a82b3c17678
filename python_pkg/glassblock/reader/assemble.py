"""Put the architecture together from what was recognised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from glassblock.ir import (
    Architecture,
    Block,
    Embedding,
    Fact,
    Group,
    Layer,
    Stack,
    from_config,
    from_module,
    observed,
)
from glassblock.reader.fallback import tree_layer
from glassblock.reader.graph import Graph, show
from glassblock.reader.layers import read_layer
from glassblock.reader.naming import named_stacks
from glassblock.reader.norms import NormSite, norm_sites
from glassblock.reader.observe import Observation
from glassblock.reader.outside import outside
from glassblock.reader.params import count_all
from glassblock.reader.record import Call
from glassblock.reader.residual import stream_through

_CONTEXT = (
    "max_position_embeddings",
    "n_positions",
    "max_sequence_length",
    "seq_length",
    "max_seq_len",
)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of layers: its stack, the stream that goes in and the one that comes out."""

    stack: Stack
    source: int
    end: int


def assemble(observation: Observation, name: str) -> Architecture | None:
    """Make the architecture of a recorded model; None if it has no layers around a stream."""
    assert observation.recording is not None
    graph = Graph(observation.recording, observation.model)
    norms = norm_sites(graph)
    containers = dict.fromkeys(observation.fold.containers.values())
    runs = [run for c in containers if (run := _run(graph, observation, c, norms)) is not None]
    if not runs:
        return None
    stacks = named_stacks([run.stack for run in runs])
    groups = [group for stack in stacks for group in stack.groups]
    around = outside(graph, runs[-1].source, runs[-1].end, norms)
    return Architecture(
        name=name,
        cls=type(observation.model).__name__,
        stacks=stacks,
        inputs=around.inputs,
        outputs=around.outputs,
        params=count_all(observation.model, around.tables, groups),
        trace=observation.trace,
        context=_context(observation.model, around.inputs),
    )


def _run(graph: Graph, observation: Observation, container: str, norms: dict[int, NormSite]) -> _Run | None:
    """Read one container of layers; None if no stream runs through it or nothing mixes tokens."""
    inside = observation.fold.containers
    calls: dict[str, Call] = {}
    for call in graph.calls:
        if inside.get(call.path) == container:
            calls.setdefault(call.path, call)
    alike: dict[str, list[tuple[int, Call]]] = {}
    for index, call in enumerate(calls.values()):
        alike.setdefault(call.key, []).append((index, call))
    groups = [_group(graph, same, norms) for same in alike.values()]
    if not any(block.role in ("attention", "mixer") for g in groups for block in g.template.blocks) or not any(
        edge.source == "observed" for g in groups for edge in g.template.branches
    ):
        return None
    ordered = list(calls.values())
    stream = stream_through(graph, ordered[0], norms)
    source = stream.source if stream is not None else ordered[0].inputs[0]
    width = observed(graph.shape(source)[-1], f"the stream: {show(graph.shape(source))}")
    return _Run(Stack(container, width, tuple(groups)), source, ordered[-1].outputs[0])


def _group(graph: Graph, same: list[tuple[int, Call]], norms: dict[int, NormSite]) -> Group:
    index, call = same[0]
    return Group(
        layers=tuple(index for index, _ in same),
        paths=tuple(call.path for _, call in same),
        template=read_layer(graph, index, call, norms) or _assumed(graph.model, index, call.path),
    )


def _assumed(model: nn.Module, index: int, path: str) -> Layer:
    """Describe a layer whose residual arithmetic was not understood by its module tree."""
    layer = tree_layer(model, index, path)
    note = "assumed from the module tree: the layer's additions to the stream were not understood"
    return replace(layer, blocks=tuple(replace(block, notes=(note,)) for block in layer.blocks))


def _context(model: nn.Module, inputs: tuple[Block, ...]) -> Fact[int] | None:
    config: Any = getattr(model, "config", None)
    for key in _CONTEXT:
        stated = getattr(config, key, None)
        if isinstance(stated, int) and stated > 0:
            return from_config(stated, f"config.{key}")
    for block in inputs:
        if block.address == "pos_embed" and isinstance(block.spec, Embedding):
            return from_module(block.spec.rows.value, f"rows of {block.path}")
    return None
