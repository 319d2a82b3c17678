"""What the dimensions of a value count, followed through changes of layout.

Where a product of an attention is, its dimensions are known: texts, heads, tokens, channels. From there each operation
on the way to the projection is gone back, or on the way out forth: a transposition moves dimensions, a reshape parts or
joins them. So heads and tokens are told apart also where there are as many of one as of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from glassblock.reader.branches.place import View
from glassblock.reader.branches.views import merged
from glassblock.reader.tracing.graph import Graph, argument
from glassblock.reader.tracing.record import Op, Ref, Shape
from glassblock.reader.tracing.values import LAYOUT, REPEATS

BATCH, TOKENS, HEADS, CHANNELS, OTHER = "batch", "tokens", "heads", "channels", "other"
_ORDER = (BATCH, TOKENS, HEADS, CHANNELS)
_SWAPS = frozenset({"transpose", "swapaxes", "T", "mT", "t"})
_MOVES = _SWAPS | {"permute", "movedim"}


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that is counted, and how many there are."""

    what: str
    size: int


Axes = tuple[tuple[Axis, ...], ...]
"""For each dimension what it counts, outermost first; a dimension of one counts nothing."""


def in_product(shape: Shape, batch: int, tokens: int | None = None, *, turned: bool = False) -> Axes | None:
    """Say what the dimensions of a factor of a product, or of what it makes, count.

    Parameters
    ----------
    shape
        (…, tokens, channels), or (…, channels, tokens) where it is ``turned``. Heads may be folded into the batch, or
        in groups of those that share a key; without any there is one.
    batch
        How many texts there are.
    tokens
        How many tokens ask. Where one asks, the heads that share a key may be packed in its place.

    Returns
    -------
    Axes or None
        None for other layouts, such as windows in the place of texts.
    """
    *leading, rows, columns = shape
    if not leading or leading[0] % batch or (len(leading) > 1 and leading[0] != batch):
        return None
    packed = tokens == 1 and rows > 1
    last = [
        _axis(HEADS if packed else TOKENS, columns if turned else rows),
        _axis(CHANNELS, rows if turned else columns),
    ]
    first = (*_axis(BATCH, batch), *_axis(HEADS, leading[0] // batch))
    return (first, *(_axis(HEADS, size) for size in leading[1:]), *(reversed(last) if turned else last))


def count(axes: Axes, what: str) -> int:
    """Return how many there are of something."""
    return prod(axis.size for dim in axes for axis in dim if axis.what == what)


def pieces(axes: Axes, what: str) -> int:
    """Return in how many pieces something is counted."""
    return sum(axis.what == what for dim in axes for axis in dim)


def look(axes: Axes) -> View | None:
    """Return the view as (batch, tokens, heads, channels); None where there is none."""
    flat = [axis for dim in axes for axis in dim]
    single = all(pieces(axes, what) <= 1 for what in (BATCH, TOKENS, CHANNELS))
    free = any(sum(axis.what in (BATCH, TOKENS) for axis in dim) > 1 for dim in axes)
    if not single or free or any(axis.what == OTHER for axis in flat):
        return None
    order = sorted(range(len(flat)), key=lambda at: _ORDER.index(flat[at].what))
    missing = [at for at, what in enumerate(_ORDER) if not pieces(axes, what)]
    joins = max(pieces(axes, HEADS) - 1, 0)

    def view(x: Tensor) -> Tensor:
        for dim in reversed(range(len(axes))):
            x = _parted(x, dim, axes[dim])
        x = x.permute(order)
        for dim in missing:
            x = x.unsqueeze(dim)
        for _ in range(joins):
            x = merged(2)(x)
        return x

    return view


def _parted(x: Tensor, dim: int, counted: tuple[Axis, ...]) -> Tensor:
    if not counted:
        return x.squeeze(dim)
    if len(counted) == 1:
        return x
    sizes = [-1 if axis.what in (BATCH, TOKENS) else axis.size for axis in counted]
    parts: Tensor = x.unflatten(dim, sizes)  # type: ignore[no-untyped-call]  # as in torch
    return parts


def before(graph: Graph, op: Op, axes: Axes, value: int) -> Axes | None:
    """Return what the dimensions of an input of an operation count, from those of what it made."""
    shape = graph.shape(value)
    if op.name in _MOVES:
        order = _order(op, len(shape))
        return None if order is None else tuple(axes[order.index(dim)] for dim in range(len(shape)))
    if op.name == "getitem":
        return _indexed(op, axes, shape)
    if op.name == "view_as_real":
        return _resized(axes[:-1], shape)
    if op.name == "view_as_complex":
        return (*axes, _axis(CHANNELS, shape[-1]))
    if op.name in LAYOUT and prod(shape) == count_all(axes):
        return regrouped(axes, shape)
    if op.name in ("stack", "select", "unbind"):
        dim = argument(op, 1, "dim") or 0
        if op.name == "stack":
            dim %= len(axes)
            return _resized(axes[:dim] + axes[dim + 1 :], shape)
        dim %= len(shape)
        return _resized((*axes[:dim], (Axis(OTHER, shape[dim]),), *axes[dim:]), shape)
    if op.name == "view_as_complex":  # pairs of numbers are one
        axes = (*axes, _axis(CHANNELS, shape[-1]))
    if op.name == "view_as_real":
        axes = axes[:-1]
    if op.name in REPEATS and len(shape) < len(axes):
        axes = axes[len(axes) - len(shape) :]
    return _resized(axes, shape)


def after(graph: Graph, op: Op, axes: Axes) -> Axes | None:
    """Return what the dimensions of what a change of layout made count, from those of its input."""
    shape = graph.shape(op.outputs[0])
    if op.name in _MOVES:
        order = _order(op, len(shape))
        return None if order is None else tuple(axes[dim] for dim in order)
    return regrouped(axes, shape) if op.name in LAYOUT and prod(shape) == count_all(axes) else None


def count_all(axes: Axes) -> int:
    """Return how many numbers there are."""
    return prod(axis.size for dim in axes for axis in dim)


def regrouped(axes: Axes, shape: Shape) -> Axes | None:
    """Share what is counted among other dimensions, in the same order; None where it does not come out even."""
    left = [axis for dim in axes for axis in dim]
    dims = []
    for size in shape:
        dim: list[Axis] = []
        while (need := size // prod(axis.size for axis in dim)) > 1:
            axis = left.pop(0)
            if need % axis.size and axis.size % need:
                return None
            if axis.size > need:
                left.insert(0, Axis(axis.what, axis.size // need))
                axis = Axis(axis.what, need)
            if dim and dim[-1].what == axis.what:  # parts of one, side by side again
                axis = Axis(axis.what, dim.pop().size * axis.size)
            dim.append(axis)
        pairs = dim and all(axis.what == CHANNELS for axis in dim)  # complex numbers were channels side by side
        dims.append(_axis(CHANNELS, size) if pairs else tuple(dim))
    return tuple(dims)


def _axis(what: str, size: int) -> tuple[Axis, ...]:
    return () if size == 1 else (Axis(what, size),)


def _resized(axes: Axes, shape: Shape) -> Axes | None:
    """Take the sizes of another shape of the same rank: of a part, of what is joined or repeated."""
    if len(axes) != len(shape):
        return None
    dims = [_of_size(dim, size) for dim, size in zip(axes, shape, strict=True)]
    return None if None in dims else tuple(dim for dim in dims if dim is not None)


def _of_size(dim: tuple[Axis, ...], size: int) -> tuple[Axis, ...] | None:
    if prod(axis.size for axis in dim) == size:
        return dim
    if size == 1:
        return ()
    if len(dim) > 1:
        return None
    return (Axis(dim[0].what if dim else OTHER, size),)


def _indexed(op: Op, axes: Axes, shape: Shape) -> Axes | None:
    """Go back through an index of whole numbers and slices; other indices keep their dimension or are not known."""
    index = argument(op, 1, "idx")
    entries = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(entry, Ref) for entry in entries):
        return None
    taken = sum(entry is not None and entry is not Ellipsis for entry in entries)
    rest = [slice(None)] * (len(shape) - taken)
    at = next((at for at, entry in enumerate(entries) if entry is Ellipsis), len(entries))
    left = iter(axes)
    dims: list[tuple[Axis, ...]] = []
    for entry in (*entries[:at], *rest, *entries[at + 1 :]):
        dims += _indexed_dim(entry, left, shape[len(dims)] if len(dims) < len(shape) else 1)
    return _resized(tuple(dims), shape)


def _indexed_dim(entry: Any, left: Iterator[tuple[Axis, ...]], size: int) -> list[tuple[Axis, ...]]:
    if entry is None:
        next(left, None)
        return []
    if isinstance(entry, int):
        return [(Axis(OTHER, size),)] if size > 1 else [()]
    return [next(left, ())]


def _order(op: Op, rank: int) -> Sequence[int] | None:
    """Return for each dimension of what a transposition makes which one of its input it is."""
    order = list(range(rank))
    if op.name == "permute":
        given = argument(op, 1, "dims")
        return [dim % rank for dim in (given if isinstance(given, list | tuple) else op.args[1:])]
    if op.name == "movedim":
        source, target = argument(op, 1, "source"), argument(op, 2, "destination")
        if not isinstance(source, int) or not isinstance(target, int):
            return None
        order.remove(source % rank)
        order.insert(target % rank, source % rank)
        return order
    names = ("dim0", "dim1") if op.name == "transpose" else ("axis0", "axis1")
    swapped = (
        [argument(op, at, name) for at, name in enumerate(names, 1)]
        if op.name in ("transpose", "swapaxes")
        else [-2, -1]
    )
    if rank < 2 or not all(isinstance(dim, int) for dim in swapped):
        return None
    a, b = (dim % rank for dim in swapped)
    order[a], order[b] = order[b], order[a]
    return order
