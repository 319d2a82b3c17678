"""A run: a prompt, what the model predicts after it, clean and under the interventions in force."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from glassblock.live.frames import Frame
from glassblock.live.interventions import Interventions
from glassblock.live.predictions import Candidate, Distribution


@dataclass(frozen=True, repr=False)
class Run:
    """What came out of one prompt.

    Attributes
    ----------
    id
        Counts the runs of a session.
    prompt
        The prompt, as text.
    tokens
        The tokens the prediction was made from.
    generated
        How many of them, at the end, the model wrote.
    predictions
        Tokens worth looking at, the most probable first, clean beside ablated.
    logits
        Logits of the forward pass under the interventions, (batch, positions, vocabulary), as the model
        returned them. None where the model returns none.
    interventions
        What was in force.
    kl
        KL divergence from the clean to the ablated prediction, in nats; None where nothing was ablated.
    frames
        The frames of the clean pass and, where something was ablated, of the other one after it.
    """

    id: int
    prompt: str
    tokens: tuple[str, ...]
    generated: int
    predictions: tuple[Candidate, ...]
    logits: Tensor | None = field(repr=False)
    interventions: Interventions
    kl: float | None
    frames: tuple[Frame, ...] = field(repr=False)
    clean: Distribution | None = field(repr=False, default=None)
    ablated: Distribution | None = field(repr=False, default=None)

    @property
    def next_token(self) -> str | None:
        """The most probable next token under the interventions."""
        key = (lambda c: c.ablated.rank) if self.ablated else (lambda c: c.clean.rank)
        return min(self.predictions, key=key).token if self.predictions else None

    def compare(self, other: Run) -> float | None:
        """Return KL(self || other) of the next-token predictions, each as it was run, in nats."""
        mine, theirs = self.ablated or self.clean, other.ablated or other.clean
        return None if mine is None or theirs is None else mine.kl_to(theirs)

    def __str__(self) -> str:
        """Return the prediction as a small table."""
        if not self.predictions:
            return f"{' '.join(self.tokens)} (no prediction: this model returns no logits over a vocabulary)"
        lines = [f"{' '.join(self.tokens)} → {self.next_token}"]
        for row in self.predictions:
            ablated = f" → {row.ablated.prob:7.2%}  rank {row.clean.rank} → {row.ablated.rank}" if row.ablated else ""
            lines.append(f"  {row.token:<14} {row.clean.prob:7.2%}{ablated}")
        if self.kl is not None:
            lines.append(f"  KL {self.kl:.4g} nats under {self.interventions}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the same: a run is looked at more often than it is debugged."""
        return str(self)
