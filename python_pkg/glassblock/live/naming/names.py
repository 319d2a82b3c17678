"""Names of taps: an address and what of it is meant, or the name that TransformerLens gives the same thing."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.errors import AddressError, TapError
from glassblock.ir import Architecture, Block, Layer, parse
from glassblock.live.naming.table import nearest, tap_names, taps_on
from glassblock.live.naming.transformer_lens import is_theirs, ours


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of a tap means.

    Attributes
    ----------
    owner
        What it is a tap of.
    tap
        Its name.
    expert
        Of a tap of an expert which one; the owner is its block.
    """

    owner: Block | Layer
    tap: str
    expert: int | None = None

    @property
    def address(self) -> str:
        """Our name of it."""
        return f"{self.owner.address}{'' if self.expert is None else f'.E{self.expert}'}.{self.tap}"


def tap_of(architecture: Architecture, name: str) -> Named:
    """Return what the name of a tap means.

    Parameters
    ----------
    architecture
        What the model is.
    name
        ``L3.attn.pattern``, or TransformerLens's ``blocks.3.attn.hook_pattern`` (`transformer_lens.py`).

    Raises
    ------
    TapError
        If it is no tap, with the nearest one, or nothing that its owner has, with the reason.
    AddressError
        If what stands before the tap is nothing in this model.
    """
    if not isinstance(name, str):
        raise TapError(f"expected the name of a tap, such as 'L0.attn.pattern', got {name!r}.")
    full = ours(architecture, name) if is_theirs(name) else name
    address, _, tap = full.rpartition(".")
    if tap not in tap_names():
        if not address:
            architecture.resolve(name)  # says what there is
        raise TapError(f"expected the name of a tap, got {name!r}.{nearest(tap, tap_names())} All are in docs/taps.md.")
    return _named(architecture, architecture.resolve(address), tap, name)


def _named(architecture: Architecture, address: str, tap: str, name: str) -> Named:
    where = parse(address)
    assert where is not None
    if where.layer is not None and not where.part:
        stack = next(stack for stack in architecture.stacks if stack.name == where.stack)
        return _checked(Named(stack.layer(where.layer), tap), "layer", name)
    if where.indexed is not None:
        letters, index = where.indexed
        if letters != "E":
            raise AddressError(f"expected a layer, a block or an expert before the tap, got {name!r}.")
        return _checked(Named(architecture.block(where.block), tap, index), "expert", name)
    block = architecture.block(address)
    return _checked(Named(block, tap), block.role, name)


def _checked(named: Named, what: str, name: str) -> Named:
    if named.tap not in taps_on(what):
        article = "an" if what[0] in "aeiou" or what == "mlp" else "a"
        there = ", ".join(taps_on(what))
        raise TapError(
            f"expected a tap of {article} {what} ({there}), got {name!r}.{nearest(named.tap, taps_on(what))}"
        )
    return named
