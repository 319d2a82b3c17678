"""Steps: the operations of a module, counted alike by who records them and by who only waits for one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

_WRITES = re.compile(r"^__(i(add|sub|mul|truediv|matmul|pow|and|or)|setitem)__$|^(?!requires_grad_)[a-z].*[^_]_$")
_QUESTIONS = frozenset(
    "shape device dtype ndim size dim numel is_floating_point requires_grad _version is_inference".split()
)

_SAME = {
    "mm": "matmul",
    "bmm": "matmul",
    "rmatmul": "matmul",
    "radd": "add",
    "iadd": "add",
    "rmul": "mul",
    "imul": "mul",
    "multiply": "mul",
    "rsub": "sub",
    "isub": "sub",
    "subtract": "sub",
    "truediv": "div",
    "rtruediv": "div",
    "itruediv": "div",
    "divide": "div",
    "true_divide": "div",
    "rpow": "pow",
    "ipow": "pow",
    "absolute": "abs",
}


def step_name(func: Callable[..., Any]) -> str | None:
    """Return the name of an operation as a `TorchFunctionMode` gets it; None for a question about a tensor."""
    name: str = getattr(func, "__name__", "") or str(func)
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    return None if name in _QUESTIONS else name


def canonical(name: str) -> str:
    """Return one name for all spellings of an operation: ``__iadd__``, ``add_``, ``__radd__``: add."""
    bare = name.strip("_")
    return _SAME.get(bare, bare)


def tensors(tree: Any) -> list[torch.Tensor]:
    """Return all tensors in nested containers, in order; model outputs are dictionaries too."""
    if isinstance(tree, torch.Tensor):
        return [tree]
    if hasattr(tree, "to_tuple"):
        tree = tree.to_tuple()
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def writes(name: str) -> bool:
    """Whether an operation writes into its first tensor."""
    return _WRITES.match(name) is not None


def made(name: str, inputs: list[torch.Tensor], result: Any) -> list[torch.Tensor]:
    """Return the tensors that an operation made: what it returned and did not get, or what it wrote into.

    Through a view its base is written, which comes after it.
    """
    known = {id(tensor) for tensor in inputs}
    new = [tensor for tensor in tensors(result) if id(tensor) not in known]
    if inputs and writes(name):
        written = inputs[0]
        new += [written, base(written)] if is_view(written) else [written]
    return new


def is_view(tensor: torch.Tensor) -> bool:
    """Whether a tensor shows numbers of another one."""
    return bool(tensor._is_view()) and tensor._base is not None  # noqa: SLF001


def base(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor whose numbers a view shows."""
    whole = tensor._base  # noqa: SLF001
    assert whole is not None
    return whole
