"""The delta rule: a state that forgets what it held under a key before it writes there anew.

In its chunked form (Yang et al., 2024, arXiv:2406.06484) the erasures within a chunk are one
unit-triangular system, and solving it is what no other mixer does.
"""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch

_SOLVERS = ("linalg_solve_triangular", "solve_triangular", "triangular_solve")


def delta_rule(branch: Branch) -> Fact[str] | None:
    """Claim a branch that solves a triangular system of keys against keys."""
    if any(op.name in _SOLVERS for op in branch.ops):
        decay = " and decays" if any(op.name == "cumsum" for op in branch.ops) else ""
        return observed("delta rule", f"erases by a triangular system{decay}")
    return None
