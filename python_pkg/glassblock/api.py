"""The public functions. Importing this loads torch, the widget and the export; `glassblock` itself does not."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from glassblock import describe
from glassblock import experiments as _experiments
from glassblock import export as _export
from glassblock import widget as _widget
from glassblock.demo import load as load_demo
from glassblock.demo.language import TASKS
from glassblock.describe import Comparison
from glassblock.diagram import Diagram
from glassblock.gallery import Gallery
from glassblock.ir import Architecture
from glassblock.live import Prompt, Session, check_attachable
from glassblock.reader import read, read_model

_experiments.register()
_export.register()
_widget.register()

_attached: weakref.WeakKeyDictionary[nn.Module, weakref.ref[Session]] = weakref.WeakKeyDictionary()

Source = str | Path | Mapping[str, Any] | nn.Module | Any
Inputs = Tensor | tuple[Any, ...] | Mapping[str, Any]


def unfold(
    source: Source,
    *,
    inputs: Inputs | None = None,
    trust_remote_code: bool = False,
) -> Diagram:
    """Read an architecture, without weights.

    Parameters
    ----------
    source
        A hub id, ``gallery:`` and a name of `gallery`, a folder or file with ``config.json``, a dict, a
        ``PretrainedConfig``, or any ``torch.nn.Module``, real or on the meta device.
    inputs
        Example inputs for a model that takes no token ids, or is not from transformers: a tensor, a tuple of
        arguments or a dict of keyword arguments. Found by trying where not given.
    trust_remote_code
        Whether code that comes with a checkpoint may be run.

    Returns
    -------
    Diagram
        Displays itself in a notebook; ``.architecture`` is the data.

    Raises
    ------
    SourceError
        If nothing can be found or read there.
    ModelError
        If it is no transformer.
    """
    return Diagram(_said(read(source, inputs=inputs, trust_remote_code=trust_remote_code)))


def compare(a: Source | Diagram | Session, b: Source | Diagram | Session) -> Comparison:
    """Compare two architectures, side by side and fact by fact.

    Parameters
    ----------
    a, b
        Anything that `unfold` takes, or a diagram or session.

    Returns
    -------
    Comparison
        Displays itself in a notebook; ``.differences`` are the facts that differ, and `print` writes them as a table.

    Raises
    ------
    SourceError
        If nothing can be found or read there.
    ModelError
        If it is no transformer.
    """
    left, right = ((side if isinstance(side, Diagram | Session) else unfold(side)).architecture for side in (a, b))
    return describe.compare(left, right)


def attach(
    model: nn.Module,
    tokenizer: Any = None,
    *,
    inputs: Inputs | None = None,
    reference: Sequence[Prompt] = (),
    title: str | None = None,
) -> Session:
    """Attach to a model in memory: the same diagram, live.

    A model has one session of this function at a time: attaching again, as running a cell again does, detaches the
    earlier one with a warning.

    Parameters
    ----------
    model
        Any transformer, on any device. It is not converted, moved or copied; `Session.detach` leaves no trace.
    tokenizer
        For prompts that are text.
    inputs
        Example inputs for a model that takes no token ids, or is not from transformers, as for `unfold`.
    reference
        Prompts over which mean ablation takes its means. Without any, the prompt that was run last.
    title
        What to call it on the page.

    Returns
    -------
    Session
        Displays itself in a notebook; also a context manager that detaches at its end. Keep it: a session that
        nobody holds and no open widget shows takes its hooks along.

    Raises
    ------
    ModelError
        If it is no module, compiled, or no transformer.
    """
    architecture = _said(read_model(check_attachable(model), inputs=inputs, name=title))
    _leave_alone(model)
    if model.training:
        warnings.warn("the model is in training mode: dropout makes runs differ; call model.eval()", stacklevel=2)
    session = Session(model, architecture, tokenizer, reference=reference, title=title)
    _attached[model] = weakref.ref(session)
    return session


def demo(name: str = "gpt") -> Session:
    """Attach to a bundled trained model: works offline, in a second once torch is loaded.

    Parameters
    ----------
    name
        ``gpt``, ``moe`` or ``hybrid``.

    Raises
    ------
    DemoError
        If there is no such model.
    """
    loaded = load_demo(name)
    return Session(
        loaded.model,
        read_model(loaded.model, name=loaded.name),
        loaded.tokenizer,
        reference=loaded.reference,
        title=loaded.title,
        suggestions=[(TASKS[prompt.task].title, prompt.text, prompt.answer) for prompt in loaded.prompts],
    )


def gallery() -> Gallery:
    """List well-known architectures that can be unfolded offline: ``unfold("gallery:deepseek-v3")``.

    Returns
    -------
    Gallery
        The names; shows itself as a table, with the exact count of parameters beside the published one.
    """
    return Gallery()


def _said(architecture: Architecture) -> Architecture:
    """Return an architecture; say so where no forward pass could be traced, and what would help."""
    if architecture.trace.rung == "tree":
        why = f" ({architecture.trace.notes[0].rstrip('.')})" if architecture.trace.notes else ""
        warnings.warn(
            f"no forward pass of {architecture.name} could be traced{why}, so how its blocks are wired is assumed, and"
            " its FLOPs and its cache are not counted. If it takes something else than token ids, pass example inputs:"
            " inputs={'pixel_values': ...}.",
            stacklevel=3,
        )
    return architecture


def _leave_alone(model: nn.Module) -> None:
    """Detach the session that was attached to this model before, if there is one."""
    reference = _attached.get(model)
    earlier = reference() if reference else None
    if earlier is not None and earlier.status != "detached":
        earlier.detach()
        warnings.warn(f"the earlier session on {earlier.title} was detached: a model has one at a time", stacklevel=3)
