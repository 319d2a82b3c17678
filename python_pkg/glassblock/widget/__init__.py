"""The widget: sessions and diagrams on a notebook's page."""

from __future__ import annotations

import logging
from typing import Any
from weakref import WeakKeyDictionary, ref

from glassblock import surface
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.live import Session
from glassblock.widget.widget import ComparisonWidget, DiagramWidget, SessionWidget

__all__ = ["ComparisonWidget", "DiagramWidget", "SessionWidget", "register", "widget_of"]

_log = logging.getLogger("glassblock")

# A widget holds its session, and ipywidgets holds a widget until it is closed: nothing is to be held here.
_widgets: WeakKeyDictionary[Session, ref[SessionWidget]] = WeakKeyDictionary()


def widget_of(session: Session) -> SessionWidget:
    """Return the widget of a session: one for each, however often it is displayed; another once that was closed."""
    known = _widgets.get(session)
    widget = known() if known else None
    if widget is None or widget.comm is None:
        widget = SessionWidget(session)
        _widgets[session] = ref(widget)
    return widget


def register() -> None:
    """Let sessions, diagrams and comparisons display themselves."""
    surface.provide_display(Session, lambda session: _bundle(widget_of(session), session))
    surface.provide_display(Diagram, lambda diagram: _bundle(DiagramWidget(diagram.architecture), diagram))
    surface.provide_display(Comparison, lambda comparison: _bundle(ComparisonWidget(comparison), comparison))


def _bundle(widget: DiagramWidget | ComparisonWidget, thing: object) -> surface.MimeBundle:
    bundle: Any = widget._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return {**data, **_static(thing), "text/plain": repr(thing)}, metadata


def _static(thing: object) -> dict[str, str]:
    """Return a picture for pages that show a saved notebook without a kernel; a host with widgets shows the widget."""
    try:
        drawn = surface.picture(thing)
    except Exception:  # noqa: BLE001 - what is live is shown all the same
        _log.warning("the picture for saved notebooks could not be drawn", exc_info=True)
        return {}
    return {} if drawn is None else {"image/svg+xml": drawn}
