"""How many tokens a cache holds: what it says itself, or, where it keeps states alone, how many were seen to go in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor

CACHES = ("past_key_values", "cache_params")
"""What models call the cache that they are given."""


class Lengths:
    """The caches that a model was given, and how many tokens went into each."""

    def __init__(self) -> None:
        self._seen: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def first(self, given: Mapping[str, Any], tokens: int | None) -> int | Tensor:
        """Return how many tokens are in the cache of a call, and count those that go into it.

        Parameters
        ----------
        given
            The call's arguments.
        tokens
            How many are new.

        Returns
        -------
        int or Tensor
            A copy where the cache keeps the number on its device, because asking would wait for that.
        """
        cache = next((given[name] for name in CACHES if given.get(name) is not None), None)
        if cache is None or isinstance(cache, Mapping | Tensor | tuple | list):
            return 0
        count = _said(cache)
        if isinstance(count, Tensor) or count:
            return count
        try:
            before = self._seen.get(cache, 0)
            self._seen[cache] = before + (tokens or 0)
        except TypeError:  # it cannot be remembered
            return 0
        return before if _filled(cache) else 0


def _said(cache: Any) -> int | Tensor:
    length = getattr(cache, "get_seq_length", None)
    try:
        count = 0 if length is None else length()
    except (ValueError, IndexError):  # it keeps no tokens, or none yet
        return 0
    return count.detach().clone() if isinstance(count, Tensor) else int(count)


def _filled(cache: Any) -> bool:
    """Whether a cache of states has seen anything: it may have been reset since."""
    asked = getattr(cache, "has_previous_state", None)
    try:
        return bool(asked()) if callable(asked) else True
    except (TypeError, ValueError, IndexError):
        return False
