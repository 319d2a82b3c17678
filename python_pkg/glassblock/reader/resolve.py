"""From whatever names a model to a model on the meta device.

A hub id, a folder, a file, a dictionary and a configuration all become a configuration, and from that
the class the checkpoint would be loaded into is built on the meta device: every module, no memory.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glassblock.errors import SourceError

_SOURCES = "a hub id, a folder or file with config.json, a dictionary, a PretrainedConfig or an nn.Module"
_HEADS = (
    "AutoModelForCausalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForMaskedLM",
    "AutoModelForImageTextToText",
    "AutoModel",
)
"""Which class stands for a configuration that does not name one, the first that fits."""
_UNKNOWN = "Unrecognized configuration class"
"""How an Auto class says that a configuration is not its business."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model on the meta device, ours to change, and what to call it."""

    model: nn.Module
    name: str


def resolve(source: Any, *, trust_remote_code: bool = False) -> Resolved:
    """Build the model that a source names on the meta device.

    Parameters
    ----------
    source
        A hub id, a folder or file with ``config.json``, a dictionary or a configuration.
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
    if isinstance(source, str | Path):
        config, name = _config_at(str(source), trust_remote_code), str(source)
    elif isinstance(source, dict):
        config, name = _config_of(source), ""
    elif isinstance(source, transformers.PreTrainedConfig):
        config, name = copy.deepcopy(source), ""
    else:
        raise SourceError(f"expected {_SOURCES}, got {type(source).__name__}. Pass one of those.")
    model = _build(config, trust_remote_code=trust_remote_code)
    return Resolved(model, title(name or getattr(config, "name_or_path", "")) or type(model).__name__)


def title(name: str) -> str:
    """Return a name for people: of a local path its last part, which says enough and gives nothing away."""
    local = name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).exists()
    return Path(name).name if local else name


def _config_at(name: str, trust_remote_code: bool) -> Any:
    path = Path(name).expanduser()
    file = path / "config.json" if path.is_dir() else path
    if file.is_file():
        return _config_in(file, trust_remote_code=trust_remote_code)
    if path.exists():
        raise SourceError(
            f"expected a config.json in {name!r}, but there is none. Pass the folder that the model"
            " was saved to, or a configuration."
        )
    if name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise SourceError(f"expected {_SOURCES}, got the path {name!r}, which does not exist. Check its spelling.")
    return _config_from_hub(name, trust_remote_code=trust_remote_code)


def _config_in(file: Path, *, trust_remote_code: bool) -> Any:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(
            f"expected {str(file)!r} to hold a configuration as JSON, but it cannot be read: {error}."
            " Pass the config.json that was saved with the model."
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
    from transformers import AutoConfig

    kind = content.get("model_type")
    if not isinstance(kind, str):
        raise SourceError(
            f"expected a `model_type` in {where}, got the keys {sorted(content)[:8]}."
            " Add it, for example 'llama', or pass the nn.Module itself."
        )
    rest = {key: value for key, value in content.items() if key != "model_type"}
    try:
        return AutoConfig.for_model(kind, **rest)
    except Exception as error:
        hint = (
            " It comes with modeling code of its own: pass trust_remote_code=True to run that code."
            if "auto_map" in content
            else " Update transformers, or pass the nn.Module itself."
        )
        raise SourceError(
            f"expected a model type that transformers knows in {where}, got {kind!r}: {_first_line(error)}.{hint}"
        ) from error


def _config_from_hub(name: str, *, trust_remote_code: bool) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise SourceError(
            f"expected a configuration for {name!r} from the hub, but it could not be fetched:"
            f" {_first_line(error)}. Check the name and the network, or pass a folder with its"
            " config.json; code that comes with a model is run only with trust_remote_code=True."
        ) from error


def _build(config: Any, *, trust_remote_code: bool) -> nn.Module:
    import transformers

    refused: list[str] = []
    for cls in _classes(config):
        try:
            with torch.device("meta"):
                if cls.__name__.startswith("Auto"):
                    built = cls.from_config(config, trust_remote_code=trust_remote_code)
                else:
                    built = cls._from_config(config)
        except Exception as error:  # noqa: BLE001  # any class may refuse in its own way
            refused.append(f"{cls.__name__}: {_first_line(error)}")
            continue
        model: nn.Module = built.eval()
        return model
    refused = [why for why in refused if _UNKNOWN not in why][:2] or refused[:1]
    raise SourceError(
        f"expected a configuration that transformers {transformers.__version__} can build, got"
        f" {type(config).__name__} ({'; '.join(refused) or 'no class for it'})."
        " Complete the configuration, install what is missing, or pass the nn.Module itself."
    )


def _classes(config: Any) -> list[Any]:
    import transformers

    named = [getattr(transformers, name, None) for name in getattr(config, "architectures", None) or ()]
    return [cls for cls in named if cls is not None] + [getattr(transformers, h) for h in _HEADS]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
