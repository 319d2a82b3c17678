"""Prompts: from what a person gives to what the model takes, and tokens back to text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import PromptError
from glassblock.ir import Architecture, Embedding
from glassblock.live.given import check_arguments, check_mask, check_range, only_ids, row_of_ids, takes
from glassblock.live.tokens import Tokens

Prompt = str | Tensor | Mapping[str, Any]
"""Text; token ids of shape (positions,) or (batch, positions); or the model's own keyword arguments."""

_OF_TEXT = {"input_ids", "attention_mask", "token_type_ids", "position_ids", "decoder_input_ids"}
"""Inputs beside which an id is that of a token, and stands for nothing else."""

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
        self._tokens = Tokens(tokenizer)
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
        inputs = self._inputs(prompt)
        check_arguments(self._model, inputs)
        inputs = self._begun(inputs)
        ids = inputs.get("input_ids")
        if isinstance(ids, Tensor):
            self._check_length(int(ids.shape[-1]) if ids.numel() else 0, room)
        if isinstance(ids, Tensor) and not set(inputs) - _OF_TEXT:  # among other inputs an id may stand for an image
            check_mask(ids, inputs)
            check_range(ids, self._rows)
        else:
            check_range(only_ids(inputs), self._rows)
        return inputs

    def decode(self, token: int) -> str:
        """Return one token as text; its id in angle brackets where there is no tokenizer."""
        return self._tokens.decode(token)

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
            encoded = self._tokens.encode(prompt).items()  # of one text, so that a mask says nothing
            return {key: x.to(device) for key, x in encoded if key == "input_ids" or takes(self._model, key)}
        if isinstance(prompt, Tensor):
            return {"input_ids": row_of_ids(prompt).to(device)}
        if isinstance(prompt, Mapping):
            return dict(prompt)
        numbers = isinstance(prompt, Sequence) and all(isinstance(one, int) for one in prompt)
        hint = " Make ids a tensor: torch.tensor([12, 7, 301])." if numbers else ""
        raise PromptError(f"expected text, a tensor of ids or a dict of inputs, got {type(prompt).__name__}.{hint}")

    def _check_length(self, length: int, room: int) -> None:
        if not length:
            raise PromptError("expected at least one token, got none. Type some text.")
        if self._context is not None and length + room > self._context:
            asked = f"{length} tokens" + (f" and {room} more to generate" if room else "")
            raise PromptError(
                f"expected at most {self._context} tokens, which is this model's context, got {asked}."
                " Shorten the prompt or generate fewer."
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
