"""Taps within blocks: what is computed between a module's input and its output, read and edited in live passes."""

from glassblock.live.inside.captured import Captured
from glassblock.live.inside.findings import Findings
from glassblock.live.inside.inside import Changes, Inside

__all__ = ["Captured", "Changes", "Findings", "Inside"]
