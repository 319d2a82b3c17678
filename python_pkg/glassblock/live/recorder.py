"""The recorder: what a forward pass hands over while it runs, reduced to numbers on the devices where it is.

A tap hands in its tensor, and a reference is kept. When the pass is over, tensors of equal shape are stacked and
reduced together. Three cases cannot wait until then: a large tensor (keeping it would cost memory, and a few more
kernels cost nothing beside its own), a tensor that tracks no version (in inference mode nobody could tell whether it
was overwritten meanwhile), and one of a place where the model was seen to overwrite it. That is learned from
the first pass, whose frame says what it lost. Nothing here waits for a device.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glassblock.live.arguments import Inputs
from glassblock.live.baseline import Observer
from glassblock.live.edits import split_heads
from glassblock.live.layout import Layout
from glassblock.live.order import Order
from glassblock.live.readings import Place, Readings
from glassblock.live.stats import describe

LARGE = {"cpu": 1 << 15}
"""Elements from which a tensor is reduced at once, by device: where kernels start at once, keeping saves little."""
LARGE_ELSEWHERE = 1 << 18


class _Seen:
    """A tensor that was handed in, as long as it is needed, and where its numbers are."""

    __slots__ = ("described", "heads", "place", "shape", "tensor", "version", "weak", "whole")

    def __init__(self, x: Tensor, heads: int) -> None:
        self.tensor: Tensor | None = x
        self.weak: weakref.ref[Tensor] | None = None
        self.version = None if x.is_inference() else x._version
        self.heads = heads
        self.shape = x.shape
        self.described: Tensor | None = None
        self.whole = False
        self.place: Place | None = None

    def is_still(self, x: Tensor) -> bool:
        """Say whether it is this tensor, and holds what it held."""
        same = self.tensor is x if self.weak is None else self.weak() is x
        return same and self.version is not None and x._version == self.version

    def describe(self, x: Tensor, *, whole: bool) -> None:
        """Reduce it now, whole or to its norm alone; the tensor is not kept."""
        kept, x = x, split_heads(x.detach(), self.heads) if self.heads else x.detach()
        self.described = describe(x) if whole else torch.linalg.vector_norm(x.float(), dim=-1, keepdim=True)
        self.whole, self.weak, self.tensor = whole, weakref.ref(kept), None

    @property
    def intact(self) -> bool:
        """Whether it can still be described, or was."""
        x = self.tensor
        return x is None or self.version is None or x._version == self.version


@dataclass(slots=True)
class _Update:
    """What a branch adds, and the stream that it read; their inner product where that was taken at once."""

    update: _Seen
    stream: _Seen
    scale: float
    dot: Tensor | None = None


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
        self.inputs = Inputs()
        """What the model was given."""
        self.failed: dict[str, str] = {}
        """What could not be reduced, by address, and why."""
        self._layout = layout
        self._overwritten = overwritten
        self._baseline = baseline
        self._seen: dict[tuple[int, int], _Seen] = {}
        self._rows: dict[int, _Seen] = {}
        self._streams: dict[int, tuple[Tensor, _Seen]] = {}
        self._updates: dict[int, _Update] = {}
        self._experts: dict[int, Tensor] = {}
        self._lost: dict[str, None] = {}
        self._limit: int | None = None

    def block(self, row: int, x: Tensor) -> None:
        """Take the output of a block, (batch, positions, channels)."""
        if x.ndim > 1:
            self._rows[row] = self._look(x, self._layout.sites[row].address)
            if self._baseline:
                self._baseline.see(row, x.detach())

    def heads(self, row: int, z: Tensor, heads: int) -> None:
        """Take the outputs of all heads side by side, (batch, positions, heads x channels)."""
        if z.ndim > 1:
            self._rows[row] = self._look(z, self._layout.sites[row].address, heads)
            if self._baseline:
                self._baseline.see(row, split_heads(z.detach(), heads))

    def experts(self, row: int, weights: Tensor) -> None:
        """Take the weight that each token gave each expert, (batch x positions, experts)."""
        self._experts[row] = weights.detach().to(torch.float32, copy=True)

    def stream(self, row: int, x: Tensor) -> None:
        """Take the residual stream as a branch reads it."""
        if x.ndim > 1:
            address = self._layout.updates[row]
            now = address in self._overwritten
            self._streams[row] = (x.detach().clone() if now else x), self._look(x, address, whole=False)

    def update(self, row: int, x: Tensor, scale: float) -> None:
        """Take what a branch adds to the stream that it read."""
        read, address = self._streams.pop(row, None), self._layout.updates[row]
        if read is None or x.shape != read[0].shape:
            return
        stream, seen = read
        if not (seen.is_still(stream) or seen.version is None or address in self._overwritten):
            self._lose(address)
            return
        found = _Update(self._look(x, address), seen, scale)
        if found.update.described is not None or seen.described is not None:
            found.dot = _dot(x.detach(), stream.detach())
        self._updates[row] = found

    @torch.no_grad()
    def finish(self) -> Readings:
        """Reduce what was kept."""
        readings = Readings()
        self._reduce(readings)
        for row, seen in self._rows.items():
            address = self._layout.sites[row].address
            if address in self.failed:
                continue
            if seen.place is None:
                self._lose(address)
            else:
                (readings.heads if seen.heads else readings.blocks)[row] = seen.place
        self._relate(readings)
        for row, weights in self._experts.items():
            readings.weights[row] = readings.add(weights.unsqueeze(0)), 0
        for row, change in self._baseline.changes.items() if self._baseline else ():
            readings.changes[row] = readings.add(change.unsqueeze(0)), 0
        leads = [seen.shape[:-1] for seen in self._rows.values() if not seen.heads]
        readings.shape = _shape(leads, self.inputs.order)
        self._place(readings)
        readings.lost, readings.order = tuple(self._lost), tuple(self._rows)
        return readings

    def _look(self, x: Tensor, address: str, heads: int = 0, *, whole: bool = True) -> _Seen:
        """Take note of a tensor, which may be at more than one place; reduce it now if it cannot wait."""
        key = id(x), heads
        seen = self._seen.get(key)
        if seen is None or not seen.is_still(x):
            seen = self._seen[key] = _Seen(x, heads)
            if x.numel() >= self._large(x) or seen.version is None:
                seen.describe(x, whole=whole)
        if address in self._overwritten if seen.described is None else whole and not seen.whole:
            seen.describe(x, whole=whole)
        return seen

    def _large(self, x: Tensor) -> int:
        """Return from which size on tensors are reduced at once: that of the device on which the pass begins."""
        if self._limit is None:
            self._limit = LARGE.get(x.device.type, LARGE_ELSEWHERE)
        return self._limit

    def _reduce(self, readings: Readings) -> None:
        """Describe what was kept, tensors that are alike together."""
        alike: dict[tuple[Any, ...], list[_Seen]] = defaultdict(list)
        for seen in {id(seen): seen for seen in self._all()}.values():
            if seen.described is not None:
                seen.place = readings.add(seen.described.unsqueeze(0)), 0
            elif seen.intact:
                x = _tensor(seen)
                alike[x.shape, x.dtype, x.device, seen.heads].append(seen)
        for group in alike.values():
            try:
                self._describe(group, readings)
            except Exception:  # noqa: BLE001 - which of them it was shows one by one
                for seen in group:
                    self._try(seen, readings)

    def _describe(self, group: list[_Seen], readings: Readings) -> None:
        stacked = torch.stack([_tensor(seen) for seen in group])
        heads = group[0].heads
        part = readings.add(describe(split_heads(stacked, heads) if heads else stacked, scratch=True))
        for index, seen in enumerate(group):
            seen.place = part, index

    def _try(self, seen: _Seen, readings: Readings) -> None:
        try:
            self._describe([seen], readings)
        except Exception as error:  # noqa: BLE001 - it is said, and the others are measured
            for row in (row for row, other in self._rows.items() if other is seen):
                self.failed[self._layout.sites[row].address] = f"{type(error).__name__}: {error}"

    def _all(self) -> Sequence[_Seen]:
        pairs = self._updates.values()
        return [*self._rows.values(), *(pair.update for pair in pairs), *(pair.stream for pair in pairs)]

    def _relate(self, readings: Readings) -> None:
        """Compare updates with the streams that they were read from, pairs that are alike together."""
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row, pair in self._updates.items():
            update, stream = pair.update.place, pair.stream.place
            if update is None or stream is None:
                self._lose(self._layout.updates[row])
            elif pair.dot is not None:
                readings.updates[row] = update, stream, (readings.add(pair.dot.unsqueeze(0)), 0), pair.scale
            else:
                alike[update[0], stream[0]].append(row)
        for rows in alike.values():
            pairs = [self._updates[row] for row in rows]
            updates = torch.stack([_tensor(pair.update) for pair in pairs])
            part = readings.add(_dot(updates, torch.stack([_tensor(pair.stream) for pair in pairs])))
            for index, (row, pair) in enumerate(zip(rows, pairs, strict=True)):
                assert pair.update.place is not None
                assert pair.stream.place is not None
                readings.updates[row] = pair.update.place, pair.stream.place, (part, index), pair.scale

    def _place(self, readings: Readings) -> None:
        """Say where in the sequence the positions are, and which of them are padding."""
        first, mask = self.inputs.first, self.inputs.mask
        readings.first = first if isinstance(first, int) else (readings.add(first.reshape(1)), 0)
        batch, positions = readings.shape
        if mask is not None and mask.ndim == 2 and mask.shape[0] == batch and mask.shape[1] >= positions:
            columns = mask[:, mask.shape[1] - positions :]
            readings.mask = readings.add(columns.to(torch.float32, copy=True).unsqueeze(0)), 0

    def _lose(self, address: str) -> None:
        self._overwritten.add(address)
        self._lost[address] = None


def _tensor(seen: _Seen) -> Tensor:
    assert seen.tensor is not None
    return seen.tensor


def _dot(update: Tensor, stream: Tensor) -> Tensor:
    """Return the inner products of two tensors, which may be on different devices, over the last dimension."""
    return (update.float() * stream.to(update.device, non_blocking=True).float()).sum(-1)


def _shape(leads: Sequence[tuple[int, ...]], order: Order) -> tuple[int, int]:
    """Return batch and positions: those of what was seen last, because the main stack runs last."""
    last = next((lead for lead in reversed(leads) if len(lead) > 1), leads[-1] if leads else ())
    if not last:
        return (0, 0)
    if len(last) == 1:
        return (1, last[0])
    if order.tokens_first(last):
        return (last[1], last[0])
    return (last[0], int(torch.Size(last[1:]).numel()))
