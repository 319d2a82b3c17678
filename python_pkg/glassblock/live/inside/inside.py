"""Inside a block: taps between its module's input and output, read and edited while the model runs.

A block of which something is wanted has its ``forward`` stood in for. The first call of a kind is rehearsed
(`rehearsal.py`), which says at which of its operations the taps are (`script.py`); the call itself then runs the
model's own code, watched by a `Stepper` that acts on these operations alone. Where nothing is wanted the call goes
straight on.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn

from glassblock.errors import InterventionError, TapError
from glassblock.ir import Architecture, Block
from glassblock.live.hook import is_silent
from glassblock.live.inside.rehearsal import Arguments, kind_of, rehearse
from glassblock.live.inside.script import Change, Script, Work, script_of
from glassblock.live.inside.standin import StandIn
from glassblock.live.inside.stepper import Stepper

Changes = Mapping[str, Mapping[str, Iterable[Change]]]
"""Edits by address of a block and name of a tap."""


@dataclass(slots=True)
class Findings:
    """What was read in passes of one thread.

    Attributes
    ----------
    wanted
        Names of taps by address of a block.
    tensors
        What was found, copies, by address and tap; of several calls the last.
    errors
        Why a block could not be read, by address.
    """

    wanted: Mapping[str, set[str]]
    tensors: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def take(self, address: str, tap: str, x: Tensor) -> None:
        """Keep a copy: the model may write over its own."""
        self.tensors[address, tap] = x.detach().clone()


@dataclass(slots=True)
class _Turns:
    """The blocks whose work one module does, in the order in which it is called, and what is known of its calls."""

    path: str
    blocks: list[Block] = field(default_factory=list)
    scripts: dict[Hashable, Script] = field(default_factory=dict)
    stand_in: StandIn | None = None


class _Local(threading.local):
    def __init__(self) -> None:
        self.findings: tuple[Findings, ...] = ()
        self.calls: Counter[str] = Counter()


class Inside:
    """The insides of a model's blocks.

    Parameters
    ----------
    model, architecture
        The model, and what it is.
    changes
        Returns the edits that are in force in the pass that this thread is in.
    """

    def __init__(self, model: nn.Module, architecture: Architecture, changes: Callable[[], Changes]) -> None:
        self._model, self._changes = model, changes
        self._local = _Local()
        self._lock = threading.Lock()
        self._turns: dict[str, _Turns] = {}
        self._of: dict[str, _Turns] = {}
        for block in architecture.blocks():
            if block.path:
                turns = self._turns.setdefault(block.path, _Turns(block.path))
                turns.blocks.append(block)
                self._of[block.address] = turns

    def begin(self) -> None:
        """Begin a pass of this thread: modules that several layers share start at the first of them."""
        self._local.calls.clear()

    def reach(self, addresses: Iterable[str]) -> None:
        """Make the insides of blocks reachable, from their next call on."""
        with self._lock:
            for turns in (self._of[address] for address in addresses):
                if turns.stand_in is None:
                    module = self._model.get_submodule(turns.path)
                    turns.stand_in = StandIn(module, partial(self._call, turns, module))

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
        """Put back every ``forward``. Again does no harm."""
        with self._lock:
            for turns in self._turns.values():
                if turns.stand_in is not None:
                    turns.stand_in.remove()
                    turns.stand_in = None

    def _call(self, turns: _Turns, module: nn.Module, forward: Callable[..., Any], arguments: Arguments) -> Any:
        args, kwargs = arguments
        if is_silent():
            return forward(*args, **kwargs)
        block = turns.blocks[self._local.calls[turns.path] % len(turns.blocks)]
        self._local.calls[turns.path] += 1
        changes = self._changes().get(block.address, {})
        readers = [found for found in self._local.findings if block.address in found.wanted]
        if not changes and not readers:
            return forward(*args, **kwargs)
        try:
            script = self._script(turns, block, module, forward, arguments)
        except Exception as error:
            for found in readers:
                found.errors[block.address] = _why(error)
            if changes:
                raise InterventionError(f"{block.address} cannot be edited inside: {_why(error)}.") from error
            return forward(*args, **kwargs)
        return self._run(block, script, changes, readers, partial(forward, *args, **kwargs))

    def _script(
        self, turns: _Turns, block: Block, module: nn.Module, forward: Callable[..., Any], arguments: Arguments
    ) -> Script:
        kind = block.address if len(turns.blocks) > 1 else "", kind_of(module, arguments)
        script = turns.scripts.get(kind)
        if script is None:
            script = turns.scripts[kind] = script_of(rehearse(module, forward, arguments), block)
        return script

    def _run(
        self,
        block: Block,
        script: Script,
        changes: Mapping[str, Iterable[Change]],
        readers: list[Findings],
        run: Callable[[], Any],
    ) -> Any:
        work: dict[str, Work] = defaultdict(Work)
        for tap, every in changes.items():
            _check(script, block, tap)
            work[tap].changes.extend(every)
        for found in readers:
            for tap in found.wanted[block.address]:
                try:
                    script.check([tap])
                except TapError as error:
                    found.errors[block.address] = str(error)
                else:
                    work[tap].show = _both(work[tap].show, partial(found.take, block.address, tap))
        acts = script.acts(work)
        if not acts:
            return run()
        stepper = Stepper(script.names, acts)
        with stepper:
            result = run()
        if not stepper.done:
            self._strayed(block, changes, readers)
        return result

    def _strayed(self, block: Block, changes: Mapping[str, Any], readers: list[Findings]) -> None:
        why = "its module ran other operations than in a call of the same kind before"
        self._of[block.address].scripts.clear()
        for found in readers:
            found.errors[block.address] = why
        if changes:
            raise InterventionError(f"{block.address} cannot be edited inside: {why}. Run again.")


def _check(script: Script, block: Block, tap: str) -> None:
    try:
        script.check([tap])
    except TapError as error:
        raise InterventionError(f"{block.address}.{tap} cannot be edited: {error}.") from error


def _both(first: Callable[[Tensor], None] | None, second: Callable[[Tensor], None]) -> Callable[[Tensor], None]:
    if first is None:
        return second

    def show(x: Tensor) -> None:
        first(x)
        second(x)

    return show


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, TapError) else f"it could not be read: {type(error).__name__}: {error}"
