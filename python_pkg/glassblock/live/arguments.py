"""Tensors in a module's arguments and outputs: found, and put back into the same form.

Models hand hidden states around by position or by keyword, and return a tensor, a tuple or a dataclass. A
tap must not care, and an edit must return the type that it got.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def first_tensor(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return the first floating tensor among the arguments: positions before keywords."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor) and value.is_floating_point():
            return value
    return None


def replace_tensor(args: tuple[Any, ...], kwargs: dict[str, Any], old: Tensor, new: Tensor) -> Arguments:
    """Return the arguments with one tensor replaced by another."""
    return (
        tuple(new if value is old else value for value in args),
        {key: new if value is old else value for key, value in kwargs.items()},
    )


def output_tensor(output: Any) -> Tensor | None:
    """Return the first floating tensor of an output: itself, or the first of a tuple or a mapping."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    if isinstance(output, Mapping):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        return next((item for item in output if isinstance(item, Tensor) and item.is_floating_point()), None)
    return None


def replace_output(output: Any, old: Tensor, new: Tensor) -> Any:
    """Return an output of the same form with one tensor replaced by another."""
    if output is old:
        return new
    if isinstance(output, Mapping):
        changed = {key: new if value is old else value for key, value in output.items()}
        if dataclasses.is_dataclass(output) and not isinstance(output, type):
            return type(output)(**changed)
        return changed
    items = (new if item is old else item for item in output)
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return type(output)(*items)
    return type(output)(items)


def logits_of(output: Any, vocabulary: int | None) -> Tensor | None:
    """Return the logits in a model's output, (batch, positions, vocabulary), or None.

    Parameters
    ----------
    output
        What the model returned: a tensor, a tuple, a mapping, a dataclass.
    vocabulary
        Rows of the unembedding; a tensor of another width is no logits. None: the model has none.
    """
    if vocabulary is None:
        return None
    found = getattr(output, "logits", None)
    if found is not None:
        output = found
    elif isinstance(output, Mapping):
        output = tuple(output.values())
    for item in output if isinstance(output, tuple | list) else (output,):  # a loss may stand before the logits
        if isinstance(item, Tensor) and item.ndim >= 2 and item.shape[-1] == vocabulary:
            return item.unsqueeze(0) if item.ndim == 2 else item
    return None
