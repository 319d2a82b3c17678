"""Everything that can name a model, and what is said when it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import config, tiny
from torch import nn

from glassblock.errors import ModelError, SourceError
from glassblock.reader import read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config("llama").save_pretrained(tmp_path)
    return tmp_path


def test_a_folder_a_file_a_dictionary_a_configuration_and_a_module_are_the_same(folder: Path) -> None:
    settings = config("llama")
    sources: list[Any] = [
        folder,
        str(folder),
        folder / "config.json",
        settings.to_dict(),
        settings,
        tiny("llama"),
    ]
    stacks = [read(source).stacks for source in sources]
    assert all(stack == stacks[0] for stack in stacks)


def test_a_folder_gives_the_name(folder: Path) -> None:
    assert read(str(folder)).name == folder.name


def test_the_class_named_in_the_configuration_is_built(folder: Path) -> None:
    settings = config("llama")
    settings.architectures = ["LlamaModel"]
    architecture = read(settings)
    assert architecture.cls == "LlamaModel"
    assert [block.address for block in architecture.outputs] == ["norm"]


def test_a_configuration_is_not_changed() -> None:
    settings = config("mixtral")
    before = settings.to_dict()
    read(settings)
    assert settings.to_dict() == before


def test_a_hub_id_that_cannot_be_fetched() -> None:
    with pytest.raises(SourceError, match=r"expected a configuration for 'no-one/nothing' .* Check the name"):
        read("no-one/nothing")


def test_a_path_that_does_not_exist() -> None:
    with pytest.raises(SourceError, match=r"got the path '\./nowhere/model', which does not exist"):
        read("./nowhere/model")


def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected a config\.json in .* but there is none"):
        read(tmp_path)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("{not json")
    with pytest.raises(SourceError, match=r"hold a configuration as JSON, but it cannot be read"):
        read(file)


def test_a_file_that_is_no_object(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("[1, 2]")
    with pytest.raises(SourceError, match=r"hold a JSON object, got a list"):
        read(file)


def test_a_dictionary_without_a_model_type() -> None:
    with pytest.raises(SourceError, match=r"expected a `model_type` in the dictionary, got the keys \['width'\]"):
        read({"width": 3})


def test_an_unknown_model_type() -> None:
    with pytest.raises(SourceError, match=r"got 'no_such_type'.* Update transformers"):
        read({"model_type": "no_such_type"})


def test_remote_code_is_not_run_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": {"AutoConfig": "code.Mine"}}))
    (tmp_path / "code.py").write_text("raise SystemExit('remote code ran')")
    with pytest.raises(SourceError, match=r"pass trust_remote_code=True to run that code"):
        read(tmp_path)


def test_a_configuration_that_cannot_be_built() -> None:
    settings = config("llama")
    settings.hidden_act = "no such function"
    with pytest.raises(SourceError, match=r"got LlamaConfig \(LlamaForCausalLM|got LlamaConfig \(AutoModel"):
        read(settings)


@pytest.mark.parametrize("source", [7, None, ["llama"], object()])
def test_something_else(source: object) -> None:
    with pytest.raises(SourceError, match=r"expected a hub id, gallery:<name>, a folder or file .*, got "):
        read(source)


class Residual(nn.Module):
    """A block of a convolutional network: a residual stream, and nothing that mixes tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(8, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        update: torch.Tensor = self.two(torch.relu(self.one(image)))
        return image + update


NO_TRANSFORMERS = {
    "linear": (nn.Linear(3, 4), torch.zeros(1, 7, 3)),
    "mlp": (nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3)), torch.zeros(1, 7, 3)),
    "cnn": (nn.Sequential(nn.Conv2d(3, 8, 1), Residual(), Residual()), torch.zeros(1, 3, 8, 8)),
    "recurrent": (nn.LSTM(3, 8, num_layers=2), torch.zeros(1, 7, 3)),
}


@pytest.mark.parametrize("name", NO_TRANSFORMERS)
@pytest.mark.parametrize("given", [True, False])
def test_what_is_no_transformer_is_refused(name: str, *, given: bool) -> None:
    model, inputs = NO_TRANSFORMERS[name]
    with pytest.raises(ModelError, match=f"expected a transformer: .* got {type(model).__name__}"):
        read(model, inputs=inputs if given else None)


def test_inputs_that_do_not_fit_are_named() -> None:
    with pytest.raises(ModelError, match=r"got torch\.float32 \(1, 3\): .*Pass a tensor, a tuple"):
        read(tiny("plain"), inputs=torch.zeros(1, 3))


def test_a_name_of_the_gallery_without_its_prefix_is_recognised() -> None:
    with pytest.raises(SourceError, match="comes with Glassblock: 'gallery:deepseek-v3'"):
        read("deepseek-v3")
