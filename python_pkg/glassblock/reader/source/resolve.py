"""From whatever names a model to a model on the meta device.

A hub id, a name in the gallery, a folder, a file, a dictionary and a configuration all become a configuration, and from
that the class the checkpoint would be loaded into is built on the meta device: every module, no memory.
"""

from __future__ import annotations

import copy
import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from glassblock.errors import SourceError
from glassblock.gallery import PREFIX, entry, names
from glassblock.reader.source.build import build, first_line, reason
from glassblock.reader.source.keys import unread_keys
from glassblock.reader.source.paths import no_configuration, nothing_there

_SOURCES = (
    "a hub id, gallery:<name>, a folder or file with config.json, an architecture that was saved as .json, a"
    " dictionary, a PretrainedConfig or an nn.Module"
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model on the meta device, ours to change, what to call it, and what to say of its configuration."""

    model: nn.Module
    name: str
    notes: tuple[str, ...] = ()


def resolve(source: Any, *, trust_remote_code: bool = False) -> Resolved:
    """Build the model that a source names on the meta device.

    Parameters
    ----------
    source
        A hub id, ``gallery:`` and a name in the gallery, a folder or file with ``config.json``, a dictionary or a
        configuration.
    trust_remote_code
        Whether modeling code that comes with the source may be run.

    Raises
    ------
    SourceError
        If the source names nothing that can be built, saying why.
    """
    try:
        import transformers
    except ImportError as error:
        raise SourceError(
            f"expected transformers to build {source!r} from its configuration, but it is not"
            " installed. Install it with `pip install transformers`, or pass the nn.Module itself."
        ) from error
    if isinstance(source, str) and source.startswith(PREFIX):
        known = entry(source.removeprefix(PREFIX))
        config, name = _config_of(known.config, where=source), known.title
    elif isinstance(source, str | Path):
        config, name = _config_at(source, trust_remote_code), str(source)
    elif isinstance(source, dict):
        config, name = _config_of(source), ""
    elif isinstance(source, transformers.PreTrainedConfig):
        config, name = copy.deepcopy(source), ""
    else:
        made = isinstance(source, type) and issubclass(source, nn.Module)
        got = f"the class {source.__name__}, not a model made of it" if made else type(source).__name__
        raise SourceError(f"expected {_SOURCES}, got {got}. Pass one of those.")
    model = build(config, trust_remote_code=trust_remote_code)
    shown = title(name or getattr(config, "name_or_path", "")) or type(model).__name__
    return Resolved(model, shown, unread_keys(config, model))


def title(name: object) -> str:
    """Return a name for people: of a local path its last part, which says enough and gives nothing away."""
    if not isinstance(name, str):
        return ""  # a configuration may hold anything under that key
    local = name.startswith((".", "/", "~")) or name.count("/") > 1 or os.path.exists(name)  # noqa: PTH110  # False where it may not look
    return Path(name).name if local else name


def _config_at(source: str | Path, trust_remote_code: bool) -> Any:
    name = str(source)
    if not name.strip():
        raise SourceError(f"expected {_SOURCES}, got an empty name. Pass one of those.")
    path = Path(os.path.expanduser(name))  # noqa: PTH111  # as it is where there is no such user
    file = path / "config.json" if os.path.isdir(path) else path  # noqa: PTH112  # False where it is not allowed to look
    if os.path.isfile(file):  # noqa: PTH113
        return _config_in(file, trust_remote_code=trust_remote_code)
    if os.path.exists(path):  # noqa: PTH110
        raise no_configuration(path)
    if isinstance(source, Path) or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise nothing_there(name, path)
    return _config_from_hub(name, trust_remote_code=trust_remote_code)


def _config_in(file: Path, *, trust_remote_code: bool) -> Any:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(
            f"expected {str(file)!r} to hold a configuration as JSON, but it cannot be read: {error}."
            " Pass the config.json that was saved with the model, or an architecture that was saved as .json."
        ) from error
    if not isinstance(content, dict):
        raise SourceError(
            f"expected {str(file)!r} to hold a JSON object, got a {type(content).__name__}."
            " Pass the config.json that was saved with the model."
        )
    if "auto_map" in content and trust_remote_code:
        return _config_from_hub(str(file.parent), trust_remote_code=True)
    return _config_of(content, where=str(file))


def _config_of(content: dict[str, Any], where: str = "the dictionary") -> Any:
    from transformers import CONFIG_MAPPING, AutoConfig

    kind = content.get("model_type")
    if any(isinstance(value, Tensor) for value in content.values()):
        raise SourceError(
            f"expected a configuration in {where}, got tensors: a state dict holds numbers, and not how they are"
            " wired. Pass the nn.Module that it belongs to."
        )
    if not isinstance(kind, str):
        raise SourceError(
            f"expected a `model_type` in {where}, got the keys {list(content)[:8]}."
            " Add it, for example 'llama', or pass the nn.Module itself."
        )
    rest = {key: value for key, value in content.items() if key != "model_type"}
    try:
        return AutoConfig.for_model(kind, **rest)
    except Exception as error:
        if kind in CONFIG_MAPPING:
            raise SourceError(
                f"expected settings that transformers accepts for {kind!r} in {where}, got some that it refuses:"
                f" {reason(error)}. Correct them."
            ) from error
        near = difflib.get_close_matches(kind.lower().replace("-", "_"), CONFIG_MAPPING, n=1)
        hint = (
            " It comes with modeling code of its own: pass trust_remote_code=True to run that code."
            if "auto_map" in content
            else f"{f' Did you mean {near[0]!r}?' if near else ''} Update transformers, or pass the nn.Module itself."
        )
        raise SourceError(f"expected a model type that transformers knows in {where}, got {kind!r}.{hint}") from error


def _config_from_hub(name: str, *, trust_remote_code: bool) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code)
    except Exception as error:
        known = f" A model of that name comes with Glassblock: '{PREFIX}{name}'." if name in names() else ""
        raise SourceError(
            f"expected a configuration for {name!r} from the hub, since no folder here has that name, but it could not"
            f" be fetched: {first_line(error)}. Check the name and the network, or pass a folder with its"
            " config.json; code that comes with a model is run only with trust_remote_code=True."
            f"{known}"
        ) from error
