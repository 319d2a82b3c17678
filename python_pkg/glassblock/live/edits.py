"""Edits: what an intervention does to the tensor at a tap. Pure functions; nothing is changed in place.

An edit is what is left of an intervention once it is known where it acts: a kind, the part of the tensor that it is
about, the positions, and the values that the kind asked for. It is called with the tensor in its documented shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from glassblock.live.kinds import Cut, Here, Kind, Skip, Supply
from glassblock.live.order import Order
from glassblock.live.positions import ALL, Positions

Along = Literal["tokens", "keys", "weights"]
"""How a tensor's positions are laid out. ``tokens``: (batch, tokens, ...). ``keys``: (batch, keys, ...), those of the
cache included. ``weights``: (batch, heads, tokens, keys)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an edit is told of the forward pass that it is in.

    Attributes
    ----------
    first
        Position of the first token of this pass in the sequence: how many tokens the cache holds. A tensor where the
        cache counts on its device: only an edit that asks for it waits.
    order
        How many tokens this pass has, and how tensors are laid out.
    kept
        Streams that layers were given in this pass, by the layer's address, where something will ask for them.
    """

    first: int | Tensor = 0
    order: Order = field(default_factory=Order)
    kept: dict[str, Tensor] = field(default_factory=dict)

    @property
    def tokens(self) -> int | None:
        """How many tokens this pass has; None where that is not known."""
        return self.order.tokens


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a tensor is edited: some neighbours along one dimension of (batch, tokens, ...)."""

    dim: int
    start: int
    length: int = 1

    def of(self, x: Tensor) -> Tensor:
        """Return that part."""
        return x.narrow(self.dim, self.start, self.length)

    def put(self, x: Tensor, part: Tensor) -> Tensor:
        """Return the tensor with that part replaced."""
        return torch.slice_scatter(x, part, self.dim, self.start, self.start + self.length)


@dataclass(frozen=True, slots=True)
class Edit:
    """An intervention at a tap.

    Attributes
    ----------
    kind
        What is done.
    address
        Of what it is done to.
    positions
        At which tokens.
    part
        To which part of the tensor; None: to all of it.
    along
        How the tensor's positions are laid out.
    supply
        Values that the kind asked for.
    cached
        Whether the cache holds the tokens before: not so in an encoder.
    crossed
        Whether keys are another stack's tokens.
    """

    kind: Kind
    address: str
    positions: Positions = ALL
    part: Part | None = None
    along: Along = "tokens"
    supply: Supply | None = None
    cached: bool = True
    crossed: bool = False

    def __call__(self, x: Tensor, moment: Moment) -> Tensor:
        """Return the tensor as the intervention wants it."""
        if self.along == "weights":
            return self._weights(x, moment)
        order = moment.order
        entry = moment.kept[f"{self.address} entry"] if isinstance(self.kind, Skip) else None
        supply = self.supply if entry is None else Supply(order.of(entry))
        return order.back(self._edited(order.of(x), moment, supply), x)

    def _weights(self, x: Tensor, moment: Moment) -> Tensor:
        """Edit scores or a pattern; what is masked in scores stays so."""
        edited = self._edited(x.transpose(1, 2), moment, self.supply).transpose(1, 2)
        if isinstance(self.kind, Cut):
            return edited
        return torch.where(x <= torch.finfo(x.dtype).min / 2, x, edited)

    def _edited(self, x: Tensor, moment: Moment, supply: Supply | None) -> Tensor:
        whole = x if self.part is None else self.part.of(x)
        placed = self.cached and (self.kind.placed or not self.positions.everywhere)
        first = int(moment.first) if placed else 0  # it may be on the device, and to ask for it is to wait
        start = self._keys(first, x.shape[1], moment) if self.along == "keys" else first
        keys = self._keys(first, x.shape[-1], moment) if self.along == "weights" else 0
        new = self.kind.act(whole, Here(self.address, start, x, supply, keys)).to(x.dtype)
        if not self.positions.everywhere:
            mask = self.positions.mask(start, x.shape[1], x.device)
            new = torch.where(mask.reshape(-1, *[1] * (x.ndim - 2)), new, whole)
        return new if self.part is None else self.part.put(x, new)

    def _keys(self, first: int, keys: int, moment: Moment) -> int:
        """Return the position of the first of some keys: where a window is kept, the earliest are gone."""
        if self.crossed or moment.tokens is None or not self.cached:
            return 0
        return max(0, first + moment.tokens - keys)


def applied(edits: Sequence[Edit], x: Tensor, moment: Moment) -> Tensor:
    """Return a tensor after some edits, in their order; the same object where there are none."""
    for edit in edits:
        x = edit(x, moment)
    return x


def split_heads(z: Tensor, heads: int) -> Tensor:
    """Return (..., heads x channels) as (..., heads, channels)."""
    return z.reshape(*z.shape[:-1], heads, -1)
