"""Put the architecture together from what was recognised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from glassblock.ir import (
    Architecture,
    Block,
    Branch,
    Fact,
    Group,
    Layer,
    Stack,
    from_config,
    from_module,
    observed,
)
from glassblock.reader.branch import Branch as Cut
from glassblock.reader.branch import branches
from glassblock.reader.graph import Graph, show
from glassblock.reader.norms import NormSite, norm_sites
from glassblock.reader.observe import Observation
from glassblock.reader.outside import norm_block, outside
from glassblock.reader.params import count, count_all, count_in
from glassblock.reader.ports import branch_ports
from glassblock.reader.recognise import Recognised, recognise
from glassblock.reader.record import Call
from glassblock.reader.residual import Stream, stream_through
from glassblock.reader.roles import RECOGNISERS

_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "max_seq_len")


def assemble(observation: Observation, name: str) -> Architecture | None:
    """Make the architecture of a recorded model; None if it has no layers around a stream."""
    assert observation.recording is not None
    graph = Graph(observation.recording, observation.model)
    norms = norm_sites(graph)
    stacks = [
        made
        for container in dict.fromkeys(observation.fold.containers.values())
        if (made := _stack(graph, observation, container, norms)) is not None
    ]
    if not stacks:
        return None
    names = _names([made[0] for made in stacks])
    around = outside(graph, stacks[-1][2], stacks[-1][3], norms)
    finished = tuple(
        Stack(name, width, tuple(_prefixed(group, name) for group in groups))
        for name, (_, (width, groups), _, _) in zip(names, stacks, strict=True)
    )
    layers = [layer for stack in finished for layer in stack.layers()]
    return Architecture(
        name=name,
        cls=type(observation.model).__name__,
        stacks=finished,
        inputs=around.inputs,
        outputs=around.outputs,
        params=count_all(observation.model, around.tables, layers),
        trace=observation.trace,
        context=_context(observation.model, around.inputs),
    )


def _stack(
    graph: Graph, observation: Observation, container: str, norms: dict[int, NormSite]
) -> tuple[str, tuple[Fact[int], tuple[Group, ...]], int, int] | None:
    """Read one container of layers; None if no stream runs through it."""
    inside = observation.fold.containers
    calls: dict[str, Call] = {}
    for call in graph.calls:
        if inside.get(call.path) == container:
            calls.setdefault(call.path, call)
    alike: dict[str, list[tuple[int, Call]]] = {}
    for index, call in enumerate(calls.values()):
        alike.setdefault(call.key, []).append((index, call))
    streams = {key: stream_through(graph, same[0][1], norms) for key, same in alike.items()}
    known = [stream for stream in streams.values() if stream is not None and stream.updates]
    if not known:
        return None
    groups = tuple(
        Group(
            layers=tuple(index for index, _ in same),
            paths=tuple(call.path for _, call in same),
            template=_layer(graph, same[0][0], same[0][1], streams[key], norms),
        )
        for key, same in alike.items()
    )
    width = graph.shape(known[0].source)[-1]
    fact = observed(width, f"the stream: {show(graph.shape(known[0].source))}")
    ordered = list(calls.values())
    return container, (fact, groups), ordered[0].inputs[0], ordered[-1].outputs[0]


def _layer(
    graph: Graph, index: int, call: Call, stream: Stream | None, norms: dict[int, NormSite]
) -> Layer:
    address = f"L{index}"
    module = graph.modules[call.path]
    blocks: tuple[Block, ...] = ()
    edges: tuple[Branch, ...] = ()
    if stream is not None:
        blocks, edges = _blocks(graph, address, stream, norms)
    return Layer(
        address=address,
        index=index,
        path=call.path,
        cls=type(module).__name__,
        params=count(module.parameters()),
        blocks=blocks,
        branches=edges,
    )


def _blocks(
    graph: Graph, address: str, stream: Stream, norms: dict[int, NormSite]
) -> tuple[tuple[Block, ...], tuple[Branch, ...]]:
    cuts = branches(graph, stream, norms)
    known = [recognise(cut, RECOGNISERS) for cut in cuts]
    sites = _layer_norms(cuts, stream)
    norm_of = {site.output: f"{address}.norm{n + 1}" for n, site in enumerate(sites)}
    blocks = [(site.first, norm_block(graph, site, norm_of[site.output])) for site in sites]
    edges = []
    taken: dict[str, int] = {}
    for cut, what in zip(cuts, known, strict=True):
        taken[what.part] = taken.get(what.part, 0) + 1
        part = what.part if taken[what.part] == 1 else f"{what.part}{taken[what.part]}"
        block = _block(cut, what, f"{address}.{part}")
        blocks.append((cut.start, block))
        stream_norm = stream.norms.get(cut.update.add)
        edges.append(
            Branch(
                block=block.address,
                reads=cut.reads,
                add=cut.update.add,
                pre_norm=_named(norm_of, cut.pre_norm),
                post_norm=_named(norm_of, cut.post_norm),
                stream_norm=_named(norm_of, stream_norm),
                scale=cut.update.scale,
            )
        )
    ordered = tuple(block for _, block in sorted(blocks, key=lambda item: item[0]))
    return ordered, tuple(edges)


def _named(names: dict[int, str], site: NormSite | None) -> str | None:
    return None if site is None else names[site.output]


def _layer_norms(cuts: list[Cut], stream: Stream) -> list[NormSite]:
    """Norms between the stream and the branches, each once, in the order in which they run."""
    sites = [site for cut in cuts for site in (cut.pre_norm, cut.post_norm) if site is not None]
    sites += stream.norms.values()
    return sorted({site.output: site for site in sites}.values(), key=lambda site: site.first)


def _block(cut: Cut, what: Recognised, address: str) -> Block:
    graph = cut.graph
    ports, notes = branch_ports(cut)
    return Block(
        address=address,
        role=what.role,
        path=cut.path,
        cls=type(graph.modules[cut.path]).__name__ if cut.path else "",
        params=count_in(graph, cut.path, cut.ops),
        spec=what.spec,
        ports=(*ports, *what.ports),
        parts=tuple(replace(part, address=f"{address}.{part.address}") for part in what.parts),
        notes=(*what.notes, *notes, *cut.notes, *cut.stream.notes),
    )


def _names(containers: list[str]) -> list[str]:
    """Name the stacks: nothing where there is one, else after what their paths say."""
    if len(containers) == 1:
        return [""]
    hints = {"encoder": "enc", "decoder": "dec", "vision": "vision", "audio": "audio", "text": "text"}
    names = []
    for number, path in enumerate(containers):
        hint = next((short for word, short in hints.items() if word in path.lower()), f"stack{number}")
        names.append(hint if hint not in names else f"{hint}{number}")
    return names


def _prefixed(group: Group, stack: str) -> Group:
    if not stack:
        return group
    layer = group.template
    old, new = layer.address, f"{stack}.{layer.address}"
    return replace(group, template=_renamed(layer, old, new))


def _renamed(layer: Layer, old: str, new: str) -> Layer:
    def name(text: str | None) -> str | None:
        return None if text is None else new + text[len(old) :]

    def block(one: Block) -> Block:
        parts = tuple(block(part) for part in one.parts)
        return replace(one, address=new + one.address[len(old) :], parts=parts)

    edges = tuple(
        replace(
            edge,
            block=new + edge.block[len(old) :],
            pre_norm=name(edge.pre_norm),
            post_norm=name(edge.post_norm),
            stream_norm=name(edge.stream_norm),
        )
        for edge in layer.branches
    )
    return replace(layer, address=new, blocks=tuple(map(block, layer.blocks)), branches=edges)


def _context(model: nn.Module, inputs: tuple[Block, ...]) -> Fact[int] | None:
    config: Any = getattr(model, "config", None)
    for key in _CONTEXT:
        stated = getattr(config, key, None)
        if isinstance(stated, int) and stated > 0:
            return from_config(stated, f"config.{key}")
    for block in inputs:
        if block.address == "pos_embed" and block.spec is not None and hasattr(block.spec, "rows"):
            return from_module(block.spec.rows.value, block.path)
    return None


