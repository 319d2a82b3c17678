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

from glassblock.errors import InterventionError
from glassblock.live.kinds import Cut, Here, Kind, Skip, Supply
from glassblock.live.means import by_token
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
    tokens
        How many tokens this pass has; None where that is not known.
    kept
        Streams that layers were given in this pass, by the layer's address, where something will ask for them.
    """

    first: int | Tensor = 0
    tokens: int | None = None
    kept: dict[str, Tensor] = field(default_factory=dict)


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
        first = x.ndim == 3 and self.cached and x.shape[0] == moment.tokens != x.shape[1]

        def view(of: Tensor) -> Tensor:
            return of.transpose(0, 1) if first else by_token(of, moment.tokens)

        supply = Supply(view(moment.kept[self.address])) if isinstance(self.kind, Skip) else self.supply
        new = self._edited(view(x), moment, supply)
        return new.transpose(0, 1) if first else new.reshape(x.shape)

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


def dense_weights(weights: Tensor, indices: Tensor, experts: int) -> Tensor:
    """Return the weight that each token gave each expert, (tokens, experts); 0 where it was not chosen."""
    if weights.shape != indices.shape:
        return weights
    dense = torch.zeros(weights.shape[0], experts, dtype=weights.dtype, device=weights.device)
    return dense.scatter_add(1, indices.long(), weights)


@dataclass(frozen=True, slots=True)
class ExpertEdits:
    """What is done to one of the experts of a block, in order.

    Zeros and multiples are made of its routing weight, which is exact and leaves the call of the experts as it is.
    Anything else is made of its own output.
    """

    expert: int
    edits: tuple[Edit, ...]
    renormalise: bool = False

    @property
    def by_weight(self) -> bool:
        """Whether the routing weight alone has to change."""
        return all(edit.kind.name in ("zero", "scale") for edit in self.edits)

    def weights(self, weights: Tensor, indices: Tensor, moment: Moment) -> Tensor:
        """Return routing weights, (tokens, k) beside the indices or (tokens, experts), after the edits."""
        mine = self._mine(weights, indices)
        new = weights
        for edit in self.edits:
            changed = torch.where(mine, edit.kind.act(new, Here(edit.address, 0, new)), new)
            new = torch.where(self._rows(edit, weights, moment), changed, new)
        if not self.renormalise:
            return new
        left = new.sum(-1, keepdim=True)
        scaled = new * (weights.sum(-1, keepdim=True) / torch.where(left == 0, 1, left))
        return torch.where((mine & (weights != 0)).any(-1, keepdim=True), scaled, new)

    def dropped(self, weights: Tensor, indices: Tensor) -> Tensor:
        """Return routing weights in which this expert has none."""
        return weights.masked_fill(self._mine(weights, indices), 0)

    def output(self, own: Tensor, moment: Moment) -> Tensor:
        """Return its output after the edits, (rows of the batch x tokens, channels)."""
        tokens = _tokens_of(own, self.edits[0].address, moment)
        shaped = own.reshape(-1, tokens, own.shape[-1])
        return applied(self.edits, shaped, moment).reshape(own.shape)

    def _mine(self, weights: Tensor, indices: Tensor) -> Tensor:
        if weights.shape == indices.shape:
            return indices == self.expert
        return (torch.arange(weights.shape[-1], device=weights.device) == self.expert).expand_as(weights)

    @staticmethod
    def _rows(edit: Edit, weights: Tensor, moment: Moment) -> Tensor:
        if edit.positions.everywhere:
            return torch.ones((), dtype=torch.bool, device=weights.device)
        tokens = _tokens_of(weights, edit.address, moment)
        first = int(moment.first) if edit.cached else 0
        return edit.positions.mask(first, tokens, weights.device).repeat(len(weights) // tokens)[:, None]


def _tokens_of(x: Tensor, address: str, moment: Moment) -> int:
    if moment.tokens is None or len(x) % moment.tokens:
        raise InterventionError(
            f"expected to know which tokens of {address} are at which position, but {len(x)} rows came and the pass has"
            f" {moment.tokens or 'an unknown number of'} tokens. Leave the positions out."
        )
    return moment.tokens
