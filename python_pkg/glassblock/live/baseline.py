"""The baseline: tensors of the clean pass, kept to say how far a pass under interventions is from them.

Statistics cannot say that: two vectors of equal norm, mean and spread may be opposite. So while a prompt is looked
at, its clean activations are kept, as far as they fit, and the change is measured between the vectors themselves.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

LIMIT = 1 << 24
"""Elements that are kept at most, 64 MiB in float32; what is beyond is not compared."""


class Observer(Protocol):
    """Sees the activations of one pass, by row of the frame."""

    changes: dict[int, Tensor]
    """What was found to differ: (batch, positions) or, for heads, (batch, positions, heads)."""

    def see(self, row: int, x: Tensor) -> None:
        """Take the activations at a row, (batch, positions, ..., channels)."""


class Baseline:
    """Keeps the activations of a clean pass."""

    def __init__(self) -> None:
        self.changes: dict[int, Tensor] = {}
        self.kept: dict[int, Tensor] = {}
        self._room = LIMIT

    def see(self, row: int, x: Tensor) -> None:
        """Keep a copy, because the model may write over its own, where there is room."""
        if row not in self.kept and x.numel() <= self._room:
            self._room -= x.numel()
            self.kept[row] = x.clone()


class Comparison:
    """Compares one pass with a baseline."""

    def __init__(self, baseline: Baseline) -> None:
        self.changes: dict[int, Tensor] = {}
        self._clean = baseline.kept

    def see(self, row: int, x: Tensor) -> None:
        """Measure the distance from the clean activations."""
        clean = self._clean.get(row)
        if clean is not None and clean.shape == x.shape:
            self.changes[row] = relative_change(x, clean)


def relative_change(x: Tensor, clean: Tensor) -> Tensor:
    """Return ``||x - clean|| / ||clean||`` over the last dimension, float32; exactly 0 where nothing changed."""
    difference = torch.linalg.vector_norm(x.float() - clean.float(), dim=-1)
    length = torch.linalg.vector_norm(clean.float(), dim=-1)
    return torch.where(difference == 0, difference, difference / length)
