"""Models with several stacks: all of them are read, with what is around each and what goes from one to another.

What is expected is read off the modeling code of transformers, `models/<name>/modeling_<name>.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, BertConfig, BertModel, DeepseekV4Config, DeepseekV4ForCausalLM

import glassblock as gb
from glassblock.ir import UNUSED, Architecture, Embedding


def read(model_type: str, **settings: Any) -> Architecture:
    return gb.unfold(AutoConfig.for_model(model_type, **settings)).architecture


@pytest.mark.parametrize(
    ("model_type", "cls", "stacks"),
    [
        ("t5", "T5ForConditionalGeneration", ["enc", "dec"]),
        ("bart", "BartForConditionalGeneration", ["enc", "dec"]),
        ("whisper", "WhisperForConditionalGeneration", ["enc", "dec"]),
        ("llava", "LlavaForConditionalGeneration", ["vision", "text"]),
        ("clip", "CLIPModel", ["vision", "text"]),
    ],
)
def test_a_configuration_alone_gives_the_class_that_uses_all_of_it(
    model_type: str, cls: str, stacks: list[str]
) -> None:
    architecture = read(model_type)
    assert architecture.cls == cls
    assert [stack.name for stack in architecture.stacks] == stacks


def test_every_decoder_layer_looks_at_the_encoder() -> None:
    architecture = read("t5")
    (edge,) = architecture.edges
    assert (edge.source, edge.target, edge.kind) == ("enc", "dec", "cross-attention")
    assert edge.shape == ("batch", "tokens", 512)
    for layer in architecture.stacks[-1].layers():
        assert [branch.context for branch in layer.branches] == [None, "enc", None]


def test_a_projector_is_a_block_on_the_edge_between_towers() -> None:
    architecture = read("llava")
    (edge,) = architecture.edges
    (projector,) = edge.via
    # LlavaMultiModalProjector: linear_1 1024 x 4096 and linear_2 4096 x 4096, each with a bias.
    assert projector.params == 1024 * 4096 + 4096 + 4096 * 4096 + 4096
    assert (edge.kind, projector.role, projector.path) == ("merge", "projector", "model.multi_modal_projector")
    assert architecture.block("projector") == projector


@pytest.mark.parametrize(
    ("model_type", "leaves", "used"),
    [
        ("llava", (22,), 23),  # vision_feature_layer -2: the stream before the last of 24 layers
        ("vipllava", (5, 13, 16, 19, 22), 23),  # vision_feature_layers [-2, -5, -8, -11, 6]
        ("llava_onevision", (25,), None),  # vision_feature_layer -1, before the last norm
        ("idefics3", (11,), None),  # last_hidden_state, after the last norm
    ],
)
def test_an_edge_says_after_which_layers_it_leaves_and_what_runs_for_nothing(
    model_type: str, leaves: tuple[int, ...], used: int | None
) -> None:
    architecture = read(model_type)
    (vision, _), (edge,) = architecture.stacks, architecture.edges
    assert edge.leaves == leaves
    assert (vision.used.value if vision.used else None) == used
    norm = next(block for block in vision.outputs if block.role == "norm")
    assert (UNUSED in norm.notes) == (model_type != "idefics3")
    assert architecture.stacks[-1].used is None
    words = str(gb.unfold(AutoConfig.for_model(model_type)))
    assert ("after L" in words) == ("L23 runs for nothing" in words) == (used is not None)


def test_what_early_layers_saw_is_added_between_the_layers_of_another_stack() -> None:
    # Qwen3VLVisionConfig.deepstack_visual_indexes [8, 16, 24]: `_deepstack_process` after text layers 0, 1 and 2
    edges = read("qwen3_vl", vision_config={"out_hidden_size": 4096}).edges
    assert [(edge.leaves, edge.enters) for edge in edges] == [((26,), ()), ((8,), (1,)), ((16,), (2,)), ((24,), (3,))]
    mergers = [f"model.visual.deepstack_merger_list.{n}" for n in range(3)]
    assert [block.path for edge in edges for block in edge.via] == ["model.visual.merger", *mergers]
    assert {edge.kind for edge in edges} == {"merge"}


def test_what_a_model_returns_besides_its_stream_has_blocks_too() -> None:
    pooler = gb.unfold(BertModel(BertConfig(num_hidden_layers=1))).architecture.outputs
    assert [(block.role, block.path, block.params) for block in pooler] == [
        ("projector", "pooler.dense", 768 * 768 + 768)  # BertPooler
    ]


def test_a_main_stack_that_feeds_another_one_has_its_head() -> None:
    # HrmTextForCausalLM: the slow module's layers run after the fast ones', whose next round reads what they made
    settings = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "vocab_size": 97}
    outputs = read("hrm_text", **settings).outputs
    assert [(block.role, block.path, block.params) for block in outputs[-1:]] == [("unembedding", "lm_head", 97 * 64)]


def test_what_summarises_many_tokens_is_seen_with_as_many() -> None:
    # DeepseekV4HCACompressor makes one key of 128 tokens: of a shorter text it makes none, and its projections idle
    config = DeepseekV4Config(num_hidden_layers=4)
    with torch.device("meta"):
        compressor = DeepseekV4ForCausalLM(config).model.layers[0].self_attn
    attention = gb.unfold(config).architecture.block("L0.attn")
    assert attention.path == "model.layers.0.self_attn"
    assert attention.params == sum(p.numel() for p in compressor.parameters())


def test_what_is_looked_at_may_be_made_by_several_towers() -> None:
    # MllamaVisionModel: the global layers' output beside those of `intermediate_layers_indices` [3, 7, 15, 23, 30]
    edges = {(edge.source, edge.target): edge for edge in read("mllama").edges}
    assert edges["vision", "vision1"].leaves == (31,)
    assert edges["vision1", "text"].leaves == (7,)
    assert edges["vision", "text"].leaves == (3, 7, 15, 23, 30)
    assert edges["vision", "text"].kind == "cross-attention"


@pytest.mark.parametrize(
    ("model_type", "where"),
    [
        ("llava", "config.text_config.max_position_embeddings"),
        ("qwen2_vl", "config.text_config.max_position_embeddings"),
        ("bart", "config.max_position_embeddings"),
    ],
)
def test_the_context_length_is_that_of_the_text_wherever_its_configuration_is(model_type: str, where: str) -> None:
    config = AutoConfig.for_model(model_type)
    context = gb.unfold(config).architecture.context
    assert context is not None
    assert (context.value, context.where) == (config.get_text_config().max_position_embeddings, where)


def test_towers_that_are_compared_have_no_edge_and_no_vocabulary() -> None:
    architecture = read("clip")
    assert architecture.edges == ()
    assert architecture.vocabulary is None
    vision = architecture.stacks[0]
    assert [block.address for block in vision.outputs] == ["vision.norm", "vision.head_proj"]
    assert [block.address for block in architecture.outputs] == ["norm", "head_proj"]
    patches = next(block.spec for block in vision.inputs if isinstance(block.spec, Embedding))
    assert (patches.of.value, patches.rows.value, patches.width.value) == ("patches", 3 * 32 * 32, 768)


def test_a_layer_that_runs_again_is_a_layer_each_time_and_counts_once() -> None:
    architecture = read("albert")
    (stack,) = architecture.stacks
    assert stack.n_layers == 12  # num_hidden_layers; num_hidden_groups 1
    assert {layer.path for layer in stack.layers()} == {"albert.encoder.albert_layer_groups.0.albert_layers.0"}
    attention = architecture.block("L7.attn")
    assert attention.shared is not None
    assert attention.shared.value == 12
    assert architecture.params.total < 12 * architecture.stacks[0].layer(0).params


def test_streams_side_by_side_are_counted() -> None:
    for model_type, streams in (("gemma3n_text", 4), ("deepseek_v4", 4)):  # altup_num_inputs, hc_mult
        (stack,) = read(model_type).stacks
        assert stack.streams is not None
        assert stack.streams.value == streams


def test_blocks_that_add_to_a_narrower_stream_within_a_layer() -> None:
    """MobileBERT, arXiv:2004.02984, table 1: attention and four feed-forward blocks in a bottleneck of 128 channels."""
    architecture = read("mobilebert", architectures=["MobileBertForMaskedLM"], num_hidden_layers=2)
    block = architecture.block("L0.bottleneck")
    assert [part.address.rpartition(".")[2] for part in block.parts] == ["attn", "mlp", "mlp2", "mlp3", "mlp4"]
    attention, *dense = (part.spec for part in block.parts)
    assert (attention.heads.value, attention.head_dim.value) == (4, 32)
    assert [(spec.hidden.value, spec.activation.value) for spec in dense] == [(512, "relu")] * 4
    # The table is joined with a part of its own for the channels that it lacks.
    assert architecture.block("unembed").spec.tied.value is True


def test_reversible_layers_read_one_stream_and_add_to_the_other() -> None:
    """Reformer, arXiv:2001.04451, section 3: y1 = x1 + attention(x2), y2 = x2 + feed-forward(y1)."""
    architecture = read("reformer", is_decoder=True, architectures=["ReformerModelWithLMHead"])
    (stack,) = architecture.stacks
    assert (stack.n_layers, stack.streams.value) == (6, 2)
    assert [(b.block, b.reads, b.add, b.pre_norm) for b in stack.layer(0).branches] == [
        ("L0.attn", 0, 1, "L0.norm1"),
        ("L0.mlp", 1, 2, "L0.norm2"),
    ]
    assert architecture.block("L0.attn").spec.heads.value == 12
