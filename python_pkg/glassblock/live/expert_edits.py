"""Edits of stacked experts, which have no tensor of their own: by their routing weights, or by what they put out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.live.edits import Edit, Moment, applied
from glassblock.live.kinds import Here


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
