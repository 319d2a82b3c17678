"""Taps within blocks: what is computed between a module's input and its output, read and edited in live passes."""

from glassblock.live.inside.captured import Captured
from glassblock.live.inside.findings import Findings
from glassblock.live.inside.inside import Inside
from glassblock.live.inside.turns import Turns
from glassblock.live.inside.work import Change

__all__ = ["Captured", "Change", "Findings", "Inside", "Turns"]
