"""The codec: what a page sends is checked here, and arrays become buffers. No torch, no widget.

A message is checked against the definition of its own method, found through the ``method`` constants of the
schema, so that an error speaks of the field that is wrong and not of eight alternatives.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, cast

import numpy as np
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from numpy.typing import NDArray

from glassblock.errors import WireError
from glassblock.wire.types_generated import PageMessage

VERSION = 1
"""Version of the protocol. A page of another version is told so."""

FRAME_BYTES = 1 << 20
"""Size from which a frame is cut to its last positions: ten a second of this size still arrive in order."""


@cache
def schema() -> dict[str, Any]:
    """Return the protocol's JSON schema."""
    text = files("glassblock.wire").joinpath("wire.schema.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


@cache
def validator(definition: str) -> Draft202012Validator:
    """Return the validator of one definition of the protocol."""
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": schema()["$defs"]})


@cache
def methods() -> dict[str, str]:
    """Return the definition of each method that a page can call."""
    definitions = schema()["$defs"]
    requests = [entry["$ref"].rpartition("/")[2] for entry in definitions["Request"]["oneOf"]]
    return {definitions[name]["properties"]["method"]["const"]: name for name in requests}


def decode(content: Any) -> PageMessage:
    """Check a message from a page.

    Parameters
    ----------
    content
        What arrived.

    Raises
    ------
    WireError
        If it does not follow the protocol: which field, what was expected, what came.
    """
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "ack":
        definition = "Ack"
    elif kind == "request":
        method = content.get("method")
        if not isinstance(method, str) or method not in methods():
            raise WireError(f"expected a method of {', '.join(methods())}, got {method!r}. Reload the page.")
        definition = methods()[method]
    else:
        raise WireError(f"expected a message of type request or ack, got {_short(content)}. Reload the page.")
    error = best_match(validator(definition).iter_errors(content))
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path) or "message"
        raise WireError(f"malformed {definition}: {where}: {error.message}. Reload the page.")
    return cast("PageMessage", content)


def request_id(content: Any) -> int | None:
    """Return the id of a request, also of one that is otherwise malformed, so that it can be answered."""
    found = content.get("id") if isinstance(content, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def buffer(array: NDArray[Any], dtype: str = "<f4") -> bytes:
    """Return an array as bytes, float32 unless said otherwise, little-endian, in C order."""
    return np.ascontiguousarray(array, dtype=dtype).tobytes()


def columns(rows: int, stats: int, positions: int) -> int:
    """Return how many of the last positions fit into a frame."""
    return max(1, min(positions, FRAME_BYTES // max(1, rows * stats * 4)))


def _short(content: Any, length: int = 80) -> str:
    text = repr(content)
    return text if len(text) <= length else text[: length - 1] + "…"
