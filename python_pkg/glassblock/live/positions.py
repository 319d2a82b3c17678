"""Positions: at which tokens of the sequence an intervention holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index
from typing import Any

import torch
from torch import Tensor

from glassblock.errors import InterventionError


@dataclass(frozen=True, slots=True)
class Positions:
    """Some positions of a sequence, or all of them.

    Positions are columns of the batch, counted from the first token of the sequence: with a cache they go on counting
    where the cache ends. Negative ones count from the end of the sequence as it is in a forward pass.

    Attributes
    ----------
    only
        Which ones; None for a span.
    span
        Start, stop and step, as of a slice.
    """

    only: tuple[int, ...] | None = None
    span: tuple[int | None, int | None, int | None] = (None, None, None)

    @classmethod
    def of(cls, given: Any) -> Positions:
        """Return what was given as positions: None, a whole number, several of them, or a slice.

        Raises
        ------
        InterventionError
            If it is nothing of the kind, or there are none in it.
        """
        if given is None or isinstance(given, Positions):
            return given or ALL
        try:
            if isinstance(given, slice):
                return cls._spanned(given)
            only = tuple(whole(one) for one in (given if isinstance(given, Iterable) else (given,)))
        except TypeError:
            raise InterventionError(
                f"expected positions as a whole number, a list of them or a slice, got {given!r}."
                " Try positions=[3, 4] or positions=slice(3, None)."
            ) from None
        if not only:
            raise InterventionError("expected at least one position, got none. Leave positions out to mean all.")
        return cls(tuple(dict.fromkeys(only)))

    @classmethod
    def _spanned(cls, given: slice) -> Positions:
        start, stop, step = (None if end is None else index(end) for end in (given.start, given.stop, given.step))
        if step is not None and step <= 0:
            raise InterventionError(f"expected a slice of positions with a positive step, got {given!r}.")
        return cls(None, (start, stop, step))

    @property
    def everywhere(self) -> bool:
        """Whether all positions are meant."""
        return self == ALL

    def mask(self, start: int, tokens: int, device: torch.device) -> Tensor:
        """Return for each of a pass's tokens whether it is meant, (tokens,), without waiting for the device.

        Parameters
        ----------
        start
            Position of the first of them.
        tokens
            How many.
        device
            Where the answer shall be.
        """
        end = start + tokens
        at = torch.arange(start, end, device=device)
        if self.only is not None:
            meant = torch.zeros_like(at, dtype=torch.bool)
            for one in self.only:
                meant = meant | (at == (one + end if one < 0 else one))
            return meant
        first, stop, step = slice(*self.span).indices(end)
        return (at >= first) & (at < stop) & ((at - first) % step == 0)

    def reaching_beyond(self, length: int) -> tuple[int, ...]:
        """Return those that a sequence of this length does not have; of a span the start, if nothing of it is there."""
        if self.only is not None:
            return tuple(one for one in self.only if not -length <= one < length)
        return () if range(*slice(*self.span).indices(length)) else (self.span[0] or 0,)

    def within(self, length: int) -> tuple[int, ...]:
        """Return the positions in a sequence of this length, counted from its start."""
        if self.only is None:
            return tuple(range(*slice(*self.span).indices(length)))
        return tuple(one + length if one < 0 else one for one in self.only if -length <= one < length)

    @property
    def python(self) -> str:
        """What a person would write for ``positions=``."""
        return repr(slice(*self.span) if self.only is None else list(self.only))

    def __str__(self) -> str:
        """Return them in words."""
        if self.only is None:
            return "all positions" if self.everywhere else _in_words(*self.span)
        *others, last = map(str, self.only)
        return f"positions {', '.join(others)} and {last}" if others else f"position {last}"


ALL = Positions()
"""All positions."""


def whole(given: Any) -> int:
    """Return a whole number, also one of NumPy or torch; truth values are none, though Python counts them as 0 and 1.

    Raises
    ------
    TypeError
        If it is none.
    """
    if isinstance(given, bool) or getattr(given, "dtype", None) is torch.bool:
        raise TypeError(given)
    return index(given)


def _in_words(start: int | None, stop: int | None, step: int | None) -> str:
    steps = f", in steps of {step}" if step is not None and step > 1 else ""
    until = "the end" if stop is None else str(stop - 1) if stop > 0 else f"the one before {stop}"
    return f"positions {start or 0} to {until}{steps}"
