"""A captured call: one that the model made of a block's module, to be made again with other tensors inside of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import TapError
from glassblock.ir import Block
from glassblock.live.hook import silent
from glassblock.live.inside.findings import Findings
from glassblock.live.inside.rehearsal import Arguments, copied
from glassblock.live.inside.turns import Forward, Turns
from glassblock.live.inside.work import Change
from glassblock.reader.branches.place import LinearMap


@dataclass(frozen=True, slots=True)
class Captured:
    """A call, with copies of what it was given.

    Attributes
    ----------
    turns, block, module, forward
        What was called.
    arguments
        Positional and keyword arguments.
    """

    turns: Turns
    block: Block
    module: nn.Module
    forward: Forward
    arguments: Arguments

    @property
    def linear(self) -> LinearMap | None:
        """What goes through it linearly, of a mixer of which that is known."""
        with silent():
            return self.turns.script(self.block, self.module, self.forward, self.arguments).linear

    def again(self, *wanted: str, changes: Mapping[str, Change] | None = None) -> dict[str, Tensor]:
        """Make the call once more, by the model's own code, and return taps of it.

        Parameters
        ----------
        *wanted
            Names of taps.
        changes
            Edits by tap, made where the tensor does not go into a projection.

        Raises
        ------
        TapError
            If one of them is not offered.
        """
        found = Findings({self.block.address: set(wanted)})
        edits: dict[str, Any] = {tap: [change] for tap, change in (changes or {}).items()}
        with silent(), torch.no_grad():
            self.turns.run(
                self.block,
                self.module,
                self.forward,
                copied(self.arguments),
                changes=edits,
                readers=[found],
                apart=True,
            )
        for tap in wanted:
            if (self.block.address, tap) in found.errors:
                raise TapError(f"{self.block.address}.{tap}: {found.errors[self.block.address, tap]}.")
        return {tap: found.tensors[self.block.address, tap] for tap in wanted}
