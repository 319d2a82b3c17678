"""Experiments: many runs of one session, put together."""

from glassblock import surface
from glassblock.experiments.effects import Effect, Effects
from glassblock.experiments.metrics import METRICS, Metric
from glassblock.experiments.singles import SINGLE_HOWS, single_ablations, single_targets
from glassblock.experiments.sweep import SCOPES, Sweep, sweep

__all__ = [
    "METRICS",
    "SCOPES",
    "SINGLE_HOWS",
    "Effect",
    "Effects",
    "Metric",
    "Sweep",
    "register",
    "single_ablations",
    "single_targets",
    "sweep",
]


def register() -> None:
    """Let sessions sweep."""
    surface.provide_experiment("sweep", sweep)
