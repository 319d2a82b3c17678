"""Inside a block: taps between its module's input and output, read and edited while the model runs.

A block of which something is wanted has its ``forward`` stood in for. The first call of a kind is rehearsed
(`rehearsal.py`), which says at which of its operations the taps are (`script.py`); the call itself then runs the
model's own code, watched by a `Stepper` that acts on these operations alone. Where nothing is wanted the call goes
straight on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn

from glassblock.errors import TapError
from glassblock.ir import Architecture, Block
from glassblock.live.hook import is_silent
from glassblock.live.inside.captured import Captured
from glassblock.live.inside.findings import Findings
from glassblock.live.inside.region import Region
from glassblock.live.inside.rehearsal import Arguments, copied
from glassblock.live.inside.standin import StandIn
from glassblock.live.inside.turns import Turns
from glassblock.live.inside.work import Change

Changes = Callable[[str], Mapping[str, Sequence[Change]]]
"""Returns the edits of the block of an address, by name of a tap."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.findings: tuple[Findings, ...] = ()
        self.streamed: Findings | None = None
        self.captures: Mapping[str, list[Captured]] = {}


class Inside:
    """The insides of a model's blocks.

    Parameters
    ----------
    model, architecture
        The model, and what it is.
    changes
        Returns the edits of a block, by its address, that are in force in the pass that this thread is in.
    turn
        Says for which of the blocks that share a module it is called now.
    """

    def __init__(
        self, model: nn.Module, architecture: Architecture, changes: Changes, turn: Callable[[Turns], int]
    ) -> None:
        self.model, self.architecture, self._changes, self._turn = model, architecture, changes, turn
        self._local = _Local()
        self._lock = threading.Lock()
        self._streamed: Mapping[str, set[str]] = {}
        self._of = _turns_of(architecture)
        self._detached = False

    def begin(self) -> None:
        """Begin a pass of this thread."""
        self._local.streamed = Findings(self._streamed) if self._streamed else None

    def end(self) -> Findings | None:
        """End a pass of this thread, and return what was streamed; None where nothing is."""
        found, self._local.streamed = self._local.streamed, None
        return found

    def stream(self, wanted: Mapping[str, set[str]]) -> None:
        """Read taps, which were reached, in every pass that begins from now on, in the place of those before."""
        self._streamed = wanted

    def reach(self, addresses: Iterable[str], *, lent: bool = False) -> None:
        """Make the insides of blocks reachable, from their next call on.

        Parameters
        ----------
        addresses
            Of the blocks.
        lent
            Whether `let_go` may end it, where nobody else has asked for the same.

        Raises
        ------
        TapError
            If a block is the work of no module, and of no part of one.
        """
        wanted = list(addresses)
        for address in wanted:
            if address not in self._of:
                raise TapError(
                    f"{address} is the work of no module, and does not begin and end at modules of its layer."
                )
        with self._lock:
            for turns in (self._of[address] for address in wanted):
                if turns.stand_in is None and not self._detached:
                    module = self.model.get_submodule(turns.path)
                    turns.stand_in = StandIn(module, partial(self._call, turns, module))
                    turns.lent = lent
                turns.lent &= lent

    def let_go(self, but: Iterable[str]) -> None:
        """Put back every ``forward`` that is only lent, but those of these blocks."""
        kept = {id(self._of[address]) for address in but}
        with self._lock:
            for turns in self._of.values():
                if turns.lent and turns.stand_in is not None and id(turns) not in kept:
                    turns.stand_in.remove()
                    turns.stand_in = None

    @contextmanager
    def reading(self, wanted: Mapping[str, set[str]]) -> Iterator[Findings]:
        """Read taps in the passes that this thread makes while the context is entered."""
        self.reach(wanted)
        findings, before = Findings(wanted), self._local.findings
        self._local.findings = (*before, findings)
        try:
            yield findings
        finally:
            self._local.findings = before

    def detach(self) -> None:
        """Put back every ``forward``, for good. Again does no harm."""
        with self._lock:
            self._detached = True
            for turns in self._of.values():
                if turns.stand_in is not None:
                    turns.stand_in.remove()
                    turns.stand_in = None

    @contextmanager
    def capturing(self, address: str) -> Iterator[list[Captured]]:
        """Capture the calls of a block's module in the passes that this thread makes while the context is entered."""
        self.reach([address])
        captured: list[Captured] = []
        before = self._local.captures
        self._local.captures = {**before, address: captured}
        try:
            yield captured
        finally:
            self._local.captures = before

    def _call(self, turns: Turns, module: nn.Module, forward: Callable[..., Any], arguments: Arguments) -> Any:
        args, kwargs = arguments
        if is_silent():
            return forward(*args, **kwargs)
        block = turns.blocks[self._turn(turns) if len(turns.blocks) > 1 else 0]
        if block.address in self._local.captures:
            call = Captured(turns, block, module, forward, copied(arguments))
            self._local.captures[block.address].append(call)
        changes = self._changes(block.address)
        streamed = () if self._local.streamed is None else (self._local.streamed,)
        readers = [found for found in (*self._local.findings, *streamed) if block.address in found.wanted]
        if not changes and not readers:
            return forward(*args, **kwargs)
        return turns.run(block, module, forward, arguments, changes=changes, readers=readers)


def _turns_of(architecture: Architecture) -> dict[str, Turns]:
    """Return whose calls do the work of each block, by its address; what nothing can be read in is left out."""
    shared: dict[tuple[str, str], Turns] = {}
    found: dict[str, Turns] = {}

    def add(block: Block, path: str, region: Region | None) -> None:
        turns = shared.setdefault((path, "" if region is None else region.end.path), Turns(path, region))
        turns.blocks.append(block)
        found[block.address] = turns

    for layer in architecture.layers():
        for block in layer.blocks:
            for part in (block, *block.parts):
                region = None if part.path else Region.of(layer, part)
                if part.path or region is not None:
                    add(part, part.path or layer.path, region)
    return found
