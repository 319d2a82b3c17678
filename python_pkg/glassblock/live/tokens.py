"""Tokens: text to ids and back, by whatever tokenizer a person has, or by ids that are typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import index
from typing import Any

import torch
from torch import Tensor

from glassblock.errors import PromptError
from glassblock.live.events import warn

_WANTED = ("input_ids", "attention_mask")


class Tokens:
    """Text to ids and back.

    Parameters
    ----------
    tokenizer
        Anything that is called with text and returns ``input_ids``, and has ``decode``; or None.

    Raises
    ------
    PromptError
        If it is nothing of the kind.
    """

    def __init__(self, tokenizer: Any) -> None:
        if tokenizer is not None and not (callable(tokenizer) and hasattr(tokenizer, "decode")):
            hint = f"AutoTokenizer.from_pretrained({tokenizer!r})" if isinstance(tokenizer, str) else "or leave it out"
            raise PromptError(
                "expected a tokenizer, which is called with text and has decode(ids), got"
                f" {type(tokenizer).__name__}. Load it first, {hint}: without one, token ids are typed."
            )
        self._tokenizer = tokenizer
        self._said = False

    def encode(self, text: str) -> dict[str, Tensor]:
        """Return the ids of a text, (1, positions), and the mask beside them where there is one.

        Raises
        ------
        PromptError
            If it is text and there is no tokenizer, or what the tokenizer returned are no ids.
        """
        if self._tokenizer is None:
            return {"input_ids": torch.tensor([_typed_ids(text)])}
        try:
            encoded = self._tokenizer(text, return_tensors="pt")
        except Exception as error:
            raise PromptError(
                "expected the tokenizer to make ids of the prompt, called as tokenizer(text, return_tensors='pt'), but"
                f" it raised {type(error).__name__}: {error}. Pass its ids as a tensor, or another tokenizer."
            ) from error
        if not isinstance(encoded, Mapping) or "input_ids" not in encoded:
            got = f"{', '.join(map(str, encoded))}" if isinstance(encoded, Mapping) else type(encoded).__name__
            raise PromptError(
                f"expected the tokenizer to return a dict with input_ids, got {got or 'nothing'}."
                " Pass its ids as a tensor, or another tokenizer."
            )
        return {key: _row(encoded[key]) for key in _WANTED if key in encoded}

    def decode(self, token: int) -> str:
        """Return one token as text; its id in angle brackets where there is no tokenizer, or no text.

        A model may have rows for more tokens than its tokenizer knows, and some tokenizers raise there. What was
        computed is shown all the same; the first time it is said.

        Raises
        ------
        PromptError
            If it is no id.
        """
        try:
            token = index(token)
        except TypeError:
            raise PromptError(f"expected the id of a token, got {token!r}. Pass a whole number.") from None
        if self._tokenizer is None:
            return f"<{token}>"
        try:
            return str(self._tokenizer.decode([token])) or f"<{token}>"
        except Exception as error:  # noqa: BLE001 - whatever it raises, only the text is missing
            if not self._said:
                self._said = True
                warn(
                    f"expected the tokenizer to decode token {token}, called as tokenizer.decode([{token}]), but it"
                    f" raised {type(error).__name__}: {error}. Tokens that it cannot decode are shown as their ids."
                )
            return f"<{token}>"


def _row(numbers: Any) -> Tensor:
    """Return what a tokenizer returned for one text as a batch of one row: some return lists."""
    try:
        row = torch.as_tensor(numbers)
    except (TypeError, ValueError, RuntimeError):
        raise PromptError(
            f"expected the tokenizer to return ids as numbers, got {type(numbers).__name__}."
            " Pass its ids as a tensor, or another tokenizer."
        ) from None
    return row.unsqueeze(0) if row.ndim == 1 else row


def _typed_ids(prompt: str) -> list[int]:
    """Return the token ids that a text is made of: what can be typed where there is no tokenizer, and shown there."""
    words = prompt.replace(",", " ").split()
    ids = [re.fullmatch(r"<([0-9]{1,18})>|([0-9]{1,18})", word) for word in words]
    if None in ids or not ids:
        raise PromptError(
            "expected token ids, because this session has no tokenizer, but got text."
            " Type ids, such as 12 7 301; or pass a tokenizer: attach(model, tokenizer)."
        )
    return [int(found[1] or found[2]) for found in ids if found]
