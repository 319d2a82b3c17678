"""State space models: a state that decays by exp(A dt), with the step dt made from the input.

Mamba (Gu and Dao, 2023, arXiv:2312.00752) and Mamba-2 (Dao and Gu, 2024, arXiv:2405.21060).
"""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch
from glassblock.reader.mixers.common import padded_lengths, repeated_in_loop
from glassblock.reader.record import Op


def state_space(branch: Branch) -> Fact[str] | None:
    """Claim a branch whose decay is an exponential of a softplus step."""
    graph = branch.graph
    steps = {v for op in branch.ops if op.name == "softplus" and _from_input(branch, op) for v in op.outputs}
    if not steps:
        return None
    for op in branch.ops:
        if op.name == "exp" and any(
            v in steps for made in graph.cone(op.inputs[0], first=branch.start).ops for v in made.outputs
        ):
            how = "token by token" if repeated_in_loop(branch) else "in chunks"
            longest = max(padded_lengths(branch))
            return observed("state space", f"decays by exp of a softplus step, {how} of {longest}")
    return None


def _from_input(branch: Branch, op: Op) -> bool:
    """Whether an operation's argument differs from token to token."""
    graph = branch.graph
    made = graph.cone(op.inputs[0], branch.stream.states, branch.start).ops
    return any(graph.projection(before) is not None for before in made)
