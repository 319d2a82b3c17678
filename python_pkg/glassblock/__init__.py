"""Glassblock: any PyTorch transformer as a live diagram in a notebook.

>>> import glassblock as gb
>>> session = gb.demo()
>>> session.run("the capital of France is").next_token
'Paris'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import glassblock.demo
import glassblock.gallery  # noqa: F401 - see below
from glassblock.errors import GlassblockError

if TYPE_CHECKING:
    from glassblock.api import attach, compare, demo, gallery, unfold
    from glassblock.describe import Comparison
    from glassblock.diagram import Diagram
    from glassblock.experiments import Effects
    from glassblock.live import Add, Cut, Freeze, Mean, Noise, Resample, Scale, Session, Skip, Zero

# Loading a subpackage binds its name here, and does so once. `demo` and `gallery` shall be the public functions, so
# the subpackages are loaded now (they are small and without torch) and their names are given free.
del globals()["demo"], globals()["gallery"]

__version__ = "0.1.0"
__all__ = [
    "Add",
    "Comparison",
    "Cut",
    "Diagram",
    "Effects",
    "Freeze",
    "GlassblockError",
    "Mean",
    "Noise",
    "Resample",
    "Scale",
    "Session",
    "Skip",
    "Zero",
    "attach",
    "compare",
    "demo",
    "gallery",
    "unfold",
]

_HOMES = {
    "attach": "glassblock.api",
    "compare": "glassblock.api",
    "demo": "glassblock.api",
    "gallery": "glassblock.api",
    "unfold": "glassblock.api",
    "Comparison": "glassblock.describe",
    "Diagram": "glassblock.diagram",
    "Effects": "glassblock.experiments",
    "Session": "glassblock.live",
    **dict.fromkeys(
        ("Add", "Cut", "Freeze", "Mean", "Noise", "Resample", "Scale", "Skip", "Zero"), "glassblock.live.kinds"
    ),
}


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that importing the package stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'glassblock' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return __all__


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "glassblock"}]
