"""The exported page: one file that opens from disk without a network.

The page's program and style are put into it as text, and what it shows as JSON, in which ``<`` is escaped so that
no name or prompt can end the script element.
"""

from __future__ import annotations

import html
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from glassblock import messages
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.errors import SourceError
from glassblock.export.recording import record
from glassblock.ir import to_dict
from glassblock.live import Session

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="glassblock"></main>
<script type="application/json" id="glassblock-data">{data}</script>
<script>{program}</script>
</body>
</html>
"""


_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""The browser itself forbids the page any request."""


def page(title: str, data: dict[str, Any]) -> str:
    """Return a page that shows the data.

    Parameters
    ----------
    title
        Of the document.
    data
        ``architecture``, ``layout`` and ``recording``, as the protocol defines them.
    """
    static = files("glassblock") / "static"
    return _TEMPLATE.format(
        policy=_POLICY,
        title=html.escape(f"{title} · Glassblock"),
        style=static.joinpath("widget.css").read_text(encoding="utf-8"),
        data=json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        program=static.joinpath("standalone.js").read_text(encoding="utf-8").replace("</script", "<\\/script"),
    )


def save_session(session: Session, path: Path) -> Path:
    """Save a session with its last run and each single ablation of it as a page (``.html``)."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise SourceError(f"expected a path that ends in .html, got {str(path)!r}. Save as a page: x.html.")
    data = {
        "architecture": messages.architecture(session.architecture),
        "layout": messages.layout(session.layout),
        "recording": record(session),
    }
    return _write(path, page(session.title, data))


def save_diagram(diagram: Diagram, path: Path) -> Path:
    """Save an architecture as a page (``.html``), as text (``.txt``) or as data (``.json``)."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _write(path, json.dumps(to_dict(diagram.architecture), indent=1, ensure_ascii=False) + "\n")
    if suffix == ".txt":
        return _write(path, f"{diagram}\n")
    if suffix not in (".html", ".htm"):
        raise SourceError(f"expected a path that ends in .html, .txt or .json, got {str(path)!r}.")
    data = {"architecture": messages.architecture(diagram.architecture), "layout": None, "recording": None}
    return _write(path, page(diagram.architecture.name, data))


def save_comparison(comparison: Comparison, path: Path) -> Path:
    """Save a comparison as a page (``.html``), as text (``.txt``) or as data (``.json``)."""
    suffix, data = path.suffix.lower(), messages.comparison(comparison)
    if suffix == ".json":
        return _write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    if suffix == ".txt":
        return _write(path, f"{comparison}\n")
    if suffix not in (".html", ".htm"):
        raise SourceError(f"expected a path that ends in .html, .txt or .json, got {str(path)!r}.")
    return _write(path, page(f"{comparison.a.name} and {comparison.b.name}", {"comparison": data}))


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
