"""Order: what a model computes as (batch, tokens, ...), however it lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Order:
    """How a pass's tensors are laid out, which their sizes tell: a model may have its tokens before the texts.

    Attributes
    ----------
    tokens
        How many tokens each text has in this pass; None where that is not known.
    batch
        How many texts there are; None where that is not known.
    """

    tokens: int | None = None
    batch: int | None = None

    def tokens_first(self, lead: Sequence[int]) -> bool:
        """Whether tokens stand before texts in a tensor whose sizes but the channels' are these.

        Of as many texts as tokens nothing tells, and the usual order is taken. So it is where the tokens may be those
        that come third: as many streams side by side may stand before the texts.
        """
        turned = tuple(lead[:2]) == (self.tokens, self.batch)
        return turned and self.tokens != self.batch and self.tokens not in lead[2:3]

    def of(self, x: Tensor) -> Tensor:
        """Return values as (batch, tokens, ...), also where all tokens of a batch stand in one row of them."""
        if x.ndim > 2:
            return x.transpose(0, 1) if self.tokens_first(x.shape[:-1]) else x
        return x.reshape(-1, self.tokens, x.shape[-1]) if self.tokens and len(x) % self.tokens == 0 else x.unsqueeze(0)

    def back(self, new: Tensor, like: Tensor) -> Tensor:
        """Return what was made of `of` in the form that the model has it in."""
        turned = like.ndim > 2 and self.tokens_first(like.shape[:-1])
        return (new.transpose(0, 1) if turned else new).reshape(like.shape)
