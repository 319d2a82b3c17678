"""The block of a normalisation."""

from __future__ import annotations

from glassblock.ir import Block, Port
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.params import count_in
from glassblock.reader.operations.shapes import named
from glassblock.reader.tracing.graph import Graph


def norm_block(graph: Graph, site: NormSite, address: str) -> Block:
    """Make the block of a normalisation."""
    ports = (Port("in", site.path, "input"), Port("out", site.path, "output")) if site.path else ()
    return Block(
        address=address,
        role="norm",
        path=site.path,
        cls=graph.class_of(site.path),
        params=count_in(graph, site.path, graph.ops[site.first : site.last]),
        spec=site.spec,
        ports=ports,
        notes=() if ports else ("no module of its own, so it cannot be tapped",),
        reads=named(graph, site.input),
        makes=named(graph, site.output),
    )
