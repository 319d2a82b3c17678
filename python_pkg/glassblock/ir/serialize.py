"""The Architecture as JSON and back, without loss.

The shape of the JSON is that of the dataclasses; a spec additionally carries its ``kind``. Decoding
follows the dataclasses' own annotations, so that a new field needs no code here.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from glassblock.errors import SourceError
from glassblock.ir.architecture import VERSION, Architecture
from glassblock.ir.specs import SPECS

_SPEC_OF = {spec.kind: spec for spec in SPECS}


def to_dict(value: Any) -> Any:
    """Return plain JSON data (dict, list, str, int, float, bool, None) for any part of the IR."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: to_dict(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": value.kind, **plain} if isinstance(value, SPECS) else plain
    if isinstance(value, tuple | list):
        return [to_dict(item) for item in value]
    return value


def from_dict(data: dict[str, Any]) -> Architecture:
    """Rebuild an Architecture from `to_dict`'s result.

    Raises
    ------
    SourceError
        If the data is of another version of the IR.
    """
    if data.get("version") != VERSION:
        raise SourceError(
            f"expected an architecture of version {VERSION}, got version {data.get('version')!r}."
            " Save it again with this version of Glassblock."
        )
    decoded = _decode(Architecture, data)
    assert isinstance(decoded, Architecture)
    return decoded


def _decode(hint: Any, data: Any) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        options = [option for option in args if option is not type(None)]
        if len(options) == 1:
            return _decode(options[0], data)
        return _decode(_SPEC_OF[data["kind"]], data) if isinstance(data, dict) else data
    if origin is tuple:
        return tuple(_decode(args[0], item) for item in data)
    base = origin or hint
    if dataclasses.is_dataclass(base) and isinstance(base, type):
        return _decode_dataclass(base, args, data)
    return data


def _decode_dataclass(cls: type, args: tuple[Any, ...], data: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(cls)
    bound = dict(zip(getattr(cls, "__parameters__", ()), args, strict=False))
    values = {
        f.name: _decode(bound.get(hints[f.name], hints[f.name]), data[f.name])
        for f in dataclasses.fields(cls)
        if f.name in data
    }
    return cls(**values)
