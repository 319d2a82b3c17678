"""Statistics of activations: pure functions from tensors to a few numbers for each token.

All taps of equal shape are reduced together, in a handful of kernels. The spread is taken around the mean
in a second pass, because the difference of two sums cancels where the mean is large beside it.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DESCRIBED = ("norm", "mean", "std", "absmax", "nonfinite")
"""What `describe` returns: L2 norm, mean, standard deviation, largest magnitude, count of non-finite values."""

STATS = (*DESCRIBED, "change")
"""Columns of a frame. ``change`` is the distance from the clean pass of the same prompt over the clean norm."""


def describe(x: Tensor, *, scratch: bool = False) -> Tensor:
    """Reduce the last dimension to `DESCRIBED`.

    Parameters
    ----------
    x
        Activations of shape (..., channels), any floating dtype.
    scratch
        Whether nobody needs them afterwards, so that they may be written over.

    Returns
    -------
    Tensor
        Shape (..., 5), float32, on the same device.
    """
    x, scratch = x.float(), scratch or x.dtype != torch.float32
    norm = torch.linalg.vector_norm(x, dim=-1)
    absmax = torch.maximum(x.amax(-1), -x.amin(-1))  # twenty times faster on a CPU than the infinity norm
    nonfinite = _nonfinite(x, norm)
    mean = x.mean(-1)
    centred = x.sub_(mean.unsqueeze(-1)) if scratch else x - mean.unsqueeze(-1)
    std = torch.linalg.vector_norm(centred, dim=-1) / x.shape[-1] ** 0.5
    return torch.stack((norm, mean, std, absmax, nonfinite), dim=-1)


def _nonfinite(x: Tensor, norm: Tensor) -> Tensor:
    """Count what is not finite; on a CPU, where a look is cheaper than the count, only if a norm is not."""
    if x.device.type == "cpu" and math.isfinite(norm.sum().item()):  # norms are not negative: nothing cancels
        return torch.zeros_like(norm)
    return x.shape[-1] - (x.abs() < torch.inf).float().sum(-1)  # false for NaN, too


def compare_update(
    size: NDArray[np.float32], length: NDArray[np.float32], dot: NDArray[np.float32], scale: float = 1.0
) -> NDArray[np.float32]:
    """How large an update is beside the stream, and in which direction it points.

    Parameters
    ----------
    size, length
        L2 norms of what a branch puts out and of the stream that it read.
    dot
        Inner product of both.
    scale
        What the update is multiplied by before it is added.

    Returns
    -------
    ndarray
        Shape (..., 2), float32: ``||update|| / ||stream||`` and ``cos(update, stream)``. NaN where one of
        them has no length.
    """
    with np.errstate(all="ignore"):
        cosine = np.sign(scale) * dot / (size * length)
        return np.stack((abs(scale) * size / length, cosine), axis=-1).astype(np.float32)
