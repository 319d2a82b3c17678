"""Reading: how taps are had, in one pass or in every pass."""

from glassblock.live.reading.read import read_taps, wanted_by
from glassblock.live.reading.shown import Shown, Small, shown_taps
from glassblock.live.reading.streamed import Streamed

__all__ = ["Shown", "Small", "Streamed", "read_taps", "shown_taps", "wanted_by"]
