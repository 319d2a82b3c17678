"""Naming: what taps are called, by us and by TransformerLens, and what they mean."""

from glassblock.live.naming.names import Named, tap_of
from glassblock.live.naming.table import TAPS, Tap, nearest, tap_names, taps_on

__all__ = ["TAPS", "Named", "Tap", "nearest", "tap_names", "tap_of", "taps_on"]
