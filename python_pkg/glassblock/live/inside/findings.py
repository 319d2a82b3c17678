"""Findings: what was read inside of blocks, and why something was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from glassblock.errors import TapError


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

    def take(self, address: str, tap: str, x: Tensor, *, own: bool = False) -> None:
        """Keep a copy, because the model may write over its own; what was made for this alone is kept as it is."""
        self.tensors[address, tap] = x.detach() if own else x.detach().clone()
        self.errors.pop((address, tap), None)

    def fail(self, address: str, tap: str, error: Exception) -> None:
        """Say why there is nothing."""
        self.errors[address, tap] = reason(error)

    def fail_all(self, address: str, error: Exception) -> None:
        """Say why there is nothing of a block."""
        for tap in self.wanted[address]:
            self.fail(address, tap, error)


def reason(error: Exception) -> str:
    """Return why something could not be read, as the rest of a sentence."""
    return str(error) if isinstance(error, TapError) else f"it could not be read: {type(error).__name__}: {error}"
