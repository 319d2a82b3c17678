"""Interventions: what is done to a model while it runs, as one immutable, ordered set.

A set is never changed: ablating makes a new one, and the engine takes up the newest at the start of a
forward pass. So a forward pass sees one set from its first layer to its last.

Interventions on one target compose in the order in which they were made. Of two that replace the same value at the same
positions the later one stands, in the earlier one's place in the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glassblock.errors import InterventionError
from glassblock.ir import parse
from glassblock.live.kinds import Kind, Zero, how_in_python
from glassblock.live.positions import ALL, Positions
from glassblock.live.targets import Target


@dataclass(frozen=True, slots=True)
class Intervention:
    """One target and what is done to it.

    Attributes
    ----------
    target
        What it is about.
    kind
        What is done.
    positions
        At which tokens.
    """

    target: Target
    kind: Kind
    positions: Positions = ALL

    @property
    def address(self) -> str:
        """Canonical address of the target."""
        return self.target.address

    @property
    def how(self) -> str:
        """The name of the kind."""
        return self.kind.name

    @property
    def sentence(self) -> str:
        """What it does, in the words that the page and the docs use."""
        sentence = self.kind.words(self.target.kind, self.address)
        return sentence if self.positions.everywhere else f"Only at {self.positions}: {sentence}"

    @property
    def cut(self) -> bool:
        """Whether nothing of the value is kept, at any token."""
        return self.kind.replaces and self.positions.everywhere

    @property
    def python(self) -> str:
        """The line that makes it."""
        return ablate_in_python((self.address,), self.kind, self.positions)

    def __str__(self) -> str:
        """Return it as people say it."""
        where = "" if self.positions.everywhere else f" at {self.positions}"
        return f"{self.how} {self.address}{where}"


def ablate_in_python(addresses: Iterable[str], kind: Kind, positions: Positions) -> str:
    """Return the line that does a kind to some addresses."""
    names = ", ".join(f'"{address}"' for address in addresses)
    at = "" if positions.everywhere else f", positions={positions.python}"
    return f"session.ablate({names}, how={how_in_python(kind)}{at})"


@dataclass(frozen=True, slots=True)
class Interventions:
    """An ordered set of interventions."""

    items: tuple[Intervention, ...] = ()

    def adding(self, new: Iterable[Intervention]) -> Interventions:
        """Return the set with these; what replaces the same value at the same positions is replaced in its place.

        Raises
        ------
        InterventionError
            If one contradicts another.
        """
        items = list(self.items)
        for item in new:
            same = next((at for at, other in enumerate(items) if _stands_for(item, other)), None)
            for other in items if same is None else (*items[:same], *items[same + 1 :]):
                _check_together(item, other)
            items[len(items) if same is None else same : len(items) if same is None else same + 1] = [item]
        return Interventions(tuple(items))

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
        return ", ".join(map(str, self.items)) or "none"

    def __repr__(self) -> str:
        """Return what they are and the interventions."""
        return f"Interventions({self})"


def _stands_for(new: Intervention, old: Intervention) -> bool:
    """Say whether a new intervention takes the place of an old one."""
    same = new.address == old.address and new.positions == old.positions
    return same and new.kind.replaces and old.kind.replaces and not _disagree(new, old)


def _check_together(new: Intervention, old: Intervention) -> None:
    if _disagree(new, old):
        raise InterventionError(
            f"expected interventions that agree, got {new.address} zero with and without renormalising the weights of"
            f' the other experts. Restore it first: session.restore("{new.address}").'
        )
    for skip, other in ((new, old), (old, new)):
        if skip.how == "skip" and _within(other, skip.address):
            raise InterventionError(
                f"expected interventions that agree, got {skip} and {other}, which is inside of what is skipped and"
                f' would change nothing. Restore one of them first: session.restore("{old.address}").'
            )
    if new.address == old.address and _alone(new) is not _alone(old):
        raise InterventionError(
            f"expected interventions that agree, got {new} and {old}: an expert without a routing weight has no output"
            f' left to edit. Restore it first: session.restore("{old.address}").'
        )


def _disagree(new: Intervention, old: Intervention) -> bool:
    """Say whether an expert is zeroed in two ways."""
    both = isinstance(new.kind, Zero) and isinstance(old.kind, Zero) and new.address == old.address
    return both and new.kind != old.kind


def _alone(item: Intervention) -> bool:
    return item.kind == Zero(renormalise=True)


def _within(item: Intervention, layer: str) -> bool:
    """Say whether an intervention acts inside of a layer, and not on the stream after it."""
    if item.address in (layer, f"{layer}.out"):
        return item.how == "scale" and item.address == layer
    where, outer = parse(item.address), parse(layer)
    return where is not None and outer is not None and (where.stack, where.layer) == (outer.stack, outer.layer)
