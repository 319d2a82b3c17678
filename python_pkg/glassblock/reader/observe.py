"""Run the twin once and record it, on the highest rung of the fallback ladder that holds.

``meta`` first: shapes only, and nothing is allocated. Where a model refuses the meta device, fake
tensors say they are on the CPU and have no numbers either. Where that fails too, the module tree is
all there is, and what is drawn between its parts is assumed and marked so.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map

from glassblock.errors import ModelError
from glassblock.ir import Trace
from glassblock.reader.fold import Fold
from glassblock.reader.record import Recording
from glassblock.reader.trace import Tracer
from glassblock.reader.twin import twin

_TOKENS = 7
"""Length of the traced text: a prime, so that it is no model's number of heads or channels."""

_Rung = Literal["meta", "fake"]
_RUNGS: tuple[_Rung, ...] = ("meta", "fake")

_IDS = ("input_ids", "tokens", "idx", "ids", "x", "input", "inputs")


@dataclass(slots=True)
class Observation:
    """A model, and one forward pass through it where one could be made."""

    model: nn.Module
    fold: Fold
    trace: Trace
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class _Inputs:
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        first = next(
            (leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, torch.Tensor)),
            None,
        )
        return int(first.shape[1]) if first is not None and first.ndim > 1 else _TOKENS


def observe(model: nn.Module, fold: Fold, inputs: Any = None) -> Observation:
    """Trace one forward pass.

    Parameters
    ----------
    model
        A model on the meta device. It is not changed: each attempt runs on a twin of it.
    fold
        Which of its modules are alike.
    inputs
        Example inputs: a tensor, a tuple of positional ones or a dictionary of keyword ones. Without
        them a short text of token ids is tried.

    Raises
    ------
    ModelError
        If the model cannot run on the inputs that were given.
    """
    failures: list[str] = []
    for rung, written_out, candidate in _attempts(model, inputs):
        try:
            recording = _run(model, fold, candidate, rung, written_out=written_out)
        except Exception as error:  # noqa: BLE001  # a model may fail in any way
            failures.append(f"{rung}: {type(error).__name__}: {_short(error)}")
            continue
        escapes = tuple(sorted(set(recording.escapes)))
        notes = tuple(dict.fromkeys(failures)) if rung == "fake" else ()
        return Observation(model, fold, Trace(rung, escapes, notes), recording)
    if inputs is not None:
        raise ModelError(
            f"expected inputs that {type(model).__name__} can run on, got {_describe(inputs)}:"
            f" {failures[0] if failures else 'nothing to run'}. Pass a tensor, a tuple of positional"
            " inputs or a dictionary of keyword inputs."
        )
    return Observation(model, fold, Trace("tree", (), tuple(dict.fromkeys(failures))))


def _attempts(model: nn.Module, inputs: Any) -> Iterator[tuple[_Rung, bool, _Inputs]]:
    """Rungs from the highest: each with operations written out, then with the model's own kernels."""
    choices = (True, False) if _configs(model) else (True,)
    for rung in _RUNGS:
        for written_out in choices:
            for candidate in _candidates(model, inputs):
                yield rung, written_out, candidate


def _run(model: nn.Module, fold: Fold, inputs: _Inputs, rung: _Rung, *, written_out: bool) -> Recording:
    subject = twin(model)
    if written_out:
        _prefer_written_out(subject)
    fake = rung == "fake"
    with _quiet(), torch.no_grad(), torch.random.fork_rng(devices=[]), ExitStack() as modes:
        if fake:
            modes.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
            _to_fake(subject)
        tracer = Tracer(subject, fold)
        args, kwargs = tree_map(_on("cpu" if fake else "meta"), (inputs.args, inputs.kwargs))
        with tracer:
            subject(*args, **kwargs)
    tracer.recording.tokens = inputs.tokens
    return tracer.recording


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings about an attempt, which the user did not make, from the user."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _on(device: str) -> Any:
    def move(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        return torch.empty(tuple(leaf.shape), dtype=leaf.dtype, device=device)

    return move


def _to_fake(model: nn.Module) -> None:
    """Replace the meta tensors of a twin by fake ones; ties stay ties."""
    made: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for name, old in [*module._parameters.items()]:  # noqa: SLF001
            if old is not None:
                new = made.setdefault(id(old), nn.Parameter(_on("cpu")(old), old.requires_grad))
                module._parameters[name] = new  # type: ignore[assignment]  # noqa: SLF001
        for name, buffer in [*module._buffers.items()]:  # noqa: SLF001
            if buffer is not None:
                module._buffers[name] = made.setdefault(id(buffer), _on("cpu")(buffer))  # noqa: SLF001


def _prefer_written_out(model: nn.Module) -> None:
    """Ask for the implementations that are written in plain operations, so that they can be seen.

    Only the twin's own configuration is changed. Eager attention shows the scale, the softcap, the
    sinks and how key/value heads are repeated; batched experts need no numbers.
    """
    for config in _configs(model):
        if hasattr(config, "_attn_implementation_internal"):
            config._attn_implementation_internal = "eager"  # noqa: SLF001
        if hasattr(config, "_experts_implementation_internal"):
            config._experts_implementation_internal = "batched_mm"  # noqa: SLF001


def _configs(model: nn.Module) -> list[Any]:
    """Return the configurations that the modules of a model look at, each once."""
    found = [getattr(module, "config", None) for module in model.modules()]
    return list({id(config): config for config in found if config is not None}.values())


def _candidates(model: nn.Module, inputs: Any) -> Iterator[_Inputs]:
    if inputs is not None:
        if isinstance(inputs, dict) or hasattr(inputs, "keys"):
            yield _Inputs(kwargs=dict(inputs))
        elif isinstance(inputs, tuple | list):
            yield _Inputs(args=tuple(inputs))
        else:
            yield _Inputs(args=(inputs,))
        return
    ids = torch.empty((1, _TOKENS), dtype=torch.long, device="meta")
    parameters = inspect.signature(model.forward).parameters
    extra: dict[str, Any] = {}
    if "use_cache" in parameters:
        extra["use_cache"] = False
    if "decoder_input_ids" in parameters:
        extra["decoder_input_ids"] = ids
    named = next((name for name in _IDS if name in parameters), None)
    if named is not None:
        yield _Inputs(kwargs={named: ids, **extra})
    yield _Inputs(args=(ids,))
    if named is None or extra:
        yield _Inputs(kwargs={"input_ids": ids})


def _describe(inputs: Any) -> str:
    def one(leaf: Any) -> str:
        return f"{leaf.dtype} {tuple(leaf.shape)}" if isinstance(leaf, torch.Tensor) else repr(leaf)

    return ", ".join(one(leaf) for leaf in tree_leaves(dict(inputs) if hasattr(inputs, "keys") else inputs))


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "..."
