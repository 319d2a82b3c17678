"""The Architecture: what a model is, as plain frozen data, and how its addresses are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from glassblock.errors import AddressError
from glassblock.ir.block import Block
from glassblock.ir.edge import Edge
from glassblock.ir.facts import Fact
from glassblock.ir.layer import Layer, Stack
from glassblock.ir.lookup import Lookup, all_addresses, all_blocks
from glassblock.ir.specs import Unembedding

VERSION = 3
"""Version of the IR. It changes when a reader of an older one would misread a newer one."""


@dataclass(frozen=True, slots=True)
class Params:
    """Exact counts of parameters; a tied weight counts once.

    ``active`` is what one token passes through: all but the routed experts that it does not visit. The
    embedding counts whole. ``lookup`` is the part of ``embedding`` that is only looked up and never multiplied with: an
    untied embedding. Papers differ in whether they count it: Mixtral's 12.9 B are ``active``, gpt-oss's 5.1 B are
    ``active - lookup``.
    """

    total: int
    trainable: int
    embedding: int
    active: int
    lookup: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """How the architecture was read.

    Attributes
    ----------
    rung
        Which rung of the fallback ladder held: ``meta`` (traced on the meta device), ``fake``
        (traced with fake tensors), ``real`` (run with made-up numbers, one layer of each kind), ``tree`` (module tree
        only, edges assumed).
    escapes
        Data-dependent operations that had to be answered for the model, by name.
    notes
        What went wrong on the way, in words.
    """

    rung: Literal["meta", "fake", "real", "tree"]
    escapes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Architecture:
    """What a model is.

    Attributes
    ----------
    name
        A title for people.
    cls
        Class of the model.
    stacks
        Runs of layers. The last is the main one, whose output the model returns.
    inputs
        Blocks below the layers of the main stack, in the order in which they run: ``embed``, ``pos_embed``.
    outputs
        Blocks above the layers of the main stack: ``norm``, ``unembed``.
    params
        Exact counts.
    context
        The longest sequence in tokens, where it is known.
    trace
        How it was read.
    edges
        What goes from one stack into another.
    phantoms
        Blocks that the checkpoint is known to hold and the module tree does not: heads for predicting several
        tokens at once. They are in no count.
    version
        Version of the IR.
    """

    name: str
    cls: str
    stacks: tuple[Stack, ...]
    inputs: tuple[Block, ...]
    outputs: tuple[Block, ...]
    params: Params
    trace: Trace
    context: Fact[int] | None = None
    edges: tuple[Edge, ...] = ()
    phantoms: tuple[Block, ...] = ()
    version: int = field(default=VERSION)

    @property
    def vocabulary(self) -> int | None:
        """Rows of the unembedding: how many logits there are at a position. None without one."""
        specs = (block.spec for block in self.outputs)
        return next((spec.rows.value for spec in specs if isinstance(spec, Unembedding)), None)

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        layers = sum(stack.n_layers for stack in self.stacks)
        return f"Architecture({self.name}: {layers} layers, {self.params.total:,} parameters)"

    def around(self, stack: Stack) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
        """Return the blocks below and above the layers of one of its stacks; those of the main one are its own."""
        holder = self if stack is self.stacks[-1] else stack
        return holder.inputs, holder.outputs

    def layers(self) -> Iterator[Layer]:
        """Go through all layers of all stacks, written out."""
        for stack in self.stacks:
            yield from stack.layers()

    def blocks(self) -> Iterator[Block]:
        """Go through all blocks, outer before inner, bottom to top; those of other stacks before the main one's."""
        for stack in self.stacks:
            below, above = self.around(stack)
            yield from all_blocks(below)
            for layer in stack.layers():
                yield from all_blocks(layer.blocks)
            yield from all_blocks(above)
        yield from all_blocks(self._between())

    def block(self, address: str) -> Block:
        """Return the block at an address or module path.

        Parameters
        ----------
        address
            ``L3.attn``, or a module path such as ``model.layers.3.self_attn``.

        Raises
        ------
        AddressError
            If there is none, naming the nearest ones.
        """
        found = self._lookup.block(self.resolve(address))
        if found is None:
            raise AddressError(f"{address!r} is not a block but a part of one; ask for the block that contains it.")
        return found

    def resolve(self, name: str) -> str:
        """Return the canonical address for an address or a module path.

        Parameters
        ----------
        name
            ``L3``, ``L3.attn``, ``L3.attn.H7``, ``L12.moe.E5``, ``embed`` or a module path.

        Raises
        ------
        AddressError
            If it names nothing in this model, with the nearest addresses that exist.
        """
        if not isinstance(name, str):
            raise AddressError(
                f"expected an address or module path of {self.name} as text, got {name!r}. {self._address_help()}"
            )
        found = self._lookup.resolve(name)
        if found is not None:
            return found
        hints = self._lookup.near(name)
        meant = f" Nearest: {', '.join(hints)}." if hints else ""
        raise AddressError(
            f"expected an address or module path of {self.name}, got {name!r}, which names nothing in it.{meant}"
            f" {self._address_help()}"
        )

    def addresses(self) -> Iterator[str]:
        """Go through every address that can be ablated or looked at, heads and experts included."""
        return all_addresses(self.layers(), self._outside())

    def _outside(self) -> Iterator[Block]:
        yield from self.inputs
        for stack in self.stacks:
            yield from (*stack.inputs, *stack.outputs)
        yield from self.outputs
        yield from self._between()

    def _between(self) -> Iterator[Block]:
        yield from (block for edge in self.edges for block in edge.via)
        yield from self.phantoms

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.stacks, self._outside())

    def _address_help(self) -> str:
        ranges = [f"{stack.name + '.' if stack.name else ''}L0 to L{stack.n_layers - 1}" for stack in self.stacks]
        return f"Its layers are {', '.join(ranges)}; `list(architecture.addresses())` has everything."
