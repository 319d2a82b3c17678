"""Run a model once more, on inputs that show what the first ones did not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace

import torch

from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.inputs import is_text
from glassblock.reader.tracing.observe import Observation
from glassblock.reader.tracing.rungs import run

_MANY = 263
"""Length of a long text: more than what is summarised at once, and a prime."""


def observe_with_padding(first: Observation) -> Observation | None:
    """Trace once more with a last token that is padding; None where the model takes no such thing, or does not run so.

    Where nothing is hidden and the text is shorter than a window, a mask that looks both ways is left out by those who
    make it, and with it goes what says how wide the window is.
    """
    texts = _texts(first)
    if not texts or "attention_mask" not in inspect.signature(first.model.forward).parameters:
        return None
    mask = torch.ones_like(next(iter(texts.values())))
    mask[:, -1] = 0
    return _again(first, {"attention_mask": mask})


def observe_longer(first: Observation) -> Observation | None:
    """Trace once more with a longer text, where that lets more of the layers' work be used; else None.

    What summarises so many tokens at a time has nothing to say of fewer (DeepSeek-V4's compressed keys).
    """
    texts, idle = _texts(first), _idle_work(first)
    if not texts or not idle:
        return None
    longer = {name: text.repeat(1, -(-_MANY // text.shape[1]))[:, :_MANY] for name, text in texts.items()}
    again = _again(first, longer)
    return again if again is not None and _idle_work(again) < idle else None


def _texts(first: Observation) -> dict[str, torch.Tensor]:
    if first.inputs is None or first.trace.rung == "tree":
        return {}
    return {name: given for name, given in first.inputs.kwargs.items() if given is not None and is_text(given)}


def _idle_work(observation: Observation) -> int:
    """Count the projections in layers of which nothing goes into what those return."""
    if observation.recording is None:
        return 0
    graph = Graph(observation.recording, observation.model)
    in_use = {c.index for c in graph.calls if c.key and any(graph.returned[value] for value in c.outputs)}
    idle = (op for op in graph.ops if not any(graph.returned[value] for value in op.outputs))
    return sum(
        graph.projection(op) is not None and op.call is not None and not in_use.isdisjoint(graph.calls[op.call].parents)
        for op in idle
    )


def _again(first: Observation, changed: Mapping[str, torch.Tensor]) -> Observation | None:
    rung = first.trace.rung
    if first.inputs is None or rung == "tree":
        return None
    inputs = replace(first.inputs, kwargs={**first.inputs.kwargs, **changed})
    try:
        recording = run(first.model, first.fold, inputs, rung, written_out=True)
    except Exception:  # noqa: BLE001  # a model may fail in any way, and there is what was seen before
        return None
    return replace(first, recording=recording, inputs=inputs)
