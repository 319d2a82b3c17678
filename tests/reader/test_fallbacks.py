"""Where a model cannot be traced, less is said, and it is said to be less."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import PlainLayer, PlainTransformer, tiny
from torch import nn

from glassblock.ir import Attention
from glassblock.reader import read_model


class RefusesMeta(PlainTransformer):
    """A model that will not run on the meta device."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        if ids.device.type == "meta":
            raise NotImplementedError("needs a real device")
        return super().forward(ids)


class RefusesAll(PlainTransformer):
    """A model that looks at numbers, which only a real run has."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        ids.numpy(force=True).sum().hex()
        return super().forward(ids)


class Opaque(nn.Module):
    """A layer whose second branch is nothing that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.known = PlainLayer(32, 4)
        self.strange = nn.Linear(32, 32)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = self.known(stream)
        return stream + torch.cos(self.strange(stream))


class HasOpaque(PlainTransformer):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({"a": Opaque(), "b": Opaque()})


def test_fake_tensors_where_meta_is_refused() -> None:
    architecture = read_model(RefusesMeta())
    assert architecture.trace.rung == "fake"
    assert "needs a real device" in architecture.trace.notes[0]
    assert architecture.stacks == read_model(PlainTransformer()).stacks


def test_the_module_tree_where_nothing_runs() -> None:
    architecture = read_model(RefusesAll())
    assert architecture.trace.rung == "tree"
    assert architecture.trace.notes
    assert architecture.stacks[0].n_layers == 3
    assert architecture.params.total == read_model(PlainTransformer()).params.total
    for layer in architecture.layers():
        assert {branch.source for branch in layer.branches} == {"assumed"}
        assert all("assumed" in note for block in layer.blocks for note in block.notes)


def test_a_model_in_which_nothing_mixes_tokens_as_it_runs_is_said_to_be_one() -> None:
    config = transformers.MraConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, intermediate_size=64)
    architecture = read_model(transformers.MraModel(config))  # returns zeros where its CUDA kernels are missing
    assert architecture.trace.rung == "tree"
    assert "it ran, but" in architecture.trace.notes[0]


def test_a_part_that_is_not_understood_is_drawn_as_other() -> None:
    architecture = read_model(HasOpaque())
    assert architecture.trace.rung == "meta"
    block = architecture.block("L0.other")
    assert block.role == "other"
    assert "not recognised; its operations are linear" in block.notes[0]
    assert block.port("in") is not None
    assert [branch.block for branch in next(architecture.layers()).branches] == ["L0.attn", "L0.mlp", "L0.other"]


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "qwen3_next_dense"])
def test_the_models_own_kernel_where_it_has_no_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_model(tiny(name)).block("L3.attn" if name == "qwen3_next_dense" else "L0.attn")

    def no_eager(_model: nn.Module) -> None:
        raise ValueError("this model has no eager attention")

    monkeypatch.setattr("glassblock.reader.tracing.rungs._written_out", no_eager)
    block = read_model(tiny(name)).block(expected.address)
    assert isinstance(block.spec, Attention)
    assert isinstance(expected.spec, Attention)
    assert "scaled_dot_product_attention" in block.spec.heads.where
    assert block.ports == expected.ports
    for field in ("heads", "kv_heads", "head_dim", "v_head_dim", "causal", "rope_dims", "qk_norm", "out_gate"):
        assert getattr(block.spec, field).value == getattr(expected.spec, field).value, field
