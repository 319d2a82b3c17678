"""Statistics of activations: pure functions from tensors to a few numbers for each token.

All taps of equal shape are reduced together, in a handful of kernels. The spread is taken around the mean
in a second pass, because the difference of two sums cancels where the mean is large beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

DESCRIBED = ("norm", "mean", "std", "absmax", "nonfinite")
"""What `describe` returns: L2 norm, mean, standard deviation, largest magnitude, count of non-finite values."""

STATS = (*DESCRIBED, "change")
"""Columns of a frame. ``change`` is the distance from the clean pass of the same prompt over the clean norm."""


def describe(x: Tensor) -> Tensor:
    """Reduce the last dimension to `DESCRIBED`.

    Parameters
    ----------
    x
        Activations of shape (..., channels), any floating dtype.

    Returns
    -------
    Tensor
        Shape (..., 5), float32, on the same device.
    """
    x = x.float()
    mean = x.mean(-1)
    norm = torch.linalg.vector_norm(x, dim=-1)
    std = (x - mean.unsqueeze(-1)).square_().mean(-1).sqrt_()
    magnitude = x.abs()  # amax of it is twenty times faster on a CPU than the infinity norm
    absmax = magnitude.amax(-1)
    nonfinite = x.shape[-1] - (magnitude < torch.inf).float().sum(-1)  # false for NaN, too
    return torch.stack((norm, mean, std, absmax, nonfinite), dim=-1)


def compare_update(update: Tensor, stream: Tensor, scale: float = 1.0) -> Tensor:
    """How large an update is beside the stream, and in which direction it points.

    Parameters
    ----------
    update, stream
        What a branch adds and what it read, both (..., channels).
    scale
        What the update is multiplied by before it is added.

    Returns
    -------
    Tensor
        Shape (..., 2), float32: ``||update|| / ||stream||`` and ``cos(update, stream)``. NaN where one of
        them has no length.
    """
    update, stream = update.float() * scale, stream.float()
    size = torch.linalg.vector_norm(update, dim=-1)
    length = torch.linalg.vector_norm(stream, dim=-1)
    cosine = (update * stream).sum(-1) / (size * length)
    return torch.stack((size / length, cosine), dim=-1)
