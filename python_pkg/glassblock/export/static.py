"""The static picture that goes into a notebook's output beside the widget.

Sites that show a saved notebook (GitHub, nbviewer, a mail) have no kernel and run no widget: they show this. It is
drawn when the output is made and is not changed afterwards, as an output is not.
"""

from __future__ import annotations

from glassblock import messages
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.export.picture import picture
from glassblock.export.save import last_run
from glassblock.live import Session


def draw_diagram(diagram: Diagram) -> str:
    """Return the picture of an architecture."""
    return picture({"architecture": messages.architecture(diagram.architecture)})


def draw_comparison(comparison: Comparison) -> str:
    """Return the picture of two architectures."""
    return picture({"comparison": messages.comparison(comparison)})


def draw_session(session: Session) -> str:
    """Return the picture of a session's last run; of its architecture, where showing it would run the model."""
    run = session.last_run
    if run is None or run.interventions != session.interventions:
        return picture({"architecture": messages.architecture(session.architecture)})
    return picture(last_run(session))
