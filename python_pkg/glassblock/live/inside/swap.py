"""Swapping tensors: another one in the place of one that an operation is given or makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from glassblock.errors import TapError
from glassblock.reader.branches.place import View
from glassblock.reader.tracing.record import Op, Ref


def swapped(tree: Any, x: Tensor, new: Tensor) -> Any:
    """Return nested containers with another tensor wherever they hold this one."""
    if new is x:
        return tree
    if tree is x:
        return new
    return tree_map(lambda leaf: new if leaf is x else leaf, tree)


def written(x: Tensor, views: Sequence[View], new: Tensor) -> Tensor:
    """Return a copy of a tensor in which views of it hold something new; itself where it is nothing new.

    Raises
    ------
    TapError
        If that has another shape, or the view is none through which can be written.
    """
    seen = views[0](x)
    if new is seen or (new.shape == seen.shape and new.data_ptr() == seen.data_ptr()):
        return x
    if new.shape != seen.shape:
        raise TapError(f"expected an edit to keep the shape {tuple(seen.shape)}, got {tuple(new.shape)}")
    whole = x.clone(memory_format=torch.preserve_format)
    for view in views:
        part = view(whole)
        if part.untyped_storage().data_ptr() != whole.untyped_storage().data_ptr():
            raise TapError("it is laid out so that it can be read and not edited")
        part.copy_(new)
    return whole


def given(op: Op) -> list[int]:
    """Return the values among an operation's arguments, in the order in which `tensors` has them in a call."""
    leaves = tree_leaves((op.args, op.kwargs), is_leaf=lambda leaf: isinstance(leaf, Ref))
    return [leaf.value for leaf in leaves if isinstance(leaf, Ref)]
