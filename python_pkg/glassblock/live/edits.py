"""Edits: what an intervention does to the tensor at a tap. Pure functions; nothing is changed in place."""

from __future__ import annotations

import torch
from torch import Tensor


def replaced(x: Tensor, mean: Tensor | None) -> Tensor:
    """Return a tensor like x that holds zeros, or the mean at every position.

    Parameters
    ----------
    x
        (..., channels).
    mean
        (channels,), or None for zeros.
    """
    if mean is None:
        return torch.zeros_like(x)
    return mean.to(device=x.device, dtype=x.dtype).expand_as(x).clone()


def split_heads(z: Tensor, heads: int) -> Tensor:
    """Return (..., heads x channels) as (..., heads, channels)."""
    return z.reshape(*z.shape[:-1], heads, -1)


def replaced_heads(z: Tensor, heads: int, at: dict[int, Tensor | None]) -> Tensor:
    """Return the outputs of all heads with some of them replaced.

    Parameters
    ----------
    z
        (..., heads x channels), heads side by side.
    heads
        How many.
    at
        For each head that is replaced its mean, (channels,), or None for zeros.
    """
    split = split_heads(z, heads).clone()
    for head, mean in at.items():
        split[..., head, :] = 0 if mean is None else mean.to(device=z.device, dtype=z.dtype)
    return split.flatten(-2)


def dropped_experts(weights: Tensor, indices: Tensor, experts: set[int]) -> Tensor:
    """Return routing weights in which these experts have none.

    Parameters
    ----------
    weights
        (tokens, k) beside the indices, or (tokens, experts).
    indices
        (tokens, k).
    experts
        Which ones to drop.
    """
    gone = torch.tensor(sorted(experts), device=weights.device)
    if weights.shape == indices.shape:
        return weights.masked_fill(torch.isin(indices, gone), 0)
    return weights.index_fill(-1, gone, 0)


def dense_weights(weights: Tensor, indices: Tensor, experts: int) -> Tensor:
    """Return the weight that each token gave each expert, (tokens, experts); 0 where it was not chosen."""
    if weights.shape != indices.shape:
        return weights
    dense = torch.zeros(weights.shape[0], experts, dtype=weights.dtype, device=weights.device)
    return dense.scatter_add_(1, indices.long(), weights)
