"""The live engine: taps, interventions, statistics, frames and the session. No traitlets, no browser."""

from glassblock.live.core import Status
from glassblock.live.events import Event
from glassblock.live.frames import Frame, Origin
from glassblock.live.generation import Generation
from glassblock.live.guard import check_attachable
from glassblock.live.history import History, Step
from glassblock.live.interventions import Intervention, Interventions
from glassblock.live.kinds import (
    KINDS,
    PLAIN,
    TARGETS,
    Add,
    Cut,
    Freeze,
    Kind,
    Mean,
    Noise,
    Resample,
    Scale,
    Skip,
    Zero,
)
from glassblock.live.layout import Layout, Site
from glassblock.live.predictions import CLEAN_ROWS, Candidate, Distribution, Score
from glassblock.live.prompts import Prompt
from glassblock.live.reading import shown_taps
from glassblock.live.run import Run
from glassblock.live.session import Session

__all__ = [
    "CLEAN_ROWS",
    "KINDS",
    "PLAIN",
    "TARGETS",
    "Add",
    "Candidate",
    "Cut",
    "Distribution",
    "Event",
    "Frame",
    "Freeze",
    "Generation",
    "History",
    "Intervention",
    "Interventions",
    "Kind",
    "Layout",
    "Mean",
    "Noise",
    "Origin",
    "Prompt",
    "Resample",
    "Run",
    "Scale",
    "Score",
    "Session",
    "Site",
    "Skip",
    "Status",
    "Step",
    "Zero",
    "check_attachable",
    "shown_taps",
]
