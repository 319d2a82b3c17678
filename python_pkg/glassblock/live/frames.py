"""Frames: one forward pass, one frame.

While the model runs, a tap hands its tensor to the `Recorder`, which keeps a reference. When the pass is
over, tensors of equal shape are stacked and reduced together. Three cases cannot wait until then: a large
tensor (keeping it would cost memory, and one more kernel costs nothing beside its own), a tensor that tracks
no version (in inference mode nobody could tell whether it was overwritten meanwhile), and one of a place
where the model was seen to overwrite it. That is learned from the first pass, whose frame says what it lost.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glassblock.live.baseline import Observer
from glassblock.live.edits import split_heads
from glassblock.live.layout import Layout
from glassblock.live.stats import compare_update, describe

Origin = Literal["clean", "run", "generate", "outside"]

LARGE = 1 << 18
"""Elements from which a tensor is reduced at once: 1 MiB in float32."""


@dataclass(frozen=True, repr=False)
class Frame:
    """Statistics of one forward pass.

    Attributes
    ----------
    seq
        Counts the forward passes of a session.
    origin
        Who started it: ``clean`` (a run without interventions), ``run``, ``generate``, ``outside``.
    first
        Position of the first column in the sequence: the length of the cache.
    layout
        The meaning of the rows.
    interventions
        How many interventions were in force.
    token_ids
        Ids of the tokens of this pass, (batch, positions); None where the model was given embeddings.
    logits
        Logits at the last position, (batch, vocabulary), float32; None where the model returns none.
    lost
        Addresses that were not measured because the model wrote over the tensor; they are from the next pass on.
    """

    seq: int
    origin: Origin
    first: int
    layout: Layout
    interventions: int
    token_ids: Tensor | None
    logits: Tensor | None
    lost: tuple[str, ...]
    _stats: Tensor = field(repr=False)
    _updates: Tensor = field(repr=False)

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        size = " x ".join(str(length) for length in self._stats.shape[1:3])
        return f"Frame {self.seq} ({self.origin}): {size} tokens from {self.first}, {self.interventions} ablated"

    @property
    def positions(self) -> int:
        """Number of tokens of this pass."""
        return int(self._stats.shape[2])

    @property
    def nbytes(self) -> int:
        """Size of what it holds, in bytes."""
        held = (self._stats, self._updates, self.logits, self.token_ids)
        return sum(x.nbytes for x in held if x is not None)

    @property
    def stats(self) -> NDArray[np.float32]:
        """Statistics, (sites, batch, positions, 6): `STATS`. NaN is not measured. Waits for the device."""
        array: NDArray[np.float32] = self._stats.cpu().numpy()
        return array

    @property
    def updates(self) -> NDArray[np.float32]:
        """Size beside the stream and cosine with it, (branches, batch, positions, 2)."""
        array: NDArray[np.float32] = self._updates.cpu().numpy()
        return array

    def norm(self, address: str) -> NDArray[np.float32]:
        """Return the L2 norm at an address, (batch, positions)."""
        array: NDArray[np.float32] = self.stats[self.layout.row[address], :, :, 0]
        return array


@dataclass(slots=True)
class _Kept:
    """A tensor and its version when it was kept."""

    tensor: Tensor
    version: int | None

    @classmethod
    def of(cls, x: Tensor) -> _Kept:
        return cls(x, None if x.is_inference() else x._version)

    @property
    def intact(self) -> bool:
        return self.version is None or self.tensor._version == self.version


class Recorder:
    """Collects the tensors of one forward pass and reduces them.

    Parameters
    ----------
    layout
        Rows of the frame.
    overwritten
        Addresses whose tensors the model writes over, known from earlier passes. Added to here.
    baseline
        Keeps or compares what passes; None where nothing is to be compared.
    """

    def __init__(self, layout: Layout, overwritten: set[str], baseline: Observer | None = None) -> None:
        self._layout = layout
        self._overwritten = overwritten
        self._baseline = baseline
        self.lost: list[str] = []
        self._rows: dict[int, _Kept | Tensor] = {}
        self._streams: dict[int, _Kept] = {}
        self._updates: dict[int, tuple[_Kept, _Kept, float] | Tensor] = {}
        self._experts: dict[int, Tensor] = {}
        self.shape: tuple[int, int] | None = None
        """Batch and positions of this pass, those of the first tensor that was seen."""

    def block(self, row: int, x: Tensor) -> None:
        """Take the output of a block, (batch, positions, channels)."""
        batched = self._batched(x)
        if batched is not None:
            at_once = _at_once(batched) or self._layout.sites[row].address in self._overwritten
            self._rows[row] = describe(batched) if at_once else _Kept.of(batched)
            if self._baseline:
                self._baseline.see(row, batched)

    def heads(self, row: int, z: Tensor, heads: int) -> None:
        """Take the outputs of all heads side by side, (batch, positions, heads x channels)."""
        batched = self._batched(z)
        if batched is None:
            return
        split = split_heads(batched, heads)
        if self._baseline:
            self._baseline.see(row, split)
        described = describe(split).movedim(2, 0)
        for head in range(heads):
            self._rows[row + head] = described[head]

    def experts(self, row: int, weights: Tensor) -> None:
        """Take the weight that each token gave each expert, (batch x positions, experts)."""
        if self.shape is not None and weights.shape[0] == self.shape[0] * self.shape[1]:
            self._experts[row] = weights.detach().float().reshape(*self.shape, -1).movedim(-1, 0)

    def stream(self, row: int, x: Tensor) -> None:
        """Take the residual stream as a branch reads it."""
        batched = self._batched(x)
        if batched is not None:
            self._streams[row] = _Kept.of(batched)

    def update(self, row: int, x: Tensor, scale: float) -> None:
        """Take what a branch adds to the stream that it read."""
        update, stream = self._batched(x), self._streams.pop(row, None)
        if update is None or stream is None or update.shape != stream.tensor.shape or not stream.intact:
            return
        if _at_once(update) or self._layout.updates[row] in self._overwritten:
            self._updates[row] = compare_update(update, stream.tensor, scale)
        else:
            self._updates[row] = (_Kept.of(update), stream, scale)

    def finish(self) -> tuple[Tensor, Tensor]:
        """Reduce what was kept.

        Returns
        -------
        stats : Tensor
            (sites, batch, positions, 6), NaN where nothing passed or it was overwritten in place.
        updates : Tensor
            (branches, batch, positions, 2), likewise.
        """
        batch, positions = self.shape or (0, 0)
        stats = torch.full((len(self._layout.sites), batch, positions, len(self._layout.stats)), torch.nan)
        updates = torch.full((len(self._layout.updates), batch, positions, 2), torch.nan)
        self._reduce_rows(stats)
        self._reduce_updates(updates)
        for row, change in self._baseline.changes.items() if self._baseline else ():
            by_head = change.unsqueeze(-1) if change.ndim == 2 else change
            stats[row : row + by_head.shape[-1], :, :, -1] = by_head.movedim(-1, 0).to(stats.device)
        for row, weights in self._experts.items():
            stats[row : row + weights.shape[0], :, :, 0] = weights.to(stats.device)
        return stats, updates

    def _reduce_rows(self, stats: Tensor) -> None:
        alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for row, kept in self._rows.items():
            if isinstance(kept, Tensor):
                stats[row, ..., :-1] = kept.to(stats.device)
            elif kept.intact:
                alike[(kept.tensor.shape, kept.tensor.dtype, kept.tensor.device)].append(row)
            else:
                self._lose(self._layout.sites[row].address)
        for rows in alike.values():
            stacked = torch.stack([self._kept(row).tensor for row in rows])
            stats[rows, ..., :-1] = describe(stacked).to(stats.device)

    def _reduce_updates(self, updates: Tensor) -> None:
        for row, pair in self._updates.items():
            if isinstance(pair, Tensor):
                updates[row] = pair.to(updates.device)
            else:
                update, stream, scale = pair
                if update.intact and stream.intact:
                    updates[row] = compare_update(update.tensor, stream.tensor, scale).to(updates.device)
                else:
                    self._lose(self._layout.updates[row])

    def _lose(self, address: str) -> None:
        self._overwritten.add(address)
        self.lost.append(address)

    def _kept(self, row: int) -> _Kept:
        kept = self._rows[row]
        assert isinstance(kept, _Kept)
        return kept

    def _batched(self, x: Tensor) -> Tensor | None:
        """Return (batch, positions, channels) without its graph; None where it has another shape.

        What is the same for every row of the batch, such as embeddings of positions, is spread over them.
        """
        x = x.detach()
        if x.ndim == 2:
            x = x.unsqueeze(0)
        if x.ndim != 3:
            return None
        if self.shape is None or (self.shape[0] == 1 and x.shape[1] == self.shape[1]):  # positions may come first
            self.shape = (x.shape[0], x.shape[1])
        if x.shape[0] == 1 and x.shape[1] == self.shape[1]:
            return x.expand(self.shape[0], -1, -1)
        return x if (x.shape[0], x.shape[1]) == self.shape else None


def _at_once(x: Tensor) -> bool:
    return x.numel() >= LARGE or x.is_inference()
