"""torch's own attention written out, for whoever wants to see or to change what the kernel keeps to itself.

By the formula in torch's documentation of ``scaled_dot_product_attention``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_CLOSE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}
"""How far, relative to the largest number, what is computed again may be from what the kernel returned."""


@dataclass(frozen=True, slots=True)
class KernelCall:
    """The arguments of one call.

    Attributes
    ----------
    query
        (..., heads, tokens, channels).
    key, value
        (..., heads or key/value heads, keys, channels).
    attn_mask, dropout_p, is_causal, scale, enable_gqa
        As in torch's documentation.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> KernelCall:
        """Return the call with these arguments."""
        return cls(*args, **kwargs)

    def scores(self) -> Tensor:
        """Return what goes into the softmax: scaled and masked, float32 or float64, a tensor of its own."""
        scale = self.query.shape[-1] ** -0.5 if self.scale is None else self.scale
        query, key = _precise(self.query), _precise(self._for_each_query(self.key))
        scores: Tensor = (query * scale) @ key.transpose(-1, -2)
        if self.is_causal:
            seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            return scores.masked_fill_(seen.logical_not(), float("-inf"))
        if self.attn_mask is None:
            return scores
        if self.attn_mask.dtype == torch.bool:
            return scores.masked_fill_(self.attn_mask.logical_not(), float("-inf"))
        return scores.add_(self.attn_mask)

    def pattern(self, scores: Tensor, *, own: bool = False) -> Tensor:
        """Return what the values are weighed by; a row that sees nothing is zeros, as in the kernel.

        Parameters
        ----------
        scores
            As `scores` returns them.
        own
            Whether they may be written over: they are as large as the pattern, and memory is what this takes.
        """
        # where the kernel is causal each token sees itself
        blind = None if self.is_causal else scores.amax(-1, keepdim=True) == float("-inf")
        pattern = torch.softmax(scores, -1, out=scores) if own else scores.softmax(-1)
        if blind is not None:
            pattern = pattern.masked_fill_(blind, 0.0) if own else pattern.masked_fill(blind, 0.0)
        return pattern.to(self.query.dtype)

    def mixed(self, pattern: Tensor) -> Tensor:
        """Return the weighted sums of values."""
        if self.dropout_p:
            pattern = nn.functional.dropout(pattern, self.dropout_p)
        return pattern.to(self.value.dtype) @ self._for_each_query(self.value)

    def off(self, returned: Tensor) -> str | None:
        """Say by how much the written-out attention is off what the kernel returned; None where it is not."""
        with torch.no_grad():
            again = _precise(self.mixed(self.pattern(self.scores())))
        returned = returned.detach()
        off = float((again - _precise(returned)).abs().max() / returned.abs().max().clamp_min(1e-30))
        if self.dropout_p or off <= _CLOSE.get(returned.dtype, 1e-4):
            return None
        return f"the pattern that its kernel was asked for does not make what it returned ({off:.1e} off)"

    def _for_each_query(self, x: Tensor) -> Tensor:
        repeats = self.query.shape[-3] // x.shape[-3] if self.query.ndim > 3 else 1
        return x if repeats == 1 else x.repeat_interleave(repeats, -3)


def _precise(x: Tensor) -> Tensor:
    """Return a tensor in float32, of float64 itself."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
