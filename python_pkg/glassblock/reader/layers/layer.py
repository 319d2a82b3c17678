"""One layer: its branches recognised, its norms named, its residual arithmetic written down."""

from __future__ import annotations

from dataclasses import replace

from glassblock.ir import Block, Branch, Layer
from glassblock.reader.branches.branch import Branch as Cut
from glassblock.reader.branches.branch import branches
from glassblock.reader.branches.norm_block import norm_block
from glassblock.reader.branches.numbering import numbered
from glassblock.reader.branches.ports import branch_ports
from glassblock.reader.inside import inside_of
from glassblock.reader.layers.chain import Link, links
from glassblock.reader.operations.depth import begun_anew, with_mixtures
from glassblock.reader.operations.flow import Flow
from glassblock.reader.operations.modulation import modulation
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.params import count, count_in, held, parameters_in
from glassblock.reader.operations.residual import streams_through
from glassblock.reader.operations.shapes import length, named
from glassblock.reader.operations.streams import several_streams
from glassblock.reader.operations.work import multiply_adds
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call

_NOT_CONDENSED = "what is inside of it was not understood: nothing that it reads was seen to reach what it makes"


def read_layer(graph: Graph, index: int, call: Call, norms: dict[int, NormSite], flow: Flow) -> Layer | None:
    """Read one layer; None where no stream runs through it."""
    apart = streams_through(graph, call, norms)
    side_by_side = [] if apart else several_streams(graph, call, norms)
    apart = [] if side_by_side else [with_mixtures(graph, s) for s in apart or begun_anew(graph, call, norms)]
    streams = apart or side_by_side
    together = [apart] if apart else [[stream] for stream in streams]
    cuts = sorted((cut for own in together for cut in branches(graph, own, norms)), key=lambda cut: cut.start)
    if not cuts:
        return None
    found = [link for cut in cuts for link in links(cut)]
    address = f"L{index}"
    sites = _sites([link.cut for link in found])
    names = {site.output: f"{address}.norm{n + 1}" for n, site in enumerate(sites)}
    labels = [f"{address}.{part}" for part in numbered(link.what.part for link in found)]
    blocks = [(site.first, norm_block(graph, site, names[site.output])) for site in sites]
    inside = [site.path for site in sites if site.path]
    blocks += [(link.cut.start, _block(link, label, inside)) for link, label in zip(found, labels, strict=True)]
    beside = {value for cut in cuts for value in cut.made_beside}
    states = {value for stream in streams for value in stream.states}
    modulating = modulation(graph, call, beside, states, f"{address}.modulation")
    blocks += [(call.first - 1, modulating)] if modulating is not None else []
    inner = tuple(block for _, block in sorted(blocks, key=lambda item: item[0]))
    module = graph.modules.get(call.path)
    return Layer(
        address=address,
        index=index,
        path=call.path,
        cls=type(module).__name__ if module is not None else "",
        params=count(module.parameters()) if module is not None else sum(block.params for block in inner),
        blocks=inner,
        branches=tuple(
            _edge(link, label, after if link.feeds else None, names, flow)
            for link, label, after in zip(found, labels, [*labels[1:], None], strict=True)
        ),
        entry_norm=next((names[cut.stream.norms[0].output] for cut in cuts if 0 in cut.stream.norms), None),
    )


def _sites(cuts: list[Cut]) -> list[NormSite]:
    """Norms between the stream and the branches, each once, in the order in which they run."""
    every = [one for cut in cuts for one in (cut, *cut.joined)]
    found = [site for cut in every for site in (cut.pre_norm, cut.post_norm, cut.update.joint) if site is not None]
    found += [site for cut in cuts for site in cut.stream.norms.values()]
    return sorted({site.output: site for site in found}.values(), key=lambda site: site.first)


def _edge(link: Link, block: str, feeds: str | None, names: dict[int, str], flow: Flow) -> Branch:
    cut = link.cut

    def name(site: NormSite | None) -> str | None:
        return None if site is None else names[site.output]

    return Branch(
        block=block,
        reads=None if cut.alone else cut.reads,
        add=cut.update.add,
        pre_norm=name(cut.pre_norm),
        post_norm=name(cut.post_norm),
        stream_norm=name(cut.stream.norms.get(cut.update.add)),
        scale=cut.update.scale,
        context=_looked_at(link, flow),
        feeds=feeds,
        joint_norm=name(cut.update.joint),
    )


def _looked_at(link: Link, flow: Flow) -> str | None:
    """Return the container of the run whose output an attention looks at besides the stream."""
    if link.what.part != "cross":
        return None
    cut = link.cut
    graph, first, own = cut.graph, cut.stream.call.first, flow.run_of(cut.stream.call)
    edge = graph.cone(cut.inner, cut.stream.states, first).edge - cut.stream.states.keys()
    for value in sorted(edge):
        origins = flow.way(value).origins if graph.learned[value] and graph.producer(value) is not None else ()
        others = [origin for origin in origins if origin != own]
        if others:
            return others[-1]
    return None


def _block(link: Link, address: str, norms: list[str]) -> Block:
    cut, what, graph = link.cut, link.what, link.cut.graph
    ports, notes = branch_ports(cut)
    within = [path for path in norms if cut.path and path.startswith(f"{cut.path}.")]  # blocks of their own
    block = Block(
        address=address,
        role=what.role,
        path=cut.path,
        cls=graph.class_of(cut.path),
        params=count_in(graph, cut.path, cut.ops) - sum(count_in(graph, path, ()) for path in within),
        spec=what.spec,
        ports=(*ports, *what.ports),
        parts=tuple(replace(part, address=f"{address}.{part.address}") for part in what.parts),
        notes=(*what.notes, *notes, *cut.notes, *cut.stream.notes),
        reads=named(graph, cut.read, cut.batch),
        makes=named(graph, cut.inner, cut.batch),
    )
    inside = inside_of(cut, block, _counted(graph, cut, within))
    return replace(
        block,
        weights=multiply_adds(graph, cut.ops, length(graph, cut.stream.source), block),
        inside=inside,
        notes=block.notes if inside is not None else (*block.notes, _NOT_CONDENSED),
    )


def _counted(graph: Graph, cut: Cut, within: list[str]) -> frozenset[int]:
    """Return the identities of the parameters that are counted in a block."""
    apart = {key for path in within for key in held(graph.model, path)}
    return frozenset(parameters_in(graph, cut.path, cut.ops) - apart)
