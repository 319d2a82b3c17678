"""A region: the part of a layer's call in which a block works that is no module of its own (an MLP of two projections).

It begins and ends where modules of the layer are called, which the block's ports say.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.errors import TapError
from glassblock.ir import Block, Layer, Port
from glassblock.reader.tracing.graph import Graph


@dataclass(frozen=True, slots=True)
class Region:
    """Where a block begins and ends in its layer.

    Attributes
    ----------
    begin, end
        Paths of modules within the layer.
    normed
        Whether the first one is a norm before the block, which begins behind it.
    """

    begin: Port
    end: Port
    normed: bool

    @classmethod
    def of(cls, layer: Layer, block: Block) -> Region | None:
        """Return the region of a block, None where its ports do not say it."""
        begin, end = block.port("in"), block.port("out")
        branch = next((branch for branch in layer.branches if branch.block == block.address), None)
        if begin is None or end is None or branch is None or not layer.path or "*" in layer.path:
            return None
        if not all(port.path.startswith(f"{layer.path}.") for port in (begin, end)):
            return None
        within = len(layer.path) + 1
        begin, end = (Port(port.name, port.path[within:], port.side) for port in (begin, end))
        return cls(begin, end, branch.pre_norm is not None)

    def ends(self, graph: Graph) -> tuple[int, int]:
        """Return the value that goes into the block and the one that comes out, in a recording of the layer.

        Raises
        ------
        TapError
            If one of its modules was not called.
        """
        side = "output" if self.normed else self.begin.side
        return _value(graph, self.begin.path, side), _value(graph, self.end.path, self.end.side)


def _value(graph: Graph, path: str, side: str) -> int:
    for call in graph.calls:
        values = call.inputs if side == "input" else call.outputs
        if call.path == path and values:
            return values[0]
    raise TapError(f"{path}, at which it begins or ends, was not called in its layer")
