"""The two ways in: a source, or a live model.

Both end in the same steps. The model, on the meta device and ours to change, is folded and run once;
what was observed is assembled into an architecture. Where nothing could be observed, its module tree is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from glassblock.errors import ModelError
from glassblock.ir import Architecture
from glassblock.reader.assemble import assemble
from glassblock.reader.fallback import assemble_tree
from glassblock.reader.fold import fold
from glassblock.reader.observe import observe
from glassblock.reader.phantoms import phantoms
from glassblock.reader.resolve import resolve, title
from glassblock.reader.saved import saved_architecture
from glassblock.reader.twin import twin


def read(source: Any, *, inputs: Any = None, trust_remote_code: bool = False) -> Architecture:
    """Read the architecture of a model from whatever names it.

    Parameters
    ----------
    source
        A hub id, a folder or file with ``config.json``, a dictionary, a ``PretrainedConfig``, any ``nn.Module``,
        or an architecture saved as ``.json``. Weights are never loaded.
    inputs
        Example inputs for a module that takes something other than token ids: a tensor, a tuple of
        positional inputs or a dictionary of keyword inputs.
    trust_remote_code
        Whether modeling code that comes with the source may be run.

    Raises
    ------
    SourceError
        If the source names nothing that can be built.
    ModelError
        If it is no transformer.
    """
    if isinstance(source, nn.Module):
        return read_model(source, inputs=inputs)
    known = saved_architecture(source)
    if known is not None:
        return known
    resolved = resolve(source, trust_remote_code=trust_remote_code)
    found = _read(resolved.model, inputs, resolved.name)
    return replace(found, phantoms=phantoms(found, resolved.model, _folder(source)))


def read_model(model: nn.Module, *, inputs: Any = None, name: str | None = None) -> Architecture:
    """Read the architecture of a live model without moving, copying or changing anything of it.

    Parameters
    ----------
    model
        Any module, on any device, in training or evaluation mode.
    inputs
        Example inputs, as for `read`. Only their shapes are used.
    name
        A title for people.

    Raises
    ------
    ModelError
        If it is no transformer, or cannot run on the inputs.
    """
    if hasattr(model, "_orig_mod"):
        raise ModelError(
            f"expected a model as it was written, got a compiled one ({type(model).__name__}), which"
            " hides its modules. Pass the model that was compiled: `model._orig_mod`."
        )
    given = getattr(getattr(model, "config", None), "name_or_path", "") or ""
    shown = name or title(given) or type(model).__name__
    found = _read(twin(model), inputs, shown)
    return replace(found, phantoms=phantoms(found, model, _folder(given)))


def _folder(source: Any) -> Path | None:
    """Return the local folder that a source names, where it is one."""
    folder = Path(source).expanduser() if isinstance(source, str | Path) and source else None
    try:
        return folder if folder is not None and folder.is_dir() else None
    except (OSError, ValueError):
        return None


def _read(model: nn.Module, inputs: Any, name: str) -> Architecture:
    observation = observe(model, fold(model), inputs)
    if observation.recording is not None:
        found = assemble(observation, name)
        if found is not None:
            return found
    found = assemble_tree(observation, name)
    if found is not None:
        return found
    seen = observation.trace.notes
    raise ModelError(
        "expected a transformer: repeated layers that mix tokens and add to a residual stream; got"
        f" {type(model).__name__}, in which no such layers were found"
        f"{f' (it did not run on token ids: {seen[0]})' if seen else ''}. Pass the transformer itself"
        " if this is a wrapper, and `inputs=` if it takes something other than token ids."
    )
