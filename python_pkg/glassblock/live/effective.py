"""Effective attention: the true matrix from values to what a linear mixer's recurrence puts out.

A recurrence is linear in its values, whatever erases or normalises in between. So its matrix is what the model's own
code makes of a basis: with a one at one token and zeros elsewhere it returns a column. Where the channels of a head
share a matrix, each channel carries another token, and a run of the module gives as many columns as a head has
channels; where each channel has its own (Mamba), a run gives one column for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from glassblock.errors import TapError
from glassblock.live.inside import Captured

LIMIT = 1 << 30
"""Bytes that a matrix may take."""

_CLOSE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}
"""How far, relative to its size, what the matrix makes of the values may be from what the recurrence put out."""


def effective_attention(call: Captured, limit: int = LIMIT) -> Tensor:
    """Return the matrix of a mixer's recurrence.

    Parameters
    ----------
    call
        A call of its module on a whole text, without what came before it.
    limit
        Bytes that the matrix may take.

    Returns
    -------
    Tensor
        (batch, heads, tokens, tokens), or (batch, channels, tokens, tokens) where each channel has its own; row by
        target, column by source. Its product with the values is the recurrence's output, which is checked.

    Raises
    ------
    TapError
        If nothing in the mixer is known to be linear, the matrix would be too large, or it does not make what the
        recurrence put out.
    """
    linear = call.linear
    if linear is None:
        raise TapError(f"{call.block.address} is not known to have a recurrence that is linear in its values.")
    made = call.again(linear.v, linear.out)
    v, out = _in_heads(made[linear.v]), _in_heads(made[linear.out])
    for shared in (True, False) if linear.shared and v.shape[-1] > 1 else (False,):
        _check_size(call, v, limit, shared=shared)
        columns = _shared(call, linear.v, linear.out, v) if shared else _apart(call, linear.v, linear.out, v)
        matrix = torch.cat(list(columns), -1)
        if _off(matrix, v, out) <= _CLOSE.get(v.dtype, 1e-4):
            return matrix
    raise TapError(
        f"{call.block.address}: the matrix of its recurrence is {_off(matrix, v, out):.1e} off what it puts out;"
        " what was taken for its values does not go through it linearly."
    )


def runs(tokens: int, channels: int, *, shared: bool) -> int:
    """Return how often the mixer's module is run for a matrix."""
    return -(-tokens // channels) if shared else tokens


def _shared(call: Captured, v: str, out: str, values: Tensor) -> Iterator[Tensor]:
    """Go through pieces of the matrix, (batch, heads, tokens, sources): each channel carries another source."""
    tokens, channels = values.shape[1], values.shape[-1]
    for first in range(0, tokens, channels):
        sources = torch.arange(first, min(first + channels, tokens), device=values.device)
        basis = torch.zeros(tokens, channels, dtype=values.dtype, device=values.device)
        basis[sources, sources - first] = 1
        columns = _in_heads(call.again(out, changes={v: _instead(basis[None, :, None])})[out])
        yield columns[..., : len(sources)].transpose(1, 2)


def _apart(call: Captured, v: str, out: str, values: Tensor) -> Iterator[Tensor]:
    """Go through columns of the matrix, (batch, channels, tokens, 1), of all heads side by side."""
    for source in range(values.shape[1]):
        basis = torch.zeros(values.shape[1], dtype=values.dtype, device=values.device)
        basis[source] = 1
        columns = _in_heads(call.again(out, changes={v: _instead(basis[None, :, None, None])})[out])
        yield columns.flatten(2).transpose(1, 2).unsqueeze(-1)


def _instead(basis: Tensor) -> Callable[[Tensor], Tensor]:
    """Return an edit that puts a basis in the place of values, spread over what it says nothing of."""

    def edit(x: Tensor) -> Tensor:
        return basis.expand_as(_in_heads(x)).reshape(x.shape).clone()

    return edit


def _off(matrix: Tensor, v: Tensor, out: Tensor) -> float:
    """Return the relative error of the matrix on the values of the text itself."""
    matrix, v, out = matrix.double(), v.double(), out.double()
    if matrix.shape[1] == v.shape[2] and v.shape[-1] > 1:
        again = torch.einsum("bhts,bshc->bthc", matrix, v)
    else:
        again = torch.einsum("bcts,bsc->btc", matrix, v.flatten(2)).view_as(out)
    return float((again - out).norm() / out.norm().clamp_min(1e-300))


def _in_heads(x: Tensor) -> Tensor:
    """Return (batch, tokens, heads, channels), of what has no heads with one channel in each."""
    return x if x.ndim == 4 else x.unsqueeze(-1)


def _check_size(call: Captured, v: Tensor, limit: int, *, shared: bool) -> None:
    batch, tokens, heads, channels = v.shape
    needed = batch * (heads if shared else heads * channels) * tokens**2 * v.element_size()
    if needed > limit:
        often = runs(tokens, channels, shared=shared)
        raise TapError(
            f"expected a matrix of at most {limit / 2**30:.3g} GB, got {needed / 2**30:.3g} GB for {tokens} tokens of"
            f" {call.block.address}, and {often} runs of its module. Give a shorter prompt, or a larger limit."
        )
