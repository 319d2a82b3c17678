"""How a model is run to be watched: on shapes alone where it can be, on made-up numbers where it must be.

========  ==================================================================================================
``meta``  tensors have shapes and no numbers; nothing is allocated, and nothing is computed with weights
``fake``  the same, but tensors say that they are on the CPU, for models that look at the device
``real``  made-up numbers on the CPU, for models whose way depends on their activations. Every matrix is a window
          that slides over a short row of random numbers, so that a model of any size fits; only what a single
          operation copies takes memory, and a model with a matrix that is too large for that is not run
========  ==================================================================================================

On each rung one layer of each kind runs, and the others are answered.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any, Literal

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map

from glassblock.errors import ModelError
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.inputs import Inputs
from glassblock.reader.tracing.record import Recording
from glassblock.reader.tracing.trace import Tracer
from glassblock.reader.tracing.twin import twin
from glassblock.reader.walk import modules

Rung = Literal["meta", "fake", "real"]

_LARGEST = 1 << 30
"""Bytes that the largest matrix may take on the rung with numbers."""


def run(model: nn.Module, fold: Fold, inputs: Inputs, rung: Rung, *, written_out: bool) -> Recording:
    """Run a model once and record it.

    Parameters
    ----------
    model
        A model on the meta device. It is run itself on the meta rung, and left as it was; on others its twin is.
    fold
        Which of its modules are alike.
    inputs
        What to run it on.
    rung
        What takes the place of its numbers.
    written_out
        Whether to ask for implementations that are written in plain operations.
    """
    subject = model if rung == "meta" else twin(model)
    with _quiet(), torch.no_grad(), torch.random.fork_rng(devices=[]), ExitStack() as around:
        if not inputs.checked:
            around.enter_context(_unchecked())
        if written_out:
            around.enter_context(_written_out(subject, "eager" if rung == "real" else "batched_mm"))
        if rung == "fake":
            around.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
            _fill(subject, lambda old: torch.empty(tuple(old.shape), dtype=old.dtype, device="cpu"))
        elif rung == "real":
            _check_size(subject)
            torch.manual_seed(0)
            _fill(subject, _made_up)
        tracer = Tracer(subject, fold)
        call = (inputs.args, inputs.kwargs)
        args, kwargs = call if rung == "real" else tree_map(_hollow("meta" if rung == "meta" else "cpu"), call)
        tracer.tell(zip(tree_leaves((args, kwargs)), tree_leaves(call), strict=True))
        tracer.run(args, kwargs)
    tracer.recording.tokens = inputs.tokens
    return tracer.recording


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings about an attempt, which the user did not make, from the user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def _unchecked() -> Iterator[None]:
    """Let a model skip its checks of what fits together, as transformers provides for it."""
    name = "TRANSFORMERS_DISABLE_TORCH_CHECK"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _hollow(device: str) -> Callable[[Any], Any]:
    def move(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        return torch.empty(tuple(leaf.shape), dtype=leaf.dtype, device=device)

    return move


def _made_up(old: torch.Tensor) -> torch.Tensor:
    """Return numbers of a shape without the memory: windows that slide over one short row."""
    if not old.is_floating_point():
        return torch.zeros(tuple(old.shape), dtype=old.dtype, device="cpu")
    row = torch.rand(sum(old.shape) + 1, generator=torch.Generator().manual_seed(0)) - 0.45
    scaled: torch.Tensor = (row / max(1, old.shape[-1] if old.ndim > 1 else 1) ** 0.5).to(old.dtype)
    return scaled.as_strided(tuple(old.shape), (1,) * old.ndim)


def _check_size(model: nn.Module) -> None:
    """Refuse a matrix that is too large for an operation to copy; a table that is looked up in is not copied."""
    matrices = [p for m in modules(model) if not isinstance(m, nn.Embedding) for p in m.parameters(recurse=False)]
    largest = max(matrices, key=lambda p: prod(p.shape[-2:]), default=None)
    if largest is not None and (size := largest.element_size() * prod(largest.shape[-2:])) > _LARGEST:
        raise ModelError(
            f"expected matrices of at most {_LARGEST >> 30} GB to run with made-up numbers, got one of"
            f" {size / (1 << 30):.1f} GB ({tuple(largest.shape)})."
        )


def _fill(model: nn.Module, make: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Replace the meta tensors of a twin; ties stay ties."""
    made: dict[int, torch.Tensor] = {}
    for module in modules(model):
        for name, old in [*module._parameters.items()]:  # noqa: SLF001
            if old is not None:
                if id(old) not in made:
                    made[id(old)] = nn.Parameter(make(old), requires_grad=False)
                module._parameters[name] = made[id(old)]  # type: ignore[assignment]  # noqa: SLF001
        for name, buffer in [*module._buffers.items()]:  # noqa: SLF001
            if buffer is not None:
                module._buffers[name] = made.setdefault(id(buffer), make(buffer))  # noqa: SLF001


@contextmanager
def _written_out(model: nn.Module, experts: str) -> Iterator[None]:
    """Ask for the implementations that are written in plain operations, so that they can be seen.

    Eager attention shows the scale, the softcap, the sinks and how key/value heads are repeated; batched experts
    need no numbers, and eager ones copy none.
    """
    wanted = {
        "_attn_implementation_internal": "eager",
        "_experts_implementation_internal": experts,
        "use_cache": False,
    }
    before = [(config, name) for config in configs(model) for name in wanted if name in getattr(config, "__dict__", ())]
    values = [getattr(config, name) for config, name in before]
    try:
        for config, name in before:
            setattr(config, name, wanted[name])
        yield
    finally:
        for (config, name), value in zip(before, values, strict=True):
            setattr(config, name, value)


def is_configured(model: nn.Module) -> bool:
    """Whether some module of a model looks at a configuration."""
    return any(vars(module).get("config") is not None for module in modules(model))


def configs(model: nn.Module) -> list[Any]:
    """Return the configurations that the modules of a model look at, each once."""
    queue = [config for module in modules(model) if (config := vars(module).get("config")) is not None]
    found: dict[int, Any] = {}
    while queue:  # a part of a configuration may be looked at through the whole, of which it is a copy
        config = queue.pop()
        if id(config) not in found:
            found[id(config)] = config
            queue += [part for part in getattr(config, "__dict__", {}).values() if hasattr(type(part), "sub_configs")]
    return list(found.values())
