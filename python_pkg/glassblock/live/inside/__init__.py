"""Taps within blocks: what is computed between a module's input and its output, read and edited in live passes."""

from glassblock.live.inside.inside import Changes, Findings, Inside

__all__ = ["Changes", "Findings", "Inside"]
