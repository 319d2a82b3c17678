"""Views: how a tensor is looked at in the shape that a tap is documented in, without a copy.

Each function returns a view for a layout that it knows, or None: then there is no such view, and the tap is missing.
"""

from __future__ import annotations

from functools import reduce

from torch import Tensor

from glassblock.reader.branches.place import View
from glassblock.reader.tracing.record import Shape

_BY_HEAD, _FOLDED, _GROUPED = 4, 3, 5


def as_it_is(x: Tensor) -> Tensor:
    """Return the tensor."""
    return x


def turned(x: Tensor) -> Tensor:
    """Swap tokens and heads."""
    return x.transpose(1, 2)


def then(*views: View) -> View:
    """Return the view that takes one after the other."""
    return lambda x: reduce(lambda seen, view: view(seen), views, x)


def split(dim: int, size: int) -> View:
    """Return a view in which a dimension is two, of which the second has a size."""

    def view(x: Tensor) -> Tensor:
        parts: Tensor = x.unflatten(dim, (-1, size))  # type: ignore[no-untyped-call]  # as in torch
        return parts

    return view


def merged(dim: int) -> View:
    """Return a view in which a dimension and the next are one; torch raises where that needs a copy."""
    return lambda x: x.view(*x.shape[:dim], x.shape[dim] * x.shape[dim + 1], *x.shape[dim + 2 :])


def cut(last: int | None, first: int = 0) -> View:
    """Return a view of a part of the last dimension."""
    return lambda x: x[..., first:last]


def heads_first(shape: Shape, batch: int) -> View | None:
    """Look at (…, tokens, channels), as it is in products, as (batch, heads, tokens, channels).

    Heads may be folded into the batch, or in groups of those that share a key; without any there is one.
    """
    if len(shape) == _BY_HEAD:
        return as_it_is
    if len(shape) == _FOLDED and shape[0] == batch:
        return lambda x: x.unsqueeze(1)
    if len(shape) == _FOLDED and shape[0] % batch == 0:
        return split(0, shape[0] // batch)
    if len(shape) == _GROUPED and shape[0] == batch:
        return merged(1)
    return None


def tokens_first(shape: Shape, batch: int) -> View | None:
    """Look at (…, tokens, channels), as it is in products, as (batch, tokens, heads, channels)."""
    view = heads_first(shape, batch)
    return None if view is None else then(view, turned)


def in_heads(shape: Shape, batch: int, channels: int) -> View | None:
    """Look at what a projection made, tokens before heads, as (batch, tokens, heads, channels)."""
    if len(shape) == _BY_HEAD and shape[-1] == channels:
        return as_it_is
    if len(shape) == _FOLDED and shape[0] == batch and shape[-1] % channels == 0:
        return split(-1, channels)
    return None


def rows(shape: Shape) -> View | None:
    """Look at one vector for each token as (tokens of all texts, channels)."""
    return as_it_is if len(shape) == _FOLDED - 1 else merged(0) if len(shape) == _FOLDED else None
