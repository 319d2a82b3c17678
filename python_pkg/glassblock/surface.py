"""What the upper floors provide to the objects of the lower ones: how to display and how to save.

A Session displays itself, saves a page and sweeps, but live code must not know of widgets, exports and experiments. So
these register here what they can do, and the objects ask here. Imports then point one
way, and a kernel without a browser never loads a widget.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glassblock.errors import GlassblockError, SourceError

MimeBundle = dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]

_display: dict[type, Callable[[Any], MimeBundle]] = {}
_save: dict[type, Callable[..., Path]] = {}
_experiments: dict[str, Callable[..., Any]] = {}
_picture: dict[type, Callable[[Any], str]] = {}


def provide_display(cls: type, show: Callable[[Any], MimeBundle]) -> None:
    """Register how objects of a class are displayed."""
    _display[cls] = show


def provide_save(cls: type, save: Callable[..., Path]) -> None:
    """Register how objects of a class are saved: given one, a path, and options by name."""
    _save[cls] = save


def provide_picture(cls: type, draw: Callable[[Any], str]) -> None:
    """Register how objects of a class are drawn where there is no kernel: as the text of an SVG file."""
    _picture[cls] = draw


def picture(thing: object) -> str | None:
    """Return a picture of an object as the text of an SVG file; None where nothing is registered that draws it."""
    draw = _picture.get(type(thing))
    return draw(thing) if draw else None


def provide_experiment(name: str, experiment: Callable[..., Any]) -> None:
    """Register an experiment: many runs of one session, which is given first."""
    _experiments[name] = experiment


def experiment(name: str) -> Callable[..., Any]:
    """Return an experiment.

    Raises
    ------
    GlassblockError
        If none is registered under this name.
    """
    if name not in _experiments:
        raise GlassblockError(f"expected an experiment that is registered, got {name!r}. Import glassblock.api first.")
    return _experiments[name]


def display(thing: object) -> MimeBundle:
    """Return the MIME bundle of an object; its repr alone where no display is registered."""
    show = _display.get(type(thing))
    return show(thing) if show else {"text/plain": repr(thing)}


def save(thing: object, path: str | Path, **options: Any) -> Path:
    """Save an object.

    Raises
    ------
    GlassblockError
        If nothing is registered that can save it.
    """
    if type(thing) not in _save:
        raise GlassblockError(f"expected something that can be saved, got a {type(thing).__name__}.")
    if not isinstance(path, str | os.PathLike):
        raise SourceError(f"expected a path to save to, got {path!r}. Try save('page.html').")
    return _save[type(thing)](thing, Path(path).expanduser(), **options)


class Shown:
    """What displays itself in a notebook and can be saved: a diagram, a comparison."""

    def save(self, path: str | Path, **options: Any) -> Path:
        """Save as a self-contained page (``.html``), a picture (``.svg``), text (``.txt``) or data (``.json``).

        Parameters
        ----------
        path
            Where to; the ending says as what.
        **options
            Of a picture: ``theme`` (``"light"``, ``"dark"``), ``width`` (CSS pixels of a diagram, 300 to 820),
            ``folded`` (whether layers of one kind share a card) and ``opened`` (the address of a block that shows its
            inside).

        Raises
        ------
        SourceError
            If the path ends in something else, or an option is not one of these.
        MissingExtraError
            If a picture is asked for and ``quickjs-ng`` is not installed.
        """
        return save(self, path, **options)

    def _repr_mimebundle_(self, **_: Any) -> MimeBundle:
        return display(self)
