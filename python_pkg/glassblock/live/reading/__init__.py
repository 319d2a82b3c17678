"""Reading: how taps are had in a pass of the model."""

from glassblock.live.reading.read import read_taps

__all__ = ["read_taps"]
