"""Turns: the calls of one module, for the blocks whose work it does, and what is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from glassblock.errors import InterventionError, TapError
from glassblock.ir import Block
from glassblock.live.inside.again import Before
from glassblock.live.inside.findings import Findings, reason
from glassblock.live.inside.region import Region
from glassblock.live.inside.rehearsal import Arguments, kind_of, rehearse
from glassblock.live.inside.script import Script, script_of
from glassblock.live.inside.standin import StandIn
from glassblock.live.inside.stepper import Stepper
from glassblock.live.inside.work import Change, Work

Forward = Callable[..., Any]
Changes = Mapping[str, Iterable[Change]]
"""Edits by the name of a tap."""

KNOWN = 128
"""Kinds of calls that are known of one module at most; where sizes count there may be one for each length of a text."""

_OTHERWISE = TapError("its module ran other operations than when it was rehearsed")


@dataclass(slots=True)
class Turns:
    """One module.

    Attributes
    ----------
    path
        Of the module.
    region
        Which part of its work is meant; None where it is all of it.
    blocks
        Those whose work it does, in the order in which it is called.
    known_by
        What tells which operations a call will run. With ``nothing`` they depend on numbers, and each is rehearsed.
    stand_in
        What stands in for its ``forward``; None as long as nobody asked for anything inside.
    lent
        Whether it is there for pages alone, and goes with the last that shows something of it.
    """

    path: str
    region: Region | None = None
    blocks: list[Block] = field(default_factory=list)
    known_by: Literal["kind", "sizes", "nothing"] = "kind"
    stand_in: StandIn | None = None
    lent: bool = False
    _scripts: dict[Hashable, Script] = field(default_factory=dict)

    def run(
        self,
        block: Block,
        module: nn.Module,
        forward: Forward,
        arguments: Arguments,
        *,
        changes: Changes,
        readers: Iterable[Findings],
        apart: bool = False,
    ) -> Any:
        """Run a call, read and edited.

        Parameters
        ----------
        block
            Whose turn it is.
        module, forward, arguments
            The call.
        changes
            Edits.
        readers
            Who wants to see taps of this block.
        apart
            Edit a tensor only where it does not go into a projection.

        Raises
        ------
        InterventionError
            If an edit could not be made. What could not be read is said in the findings.
        """
        args, kwargs = arguments
        for _ in range(3):  # by its kind, by its sizes, by nothing but itself
            try:
                script = self.script(block, module, forward, arguments)
            except Exception as error:  # noqa: BLE001  # whatever goes wrong in looking must not stop the model
                _unread(block, readers, changes, error)
                return forward(*args, **kwargs)
            acts = script.acts(_work(script, block, changes, readers, apart=apart))
            if not acts:
                return forward(*args, **kwargs)
            before, stepper = Before(module, arguments), Stepper(script.names, acts)
            with stepper.waiting():
                result = forward(*args, **kwargs)
            if stepper.done:
                return result
            self._scripts.clear()
            self.known_by = "sizes" if self.known_by == "kind" else "nothing"
            if not before.restore():
                break
        _unread(block, readers, changes, _OTHERWISE)
        return result

    def script(self, block: Block, module: nn.Module, forward: Forward, arguments: Arguments) -> Script:
        """Return the script of a call, rehearsed if none of its kind was met before."""
        if self.known_by == "nothing":
            return script_of(rehearse(module, forward, arguments), block, self.region)
        # A recurrence written as a loop runs more operations for more tokens.
        sized = self.known_by == "sizes" or block.role == "mixer"
        kind = block.address, kind_of(module, arguments, sized=sized)
        script = self._scripts.get(kind)
        if script is None:
            script = script_of(rehearse(module, forward, arguments), block, self.region)
            if len(self._scripts) >= KNOWN:
                self._scripts.pop(next(iter(self._scripts), None), None)
            self._scripts[kind] = script
        return script


def _work(
    script: Script, block: Block, changes: Changes, readers: Iterable[Findings], *, apart: bool
) -> dict[str, Work]:
    """Return what is wanted of each tap that this call offers."""
    work: dict[str, Work] = defaultdict(partial(Work, apart=apart))
    for tap, every in changes.items():
        _check(script, block, tap)
        work[tap].changes.extend(every)
    for found in readers:
        for tap in found.wanted[block.address]:
            try:
                script.check([tap])
            except TapError as error:
                found.fail(block.address, tap, error)
            else:
                work[tap].shows.append(partial(_show, found, block.address, tap))
    return work


def _show(found: Findings, address: str, tap: str, look: Callable[[], Tensor], *, own: bool) -> None:
    try:
        with torch.no_grad():  # a checkpoint counts what is saved for gradients
            found.take(address, tap, look(), own=own)
    except Exception as error:  # noqa: BLE001  # likewise
        found.fail(address, tap, error)


def _check(script: Script, block: Block, tap: str) -> None:
    try:
        script.check([tap])
    except TapError as error:
        raise InterventionError(f"{block.address}.{tap} cannot be edited: {error}.") from error


def _unread(block: Block, readers: Iterable[Findings], changes: Changes, error: Exception) -> None:
    for found in readers:
        found.fail_all(block.address, error)
    if changes:
        raise InterventionError(f"{block.address} cannot be edited inside: {reason(error)}.") from error
