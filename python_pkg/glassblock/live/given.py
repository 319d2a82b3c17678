"""What a model is given, looked at before it runs: a wrong type or id is said in words, and costs no pass.

On an accelerator an id without an embedding is an error from which a process does not recover.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import PromptError

_WHOLE = (torch.int64, torch.int32)
_NARROW = (torch.int16, torch.int8, torch.uint8)


def row_of_ids(ids: Tensor) -> Tensor:
    """Return token ids as a model takes them, (batch, positions).

    Raises
    ------
    PromptError
        If they are no ids of that shape.
    """
    if ids.dtype not in (*_WHOLE, *_NARROW) or ids.ndim not in (1, 2):
        raise PromptError(
            f"expected token ids of shape (positions,) or (batch, positions), got a {ids.dtype} tensor"
            f" of shape {tuple(ids.shape)}. Pass other inputs as a dict of keyword arguments."
        )
    batch = ids if ids.ndim == 2 else ids.unsqueeze(0)
    return batch.long() if batch.dtype in _NARROW else batch


def check_arguments(model: nn.Module, inputs: Mapping[str, Any]) -> None:
    """Look whether a model takes such keyword arguments.

    Raises
    ------
    PromptError
        If there are none, ids among them are no ids, or the model does not know them.
    """
    unnamed = next((key for key in inputs if not isinstance(key, str)), None)
    if unnamed is not None or all(value is None for value in inputs.values()):
        got = f"the key {unnamed!r}" if unnamed is not None else "nothing" if not inputs else "None for each"
        raise PromptError(f"expected a dict of the model's keyword arguments, got {got}. {_takes(model)}")
    known, rest = _parameters(model)
    # A model that names both ways in takes batches, and reads nothing else alone; of any other, nothing tells.
    usual = {"input_ids", "inputs_embeds"} <= set(known)
    ids = inputs.get("input_ids")
    if ids is not None and not (isinstance(ids, Tensor) and ids.dtype in _WHOLE and ids.ndim >= (2 if usual else 1)):
        got = f"a {ids.dtype} tensor of shape {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise PromptError(
            f"expected input_ids as a tensor of whole numbers, (batch, positions), got {got}."
            " Try {'input_ids': torch.tensor([[12, 7, 301]])}."
        )
    if set(inputs) == {"input_ids"}:
        return  # it goes by position
    strange = [key for key in inputs if key not in known]
    if known and strange and (not rest or (usual and len(strange) == len(inputs))):
        raise PromptError(f"expected keyword arguments of the model, got {', '.join(strange)}. {_takes(model)}")


def takes(model: nn.Module, name: str) -> bool:
    """Whether a model's forward takes a keyword argument, as far as it says."""
    known, rest = _parameters(model)
    return rest or name in known


def only_ids(inputs: Mapping[str, Any]) -> Tensor | None:
    """Return ids that are all that a model is given, whatever it calls them."""
    given = [value for value in inputs.values() if value is not None]
    ids = given[0] if len(given) == 1 and isinstance(given[0], Tensor) else None
    return ids if ids is not None and ids.dtype in _WHOLE else None


def check_mask(ids: Tensor, inputs: Mapping[str, Any]) -> None:
    """Refuse a mask that is not of the same tokens: models read some part of it, and do not say which.

    Raises
    ------
    PromptError
        If it has more or fewer columns than there are tokens.
    """
    mask = inputs.get("attention_mask")
    if isinstance(mask, Tensor) and mask.ndim == 2 and mask.shape[-1] != ids.shape[-1]:
        raise PromptError(
            f"expected an attention_mask of {ids.shape[-1]} tokens, as many as input_ids has, got one of"
            f" {mask.shape[-1]}. Give both the same shape, (batch, positions)."
        )


def check_range(ids: Tensor | None, rows: int | None) -> None:
    """Refuse ids that a model has no embedding for.

    Raises
    ------
    PromptError
        With the first of them.
    """
    if rows is None or ids is None or ids.is_meta or not ids.numel():
        return
    low, high = (int(end) for end in ids.aminmax())
    if low < 0 or high >= rows:
        raise PromptError(
            f"expected token ids from 0 to {rows - 1}, got {low if low < 0 else high}."
            " Use the tokenizer that belongs to this model."
        )


def _parameters(model: nn.Module) -> tuple[list[str], bool]:
    """Return the names that a model's forward takes, and whether it takes any others; none where it does not say."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return [], True
    named = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return named, any(one.kind is one.VAR_KEYWORD for one in parameters)


def _takes(model: nn.Module) -> str:
    names, _ = _parameters(model)
    return f"{type(model).__name__} takes {', '.join(names[:6])}{', …' if len(names) > 6 else ''}." if names else ""
