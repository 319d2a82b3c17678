"""Tensors in a module's arguments and outputs: found, and put back into the same form.

Models hand hidden states around by position or by keyword, and return a tensor, a tuple or a dataclass. A
tap must not care, and an edit must return the type that it got.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from glassblock.live.lengths import Lengths
from glassblock.live.order import Order

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


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a model was given, as far as a frame tells of it.

    Attributes
    ----------
    token_ids
        (batch, positions); None where it was given embeddings.
    mask
        The attention mask over cached and new tokens, in whatever form the model takes it.
    first
        How many tokens the cache holds: the position of the first token of this pass. A tensor where the cache
        counts on its device, because asking would wait for that device.
    order
        How many tokens are new, in how many texts.
    context
        Ids of the text that an encoder reads, (batch, positions); None where there is none, or it was read before.
    """

    token_ids: Tensor | None = None
    mask: Tensor | None = None
    first: int | Tensor = 0
    order: Order = field(default_factory=Order)
    context: Tensor | None = None


_DECODER = ("decoder_input_ids", "decoder_inputs_embeds")
_NAMES = (
    (_DECODER, "decoder_attention_mask"),
    (("input_ids", "inputs_embeds"), "attention_mask"),
)
"""What models call their tokens and the mask beside them; a decoder's first, because it makes the logits."""


def names_of(module: nn.Module) -> tuple[str, ...]:
    """Return the names of a module's positional arguments, as far as they are known."""
    try:
        return tuple(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return ()


def inputs_of(
    names: Sequence[str], args: tuple[Any, ...], kwargs: Mapping[str, Any], lengths: Lengths | None = None
) -> Inputs:
    """Find in a call what a frame tells of it; nothing here waits for a device.

    Parameters
    ----------
    names
        Of positional arguments.
    args, kwargs
        Of the call.
    lengths
        Remembers how many tokens went into caches that do not say it.
    """
    lengths = lengths or Lengths()
    given = {**dict(zip(names, args, strict=False)), **kwargs} if args else kwargs
    for tokens, mask in _NAMES:
        found = next((given[name] for name in tokens if given.get(name) is not None), None)
        if found is not None:
            masked = given.get(mask)
            new = _tokens(found)
            mask_of = masked if isinstance(masked, Tensor) else None
            context = _ids(given.get("input_ids")) if tokens is _DECODER else None
            order = Order(new, None if new is None or found.ndim == 1 else int(found.shape[0]))
            return Inputs(_ids(found), mask_of, lengths.first(given, new), order, context)
    ids = _ids(args[0]) if args else None
    new = None if ids is None else _tokens(ids)
    batch = int(ids.shape[0]) if ids is not None and ids.ndim > 1 else None
    return Inputs(ids, None, lengths.first(given, new), Order(new, batch))


def _ids(x: Any) -> Tensor | None:
    found = isinstance(x, Tensor) and not x.is_floating_point() and not x.is_meta
    return x.detach() if found else None


def _tokens(given: Any) -> int | None:
    """Return how many tokens there are: ids end in them, embeddings are (batch, tokens, channels)."""
    if not isinstance(given, Tensor):
        return None
    if given.is_floating_point():
        return int(given.shape[1]) if given.ndim == 3 else None
    return int(given.shape[-1]) if given.ndim else None
