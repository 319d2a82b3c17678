"""Reading: how taps are had, in one pass or in every pass."""

from glassblock.live.reading.read import read_taps
from glassblock.live.reading.streamed import Streamed

__all__ = ["Streamed", "read_taps"]
