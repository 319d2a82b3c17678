"""Prompts: from what a person gives to what the model takes, and tokens back to text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import PromptError
from glassblock.ir import Architecture, Embedding

Prompt = str | Tensor | Mapping[str, Any]
"""Text; token ids of shape (positions,) or (batch, positions); or the model's own keyword arguments."""

BATCH = 32
"""Rows of a batch at most."""


class Prompts:
    """Encodes and decodes for one model.

    Parameters
    ----------
    model
        Says on which device the ids must be.
    tokenizer
        Anything that is called with text and returns ``input_ids``, and has ``decode``; or None.
    architecture
        Says how long a prompt may be.
    """

    def __init__(self, model: nn.Module, tokenizer: Any, architecture: Architecture) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._context = architecture.context.value if architecture.context else None
        specs = (block.spec for block in architecture.inputs)
        tables = (spec for spec in specs if isinstance(spec, Embedding) and spec.of.value == "tokens")
        self._rows = next((table.rows.value for table in tables), None)

    def encode(self, prompt: Prompt, room: int = 0) -> dict[str, Any]:
        """Return the model's keyword arguments for a prompt.

        Parameters
        ----------
        prompt
            What to run.
        room
            Tokens that are to be generated after it.

        Raises
        ------
        PromptError
            If it is empty, too long, of tokens that the model does not have, or text without a tokenizer.
        """
        inputs = self._begun(self._inputs(prompt))
        ids = inputs.get("input_ids")
        if isinstance(ids, Tensor):
            self._check_length(int(ids.shape[-1]), room)
            if not isinstance(prompt, Mapping):  # among other inputs an id may stand for an image
                self._check_ids(ids)
        return inputs

    def decode(self, token: int) -> str:
        """Return one token as text; its id in angle brackets where there is no tokenizer."""
        if self._tokenizer is None:
            return f"<{token}>"
        return str(self._tokenizer.decode([token])) or f"<{token}>"

    def tokens(self, ids: Tensor | None) -> list[str]:
        """Return the tokens of the first row of ids as text."""
        return [] if ids is None else [self.decode(int(token)) for token in ids.reshape(-1, ids.shape[-1])[0]]

    def text(self, prompt: Prompt) -> str:
        """Return a prompt as text, for display."""
        if isinstance(prompt, str):
            return prompt
        ids = prompt if isinstance(prompt, Tensor) else prompt.get("input_ids")
        return " ".join(self.tokens(ids)) if isinstance(ids, Tensor) else "(inputs without ids)"

    def any_ids(self) -> Tensor:
        """Return some token ids, to try the model with where nobody has run anything."""
        return torch.arange(4, device=self._device).remainder(self._rows or 4).unsqueeze(0)

    @property
    def _device(self) -> torch.device:
        """Where ids must be. Offloaded weights are on the meta device until they are used: who moves them moves ids."""
        devices = (parameter.device for parameter in self._model.parameters())
        return next((device for device in devices if device.type != "meta"), torch.device("cpu"))

    def _begun(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Let the decoder of an encoder-decoder begin, where nothing was given to it."""
        config = getattr(self._model, "config", None)
        ids = inputs.get("input_ids")
        given = any(key.startswith("decoder_") or key in ("labels", "encoder_outputs") for key in inputs)
        if not getattr(config, "is_encoder_decoder", False) or not isinstance(ids, Tensor) or given:
            return inputs
        start = getattr(config, "decoder_start_token_id", None)
        if start is None:
            raise PromptError(
                "expected decoder_input_ids beside input_ids: this model has an encoder and a decoder, and its"
                " configuration does not say with which token the decoder begins."
            )
        return {**inputs, "decoder_input_ids": torch.full((ids.shape[0], 1), start, device=ids.device)}

    def _inputs(self, prompt: Prompt) -> dict[str, Any]:
        device = self._device
        if isinstance(prompt, str):
            if not prompt.strip():
                raise PromptError("expected a prompt, got an empty one. Type some text.")
            if self._tokenizer is None:
                return {"input_ids": torch.tensor([_typed_ids(prompt)], device=device)}
            encoded = self._tokenizer(prompt, return_tensors="pt")
            wanted = ("input_ids", "attention_mask")
            return {key: encoded[key].to(device) for key in wanted if key in encoded}
        if isinstance(prompt, Tensor):
            if prompt.is_floating_point() or prompt.ndim not in (1, 2):
                raise PromptError(
                    f"expected token ids of shape (positions,) or (batch, positions), got a {prompt.dtype} tensor"
                    f" of shape {tuple(prompt.shape)}. Pass other inputs as a dict of keyword arguments."
                )
            return {"input_ids": (prompt if prompt.ndim == 2 else prompt.unsqueeze(0)).to(device)}
        if isinstance(prompt, Mapping):
            return dict(prompt)
        raise PromptError(f"expected text, a tensor of ids or a dict of inputs, got {type(prompt).__name__}.")

    def _check_length(self, length: int, room: int) -> None:
        if not length:
            raise PromptError("expected at least one token, got none. Type some text.")
        if self._context is not None and length + room > self._context:
            asked = f"{length} tokens" + (f" and {room} more to generate" if room else "")
            raise PromptError(
                f"expected at most {self._context} tokens, which is this model's context, got {asked}."
                " Shorten the prompt or generate fewer."
            )

    def _check_ids(self, ids: Tensor) -> None:
        """Refuse ids without an embedding here: on an accelerator the model's own error could not be recovered from."""
        low, high = (int(end) for end in ids.aminmax())
        if self._rows is not None and (low < 0 or high >= self._rows):
            raise PromptError(
                f"expected token ids from 0 to {self._rows - 1}, got {low if low < 0 else high}."
                " Use the tokenizer that belongs to this model."
            )


def batched(subjects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put inputs of equal length into one batch, so that many short prompts cost few forward passes.

    Parameters
    ----------
    subjects
        Keyword arguments of the model, one for each prompt.

    Returns
    -------
    list of dict
        Batches of ids without padding; inputs that are more than ids are left as they are.
    """
    alike: dict[int, list[Tensor]] = defaultdict(list)
    others = []
    for inputs in subjects:
        ids, mask = inputs.get("input_ids"), inputs.get("attention_mask")
        unmasked = mask is None or bool(mask.all())
        if isinstance(ids, Tensor) and unmasked and not set(inputs) - {"input_ids", "attention_mask"}:
            alike[ids.shape[-1]].append(ids.reshape(-1, ids.shape[-1]))
        else:
            others.append(inputs)
    chunks = [chunk for rows in alike.values() for chunk in torch.split(torch.cat(rows), BATCH)]
    return [{"input_ids": chunk} for chunk in chunks] + others


def _typed_ids(prompt: str) -> list[int]:
    """Return the token ids that a text is made of: what can be typed where there is no tokenizer, and `text` writes."""
    words = prompt.replace(",", " ").split()
    ids = [re.fullmatch(r"<([0-9]{1,18})>|([0-9]{1,18})", word) for word in words]
    if None in ids or not ids:
        raise PromptError(
            "expected token ids, because this session has no tokenizer, but got text."
            " Type ids, such as 12 7 301; or pass a tokenizer: attach(model, tokenizer)."
        )
    return [int(found[1] or found[2]) for found in ids if found]
