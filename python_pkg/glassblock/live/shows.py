"""Who shows what: each page asks for its own, and frames hold what all of them ask for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shows:
    """What is shown, by who shows it."""

    by: Mapping[Hashable, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What anybody shows, each once, in the order in which it was first asked for."""
        return tuple(dict.fromkeys(name for names in self.by.values() for name in names))

    def on(self, page: Hashable, names: Iterable[str]) -> Shows:
        """Return these with others on one page, in the place of those that it had."""
        wanted = tuple(names)
        others = {key: value for key, value in self.by.items() if key != page}
        return Shows({**others, page: wanted} if wanted else others)
