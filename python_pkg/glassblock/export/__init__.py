"""Export: pages that need no kernel, and data."""

from __future__ import annotations

from glassblock import surface
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.export.page import page, save_comparison, save_diagram, save_session
from glassblock.export.recording import record
from glassblock.live import Session

__all__ = ["page", "record", "register", "save_comparison", "save_diagram", "save_session"]


def register() -> None:
    """Let sessions, diagrams and comparisons save themselves."""
    surface.provide_save(Session, save_session)
    surface.provide_save(Diagram, save_diagram)
    surface.provide_save(Comparison, save_comparison)
