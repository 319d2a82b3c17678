"""Interventions: what is replaced while the model runs, as one immutable, ordered set.

A set is never changed: ablating makes a new one, and the engine takes up the newest at the start of a
forward pass. So a forward pass sees one set from its first layer to its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from glassblock.errors import InterventionError
from glassblock.ir import Architecture, Block, parse

How = Literal["zero", "mean"]
HOWS: tuple[How, ...] = get_args(How)


@dataclass(frozen=True, slots=True)
class Intervention:
    """One block, head or expert and what stands in its place.

    Attributes
    ----------
    address
        Canonical address.
    how
        ``zero`` or ``mean``.
    """

    address: str
    how: How

    @property
    def sentence(self) -> str:
        """What it does, in the words that the page and the docs use."""
        where = parse(self.address)
        kind = where.indexed[0] if where and where.indexed else ""
        if where is not None and where.layer is not None and not where.part:
            return _LAYER[self.how].format(self.address)
        return {"H": _HEAD, "E": _EXPERT}.get(kind, _BLOCK)[self.how].format(self.address)


_BLOCK: dict[How, str] = {
    "zero": "{} adds zeros to the residual stream.",
    "mean": "{} adds its mean over the reference prompts to the residual stream, at every position.",
}
_LAYER: dict[How, str] = {
    "zero": "Every block of {} adds zeros to the residual stream.",
    "mean": "Every block of {} adds its mean over the reference prompts, at every position.",
}
_HEAD: dict[How, str] = {
    "zero": "The output of {} is replaced by zeros before the output projection.",
    "mean": "The output of {} is replaced by its mean over the reference prompts before the output projection.",
}
_EXPERT: dict[How, str] = {
    "zero": "The routing weight of {} is set to zero; the other experts keep theirs.",
    "mean": "{} answers each token routed to it with its mean output on the reference prompts.",
}


@dataclass(frozen=True, slots=True)
class Interventions:
    """An ordered set of interventions, at most one for each address."""

    items: tuple[Intervention, ...] = ()

    def adding(self, new: Iterable[Intervention]) -> Interventions:
        """Return the set with these; one on the same address is replaced, in its place in the order."""
        merged = {item.address: item for item in self.items}
        merged.update((item.address, item) for item in new)
        return Interventions(tuple(merged.values()))

    def without(self, addresses: Iterable[str]) -> Interventions:
        """Return the set without these addresses."""
        gone = set(addresses)
        return Interventions(tuple(item for item in self.items if item.address not in gone))

    def __iter__(self) -> Iterator[Intervention]:
        """Go through the interventions in the order in which they were made."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    def __contains__(self, address: object) -> bool:
        """Say whether this address is intervened upon."""
        return any(item.address == address for item in self.items)

    def __str__(self) -> str:
        """Return the interventions as people say them."""
        return ", ".join(f"{item.how} {item.address}" for item in self.items) or "none"

    def __repr__(self) -> str:
        """Return what they are and the interventions."""
        return f"Interventions({self})"


def check_how(how: str) -> How:
    """Return the kind of ablation, or say which ones there are."""
    for known in HOWS:
        if how == known:
            return known
    raise InterventionError(f"expected how to be one of {', '.join(HOWS)}, got {how!r}.")


def targets(architecture: Architecture, names: Iterable[str]) -> tuple[str, ...]:
    """Resolve what a person asked for to canonical addresses that can be ablated.

    Raises
    ------
    AddressError
        If a name is nothing in the model.
    InterventionError
        If it is something that cannot be ablated, with the reason.
    """
    found = tuple(architecture.resolve(name) for name in names)
    for address in found:
        reason = why_not(architecture, address)
        if reason:
            raise InterventionError(f"{address} cannot be ablated: {reason}")
    return found


def why_not(architecture: Architecture, address: str) -> str | None:
    """Return why an address cannot be ablated, or None where it can."""
    where = parse(address)
    assert where is not None
    if where.layer is not None and not where.part:
        layer = next(layer for layer in architecture.layers() if layer.address == address)
        reasons = [why_not(architecture, branch.block) for branch in layer.branches]
        return next((reason for reason in reasons if reason), None if reasons else "no branch of it is known.")
    block = architecture.block(where.block if where.indexed else address)
    return _missing_port(block, where.indexed)


def _missing_port(block: Block, indexed: tuple[str, int] | None) -> str | None:
    notes = " ".join(block.notes)
    if indexed is not None:
        wanted = {"H": ("z",), "E": ("experts", "expert_modules")}[indexed[0]]
        if any(block.port(name) for name in wanted):
            return None
        return f"{block.address} offers no place where its parts can be told apart. {notes}".strip()
    if block.role in ("norm", "unembedding", "router"):
        article = "an" if block.role[0] in "aeiou" else "a"
        return f"{article} {block.role} adds nothing to the residual stream; ablate an attention, mixer or MLP instead."
    if block.port("out") is None:
        return f"its output is not that of a module. {notes}".strip()
    return None
