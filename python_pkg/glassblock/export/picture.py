"""A picture in one file (SVG): what the page draws, drawn by the page's own program.

There is one drawing code, and it is TypeScript. An embedded JavaScript engine (``quickjs-ng``)
runs the bundle in which it comes with a light DOM. Nothing crosses but text; the engine has no files and no network.
Each picture gets an engine of its own, so nothing is shared between threads.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal, cast, get_args

from glassblock.errors import MissingExtraError, SourceError

Theme = Literal["light", "dark"]


def picture(
    data: dict[str, Any],
    *,
    theme: Theme = "light",
    width: int | None = None,
    folded: bool | None = None,
    opened: str | None = None,
) -> str:
    """Return a picture as the text of an SVG file: the same text for the same data.

    Parameters
    ----------
    data
        ``comparison``, or ``architecture`` and, of a live model, ``run``, as the protocol defines them.
    theme
        ``light`` or ``dark``.
    width
        CSS pixels for a diagram, from 300 to 820; what suits it where not given.
    folded
        Whether the layers of one kind share a card. Where not given, they do if there are more than six.
    opened
        The address of a block that shows its inside.

    Raises
    ------
    MissingExtraError
        If the JavaScript engine is not installed.
    SourceError
        If there is no such theme or width.
    """
    if theme not in get_args(Theme):
        raise SourceError(f"expected the theme 'light' or 'dark', got {theme!r}.")
    if width is not None and not 300 <= width <= 820:
        raise SourceError(f"expected a width from 300 to 820, got {width!r}: narrower or wider is no diagram.")
    try:
        import quickjs
    except ImportError as error:
        raise MissingExtraError(
            "expected the package quickjs-ng, which runs the page's program to draw a picture (.svg), and it is not"
            " installed. Install it: pip install quickjs-ng. Or save a page (.html), which needs nothing more: its menu"
            " 'Export' saves the same picture."
        ) from error
    static = files("glassblock") / "static"
    context = quickjs.Context()
    context.eval(static.joinpath("picture.js").read_text(encoding="utf-8"))
    draw = context.get("glassblockPicture")
    given = {"theme": theme, "width": width, "folded": folded, "opened": opened}
    options = {name: value for name, value in given.items() if value is not None}
    style = static.joinpath("widget.css").read_text(encoding="utf-8")
    return cast("str", draw(json.dumps(data), style, json.dumps(options)))
