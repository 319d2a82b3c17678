"""Mixing by Fourier transforms.

A transform along the tokens is the mixing itself (FNet, Lee-Thorp et al., 2021, arXiv:2105.03824). With a product
between a transform and its inverse it is a convolution as long as the text (Hyena, arXiv:2302.10866).
"""

from __future__ import annotations

from glassblock.ir import observed
from glassblock.reader.mixers.common import Claim, Mixing


def fourier(mixing: Mixing) -> Claim | None:
    """Claim a branch with a Fourier transform."""
    transforms = [op for op in mixing.branch.ops if op.name.startswith("fft_")]
    if not transforms:
        return None
    back = next((op for op in transforms if op.name.startswith(("fft_i", "fft_hfft"))), None)
    if back is not None:
        where = f"{transforms[0].name}, a product, {back.name}"
        return Claim(observed("convolution", where), "long convolution")
    return Claim(observed("fourier", f"operation {transforms[0].name}"), "fourier transform")
