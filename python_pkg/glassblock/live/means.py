"""Means over reference prompts: what mean ablation puts in the place of an output.

They are taken from the untouched model, over all tokens of all reference prompts, in float64, for all taps in
one go, when the first of them is needed. An expert's mean is that of its own output, before the routing
weight, over the tokens that were routed to it.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor


class Means:
    """Running sums by tap.

    Keys are addresses: of a block for its output, of a block followed by ``.z`` for its heads side by side,
    of an expert for its output.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, key: str, x: Tensor) -> None:
        """Take the values at a tap, (..., channels); every position counts the same."""
        flat = x.detach().reshape(-1, x.shape[-1])
        total = flat.sum(0, dtype=torch.float64)
        self._sums[key] = self._sums[key] + total if key in self._sums else total
        self._counts[key] += flat.shape[0]

    def __contains__(self, key: str) -> bool:
        """Say whether anything was seen at a tap."""
        return self._counts[key] > 0

    def of(self, key: str) -> Tensor:
        """Return the mean at a tap, (channels,), float64."""
        return self._sums[key] / self._counts[key]
