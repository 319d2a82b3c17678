"""What is inside blocks of each kind: expectations are read off the modeling code of transformers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from kinds import WIDTH, Attention, Dense, Layer, ListedExperts, Model
from torch import nn
from transformers import AutoConfig

from glassblock.ir import Architecture, Inside, Step
from glassblock.reader import read, read_model

SMALL: dict[str, dict[str, Any]] = {
    "llama": {"num_hidden_layers": 2, "num_key_value_heads": 8},
    "deepseek_v3": {"num_hidden_layers": 4},
    "qwen3_next": {"num_hidden_layers": 4},
    "recurrent_gemma": {"num_hidden_layers": 3},
    "whisper": {"architectures": ["WhisperForConditionalGeneration"], "encoder_layers": 2, "decoder_layers": 2},
    "t5": {"architectures": ["T5ForConditionalGeneration"]},
    "gemma3n_text": {},
    "mixtral": {"num_hidden_layers": 2, "num_local_experts": 8},
}


@cache
def model(kind: str) -> Architecture:
    return read(AutoConfig.for_model(kind, **SMALL.get(kind, {"num_hidden_layers": 2})))


def inside(kind: str, address: str) -> Inside:
    found = model(kind).block(address).inside
    assert found is not None
    return found


def wired(found: Inside) -> set[tuple[str, str]]:
    """Return which step hands to which, by their names."""
    return {(found.steps[wire.source].name, found.steps[wire.target].name) for wire in found.wires}


def names(found: Inside) -> list[str]:
    return [step.name for step in found.steps]


def step(found: Inside, name: str) -> Step:
    return next(step for step in found.steps if step.name == name)


def test_a_gated_feed_forward_block_multiplies_what_its_gate_made_with_what_goes_up() -> None:
    """`down_proj(act_fn(gate_proj(x)) * up_proj(x))`."""
    found = inside("llama", "L0.mlp")
    assert wired(found) == {
        ("input", "gate_proj"),
        ("gate_proj", "silu"),
        ("input", "up_proj"),
        ("silu", "multiply"),
        ("up_proj", "multiply"),
        ("multiply", "down_proj"),
        ("down_proj", "output"),
    }
    assert [(w.label, found.steps[w.source].name) for w in found.wires if w.label] == [("gate", "silu")]
    assert step(found, "gate_proj").taps == ("pre",)
    assert step(found, "up_proj").taps == ("pre_linear",)
    assert step(found, "multiply").taps == ("post",)
    assert step(found, "up_proj").shape == ("batch", "tokens", 11008)
    assert step(found, "down_proj").params == 11008 * 4096
    assert step(found, "down_proj").path == "model.layers.0.mlp.down_proj"


def test_attention_that_is_written_out_has_scores_softmax_and_mix() -> None:
    found = inside("llama", "L0.attn")
    kinds = [one.op for one in found.steps]
    assert kinds == [*["input"] * 3, *["linear"] * 3, *["rotary"] * 2, "scores", "softmax", "mix", "linear", "output"]
    assert {("q_proj", "rotary"), ("k_proj", "rotary"), ("v_proj", "mix"), ("softmax", "mix")} <= wired(found)
    assert {("rotary angles", "rotary"), ("mask", "scores")} <= wired(found)
    assert ("v_proj", "rotary") not in wired(found)
    assert step(found, "scores").shape == ("batch", 32, "tokens", "tokens")
    taps = {tap: one.name for one in found.steps for tap in one.taps}
    assert taps == {
        "q": "q_proj",
        "k": "k_proj",
        "v": "v_proj",
        "q_rot": "rotary",
        "k_rot": "rotary",
        "scores": "scores",
        "pattern": "softmax",
        "z": "mix",
    }


def test_torchs_own_kernel_is_one_step() -> None:
    """It keeps scores and pattern to itself, so nothing else was observed."""
    found = read_model(Model()).block("L0.attn").inside
    assert found is not None
    assert names(found) == ["input", "into", "split", "scaled dot-product attention", "out", "output"]
    labels = sorted(wire.label for wire in found.wires if wire.label)
    assert labels == ["k", "q", "v"]


def test_queries_keys_and_values_of_one_projection_are_cut_apart() -> None:
    """`query_states, key_states, value_states = self.c_attn(hidden_states).split(self.split_size, dim=2)`."""
    found = inside("gpt2", "L0.attn")
    cut = names(found).index("split")
    after = {(found.steps[w.target].name, w.label) for w in found.wires if w.source == cut}
    assert after == {("scores", "q"), ("scores", "k"), ("mix", "v")}
    assert {"q", "k", "v"} <= set(found.steps[cut].taps)


def test_latent_attention_has_both_bottlenecks_and_a_part_of_the_keys_that_is_rotated() -> None:
    """`kv_b_proj(kv_a_layernorm(compressed_kv))`, and `k_rot` straight from `kv_a_proj_with_mqa`."""
    found = inside("deepseek_v3", "L0.attn")
    assert {
        ("q_a_proj", "q_a_layernorm"),
        ("q_a_layernorm", "q_b_proj"),
        ("split", "kv_a_layernorm"),
        ("kv_a_layernorm", "kv_b_proj"),
        ("rotary", "join"),
        ("join", "scores"),
    } <= wired(found)
    assert ("input", "q_b_proj") not in wired(found)
    assert step(found, "q_a_layernorm").taps == ("q_latent",)
    assert step(found, "kv_a_layernorm").taps == ("kv_latent",)


def test_a_mixture_has_its_router_its_experts_and_the_shared_one_beside_them() -> None:
    """Sigmoid of the logits, then groups and the best eight; `shared_experts(residuals)` is added."""
    found = inside("deepseek_v3", "L3.moe")
    assert {
        ("input", "gate"),
        ("gate", "sigmoid"),
        ("sigmoid", "top 8"),
        ("top 8", "experts"),
        ("input", "experts"),
        ("experts", "add"),
        ("down_proj", "add"),
        ("add", "output"),
    } <= wired(found)
    assert step(found, "experts").params == 256 * 3 * 7168 * 2048
    assert step(found, "gate").taps == ("router_logits",)
    assert set(step(found, "top 8").taps) == {"indices", "weights"}


def test_softmax_before_the_choice_is_a_step_and_after_it_a_part_of_the_choice() -> None:
    """Mixtral's router is `softmax` then `topk`, gpt-oss's `topk` then `softmax` of what was chosen."""
    assert wired(inside("mixtral", "L0.moe")) >= {("gate", "softmax"), ("softmax", "top 2"), ("top 2", "experts")}
    assert wired(inside("gpt_oss", "L0.moe")) >= {("router", "top 4"), ("top 4", "experts")}
    assert "softmax" not in names(inside("gpt_oss", "L0.moe"))


def test_heads_are_no_tokens() -> None:
    """The model is read with seven tokens: seven heads stay a number."""
    sizes = {"hidden_size": 112, "intermediate_size": 48, "num_hidden_layers": 2}
    for heads, shared in ((7, 7), (14, 7)):
        given = AutoConfig.for_model("llama", num_attention_heads=heads, num_key_value_heads=shared, **sizes)
        found = read(given).block("L0.attn").inside
        assert found is not None
        assert step(found, "scores").shape == ("batch", heads, "tokens", "tokens")
        assert [one.shape[1] for one in found.steps if one.op == "rotary"] == [heads, shared]
        assert step(found, "o_proj").shape == ("batch", "tokens", 112)


def test_a_router_chooses_among_experts_and_not_among_tokens() -> None:
    """The model is read with seven tokens: eight experts are not those and a sink."""
    assert step(inside("mixtral", "L0.moe"), "softmax").shape == ("tokens", 8)
    assert step(inside("mixtral", "L0.attn"), "softmax").shape[-2:] == ("tokens", "tokens")


def test_experts_in_a_list_are_one_step() -> None:
    found = read_model(Model(feed=ListedExperts)).block("L0.moe").inside
    assert found is not None
    assert names(found) == ["input", "router", "softmax", "top 2", "experts", "output"]


def test_sinks_are_parameters_of_the_scores() -> None:
    """`combined_logits = torch.cat([attn_weights, sinks], dim=-1)`: one number for each of 64 heads."""
    found = step(inside("gpt_oss", "L0.attn"), "scores")
    assert found.params == 64


def test_cross_attention_takes_keys_and_values_from_the_other_stack() -> None:
    found = inside("whisper", "dec.L0.cross")
    other = "from another stack"
    assert {(other, "k_proj"), (other, "v_proj"), ("input", "q_proj")} <= wired(found)
    assert ("input", "k_proj") not in wired(found)


def test_a_learned_position_bias_goes_into_the_scores() -> None:
    found = inside("t5", "enc.L0.attn")
    assert ("relative_attention_bias", "scores") in wired(found)
    assert step(found, "relative_attention_bias").params == 32 * 8
    assert step(found, "relative_attention_bias").shape == (1, 8, "tokens", "tokens")
    assert "relative_attention_bias" not in names(inside("t5", "enc.L1.attn"))


def test_keys_of_another_layer_are_an_input() -> None:
    found = inside("gemma3n_text", "L20.attn")
    assert ("keys of another layer", "scores") in wired(found)
    assert ("values of another layer", "mix") in wired(found)


def test_mamba_projects_step_and_directions_from_what_it_convolved() -> None:
    """slow_forward: in_proj, conv1d, silu, x_proj, dt_proj, softplus, a scan for each token, silu of the gate."""
    found = inside("mamba", "L0.mixer")
    assert {
        ("in_proj", "split"),
        ("split", "conv1d"),
        ("conv1d", "silu"),
        ("silu", "x_proj"),
        ("dt_proj", "softplus"),
        ("softplus", "recurrence"),
        ("recurrence", "multiply"),
        ("multiply", "out_proj"),
    } <= wired(found)
    scan = step(found, "recurrence")
    assert scan.op == "recurrence"
    assert scan.params == 1536 * 16 + 1536  # A and D
    assert scan.folded > 40
    assert {"recurrence_out", "state"} <= set(scan.taps)


def test_mamba_2_cuts_what_it_convolved_into_values_and_directions() -> None:
    found = inside("mamba2", "L0.mixer")
    into = {w.label for w in found.wires if found.steps[w.target].name == "recurrence" and w.label}
    assert into == {"x", "B", "C"}
    assert ("split", "norm") in wired(found), "the norm is gated by a part of the projection"


def test_a_delta_rule_normalises_queries_and_keys_and_writes_with_beta() -> None:
    found = inside("qwen3_next", "L0.mixer")
    assert names(found).count("l2 norm") == 2
    assert {
        ("in_proj_ba", "split"),
        ("split", "sigmoid"),
        ("sigmoid", "recurrence"),
        ("softplus", "recurrence"),
        ("l2 norm", "recurrence"),
        ("recurrence", "norm"),
    } <= wired(found)
    assert step(found, "sigmoid").taps == ("beta",)


def test_rwkv_shifts_and_mixes_before_it_projects() -> None:
    found = inside("rwkv", "L0.mixer")
    assert {
        ("time_shift", "time_mix_key"),
        ("input", "time_mix_key"),
        ("time_mix_key", "key"),
        ("key", "recurrence"),
        ("value", "recurrence"),
        ("receptance", "sigmoid"),
    } <= wired(found)
    assert ("receptance", "recurrence") not in wired(found)


def test_a_real_gated_recurrence_decides_what_it_writes_and_how_it_fades() -> None:
    """`RecurrentGemmaRglru`: two gates of the convolved input, and a branch with a GELU beside them."""
    found = inside("recurrent_gemma", "L0.mixer")
    assert {
        ("linear_x", "conv_1d"),
        ("conv_1d", "input_gate"),
        ("conv_1d", "recurrent_gate"),
        ("multiply", "recurrence"),
        ("recurrence", "multiply"),
        ("linear_y", "gelu tanh"),
    } <= wired(found)
    assert step(found, "input_gate").params == 10 * 256 * 256 + 10 * 256


class Unknown(nn.Module):
    """Something without a name: a projection, a running maximum over tokens, a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 8), nn.Linear(8, WIDTH)
        self.spare = nn.LayerNorm(WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        self.spare(stream)
        result: torch.Tensor = self.out(self.into(stream).cummax(1).values)
        return result


def test_a_block_that_nobody_knows_is_drawn_by_its_operations() -> None:
    found = read_model(Model(feed=Unknown)).stacks[-1].layer(0).blocks[-1].inside
    assert found is not None
    used = [one for one in found.steps if not one.unused]
    assert [one.name for one in used] == ["input", "into", "cummax", "out", "output"]
    assert step(found, "cummax").op == "other"


def test_what_nothing_is_made_of_is_marked() -> None:
    found = read_model(Model(feed=Unknown)).stacks[-1].layer(0).blocks[-1].inside
    assert found is not None
    assert [(one.name, one.op, one.params) for one in found.steps if one.unused] == [("spare", "norm", 2 * WIDTH)]


class Idle(Dense):
    """Two projections, and one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.never = nn.Linear(3, 4)


def test_parameters_that_no_operation_used_are_a_step_of_their_own() -> None:
    found = read_model(Model(feed=Idle)).block("L0.mlp").inside
    assert found is not None
    assert step(found, "never") == Step("never", "other", "layers.0.feed.never", (), 16, unused=True)


class Shared(Layer):
    """A feed-forward block that is no module of its own."""

    def __init__(self) -> None:
        super().__init__(Attention, nn.Identity)
        self.up, self.down = nn.Linear(WIDTH, 40), nn.Linear(40, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = stream + self.mixer(self.norm_a(stream))
        result: torch.Tensor = stream + self.down(self.up(self.norm_b(stream)).relu())
        return result


def test_a_block_without_a_module_has_an_inside() -> None:
    plain = Model()
    plain.layers = nn.ModuleList([Shared() for _ in range(2)])
    found = read_model(plain).block("L0.mlp").inside
    assert found is not None
    assert names(found) == ["input", "up", "relu", "down", "output"]


def test_paths_are_those_of_the_layer_that_is_asked_for() -> None:
    layer = model("llama").stacks[-1].layer(1)
    found = next(block for block in layer.blocks if block.role == "mlp").inside
    assert found is not None
    assert step(found, "up_proj").path == "model.layers.1.mlp.up_proj"


def test_an_inside_is_text_for_a_terminal() -> None:
    lines = str(inside("llama", "L0.mlp")).splitlines()
    assert lines[4] == " 4 multiply  of 2 silu (gate), 3 up_proj  -> batch x tokens x 11008"


@pytest.mark.parametrize("address", ["L0.norm1", "embed"])
def test_norms_and_tables_have_no_inside(address: str) -> None:
    assert model("llama").block(address).inside is None
