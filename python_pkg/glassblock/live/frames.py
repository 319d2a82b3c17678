"""Frames: one forward pass, one frame.

What was measured comes from the devices in the background (`live/transfer.py`). It is put into arrays by row when
somebody asks for it, so that the forward pays for nothing that nobody looks at.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from glassblock.errors import AddressError
from glassblock.live.layout import Layout
from glassblock.live.readings import Place, Readings
from glassblock.live.stats import STATS, compare_update
from glassblock.live.transfer import Array, Transfer

Origin = Literal["clean", "run", "generate", "outside"]


@dataclass(frozen=True, slots=True)
class Part:
    """What pages are shown of a tap.

    Attributes
    ----------
    place
        Where its numbers are among those that came from the device.
    dropped
        How many queries (or tokens) of the pass were left out before its first one.
    shape
        Heads x queries x keys, or heads x tokens.
    """

    place: int
    dropped: int
    shape: tuple[int, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Frame:
    """Statistics of one forward pass.

    Attributes
    ----------
    seq
        Counts the forward passes of a session.
    origin
        Who started it: ``clean`` (a run without interventions), ``run``, ``generate``, ``outside``.
    layout
        The meaning of the rows.
    interventions
        How many interventions were in force.
    token_ids
        Ids of the tokens of this pass, (batch, positions); None where the model was given embeddings.
    logits
        Logits at the last position, (batch, vocabulary), float32; None where the model returns none, or the pass began
        below its head.
    inside
        Taps that are streamed, by the names that were given to `Session.watch`, on the model's device.
    unread
        Names of those that could not be read in this pass, and why.
    unshown
        Names of what pages show that this pass has nothing of, and why.
    context_ids
        Ids of the text that an encoder read in this pass, (batch, positions); None where there is none.
    """

    seq: int
    origin: Origin
    layout: Layout
    interventions: int
    token_ids: Tensor | None
    logits: Tensor | None
    inside: Mapping[str, Tensor]
    unread: Mapping[str, str]
    _readings: Readings = field(repr=False)
    _transfer: Transfer = field(repr=False)
    unshown: Mapping[str, str] = field(default_factory=dict)
    context_ids: Tensor | None = None
    _shown: Mapping[str, Part] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        size = " x ".join(str(length) for length in self._readings.shape)
        return f"Frame {self.seq} ({self.origin}): {size} tokens from {self.first}, {self.interventions} ablated"

    @property
    def positions(self) -> int:
        """Number of tokens of this pass."""
        return self._readings.shape[1]

    @property
    def ready(self) -> bool:
        """Whether its numbers have come from the device: reading them before waits."""
        return self._transfer.ready

    @property
    def lost(self) -> tuple[str, ...]:
        """Addresses that were not measured because the model wrote over the tensor; they are from the next pass on."""
        return self._readings.lost

    @property
    def nbytes(self) -> int:
        """Size of what it holds, in bytes: its numbers as they came, and by row once somebody has asked for them."""
        batch, positions = self._readings.shape
        numbers = batch * positions * (len(self.layout.sites) * len(STATS) + len(self.layout.updates) * 2)
        held = (self.logits, self.token_ids, *self.inside.values())
        numbers += sum(math.prod(part.shape) for part in self._shown.values())
        return 2 * 4 * numbers + sum(x.nbytes for x in held if x is not None)

    @cached_property
    def first(self) -> int:
        """Position of the first column in the sequence: the length of the cache."""
        length = self._readings.first
        return length if isinstance(length, int) else int(_at(self._arrays, length))

    @cached_property
    def padded(self) -> NDArray[np.bool_] | None:
        """Which positions are padding, (batch, positions); None where no mask of that form was given."""
        place = self._readings.mask
        return None if place is None else _at(self._arrays, place) == 0

    @cached_property
    def stats(self) -> Array:
        """Statistics, (sites, batch, positions, 6): `STATS`. NaN is not measured, padding never. It waits."""
        found, arrays, shape = self._readings, self._arrays, self._readings.shape
        stats = np.full((len(self.layout.sites), *shape, len(STATS)), np.nan, np.float32)
        described, change, norm = stats[..., :-1], stats[..., -1], stats[..., 0]
        for rows, numbers in _together(found.blocks, arrays):
            _put(described, rows, _fitted(numbers, shape, 1)[:, None])
        for rows, numbers in _together(found.heads, arrays):
            _put(described, rows, np.moveaxis(_fitted(numbers, shape, 2), 3, 1))
        for rows, numbers in _together(found.changes, arrays):
            by_head = numbers if rows[0] in found.heads else numbers[..., None]
            _put(change, rows, np.moveaxis(_fitted(by_head, shape, 1), -1, 1))
        for rows, numbers in _together(found.weights, arrays):
            _put(norm, rows, np.moveaxis(_fitted(numbers, shape, 1), -1, 1))
        return self._without_padding(stats)

    @cached_property
    def updates(self) -> Array:
        """Size beside the stream and cosine with it, (branches, batch, positions, 2)."""
        shape, arrays = self._readings.shape, self._arrays
        updates = np.full((len(self.layout.updates), *shape, 2), np.nan, np.float32)
        alike: dict[tuple[int, int, int, float], list[int]] = defaultdict(list)
        for row, (update, stream, product, scale) in self._readings.updates.items():
            alike[update[0], stream[0], product[0], scale].append(row)
        for (*_, scale), rows in alike.items():
            sizes, lengths, products = zip(*(self._readings.updates[row][:3] for row in rows), strict=True)
            size, length, dot = (_beside(arrays, places) for places in (sizes, lengths, products))
            compared = compare_update(size[..., 0], length[..., 0], dot, scale)
            _put(updates, rows, _fitted(compared, shape, 1)[:, None])
        return self._without_padding(updates)

    @cached_property
    def shown(self) -> Mapping[str, tuple[Array, int]]:
        """What pages show of taps inside of blocks: numbers of the first text, and how many queries were left out."""
        return {name: (self._arrays[part.place], part.dropped) for name, part in self._shown.items()}

    @cached_property
    def first_nonfinite(self) -> str | None:
        """Where the first value that is no number, or infinite, came out, in the order in which the model runs."""
        counts = np.nan_to_num(self.stats[..., STATS.index("nonfinite")]).sum(axis=(1, 2))
        for row in self._readings.order:
            heads = self._readings.heads.get(row)
            rows = range(row, row + (1 if heads is None else _at(self._arrays, heads).shape[-2]))
            first = next((r for r in rows if counts[r]), None)
            if first is not None:
                return self.layout.sites[first].address
        return None

    def norm(self, address: str) -> Array:
        """Return the L2 norm at an address, (batch, positions).

        Raises
        ------
        AddressError
            If frames hold nothing of it.
        """
        if address not in self.layout.row:
            near = get_close_matches(address, self.layout.row, 3)
            hint = f" Nearest: {', '.join(near)}." if near else ""
            raise AddressError(f"expected an address of which frames hold statistics, got {address!r}.{hint}")
        array: Array = self.stats[self.layout.row[address], :, :, 0]
        return array

    @cached_property
    def _arrays(self) -> list[Array]:
        return self._transfer.arrays()

    def _without_padding(self, numbers: Array) -> Array:
        """Return the numbers with those of padding taken out, because they mean nothing."""
        if self.padded is not None and self.padded.any():
            numbers[:, self.padded] = np.nan
        return numbers


def _at(arrays: list[Array], place: Place) -> Array:
    array: Array = arrays[place[0]][place[1]]
    return array


def _together(places: Mapping[int, Place], arrays: list[Array]) -> Iterator[tuple[list[int], Array]]:
    """Go through rows whose numbers are in one array, with their numbers: most are, and go into a frame together."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for row, (part, index) in places.items():
        rows, at = found.setdefault(part, ([], []))
        rows.append(row)
        at.append(index)
    for part, (rows, at) in found.items():
        yield rows, _rows(arrays, part, at)


