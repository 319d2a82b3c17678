"""Predictions: the next token, clean and under interventions, side by side.

All in float64 from the logits at one position, so that a probability on the page and the same probability in
Python are the same number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

CLEAN_ROWS = 6
"""How many of the most probable clean tokens are shown."""
LIFTED_ROWS = 3
"""How many of the most probable ablated tokens are shown even where they were not among the clean ones."""


@dataclass(frozen=True, slots=True)
class Score:
    """One token's place in a prediction: probability (0 to 1), logit, and rank (1 is the most probable)."""

    prob: float
    logit: float
    rank: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible next token, without and with the interventions; ``ablated`` is None where there are none."""

    token: str
    id: int
    clean: Score
    ablated: Score | None = None

    @property
    def delta_prob(self) -> float | None:
        """Probability with minus without the interventions."""
        return None if self.ablated is None else self.ablated.prob - self.clean.prob

    @property
    def delta_logit(self) -> float | None:
        """Logit with minus without the interventions."""
        return None if self.ablated is None else self.ablated.logit - self.clean.logit


class Distribution:
    """The next-token distribution at one position.

    Parameters
    ----------
    logits
        (vocabulary,).
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits.detach().cpu().double()  # in this order: not every device has float64
        self._log_probs = self.logits.log_softmax(-1)

    def score(self, token: int) -> Score:
        """Return a token's place in it."""
        logit = self.logits[token]
        rank = len(self.logits) if logit.isnan() else 1 + int((self.logits > logit).sum())
        return Score(float(self._log_probs[token].exp()), float(logit), rank)

    def log_prob(self, token: int) -> float:
        """Return the natural logarithm of a token's probability."""
        return float(self._log_probs[token])

    def top(self, n: int) -> list[int]:
        """Return the ids of the n most probable tokens, best first."""
        ids: list[int] = self.logits.topk(min(n, len(self.logits))).indices.tolist()
        return ids

    def kl_to(self, other: Distribution) -> float:
        """Return the KL divergence KL(self || other) in nats; NaN where one of them has no numbers."""
        p = self._log_probs.exp()
        terms = torch.where(p == 0, torch.zeros_like(p), p * (self._log_probs - other._log_probs))
        total = float(terms.sum())
        return total if math.isnan(total) else max(total, 0.0)


def candidates(
    clean: Distribution, ablated: Distribution | None, decode: Callable[[int], str]
) -> tuple[Candidate, ...]:
    """Return the tokens worth showing: the most probable clean ones, then those that the ablation lifted."""
    ids = clean.top(CLEAN_ROWS)
    if ablated is not None:
        ids += [token for token in ablated.top(LIFTED_ROWS) if token not in ids]
    return tuple(
        Candidate(decode(token), token, clean.score(token), None if ablated is None else ablated.score(token))
        for token in ids
    )
