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
from typing import Any, Literal

from torch import Tensor, nn

from glassblock.errors import InterventionError, TapError
from glassblock.ir import Architecture, Block
from glassblock.live.hook import is_silent
from glassblock.live.inside.again import Before
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
        Why a tap could not be read, by address and tap.
    """

    wanted: Mapping[str, set[str]]
    tensors: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, address: str, tap: str, x: Tensor) -> None:
        """Keep a copy: the model may write over its own."""
        self.tensors[address, tap] = x.detach().clone()


@dataclass(slots=True)
class _Turns:
    """The blocks whose work one module does, in the order in which it is called, and what is known of its calls."""

    path: str
    blocks: list[Block] = field(default_factory=list)
    scripts: dict[Hashable, Script] = field(default_factory=dict)
    known_by: Literal["kind", "sizes", "nothing"] = "kind"
    """What tells which operations a call will run; with ``nothing`` they depend on numbers, and each is rehearsed."""
    stand_in: StandIn | None = None

    def script(self, block: Block, forward: Callable[..., Any], module: nn.Module, arguments: Arguments) -> Script:
        """Return the script of a call, rehearsed if none of its kind was met before."""
        if self.known_by == "nothing":
            return script_of(rehearse(module, forward, arguments), block)
        # A recurrence written as a loop runs more operations for more tokens.
        sized = self.known_by == "sizes" or block.role == "mixer"
        kind = block.address, kind_of(module, arguments, sized=sized)
        if kind not in self.scripts:
            self.scripts[kind] = script_of(rehearse(module, forward, arguments), block)
        return self.scripts[kind]

    def strayed(self) -> None:
        """Learn that calls that were taken to be of one kind are not."""
        self.scripts.clear()
        self.known_by = "sizes" if self.known_by == "kind" else "nothing"


class _Local(threading.local):
    def __init__(self) -> None:
        self.findings: tuple[Findings, ...] = ()
        self.streamed: Findings | None = None
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
        self.model, self.architecture, self._changes = model, architecture, changes
        self._local = _Local()
        self._lock = threading.Lock()
        self._streamed: Mapping[str, set[str]] = {}
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
        self._local.streamed = Findings(self._streamed) if self._streamed else None

    def end(self) -> Findings | None:
        """End a pass of this thread, and return what was streamed; None where nothing is."""
        found, self._local.streamed = self._local.streamed, None
        return found

    def stream(self, wanted: Mapping[str, set[str]]) -> None:
        """Read taps in every pass that begins from now on, in the place of those that were streamed."""
        self.reach(wanted)
        self._streamed = wanted

    def reach(self, addresses: Iterable[str]) -> None:
        """Make the insides of blocks reachable, from their next call on."""
        with self._lock:
            for turns in (self._of[address] for address in addresses):
                if turns.stand_in is None:
                    module = self.model.get_submodule(turns.path)
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
        streamed = () if self._local.streamed is None else (self._local.streamed,)
        readers = [found for found in (*self._local.findings, *streamed) if block.address in found.wanted]
        if not changes and not readers:
            return forward(*args, **kwargs)
        run = partial(self._run, block, changes, readers, forward, arguments)
        for _ in range(3):  # by its kind, by its sizes, by nothing but itself
            try:
                script = turns.script(block, forward, module, arguments)
            except Exception as error:  # noqa: BLE001  # whatever goes wrong in looking must not stop the model
                self._unread(block, readers, _why(error), changes, error)
                return forward(*args, **kwargs)
            before = Before(module, arguments)
            result, done = run(script)
            if done:
                return result
            turns.strayed()
            if not before.restore():
                break
        self._unread(block, readers, "its module ran other operations than when it was rehearsed", changes)
        return result

    def _run(
        self,
        block: Block,
        changes: Mapping[str, Iterable[Change]],
        readers: list[Findings],
        forward: Callable[..., Any],
        arguments: Arguments,
        script: Script,
    ) -> tuple[Any, bool]:
        """Run a call; say also whether everything was met as expected."""
        args, kwargs = arguments
        work: dict[str, Work] = defaultdict(Work)
        for tap, every in changes.items():
            _check(script, block, tap)
            work[tap].changes.extend(every)
        for found in readers:
            for tap in found.wanted[block.address]:
                try:
                    script.check([tap])
                except TapError as error:
                    found.errors[block.address, tap] = str(error)
                else:
                    work[tap].show = _both(work[tap].show, partial(found.take, block.address, tap))
        acts = script.acts(work)
        if not acts:
            return forward(*args, **kwargs), True
        stepper = Stepper(script.names, acts)
        with stepper:
            result = forward(*args, **kwargs)
        return result, stepper.done

    def _unread(
        self,
        block: Block,
        readers: list[Findings],
        why: str,
        changes: Mapping[str, Any],
        error: Exception | None = None,
    ) -> None:
        for found in readers:
            found.errors.update(((block.address, tap), why) for tap in found.wanted[block.address])
        if changes:
            raise InterventionError(f"{block.address} cannot be edited inside: {why}.") from error


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
