"""What a model answers to a list of prompts, in three numbers and a word.

Accuracy and logit difference tell different stories: an ablation can halve the margin of every
answer and change none, or tip a few answers that were never sure. Both are therefore always
measured, together with what is said instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from glassblock.demo.language import Item

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Questions:
    """Items of one task as one right-padded batch; the answer is read at `last`."""

    ids: torch.Tensor
    mask: torch.Tensor
    last: torch.Tensor
    answers: torch.Tensor
    foils: torch.Tensor


@dataclass(frozen=True)
class Score:
    """How a model did on one task.

    Parameters
    ----------
    accuracy
        Share of items whose most likely next word is the answer.
    logit_difference
        Mean over items of logit(answer) - logit(foil).
    foil_share
        Share of items whose most likely next word is the foil.
    instead
        The wrong word that is predicted most often, or None if none is.
    instead_share
        The share of items for which it is.
    """

    accuracy: float
    logit_difference: float
    foil_share: float
    instead: str | None
    instead_share: float


def ask(items: Sequence[Item], tokenizer: PreTrainedTokenizerFast) -> Questions:
    """Encode items as a batch."""
    batch = tokenizer([item.prompt for item in items], padding=True, return_tensors="pt")
    return Questions(
        ids=batch["input_ids"],
        mask=batch["attention_mask"],
        last=batch["attention_mask"].sum(-1) - 1,
        answers=torch.tensor(tokenizer.convert_tokens_to_ids([item.answer for item in items])),
        foils=torch.tensor(tokenizer.convert_tokens_to_ids([item.foil for item in items])),
    )


@torch.inference_mode()
def score(model: PreTrainedModel, questions: Questions, tokenizer: PreTrainedTokenizerFast) -> Score:
    """Run the model once over a batch of questions and compare with the answers."""
    logits = model(input_ids=questions.ids, attention_mask=questions.mask, use_cache=False).logits
    rows = torch.arange(len(questions.last))
    logits = logits[rows, questions.last].float()
    said = logits.argmax(-1)
    right = said == questions.answers
    difference = logits[rows, questions.answers] - logits[rows, questions.foils]
    wrong = Counter(said[~right].tolist()).most_common(1)
    return Score(
        accuracy=right.float().mean().item(),
        logit_difference=difference.mean().item(),
        foil_share=(said == questions.foils).float().mean().item(),
        instead=str(tokenizer.convert_ids_to_tokens(wrong[0][0])) if wrong else None,
        instead_share=wrong[0][1] / len(rows) if wrong else 0.0,
    )
