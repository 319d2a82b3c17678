"""Export: pages that need no kernel, pictures, text and data."""

from __future__ import annotations

from glassblock import surface
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.export.page import page
from glassblock.export.picture import picture
from glassblock.export.recording import record
from glassblock.export.save import save_comparison, save_diagram, save_session
from glassblock.export.static import draw_comparison, draw_diagram, draw_session
from glassblock.live import Session

__all__ = ["page", "picture", "record", "register", "save_comparison", "save_diagram", "save_session"]


def register() -> None:
    """Let sessions, diagrams and comparisons save themselves, and be pictures in saved notebooks."""
    surface.provide_save(Session, save_session)
    surface.provide_save(Diagram, save_diagram)
    surface.provide_save(Comparison, save_comparison)
    surface.provide_picture(Session, draw_session)
    surface.provide_picture(Diagram, draw_diagram)
    surface.provide_picture(Comparison, draw_comparison)
