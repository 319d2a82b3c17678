"""Readings: what a forward pass gave, and where in it the numbers of each row of a frame are."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from glassblock.live.transfer import Transfer

Place = tuple[int, int]
"""Where numbers are: which part, and which row of it."""


@dataclass(slots=True)
class Readings:
    """What a pass gave: by row of the frame, the place of its numbers among the parts.

    Attributes
    ----------
    parts
        Tensors of numbers, (n, ...), until they are sent.
    shape
        Batch and positions.
    blocks, heads
        Described outputs, (..., 5); of heads by their first row, (..., heads, 5).
    updates
        By row of the updates: what was added, the stream it was read from, their inner product, and the scale.
    weights
        By first row of a block's experts: routing weights, (tokens, experts).
    changes
        By (first) row: distance from the clean pass, (batch, positions) or (batch, positions, heads).
    lost
        Addresses that the model wrote over.
    order
        Rows in the order in which they were seen.
    first
        How many tokens the cache held: a number, or the place of one.
    mask
        The place of the attention mask over these positions, 0 at padding.
    """

    parts: list[Tensor] = field(default_factory=list)
    shape: tuple[int, int] = (0, 0)
    blocks: dict[int, Place] = field(default_factory=dict)
    heads: dict[int, Place] = field(default_factory=dict)
    updates: dict[int, tuple[Place, Place, Place, float]] = field(default_factory=dict)
    weights: dict[int, Place] = field(default_factory=dict)
    changes: dict[int, Place] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    first: int | Place = 0
    mask: Place | None = None

    def add(self, part: Tensor) -> int:
        """Take in a part, (n, ...); return its number."""
        self.parts.append(part)
        return len(self.parts) - 1

    def sent(self) -> Transfer:
        """Send the parts to the host, and keep none of them where it is: the frames that are kept are many."""
        transfer = Transfer(self.parts)
        self.parts = []
        return transfer