def _rows(arrays: list[Array], part: int, at: list[int]) -> Array:
    """Return some rows of an array; of one of them no copy is made."""
    found: Array = arrays[part][at if len(at) > 1 else slice(at[0], at[0] + 1)]
    return found


def _beside(arrays: list[Array], places: Sequence[Place]) -> Array:
    """Return the numbers at places in one array."""
    return _rows(arrays, places[0][0], [at for _, at in places])


def _put(into: Array, rows: list[int], numbers: Array) -> None:
    """Put numbers, (rows, as many as follow each, ...), into an array from each of the rows on."""
    count = numbers.shape[1]
    if len(rows) == 1:
        into[rows[0] : rows[0] + count] = numbers[0]
    else:
        into[np.asarray(rows)[:, None] + np.arange(count)] = numbers


def _fitted(numbers: Array, shape: tuple[int, int], inner: int) -> Array:
    """Return the numbers of some rows, (rows, ..., and so many inner dimensions), by row, batch and position.

    A model may have its tokens before the texts: what is so is turned. What has no batch, such as embeddings of
    positions, is the same for every text. What belongs to other positions, such as an encoder's beside its decoder's,
    is not measured.
    """
    rows, rest = len(numbers), numbers.shape[numbers.ndim - inner :]
    lead = numbers.shape[1 : numbers.ndim - inner]
    batch, positions = shape
    if lead == (positions, batch) and batch != positions:
        return np.swapaxes(numbers, 1, 2)
    if len(lead) == 1 and lead[0] == batch * positions:
        return numbers.reshape(rows, batch, positions, *rest)
    if lead in ((positions,), (1, positions)):
        return np.broadcast_to(numbers.reshape(rows, 1, positions, *rest), (rows, batch, positions, *rest))
    if len(lead) > 1 and lead[0] == batch and np.prod(lead) == batch * positions:
        return numbers.reshape(rows, batch, positions, *rest)
    return np.full((rows, batch, positions, *rest), np.nan, np.float32)
