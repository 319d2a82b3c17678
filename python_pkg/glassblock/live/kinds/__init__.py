"""Kinds of intervention: each one idea, with a sentence for each kind of target that says exactly what it does."""

from glassblock.live.kinds.changing import Add, Noise, Scale
from glassblock.live.kinds.kind import SUBJECTS, Here, Kind, Supply, TargetKind, Want
from glassblock.live.kinds.named import KINDS, PLAIN, TARGETS, how_in_python, kind_of, table
from glassblock.live.kinds.replacing import Freeze, Mean, Resample, Zero
from glassblock.live.kinds.rerouting import Cut, Skip, cut_off

__all__ = [
    "KINDS",
    "PLAIN",
    "SUBJECTS",
    "TARGETS",
    "Add",
    "Cut",
    "Freeze",
    "Here",
    "Kind",
    "Mean",
    "Noise",
    "Resample",
    "Scale",
    "Skip",
    "Supply",
    "TargetKind",
    "Want",
    "Zero",
    "cut_off",
    "how_in_python",
    "kind_of",
    "table",
]
