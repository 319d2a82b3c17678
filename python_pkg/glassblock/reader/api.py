"""The two ways in: a source, or a live model.

Both end in the same steps. The model, on the meta device and ours to change, is folded and run once;
what was observed is assembled into an architecture. Where nothing could be observed, its module tree is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from glassblock.errors import GlassblockError, ModelError
from glassblock.ir import Architecture, Attention, Trace, to_dict
from glassblock.reader.collector import collector_waits
from glassblock.reader.source.build import first_line
from glassblock.reader.source.phantoms import phantoms
from glassblock.reader.source.resolve import resolve, title
from glassblock.reader.source.saved import saved_architecture
from glassblock.reader.stacks.assemble import assemble
from glassblock.reader.stacks.fallback import assemble_tree
from glassblock.reader.tracing.again import observe_longer, observe_with_padding
from glassblock.reader.tracing.fold import Fold, fold
from glassblock.reader.tracing.observe import Observation, observe
from glassblock.reader.tracing.twin import twin


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
    with collector_waits():
        resolved = resolve(source, trust_remote_code=trust_remote_code)
        return _noted(_read(resolved.model, inputs, resolved.name, source), resolved.notes)


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
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise ModelError(
            f"expected a model as it was written, got one inside a {type(model).__name__}, which takes any inputs and"
            " runs copies. Pass the model inside: `model.module`."
        )
    given = getattr(getattr(model, "config", None), "name_or_path", "") or ""
    shown = name or title(given) or type(model).__name__
    with collector_waits():
        return _read(twin(model), inputs, shown, given)


def _read(model: nn.Module, inputs: Any, name: str, source: Any) -> Architecture:
    found = _drawn(model, inputs, name)
    try:
        return replace(found, phantoms=phantoms(found, model, _folder(source)))
    except Exception as error:  # noqa: BLE001
        note = f"whether the checkpoint holds more than the module tree could not be found out: {_told(error)}"
        return replace(found, trace=replace(found.trace, notes=(*found.trace.notes, note)))


def _noted(found: Architecture, notes: tuple[str, ...]) -> Architecture:
    return replace(found, trace=replace(found.trace, notes=(*found.trace.notes, *notes))) if notes else found


def _folder(source: Any) -> Path | None:
    """Return the local folder that a source names, where it is one."""
    if not isinstance(source, str | Path) or not source:
        return None
    try:
        folder = Path(source).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a name that is no path, a folder that may not be looked at
        return None


def _drawn(model: nn.Module, inputs: Any, name: str) -> Architecture:
    observation = _observed(model, inputs)
    found = _assembled(observation, name)
    if isinstance(found, Architecture):
        return _looked_again(found, observation, name)
    seen = observation.trace.notes
    if observation.recording is not None:
        observation = _untraced(observation.model, observation.fold, (*seen, found))
    try:
        tree = assemble_tree(observation, name)
    except Exception as error:
        raise _not_followed(model, error) from error
    if tree is not None:
        return _finite(tree)
    raise ModelError(
        "expected a transformer: repeated layers that mix tokens and add to a residual stream; got"
        f" {type(model).__name__}, in which no such layers were found"
        f"{f' (it did not run on token ids: {seen[0]})' if seen else ''}. Pass the transformer itself"
        " if this is a wrapper, and `inputs=` if it takes something other than token ids."
    )


def _looked_again(found: Architecture, first: Observation, name: str) -> Architecture:
    """Look again where the first inputs did not show everything: at a longer text, or with padding."""
    if (longer := observe_longer(first)) is not None and isinstance(better := _assembled(longer, name), Architecture):
        first, found = longer, better
    if not _unseen_windows(found) or (padded := observe_with_padding(first)) is None:
        return found
    better = _assembled(padded, name)
    return better if isinstance(better, Architecture) and _unseen_windows(better) < _unseen_windows(found) else found


def _unseen_windows(architecture: Architecture) -> int:
    blocks = [b for stack in architecture.stacks for group in stack.groups for b in group.template.blocks]
    specs = [block.spec for block in blocks if isinstance(block.spec, Attention)]
    return sum(s.window is not None and s.window.source != "observed" and not s.causal.value for s in specs)


_NO_LAYERS = "it ran, but in its layers nothing was seen that mixes tokens and adds to a stream"

# A model may hold anything, and the reader is not right about everything. Here its own failures end, and nowhere else:
# what cannot be followed is drawn from its module tree, which says that it was not, and why.


def _observed(model: nn.Module, inputs: Any) -> Observation:
    try:
        alike = fold(model)
    except GlassblockError:
        raise
    except Exception as error:
        raise _not_followed(model, error) from error
    try:
        return observe(model, alike, inputs)
    except GlassblockError:
        raise
    except Exception as error:  # noqa: BLE001
        return _untraced(model, alike, (f"no inputs for it could be made: {_told(error)}",))


def _assembled(observation: Observation, name: str) -> Architecture | str:
    """Return the architecture of what was observed, or why there is none; nothing where it did not run."""
    if observation.recording is None:
        return ""
    try:
        found = assemble(observation, name)
    except Exception as error:  # noqa: BLE001
        return f"it ran, but what it did could not be followed: {_told(error)}"
    return _NO_LAYERS if found is None else _finite(found)


def _untraced(model: nn.Module, alike: Fold, notes: tuple[str, ...]) -> Observation:
    return Observation(model, alike, Trace("tree", (), notes))


def _not_followed(model: nn.Module, error: Exception) -> ModelError:
    return ModelError(
        f"expected a model whose modules can be gone through, got {type(model).__name__}, on which the reader failed:"
        f" {_told(error)}. Pass the transformer itself if this is a wrapper, and report it if it is none."
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _finite(architecture: Architecture) -> Architecture:
    """Return an architecture; no model computes with a number that is none."""
    for where, number in _floats(to_dict(architecture), ""):
        if not math.isfinite(number):
            raise ModelError(
                f"expected a model of finite numbers, got {number} for {where} in {architecture.name}."
                " Correct that setting in its configuration."
            )
    return architecture


def _floats(data: Any, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(data, float):
        yield where, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _floats(value, where if key == "value" else key)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _floats(value, where)
