"""Finding blocks by address or module path, without writing out layers that nobody asks for.

A model of a hundred thousand layers has a million addresses. Only which group a layer belongs to is kept; a layer is
written out when something in it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glassblock.ir import address as addresses
from glassblock.ir.block import Block
from glassblock.ir.layer import Group, Layer, Stack


@dataclass(frozen=True, slots=True)
class _Place:
    """A layer within its group."""

    group: Group
    index: int
    path: str

    @property
    def layer(self) -> Layer:
        return self.group.place(self.index, self.path)


class Lookup:
    """The blocks of some stacks, and of what is around them.

    Parameters
    ----------
    stacks
        Runs of layers.
    outside
        Blocks that are in no layer.
    """

    def __init__(self, stacks: Iterable[Stack], outside: Iterable[Block]) -> None:
        self._outside = {part.address: part for block in outside for part in _within(block)}
        self._layers: dict[str, _Place] = {}
        self._groups = [group for stack in stacks for group in stack.groups]
        for group in self._groups:
            stack = group.template.address.rpartition("L")[0]
            for index, path in zip(group.layers, group.paths, strict=True):
                self._layers[f"{stack}L{index}"] = _Place(group, index, path)
        self._paths: dict[str, str] = {}
        for address, place in self._layers.items():
            self._paths.setdefault(place.path, address)
        for address, block in self._outside.items():
            if block.path:
                self._paths.setdefault(block.path, address)

    def block(self, address: str) -> Block | None:
        """Return the block at an address, None where there is no block."""
        if address in self._outside:
            return self._outside[address]
        place = self._place(address)
        blocks = _all(place.layer) if place is not None else ()
        return next((block for block in blocks if block.address == address), None)

    def resolve(self, name: str) -> str | None:
        """Return the address that an address or a module path stands for, None where it stands for nothing."""
        if name in self._layers or name in self._outside:
            return name
        if name in self._paths:
            return self._paths[name]
        place = self._place(name)
        if place is not None:
            return name if name in _addresses(place.layer) or _is_neuron(name, place.layer.blocks) else None
        parsed = addresses.parse(name)
        if parsed is not None and parsed.block in self._outside:
            return name if name in _parts(self._outside[parsed.block]) else None
        return self._by_path(name)

    def near(self, name: str) -> list[str]:
        """Return the addresses and paths that look most like a name: in the layer it speaks of, else in each kind."""
        place = self._place(name)
        layers = [place.layer] if place is not None else [group.template for group in self._groups]
        known = [*self._outside, *(text for layer in layers for text in _addresses(layer))]
        known += [block.path for layer in layers for block in _all(layer) if block.path]
        return addresses.nearest(name, known)

    def _place(self, name: str) -> _Place | None:
        parsed = addresses.parse(name)
        if parsed is None or parsed.layer is None:
            return None
        return self._layers.get(str(addresses.Address(parsed.stack, parsed.layer, "", "")))

    def _by_path(self, path: str) -> str | None:
        above = path
        while above:
            above = above.rpartition(".")[0]
            place = self._layers.get(self._paths.get(above, ""))
            if place is not None:
                return next((block.address for block in _all(place.layer) if block.path == path), None)
        return None


def _within(block: Block) -> Iterator[Block]:
    yield block
    for part in block.parts:
        yield from _within(part)


def _all(layer: Layer) -> Iterator[Block]:
    for block in layer.blocks:
        yield from _within(block)


def _parts(block: Block) -> Iterator[str]:
    yield block.address
    yield from (f"{block.address}.H{head}" for head in range(block.heads))
    yield from (f"{block.address}.KV{head}" for head in range(block.kv_heads))
    yield from (f"{block.address}.E{expert}" for expert in range(block.experts))


def _addresses(layer: Layer) -> Iterator[str]:
    yield layer.address
    for block in layer.blocks:
        yield from _parts(block)
        # Heads and experts are named in blocks of a layer, and not in what lies within those.
        yield from (inner.address for part in block.parts for inner in _within(part))


def _is_neuron(name: str, blocks: Iterable[Block]) -> bool:
    """Say whether an address names a neuron. There are too many of them to go through."""
    parsed = addresses.parse(name)
    if parsed is None or parsed.indexed is None or parsed.indexed[0] != "N":
        return False
    return any(block.address == parsed.block and parsed.indexed[1] < block.neurons for block in blocks)


def all_blocks(outer: Iterable[Block]) -> Iterator[Block]:
    """Go through some blocks and the blocks within them, outer before inner."""
    for block in outer:
        yield from _within(block)


def all_addresses(layers: Iterable[Layer], outside: Iterable[Block]) -> Iterator[str]:
    """Go through every address that can be ablated or looked at, heads and experts included; neurons are too many."""
    for layer in layers:
        yield from _addresses(layer)
    for block in all_blocks(outside):
        yield from _parts(block)
