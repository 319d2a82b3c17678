"""Materials: values of other passes that interventions put in the place of a value, once they were collected."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.live.kinds import Supply, Want
from glassblock.live.means import Collector


@dataclass(frozen=True, slots=True)
class Need:
    """Values that have to be there: for what, and whether they are seen at ports or inside blocks."""

    want: Want
    inside: bool


class Materials:
    """What was collected, by what it was collected for."""

    def __init__(self) -> None:
        self._collected: dict[Need, tuple[set[str], Collector]] = {}

    def keep(self, need: Need, keys: set[str], collector: Collector) -> None:
        """Keep what a collector saw at some keys."""
        self._collected[need] = (keys, collector)

    def missing(self, need: Need, keys: set[str]) -> set[str]:
        """Return the keys to collect, those that were collected before among them; none where all were."""
        known = self._collected[need][0] if need in self._collected else set()
        return set() if keys <= known else keys | known

    def has(self, want: Want) -> bool:
        """Say whether anything was collected for something."""
        return any(need.want == want for need in self._collected)

    def forget(self, want: Want) -> None:
        """Let go of what was collected for something."""
        for need in [need for need in self._collected if need.want == want]:
            del self._collected[need]

    def clear(self) -> None:
        """Let go of everything: it was collected of a model that is another one now."""
        self._collected.clear()

    def supply(self, want: Want, key: str) -> Supply | None:
        """Return the values at a key, None where nothing came by."""
        found = (of.supply(key) for need, (_, of) in list(self._collected.items()) if need.want == want)
        return next((supply for supply in found if supply is not None), None)
