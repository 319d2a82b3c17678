"""The delta rule: a state that forgets what it held under a key before it writes there anew.

Token by token that is seen in the state itself: what is written is made from it. In its chunked form (Yang et al.,
2024, arXiv:2406.06484) the erasures within a chunk are one unit-triangular system, and solving it is what no other
mixer does. What the field calls it goes by the decay: DeltaNet has none, Gated DeltaNet (arXiv:2412.06464) one for
each head, Kimi Delta Attention (arXiv:2510.26692) one for each channel.
"""

from __future__ import annotations

from glassblock.ir import observed
from glassblock.reader.mixers.common import Claim, Mixing

_SOLVERS = ("linalg_solve_triangular", "solve_triangular", "triangular_solve")
_VARIANTS = {"none": "DeltaNet", "per head": "GatedDeltaNet", "per channel": "KDA"}


def delta_rule(mixing: Mixing) -> Claim | None:
    """Claim a branch whose state is corrected, or which solves a triangular system of keys against keys."""
    if mixing.state is not None and mixing.state.corrected:
        where = "what is written into the state is made from what it held"
    elif any(op.name in _SOLVERS for op in mixing.branch.ops):
        where = "erases by a triangular system"
    else:
        return None
    variant = "RWKV-7" if mixing.shifted else _VARIANTS.get(mixing.decay.value)
    return Claim(observed("delta rule", where), variant)
