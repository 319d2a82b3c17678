"""Reading taps in one pass of the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from torch import Tensor

from glassblock.errors import TapError
from glassblock.live.inside import Findings, Inside
from glassblock.live.naming.names import tap_of
from glassblock.live.reading.edges import Edge, Seen, watched
from glassblock.live.reading.recipes import Recipe, Within, recipe_of


def read_taps(inside: Inside, names: Iterable[str], run: Callable[[], None]) -> dict[str, Tensor]:
    """Return what names mean, from one pass.

    Parameters
    ----------
    inside
        The insides of a model's blocks.
    names
        As for `tap_of`.
    run
        Makes the pass, in this thread.

    Raises
    ------
    TapError, AddressError
        As for `tap_of`; or if the model cannot offer a tap, or it was not to be seen in the pass.
    """
    model, architecture = inside.model, inside.architecture
    recipes = {name: recipe_of(model, architecture, tap_of(architecture, name)) for name in names}
    wanted = wanted_by(recipes.values())
    edges = [edge for recipe in recipes.values() for edge in (recipe.of, recipe.like) if isinstance(edge, Edge)]
    with inside.reading(wanted) as found, watched(model, edges) as seen:
        run()
    return {name: _made(name, recipe, found, seen) for name, recipe in recipes.items()}


def wanted_by(recipes: Iterable[Recipe]) -> dict[str, set[str]]:
    """Return the taps inside of blocks that recipes need, by address."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for recipe in recipes:
        if isinstance(recipe.of, Within):
            wanted[recipe.of.address].add(recipe.of.tap)
    return wanted


def _made(name: str, recipe: Recipe, found: Findings, seen: Mapping[Edge, Seen]) -> Tensor:
    if isinstance(recipe.of, Edge):
        calls = seen.get(recipe.of, [])
        turn = -1 if recipe.turn is None else recipe.turn
        if not calls or turn >= len(calls) or not calls[turn]:
            raise TapError(f"{name} was not to be seen: {recipe.of.path} did not run on this prompt.")
        return _by_text(recipe.make(calls[turn]), seen.get(recipe.like, []) if recipe.like else [])
    address, tap = recipe.of.address, recipe.of.tap
    reason = found.errors.get((address, tap))
    if reason is not None:
        raise TapError(f"{address} offers no such tap: {reason}.")
    if (address, tap) not in found.tensors:
        raise TapError(f"{address} did not run on this prompt.")
    return recipe.make((found.tensors[address, tap],))


def _by_text(x: Tensor, calls: Seen) -> Tensor:
    """Return (batch, tokens, channels) of what a model keeps as (batch x tokens, channels)."""
    text = calls[-1][0].shape[:-1] if calls and calls[-1] else ()
    return x.reshape(*text, -1) if x.ndim == 2 and len(text) == 2 and x.shape[0] == text[0] * text[1] else x
