"""Layers, folded.

Layers that are alike are kept once: a `Group` holds a template and the indices and module paths of the
layers it stands for, so that a model of 61 layers is as small to keep, to send and to draw as one of two.

The residual stream of a layer is its list of `Branch`: in the order of the additions, what each branch
read and where it was added. That is enough to say sequential, parallel, pre-norm, post-norm and sandwich.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

from glassblock.ir.block import Block
from glassblock.ir.facts import Fact, Source


@dataclass(frozen=True, slots=True)
class Branch:
    """One read of the residual stream and the addition that brings it back.

    Attributes
    ----------
    block
        Address of the block that does the work.
    reads
        How many additions of this layer were already in the stream that it read. 0: the layer's input.
        Two branches that read the same number are parallel. None: it reads what another block feeds it alone.
    add
        Which addition of this layer it takes part in, counted from 1.
    pre_norm
        Address of the norm between the stream and the block, if any.
    post_norm
        Address of the norm between the block and the addition, if any.
    stream_norm
        Address of the norm that the stream itself goes through after the addition (post-norm layers).
    scale
        What the update is multiplied by, where that is not 1.
    source
        Whether this was seen in the forward pass or assumed.
    context
        Name of the stack whose output the block looks at besides the stream (cross-attention).
    feeds
        Address of the block of this layer that it is handed to, where it is not itself added to the stream: it takes
        part in the addition through that one.
    joint_norm
        Address of the norm that the sum of all branches of one addition goes through before it is added.
    """

    block: str
    reads: int | None
    add: int
    pre_norm: str | None = None
    post_norm: str | None = None
    stream_norm: str | None = None
    scale: Fact[float] | None = None
    source: Source = "observed"
    context: str | None = None
    feeds: str | None = None
    joint_norm: str | None = None

    def renamed(self, name: Callable[[str], str]) -> Branch:
        """Return it with every address within its layer renamed."""

        def maybe(text: str | None) -> str | None:
            return None if text is None else name(text)

        return replace(
            self,
            block=name(self.block),
            pre_norm=maybe(self.pre_norm),
            post_norm=maybe(self.post_norm),
            stream_norm=maybe(self.stream_norm),
            feeds=maybe(self.feeds),
            joint_norm=maybe(self.joint_norm),
        )


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its blocks in the order in which they run, and its residual arithmetic.

    Where no module is the layer, because its parts stand in lists side by side, ``path`` has a star for the lists
    (``transformer.*.3``) and ``cls`` is empty.

    ``entry_norm`` is the address of the norm that the stream itself goes through before any branch reads it.
    """

    address: str
    index: int
    path: str
    cls: str
    params: int
    blocks: tuple[Block, ...]
    branches: tuple[Branch, ...]
    entry_norm: str | None = None

    def part(self, address: str) -> str:
        """Return what an address within the layer is called there: ``attn`` for ``L3.attn``."""
        return address[len(self.address) + 1 :]


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that are alike in everything but their weights.

    ``layers`` and ``paths`` are parallel; ``template`` is the first of them.
    """

    layers: tuple[int, ...]
    paths: tuple[str, ...]
    template: Layer

    def layer(self, index: int) -> Layer:
        """Return the layer of that index, written out."""
        return self.place(index, self.paths[self.layers.index(index)])

    def place(self, index: int, path: str) -> Layer:
        """Return the template as the layer of an index and a module path."""
        stack = self.template.address.rpartition("L")[0]
        return _moved(self.template, f"{stack}L{index}", index, path)

    def held(self, block: Block) -> int:
        """Return the parameters that the copies of one of its blocks hold and no block before them."""
        return block.params * len(self.layers) if block.unique is None else block.unique

    @property
    def params(self) -> int:
        """The parameters of all its layers, without those that blocks before it hold."""
        shared = sum(block.params * len(self.layers) - self.held(block) for block in self.template.blocks)
        return self.template.params * len(self.layers) - shared


@dataclass(frozen=True, slots=True)
class Stack:
    """A run of layers over one residual stream.

    Attributes
    ----------
    name
        Prefix of its addresses; empty for a decoder-only model.
    width
        Channels of the residual stream.
    groups
        Its layers, folded; together their indices are ``0 .. n_layers - 1``.
    inputs, outputs
        Blocks below and above its layers. Those of the main stack are the Architecture's own.
    streams
        How many residual streams run side by side: copies of one (AltUp, hyper-connections), or one for each kind of
        token (MMDiT). None: one.
    used
        How many of its layers, from the first, anything is made of that the model returns; the rest run for nothing.
        None: all.
    """

    name: str
    width: Fact[int]
    groups: tuple[Group, ...]
    inputs: tuple[Block, ...] = ()
    outputs: tuple[Block, ...] = ()
    streams: Fact[int] | None = None
    used: Fact[int] | None = None

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return sum(len(group.layers) for group in self.groups)

    def layer(self, index: int) -> Layer:
        """Return the layer of that index, written out."""
        return next(group.layer(index) for group in self.groups if index in group.layers)

    def layers(self) -> Iterator[Layer]:
        """Go through the layers in their order, written out."""
        of = {
            index: (group, path) for group in self.groups for index, path in zip(group.layers, group.paths, strict=True)
        }
        return (group.place(index, path) for index, (group, path) in sorted(of.items(), key=itemgetter(0)))


def _moved(template: Layer, address: str, index: int, path: str) -> Layer:
    """Return the template as the layer at another address and module path."""

    def name(text: str) -> str:
        return address + text[len(template.address) :]

    def place(text: str) -> str:
        return placed(text, template.path, path)

    def block(old: Block) -> Block:
        return replace(
            old,
            address=name(old.address),
            path=place(old.path),
            ports=tuple(replace(port, path=place(port.path)) for port in old.ports),
            parts=tuple(block(part) for part in old.parts),
            inside=None if old.inside is None else old.inside.placed(place),
        )

    return replace(
        template,
        address=address,
        index=index,
        path=path,
        blocks=tuple(block(old) for old in template.blocks),
        branches=tuple(old.renamed(name) for old in template.branches),
        entry_norm=None if template.entry_norm is None else name(template.entry_norm),
    )


def placed(text: str, old: str, new: str) -> str:
    """Return a module path within one layer as the path within another; what is in neither is the same in all.

    A star in a layer's path stands for any of the lists that hold its parts.
    """
    steps, top = text.split("."), old.split(".")
    if len(steps) < len(top) or any(want not in ("*", step) for step, want in zip(steps, top, strict=False)):
        return text
    moved = [step if want == "*" else want for step, want in zip(steps, new.split("."), strict=False)]
    return ".".join([*moved, *steps[len(top) :]])
