"""Experiments: many runs of one session, put together."""

from glassblock.experiments.singles import single_ablations, single_targets

__all__ = ["single_ablations", "single_targets"]
