"""The ladder: on shapes, on made-up numbers where a model's way depends on its activations, and what is left."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import transformers
from tiny_models import PlainTransformer, tiny

from glassblock.ir import Attention, MixtureOfExperts
from glassblock.reader import read, read_model
from glassblock.reader.tracing import rungs
from glassblock.reader.tracing.trace import Tracer

_JETMOE: dict[str, Any] = {
    "vocab_size": 101,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "kv_channels": 8,
    "intermediate_size": 48,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
}


class ByNumbers(PlainTransformer):
    """A model that cuts its text into pieces at places that its activations choose."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        chosen = self.embed(ids).sum(-1).argmax(-1)
        pieces = [int(chosen), ids.shape[1] - int(chosen)]
        before, after = ids.split(pieces, dim=1)
        if after.shape[1] == 0 or before.shape[1] + after.shape[1] != ids.shape[1] or chosen.device.type == "meta":
            raise ValueError("these pieces are not the text's")
        return super().forward(torch.cat([before, after], dim=1).clone())


def test_made_up_numbers_where_activations_decide() -> None:
    architecture = read_model(ByNumbers())
    assert architecture.trace.rung in ("fake", "real")
    assert any("these pieces are not the text's" in note for note in architecture.trace.notes)
    assert architecture.stacks == read_model(PlainTransformer()).stacks


def test_experts_that_sort_their_tokens_are_run() -> None:
    architecture = read(transformers.AutoConfig.for_model("jetmoe", **_JETMOE))
    assert architecture.trace.rung == "real"
    assert architecture.trace.notes[0].startswith("it did not run without weights: RuntimeError: split_with_sizes")
    spec = architecture.block("L2.moe").spec
    assert isinstance(spec, MixtureOfExperts)
    assert (spec.experts.value, spec.top_k.value) == (4, 2)


def test_experts_that_are_looked_up_by_number_are_found() -> None:
    sizes = {"vocab_size": 101, "d_model": 32, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4}
    sparse = {"num_experts": 4, "d_kv": 8, "num_sparse_encoder_layers": 1, "num_sparse_decoder_layers": 1}
    architecture = read(transformers.AutoConfig.for_model("switch_transformers", **sizes, **sparse))
    assert architecture.trace.rung == "meta"
    assert "format" in architecture.trace.escapes


def test_a_model_of_any_size_fits_on_the_rung_with_numbers() -> None:
    with torch.device("meta"):
        model = ByNumbers(width=6144, heads=8, layers=40)
    architecture = read_model(model)
    assert architecture.trace.rung in ("fake", "real")
    assert architecture.params.total > 15e9
    assert isinstance(architecture.block("L39.attn").spec, Attention)


def test_a_matrix_that_would_not_fit_is_refused_in_words() -> None:
    class Refuses(ByNumbers):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            if isinstance(self.head.weight, torch.nn.Parameter) and type(ids) is not torch.Tensor:
                raise NotImplementedError("no fake tensors")
            return super().forward(ids)

    with torch.device("meta"):
        model = Refuses(width=4)
        model.wide = torch.nn.Linear(1 << 15, 1 << 14, bias=False)
    architecture = read_model(model)
    assert architecture.trace.rung == "tree"
    assert any("at most 1 GB to run with made-up numbers, got one of 2.0 GB" in n for n in architecture.trace.notes)


def test_activations_that_would_not_fit_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rungs, "Tracer", partial(Tracer, most_bytes=1 << 10))
    architecture = read(transformers.AutoConfig.for_model("jetmoe", **_JETMOE))
    assert architecture.trace.rung == "tree"
    assert any("activations take more than" in note for note in architecture.trace.notes)


@pytest.mark.parametrize("name", ["llama", "qwen3_next", "mixtral", "mamba2", "gpt2"])
def test_all_rungs_see_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_model(tiny(name))

    def only(rung: str) -> Any:
        def run(model: Any, fold: Any, inputs: Any, asked: Any, *, written_out: bool) -> Any:
            if asked != rung:
                raise RuntimeError("this rung is closed")
            return rungs.run(model, fold, inputs, asked, written_out=written_out)

        monkeypatch.setattr("glassblock.reader.tracing.observe.run", run)
        return read_model(tiny(name))

    for rung in ("fake", "real"):
        architecture = only(rung)
        assert architecture.trace.rung == rung
        assert [g.layers for s in architecture.stacks for g in s.groups] == [
            g.layers for s in expected.stacks for g in s.groups
        ]
        assert [(b.address, b.role, b.path, b.params) for b in architecture.blocks()] == [
            (b.address, b.role, b.path, b.params) for b in expected.blocks()
        ]


def test_reading_leaves_a_meta_model_as_it_was() -> None:
    with torch.device("meta"):
        model = PlainTransformer()
    read_model(model)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not any("forward" in vars(module) for module in model.modules())


def test_layers_of_stages_are_the_layers() -> None:
    config = transformers.SwinConfig(
        image_size=32, patch_size=2, embed_dim=16, depths=[2, 3], num_heads=[2, 4], window_size=4
    )
    config.architectures = ["SwinForImageClassification"]
    architecture = read(config)
    assert [layer.path for layer in architecture.layers()] == [
        f"swin.encoder.layers.{stage}.blocks.{layer}" for stage, depth in enumerate((2, 3)) for layer in range(depth)
    ]
    assert {block.role for layer in architecture.layers() for block in layer.blocks} == {"norm", "attention", "mlp"}


def test_parts_of_a_layer_are_no_layers_of_a_stage() -> None:
    config = transformers.MobileBertConfig(
        vocab_size=101, hidden_size=32, embedding_size=16, num_hidden_layers=2, num_feedforward_networks=3
    )
    config.architectures = ["MobileBertForMaskedLM"]
    assert [stack.n_layers for stack in read(config).stacks] == [2]
