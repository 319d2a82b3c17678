"""Convolution along the tokens, and nothing else that mixes them."""

from __future__ import annotations

from glassblock.ir import observed
from glassblock.reader.mixers.common import Claim, Mixing

_SHORT = 8
"""Up to this many tokens the field calls a convolution short: LFM2's are 3, Mamba's 4."""


def convolution(mixing: Mixing) -> Claim | None:
    """Claim a branch with a depthwise convolution along the tokens that does not widen the stream.

    Between a projection to more channels and one back it is a feed-forward block with a convolution in it.
    """
    found = mixing.convolution
    if found is None or found[1] > mixing.graph.shape(mixing.branch.stream.source)[-1]:
        return None
    return Claim(observed("convolution", found[2]), "short convolution" if found[0] <= _SHORT else None)
