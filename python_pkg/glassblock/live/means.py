"""What is collected in passes of the untouched model, to be put in the place of values in others.

All collectors see all taps: a tap hands over its key and its tensor, and the collector keeps what it was made for.

Keys are addresses: of a block for its output, of a block followed by ``.z`` for its heads side by side, of an expert
for its output, of a block followed by the name of a tap for what is inside of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from glassblock.live.kinds import Supply
from glassblock.live.order import Order


@dataclass(frozen=True, slots=True)
class _Real:
    """Which positions of a pass are tokens and no padding.

    Attributes
    ----------
    order
        How tensors are laid out.
    mask
        The attention mask that the model was given.
    """

    order: Order = field(default_factory=Order)
    mask: Tensor | None = None

    def of(self, x: Tensor) -> Tensor | None:
        """Return what is no padding among values (batch, tokens, ...), as truth values; None where all of it is."""
        if self.mask is None or self.mask.ndim != 2 or x.shape[:2] != self.mask.shape:
            return None
        return self.mask.to(x.device) != 0


class Collector(Protocol):
    """Sees the tensors of some passes, by key."""

    def begin(self, order: Order, mask: Tensor | None = None) -> None:
        """Begin a pass, with how its tensors are laid out and its attention mask (batch, tokens)."""

    def wants(self, key: str) -> bool:
        """Say whether it takes the values at a tap."""

    def add(self, key: str, x: Tensor) -> None:
        """Take the values at a tap, as the model has them."""

    def supply(self, key: str) -> Supply | None:
        """Return what was made of them; None where nothing came by."""


class Means:
    """Means over all tokens: running sums in float64, for all taps in one go.

    An expert's mean is that of its own output, before the routing weight, over the tokens that were routed to it.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = defaultdict(int)
        self._real = _Real()

    def begin(self, order: Order, mask: Tensor | None = None) -> None:
        """Begin a pass."""
        self._real = _Real(order, mask)

    def wants(self, key: str) -> bool:
        """Take everything."""
        return True

    def add(self, key: str, x: Tensor) -> None:
        """Take the values at a tap; every position that is no padding counts the same."""
        values = self._real.order.of(x.detach())
        real = self._real.of(values)
        flat = (values if real is None else values[real]).reshape(-1, x.shape[-1])
        total = flat.sum(0, dtype=torch.float64)
        self._sums[key] = self._sums[key] + total if key in self._sums else total
        self._counts[key] += flat.shape[0]

    def supply(self, key: str) -> Supply | None:
        """Return the mean for every position."""
        return Supply(beyond=self._sums[key] / self._counts[key]) if self._counts[key] else None


class MeansByPosition:
    """Means at each position, and over all tokens for positions beyond; of some keys only, because they are large."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = keys
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}
        self._real = _Real()

    def begin(self, order: Order, mask: Tensor | None = None) -> None:
        """Begin a pass."""
        self._real = _Real(order, mask)

    def wants(self, key: str) -> bool:
        """Take what was asked for."""
        return key in self._keys

    def add(self, key: str, x: Tensor) -> None:
        """Take the values at a tap, where they are no padding."""
        if key not in self._keys:
            return
        batched = self._real.order.of(x.detach())
        real = self._real.of(batched)
        counts = torch.full((batched.shape[1],), len(batched)) if real is None else real.sum(0).cpu()
        if real is not None:
            batched = batched.masked_fill(~real.reshape(*real.shape, *[1] * (batched.ndim - 2)), 0)
        sums = batched.sum(0, dtype=torch.float64)
        known = self._sums.get(key)
        if known is not None:
            longest = max(len(known), len(sums))
            sums = _longer(known, longest) + _longer(sums, longest)
            counts = _longer(self._counts[key], longest) + _longer(counts, longest)
        self._sums[key], self._counts[key] = sums, counts

    def supply(self, key: str) -> Supply | None:
        """Return the mean at each position, and beyond."""
        sums = self._sums.get(key)
        if sums is None:
            return None
        counts = self._counts[key].to(sums.device)
        by_position = sums / counts.reshape(-1, *[1] * (sums.ndim - 1))
        return Supply(by_position.unsqueeze(0), sums.sum(0) / counts.sum())


class Capture:
    """The values themselves, of one pass, at some keys."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = keys
        self._kept: dict[str, Tensor] = {}
        self.order = Order()
        self.mask: Tensor | None = None

    def begin(self, order: Order, mask: Tensor | None = None) -> None:
        """Begin a pass."""
        self.order, self.mask = order, mask

    def wants(self, key: str) -> bool:
        """Take what was asked for."""
        return key in self._keys

    def add(self, key: str, x: Tensor) -> None:
        """Keep a copy, because the model may write over its own."""
        if key in self._keys:
            self._kept[key] = self.order.of(x).detach().clone()

    def supply(self, key: str) -> Supply | None:
        """Return the values by position."""
        return Supply(self._kept[key]) if key in self._kept else None


def _longer(x: Tensor, length: int) -> Tensor:
    """Return a tensor with zeros after its rows, up to a number of them."""
    return torch.cat((x, x.new_zeros(length - len(x), *x.shape[1:])))
