"""An architecture that was saved as data is a source, too: it comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glassblock.errors import SourceError
from glassblock.ir import Architecture, from_dict


def saved_architecture(source: Any) -> Architecture | None:
    """Return the architecture that a source holds as data; None if the source is something else.

    Parameters
    ----------
    source
        Perhaps the path of a ``.json`` file that `Diagram.save` wrote.

    Raises
    ------
    SourceError
        If it is such a file, of another version or damaged; if it holds a comparison.
    """
    if not isinstance(source, str | Path):
        return None
    try:
        path = Path(source).expanduser()
        if path.suffix.lower() != ".json" or not path.is_file():
            return None
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RuntimeError):
        return None  # whoever reads configurations says what is wrong with it
    if isinstance(data, dict) and {"a", "b", "rows"} <= set(data):
        raise SourceError(
            f"expected one architecture, got {str(source)!r}, which holds a comparison of two. Save one of them as"
            " .json and pass that."
        )
    if not isinstance(data, dict) or "stacks" not in data:
        return None
    try:
        return from_dict(data)
    except (LookupError, TypeError, AttributeError) as error:
        raise SourceError(
            f"expected {str(source)!r} to hold an architecture that was saved, but a part of it is not understood:"
            f" {error!r}. Save it again."
        ) from error
