"""An architecture is data: it follows its schema, and comes back from a file as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_models import CONFIGS, tiny

import glassblock as gb
from glassblock import wire
from glassblock.errors import SourceError
from glassblock.ir import from_dict, to_dict
from glassblock.reader import read, read_model


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_data_follows_the_schema_and_comes_back_without_loss(name: str) -> None:
    architecture = read_model(tiny(name))
    data = json.loads(json.dumps(to_dict(architecture), allow_nan=False))
    wire.validator("Architecture").validate(data)
    assert from_dict(data) == architecture


def test_a_saved_architecture_is_a_source(tmp_path: Path) -> None:
    diagram = gb.unfold(tiny("mixtral"))
    assert read(diagram.save(tmp_path / "mixtral.json")) == diagram.architecture


def test_a_damaged_one_is_refused_in_words(tmp_path: Path) -> None:
    file = gb.unfold(tiny("llama")).save(tmp_path / "llama.json")
    data = json.loads(file.read_text())
    del data["params"]
    file.write_text(json.dumps(data))
    with pytest.raises(SourceError, match="to hold an architecture that was saved"):
        read(file)
    file.write_text(json.dumps({**data, "version": 99}))
    with pytest.raises(SourceError, match="expected an architecture of version 3, got version 99"):
        read(file)
