"""Convolution along the tokens, and nothing else that mixes them."""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch


def convolution(branch: Branch) -> Fact[str] | None:
    """Claim a branch with a depthwise convolution along the tokens."""
    widths = [width for op in branch.ops if (width := branch.graph.depthwise(op)) is not None]
    return observed("convolution", f"depthwise, {widths[0]} tokens wide") if widths else None
