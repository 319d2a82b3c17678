"""What a recording has of the insides of blocks: of the clean run, and where an ablation changes them.

They are most of a page, so they are written as small as they have to be: an ablation has those that differ from the
clean run, and where all of them together are too many, they are written as 255ths, or those of the clean run alone.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassblock import messages, wire
from glassblock.errors import GlassblockError
from glassblock.experiments import SINGLE_HOWS, single_targets
from glassblock.ir import Block, parse
from glassblock.live import Frame, Run, Session, shown_taps
from glassblock.wire import types_generated as wt

ROOM = 384 << 10
"""Bytes that all patterns of a page may take, before they are written as text."""

_NONE = "patterns of a text as long would make this page too large: open the notebook for them"
_TOO_LARGE = "this page has the patterns of the clean run alone: those of each ablation would make it too large"


@contextmanager
def showing(session: Session) -> Iterator[Callable[[], None]]:
    """Let frames hold what can be recorded of every block in a context, or until its function is called."""
    end = partial(session.show, on=object())
    names = [tap for block in _blocks(session) for tap in shown_taps(block)]
    end(*names)
    try:
        yield end
    finally:
        end()


class Patterns:
    """What is recorded of the insides of blocks.

    Parameters
    ----------
    clean
        The frame of the clean run.
    session
        Whose run it is.

    Attributes
    ----------
    of_ablations
        Whether there is room for those of ablations: where there is not, their frames need to hold none.
    """

    def __init__(self, clean: Frame, session: Session) -> None:
        self._clean, self._session = clean, session
        sizes = {name: math.prod(numbers.shape) for name, (numbers, _) in clean.shown.items()}
        targets = single_targets(session)
        changed = sum(size for name, size in sizes.items() for target in targets if _may_change(target, name))
        least, most = sum(sizes.values()), sum(sizes.values()) + changed * len(SINGLE_HOWS)
        self._exact = 2 * most <= ROOM
        self.of_ablations = most <= ROOM
        self._any = least <= ROOM

    def of(self, frame: Frame) -> tuple[list[wt.Tapped], list[bytes], dict[str, str]]:
        """Return what is written of a frame: headers, buffers, and why there is nothing of the rest."""
        is_clean = frame is self._clean
        if not self._any:
            return [], [], {**self._clean.unshown, **dict.fromkeys(self._clean.shown, _NONE)}
        if not is_clean and not self.of_ablations:
            return [], [], {**self._clean.unshown, **dict.fromkeys(self._clean.shown, _TOO_LARGE)}
        headers, buffers = [], []
        for name, (numbers, dropped) in frame.shown.items():
            if not is_clean and self._same(name, numbers):
                continue
            header, data = messages.inside(name, numbers, dropped, frame, self._session)
            if header["dtype"] == "float16" and not self._exact:
                header["dtype"] = "uint8"
                data = wire.buffer(np.clip(np.rint(numbers * 255), 0, 255), "u1")
            headers.append(header)
            buffers.append(data)
        return headers, buffers, dict(frame.unshown)

    def _same(self, name: str, numbers: NDArray[Any]) -> bool:
        """Whether an ablation changed nothing of it."""
        return name in self._clean.shown and np.array_equal(numbers, self._clean.shown[name][0])


def matrices(session: Session, run: Run) -> list[wt.RecordedMatrix]:
    """Return the matrices of linear mixers in the last run, where nothing is ablated and they are small.

    The rest is left out, and so are all of them if something else was run or ablated meanwhile.
    """
    found: list[wt.RecordedMatrix] = []
    for block in _blocks(session) if not len(session.interventions) else ():
        if block.role != "mixer":
            continue
        try:
            matrix = session.effective_attention(block.address)
            header, data = messages.matrix(0, block.address, matrix, session)
        except GlassblockError:
            continue
        if sum(len(one["data"]) for one in found) + len(data) <= ROOM:
            found.append({"inside": header["inside"], "data": as_text(data)})
    now = session.last_run
    return found if now is not None and now.id == run.id and not len(session.interventions) else []


def as_text(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode("ascii")


def _blocks(session: Session) -> list[Block]:
    return [block for layer in session.architecture.layers() for block in layer.blocks]


def _may_change(target: str, name: str) -> bool:
    """Whether what is done to a target can change what is read in a block: not where that is in an earlier layer."""
    of, at = parse(target), parse(name.rpartition(".")[0])
    if of is None or at is None or of.layer is None or at.layer is None or of.stack != at.stack:
        return True
    return of.layer <= at.layer
