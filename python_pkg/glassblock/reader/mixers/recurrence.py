"""Recurrences: a state carried from token to token by a loop, or by torch's own recurrent layers."""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch
from glassblock.reader.mixers.common import repeated_in_loop

_CELLS = ("lstm", "gru", "rnn_tanh", "rnn_relu")


def recurrence(branch: Branch) -> Fact[str] | None:
    """Claim a branch that carries a state through a loop over the tokens."""
    cell = next((op.name for op in branch.ops if op.name in _CELLS), None)
    if cell is not None:
        return observed("recurrence", f"operation {cell}")
    loop = repeated_in_loop(branch)
    return observed("recurrence", f"{loop[0].name} once for each token") if loop else None
