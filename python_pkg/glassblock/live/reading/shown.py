"""What pages show of what is inside of blocks: made small where it was computed, then sent to the host with the frame.

A page draws the last queries of a pattern, and of a mixer one number for each head and token. So that is all that
leaves the device, of the first text of the batch, however long the text and large the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from glassblock.errors import GlassblockError, TapError
from glassblock.ir import Block
from glassblock.live.inside import Findings, Inside
from glassblock.live.reading.recipes import Recipe, Within
from glassblock.live.reading.streamed import Streamed

QUERIES = 128
"""Rows of a pattern that are shown at most, the last ones."""

NUMBERS = 1 << 19
"""Numbers that all that is shown has together at most: 1 MiB on the wire, like the rest of a frame."""

HEADS = 512
"""Rows of a mixer that are told apart at most; of one with more (each channel is one) the whole is shown."""


@dataclass(frozen=True, slots=True)
class Small:
    """What is left of a tensor.

    Attributes
    ----------
    numbers
        Heads x queries x keys, or heads x tokens.
    dropped
        Queries (or tokens) that were left out before the first one.
    """

    numbers: Tensor
    dropped: int = 0


def _pattern(x: Tensor, room: int) -> Small:
    heads, queries, keys = x.shape[1:]
    rows = min(queries, QUERIES, room // (heads * keys))
    if rows == 0:
        raise TapError(
            f"one query of {heads} heads and {keys:,} keys is more than the {2 * room / 2**20:.2g} MiB that a page is"
            " sent of it. Watch fewer blocks, or a shorter text"
        )
    return Small(x[0, :, queries - rows :].half(), queries - rows)


def _state(x: Tensor, room: int) -> Small:
    """Return the norm of the state after the last token."""
    heads = x[0].reshape(x.shape[1], -1) if 1 < x.shape[1] <= min(HEADS, room) else x[0].reshape(1, -1)
    return Small(torch.linalg.vector_norm(heads.float(), dim=-1)[:, None])


def _by_token(x: Tensor, room: int) -> Small:
    """Return means over what a head has several of, heads x tokens."""
    heads = x.shape[2] if x.ndim > 2 and x.shape[2] <= HEADS else 1
    by_head = x[0].float().reshape(x.shape[1], heads, -1).mean(-1)
    tokens = min(len(by_head), 8 * QUERIES, max(1, room // heads))
    return Small(by_head[len(by_head) - tokens :].T, len(by_head) - tokens)


_SMALL: Mapping[str, Callable[[Tensor, int], Small]] = {
    "pattern": _pattern,
    "state": _state,
    "beta": _by_token,
    "log_decay": lambda x, room: _by_token(x.float().exp(), room),
}
"""What is made of a tap: the pattern itself, the norm of a state, how much is written and kept at each token."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Taps that pages show.

    Attributes
    ----------
    taps
        Those that can be read.
    refused
        Names that cannot, and why.
    """

    taps: Streamed = field(default_factory=Streamed)
    refused: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, inside: Inside, names: Iterable[str]) -> Shown:
        """Return what can be shown of these names, and why the rest cannot."""
        refused: dict[str, str] = {}
        recipes: dict[str, Recipe] = {}
        for name in names:
            try:
                tap = name.rpartition(".")[2]
                if tap not in _SMALL:
                    raise TapError(f"a page draws {', '.join(_SMALL)} of a block, not {tap}")
                one = Streamed.of(inside, [name])
                inside.reach(one.wanted, lent=True)
                recipes.update(one.recipes)
            except GlassblockError as error:
                refused[name] = str(error)
        return cls(Streamed(recipes), refused)

    def made(self, found: Findings | None, batch: int) -> tuple[dict[str, Small], dict[str, str]]:
        """Return what a page is sent of a pass, and why there is nothing of the rest.

        Parameters
        ----------
        found
            What was read in the pass.
        batch
            How many texts there were.
        """
        tensors, unread = self.taps.made(found)
        unread |= self.refused
        small: dict[str, Small] = {}
        for name, x in tensors.items():
            if x.shape[0] != batch:
                unread[name] = f"it is computed in {x.shape[0]} pieces, which are not put together"
                continue
            of = self.taps.recipes[name].of
            assert isinstance(of, Within)
            try:
                small[name] = _SMALL[of.tap](x, NUMBERS // len(self.taps.recipes))
            except TapError as error:
                unread[name] = str(error)
        return small, unread


def shown_taps(block: Block) -> tuple[str, ...]:
    """Return the names of what a page shows of a block, as far as its kind says; none where nothing can be."""
    if block.role == "attention":
        return (f"{block.address}.pattern",)
    if block.role == "mixer":
        return tuple(f"{block.address}.{tap}" for tap in ("state", "beta", "log_decay"))
    return ()
