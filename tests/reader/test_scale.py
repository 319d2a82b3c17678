"""Thousands of layers: the work grows with their number and no faster; of each kind one layer is looked into."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
import torch
from kinds import Attention, Dense, Layer, ListedExperts, Model
from torch import nn

from glassblock.errors import SourceError
from glassblock.reader import read, read_model
from glassblock.reader.tracing.fold import fold
from glassblock.reader.tracing.observe import observe
from glassblock.reader.tracing.twin import twin


def _model(layers: int) -> Model:
    with torch.device("meta"):
        model = Model()
        model.layers.extend(Layer(Attention, Dense) for _ in range(layers - 2))
    return model


def _work(model: nn.Module) -> int:
    """Count the calls of functions, those of C included, that it takes to read a model."""
    calls = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event.endswith("call")

    sys.setprofile(count)
    try:
        found = read_model(model)
    finally:
        sys.setprofile(None)
    assert found.stacks[0].n_layers == len([*model.get_submodule("layers").children()])
    assert len(found.stacks[0].groups) == 1
    return calls


def test_the_work_grows_with_the_layers_and_no_faster() -> None:
    _work(_model(2))  # imports what is imported late
    few, some, many = (_work(_model(layers)) for layers in (250, 500, 1000))
    assert (many - some) < 2.05 * (some - few)


def test_the_work_grows_with_the_experts_of_a_list_and_no_faster() -> None:
    few, some, many = (_work(Model(Attention, partial(ListedExperts, experts))) for experts in (50, 100, 200))
    assert (many - some) < 2.2 * (some - few)


def test_layers_that_are_alike_are_looked_into_once() -> None:
    seen = {}
    for layers in (500, 2000):
        model = twin(_model(layers))
        recording = observe(model, fold(model)).recording
        assert recording is not None
        assert sum(call.folded for call in recording.calls) == layers - 1
        seen[layers] = len(recording.ops), len(recording.calls)
    assert [many - few for few, many in zip(seen[500], seen[2000], strict=True)] == [1500, 1500]


def test_more_modules_than_any_model_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassblock.reader.source.build._MOST_MODULES", 1000)
    with pytest.raises(SourceError, match=r"at most 1,000 modules.*Check its number of layers"):
        read({"model_type": "llama", "num_hidden_layers": 10**9})
