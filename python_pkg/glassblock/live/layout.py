"""Rows of a frame: which address stands where. Fixed for an architecture, so that frames are plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from glassblock.ir import Architecture, Block
from glassblock.live.stats import STATS

SiteKind = Literal["embed", "layer", "block", "head", "expert"]


@dataclass(frozen=True, slots=True)
class Site:
    """A row of the statistics: an address and what kind of thing it names."""

    address: str
    kind: SiteKind


@dataclass(frozen=True, repr=False)
class Layout:
    """The meaning of a frame's arrays.

    Attributes
    ----------
    sites
        Rows of the statistics.
    updates
        Addresses of the rows of the updates: the branches of all layers, in order.
    """

    sites: tuple[Site, ...]
    updates: tuple[str, ...]
    stats: tuple[str, ...] = STATS

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return f"Layout({len(self.sites)} sites, {len(self.updates)} updates)"

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of the statistics for each address."""
        return {site.address: row for row, site in enumerate(self.sites)}

    @cached_property
    def update_row(self) -> dict[str, int]:
        """Row of the updates for each branch's block."""
        return {address: row for row, address in enumerate(self.updates)}


def layout_of(architecture: Architecture) -> Layout:
    """Return the layout of an architecture's frames, from the bottom of the model to the top."""
    sites = [Site(block.address, "embed") for block in architecture.inputs]
    updates = []
    for layer in architecture.layers():
        blocks = {block.address: block for block in layer.blocks}
        for branch in layer.branches:
            sites += _sites(blocks[branch.block])
            updates.append(branch.block)
        sites.append(Site(layer.address, "layer"))
    return Layout(tuple(sites), tuple(updates))


def _sites(block: Block) -> list[Site]:
    heads = [Site(f"{block.address}.H{head}", "head") for head in range(block.heads)]
    experts = [Site(f"{block.address}.E{expert}", "expert") for expert in range(block.experts)]
    return [*heads, *experts, Site(block.address, "block")]
