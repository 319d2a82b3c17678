"""Taps that are streamed: they are read in every pass, also in those that the user's own code starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from glassblock.errors import TapError
from glassblock.live.inside import Findings, Inside
from glassblock.live.naming import tap_of
from glassblock.live.reading.read import wanted_by
from glassblock.live.reading.recipes import Recipe, Within, recipe_of


@dataclass(frozen=True, slots=True)
class Streamed:
    """Taps inside of blocks, by the names that were asked for."""

    recipes: Mapping[str, Recipe] = field(default_factory=dict)

    @classmethod
    def of(cls, inside: Inside, names: Iterable[str]) -> Streamed:
        """Return the taps of these names.

        Raises
        ------
        TapError, AddressError
            If a name is no tap, or one that is read at once with `Session.cache`.
        """
        recipes = {}
        for name in names:
            recipes[name] = recipe_of(inside.model, inside.architecture, tap_of(inside.architecture, name))
            if not isinstance(recipes[name].of, Within):
                raise TapError(
                    f"expected a tap inside of a block, got {name!r}. What passes between blocks is described in each"
                    f" frame; its numbers are in session.cache({name!r})."
                )
        return cls(recipes)

    @property
    def wanted(self) -> dict[str, set[str]]:
        """What is to be read, by address."""
        return wanted_by(self.recipes.values())

    def made(self, found: Findings | None) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors that were found in a pass, and why others were not."""
        inside: dict[str, Tensor] = {}
        unread: dict[str, str] = {}
        for name, recipe in self.recipes.items() if found is not None else ():
            assert isinstance(recipe.of, Within)
            assert found is not None
            key = recipe.of.address, recipe.of.tap
            if key in found.tensors:
                inside[name] = recipe.make((found.tensors[key],))
            else:
                unread[name] = found.errors.get(key, "its block did not run in this pass")
        return inside, unread
