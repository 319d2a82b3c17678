"""Saving: the ending of a path says as what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, Unpack

from glassblock import messages
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.errors import SourceError
from glassblock.export.page import page
from glassblock.export.picture import Theme, picture
from glassblock.export.recording import Progress, record, record_run
from glassblock.ir import Architecture, to_dict
from glassblock.live import Session

_PAGES = (".html", ".htm")


class PictureOptions(TypedDict, total=False):
    """How a picture is drawn; see `glassblock.export.picture.picture`."""

    theme: Theme
    width: int | None
    folded: bool | None
    opened: str | None


def save_session(
    session: Session, path: Path, *, progress: Progress | None = None, **options: Unpack[PictureOptions]
) -> Path:
    """Save a session as a page or as a picture; `Session.save` says how."""
    return _save(
        path,
        options,
        {
            ".html": lambda: page(session.title, recorded(session, progress)),
            ".svg": lambda: picture(last_run(session), **_openable(session.architecture, options)),
        },
    )


def recorded(session: Session, progress: Progress | None = None) -> dict[str, Any]:
    """Return what a page without a kernel shows: the last run and each single ablation of it."""
    return {
        "architecture": messages.architecture(session.architecture),
        "layout": messages.layout(session.layout),
        "recording": record(session, progress),
    }


def last_run(session: Session) -> dict[str, Any]:
    """Return what a picture shows: the last run as it is in the session, with what is ablated."""
    return {"architecture": messages.architecture(session.architecture), "run": record_run(session)}


def save_diagram(diagram: Diagram, path: Path, **options: Unpack[PictureOptions]) -> Path:
    """Save an architecture as a page, as a picture, as text or as data; `Diagram.save` says how."""
    architecture = diagram.architecture
    return _save(
        path,
        options,
        {
            ".html": lambda: page(
                architecture.name,
                {"architecture": messages.architecture(architecture), "layout": None, "recording": None},
            ),
            ".svg": lambda: picture(
                {"architecture": messages.architecture(architecture)}, **_openable(architecture, options)
            ),
            ".txt": lambda: f"{diagram}\n",
            ".json": lambda: _json(to_dict(architecture)),
        },
    )


def save_comparison(comparison: Comparison, path: Path, **options: Unpack[PictureOptions]) -> Path:
    """Save a comparison as a page, as a picture, as text or as data; `Comparison.save` says how."""
    data = {"comparison": messages.comparison(comparison)}
    return _save(
        path,
        options,
        {
            ".html": lambda: page(f"{comparison.a.name} and {comparison.b.name}", data),
            ".svg": lambda: picture(data, **options),
            ".txt": lambda: f"{comparison}\n",
            ".json": lambda: _json(data["comparison"]),
        },
    )


def _save(path: Path, options: PictureOptions, makers: dict[str, Callable[[], str]]) -> Path:
    """Write what is made for the ending of a path."""
    suffix = path.suffix.lower()
    make = makers.get(".html" if suffix in _PAGES else suffix)
    if make is None:
        raise SourceError(f"expected a path that ends in {_listed(makers)}, got {str(path)!r}.")
    unknown = set(options) - set(PictureOptions.__annotations__)
    if unknown:
        raise SourceError(f"expected theme, width, folded or opened as options, got {_listed(unknown)}.")
    if options and suffix != ".svg":
        raise SourceError(f"expected no {_listed(options)} for {str(path)!r}: they are for pictures (.svg).")
    return _write(path, make())


def _openable(architecture: Architecture, options: PictureOptions) -> PictureOptions:
    """Return the options with the address of the block that is to be opened; raise if its inside is not known."""
    opened = options.get("opened")
    if opened is None:
        return options
    block = architecture.block(opened)
    if block.inside is None:
        raise SourceError(f"expected a block whose inside was read, got {opened!r}: nothing is known of what is in it.")
    return {**options, "opened": block.address}


def _listed(names: Any) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} or {last}" if most else last


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> Path:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SourceError(
            f"expected a path that can be written to, got {str(path)!r}: {error.strerror or error}."
            " Make its folder first, or choose another."
        ) from error
    return path
