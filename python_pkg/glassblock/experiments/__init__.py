"""Experiments: many runs of one session, put together."""

from glassblock.experiments.singles import SINGLE_HOWS, single_ablations, single_targets

__all__ = ["SINGLE_HOWS", "single_ablations", "single_targets"]
