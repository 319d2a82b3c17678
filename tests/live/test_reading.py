"""What is read at the edges of blocks, against transformers' own outputs, plain hooks and sums."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from matrix.zoo import case
from tiny_models import VOCABULARY, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import AddressError, TapError

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))


def outputs(model: nn.Module, path: str) -> Tensor:
    """Return what a module returns on the ids."""
    kept: list[Any] = []
    handle = model.get_submodule(path).register_forward_hook(lambda _, __, out: kept.append(out))
    with torch.no_grad():
        model(IDS)
    handle.remove()
    out: Tensor = kept[-1][0] if isinstance(kept[-1], tuple) else kept[-1]
    return out


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "falcon", "gpt_neox", "cohere", "mixtral", "qwen3_next"])
def test_the_stream_is_what_transformers_calls_hidden_states(name: str) -> None:
    model = tiny(name)
    with torch.no_grad():
        states = model(IDS, output_hidden_states=True).hidden_states
    last = len(states) - 2
    names = [f"blocks.{layer}.hook_resid_pre" for layer in range(last + 1)]
    with gb.attach(model) as session:
        read = session.cache(*names, "blocks.0.hook_resid_post", "L0.out", "L1.in", prompt=IDS)
    for layer, tap in enumerate(names):
        assert torch.equal(read[tap], states[layer])
    assert torch.equal(read["blocks.0.hook_resid_post"], states[1])
    assert torch.equal(read["L0.out"], read["L1.in"])


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "mixtral"])
def test_a_layer_is_the_sum_of_its_branches(name: str) -> None:
    model = tiny(name)
    with gb.attach(model) as session:
        parts = ("hook_resid_pre", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post")
        before, attn, mid, mlp, after = session.cache(*(f"blocks.1.{part}" for part in parts), prompt=IDS).values()
    assert torch.equal(before + attn, mid)
    assert torch.equal(mid + mlp, after)


def test_edges_are_what_goes_into_modules_and_out_of_them() -> None:
    model = tiny("gemma2")
    layer = "model.layers.1"
    pairs = {
        "L1.attn.in": "input_layernorm",
        "L1.attn.raw": "self_attn",
        "L1.attn.out": "post_attention_layernorm",
        "blocks.1.ln2.hook_out": "pre_feedforward_layernorm",
        "blocks.1.ln2_post.hook_out": "post_feedforward_layernorm",
    }
    expected = {tap: outputs(model, f"{layer}.{path}") for tap, path in pairs.items()}
    with gb.attach(model) as session:
        read = session.cache(*pairs, "hook_embed", "unembed.hook_in", prompt=IDS)
    for tap, out in expected.items():
        assert torch.equal(read[tap], out)
    assert torch.equal(read["hook_embed"], outputs(model, "model.embed_tokens"))
    assert torch.equal(read["unembed.hook_in"], outputs(model, "model.norm"))


def test_a_stream_that_a_model_keeps_in_one_row_is_read_by_text() -> None:
    """OPT's layers work on (batch x tokens, channels) between their branches."""
    chosen = case("opt")
    model = chosen.make(None)
    with gb.attach(model) as session:
        names = "L1.in", "L1.attn.out", "L1.mid", "L1.mlp.out", "L1.out"
        before, attn, mid, mlp, after = session.cache(*names, prompt=chosen.prompt()).values()
    assert torch.equal(before + attn, mid)
    assert torch.equal(mid + mlp, after)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "qwen3_next"])
def test_results_of_heads_add_up_to_what_the_attention_puts_out(name: str) -> None:
    model = tiny(name)
    with gb.attach(model) as session:
        address = next(b.address for b in session.architecture.blocks() if b.role == "attention")
        read = session.cache(f"{address}.result", f"{address}.raw", prompt=IDS)
        path = session.architecture.block(address).port("z").path
    result, raw = read.values()
    bias = getattr(model.get_submodule(path), "bias", None)
    total = result.sum(2) + (0 if bias is None else bias)
    assert torch.allclose(total, raw, atol=1e-6)


def test_the_result_of_a_head_is_its_part_of_the_matrix() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        result, z = session.cache("L1.attn.result", "L1.attn.z", prompt=IDS).values()
    matrix = model.model.layers[1].self_attn.o_proj.weight
    by_head = matrix.unflatten(1, (4, -1)).permute(1, 2, 0)
    assert torch.allclose(result, torch.einsum("bthc,hcd->bthd", z, by_head), atol=1e-6)


def test_what_queries_are_made_of_is_the_same_for_each_head() -> None:
    names = "L0.attn.q_input", "blocks.0.hook_k_input", "L0.attn.in", "blocks.0.hook_resid_pre"
    with gb.attach(tiny("llama")) as session:
        q, theirs, given, stream = session.cache(*names, prompt=IDS).values()
    assert torch.equal(q, given.unsqueeze(2).expand(-1, -1, 4, -1))
    assert torch.equal(theirs, stream.unsqueeze(2).expand(-1, -1, 2, -1))  # TransformerLens means the stream


def test_behind_an_output_gate_is_what_the_projection_is_given() -> None:
    model = tiny("qwen3_next")
    with gb.attach(model) as session:
        address = next(b.address for b in session.architecture.blocks() if b.role == "attention")
        names = f"{address}.z", f"{address}.gate_post", f"{address}.z_gated"
        z, gate, behind = session.cache(*names, prompt=IDS).values()
        theirs = f"blocks.{address[1]}.attn.hook_z"
        assert torch.equal(session.cache(theirs, prompt=IDS)[theirs], behind)
    assert torch.allclose(z * gate, behind, atol=1e-6)
    assert not torch.allclose(z, behind, atol=1e-3)


@pytest.mark.parametrize("name", ["mixtral", "qwen3_next", "deepseek_v3", "gpt_oss"])
def test_experts_are_what_they_make_of_their_tokens(name: str) -> None:
    """Each expert's output at the router's weights adds up to what the experts put out together."""
    model = tiny(name)
    with gb.attach(model) as session:
        block = [block for block in session.architecture.blocks() if block.role == "moe"][-1]
        address, count = block.address, block.experts
        asked = [f"{address}.E{expert}.{tap}" for expert in range(count) for tap in ("in", "out")]
        asked += [f"{address}.{tap}" for tap in ("weights", "indices", "load")]
        read = session.cache(*asked, prompt=IDS)
        together = outputs(model, block.port("experts").path)
    weights, indices = (read[f"{address}.{tap}"].reshape(24, -1) for tap in ("weights", "indices"))
    load = read[f"{address}.load"]
    total = torch.zeros_like(together.reshape(24, -1))
    for expert in range(count):
        at = (indices == expert).any(-1)
        assert load[expert] == at.sum()
        assert len(read[f"{address}.E{expert}.in"]) == at.sum()
        chosen = weights if weights.shape == indices.shape else weights.gather(1, indices)
        share = torch.where(indices == expert, chosen, 0).sum(-1)[at, None]
        total[at] += share * read[f"{address}.E{expert}.out"]
    assert torch.allclose(total, together.reshape(24, -1), atol=1e-6)


def test_stacks_of_an_encoder_and_a_decoder() -> None:
    config = transformers.T5Config(d_model=32, num_heads=4, num_layers=2, d_kv=8, d_ff=48, vocab_size=VOCABULARY)
    model = transformers.T5ForConditionalGeneration(config).eval()
    inputs = {"input_ids": IDS, "decoder_input_ids": IDS[:, :5]}
    with torch.no_grad():
        expected = model(**inputs, output_hidden_states=True)
    with gb.attach(model) as session:
        names = "encoder_blocks.1.hook_resid_pre", "decoder_blocks.1.hook_resid_pre", "encoder_ln_final.hook_out"
        pattern = "decoder_blocks.1.cross_attn.hook_pattern"
        enc, dec, last, cross = session.cache(*names, pattern, prompt=inputs).values()
    assert torch.equal(enc, expected.encoder_hidden_states[1])
    assert torch.equal(dec, expected.decoder_hidden_states[1])
    assert torch.equal(last, expected.encoder_last_hidden_state)
    assert cross.shape == (2, 4, 5, 12)


@pytest.mark.parametrize(
    ("name", "tap", "error", "words"),
    [
        ("llama", "blocks.0.hook_resid_mid2", TapError, "2 branches"),
        ("gpt_neox", "blocks.0.hook_resid_mid", TapError, "does not read what its branches before it made"),
        ("llama", "blocks.0.ln1_post.hook_out", TapError, "no such one"),
        ("llama", "blocks.0.hook_resid_prr", TapError, "Nearest: hook_resid_pre"),
        ("llama", "blocks.0.linear_attn.hook_beta", TapError, "L0 has none"),
        ("llama", "hook_embedd", TapError, "Nearest: hook_embed"),
        ("llama", "L0.router_logits", TapError, r"a tap of a layer \(in, mid, mid2, out\)"),
        ("llama", "L0.attn.H1.z", AddressError, "before the tap"),
        ("mixtral", "L0.moe.E9.in", AddressError, "E9"),
    ],
)
def test_what_is_not_there_is_said(name: str, tap: str, error: type[Exception], words: str) -> None:
    with gb.attach(tiny(name)) as session, pytest.raises(error, match=words):
        session.cache(tap, prompt=IDS)


def test_what_is_watched_is_in_the_frame_of_every_pass() -> None:
    """In prefill and decode, in passes that the user's own code starts."""
    model = tiny("llama")
    with gb.attach(model) as session:
        session.watch("L1.attn.pattern", "blocks.0.mlp.hook_post")
        ids = model.generate(IDS, max_new_tokens=3, do_sample=False)
        frames = list(session.frames)
        session.watch()
        with torch.no_grad():
            model(IDS)
        assert not session.frames[-1].inside
        whole = session.cache("L1.attn.pattern", "L0.mlp.post", prompt=ids[:, :-1])
    assert [frame.inside["L1.attn.pattern"].shape for frame in frames] == [(2, 4, 12, 12), (2, 4, 1, 13), (2, 4, 1, 14)]
    for frame in frames:
        at = slice(frame.first, frame.first + frame.positions)
        pattern = whole["L1.attn.pattern"][:, :, at, : at.stop]
        assert torch.allclose(frame.inside["L1.attn.pattern"], pattern, atol=1e-6)
        assert torch.allclose(frame.inside["blocks.0.mlp.hook_post"], whole["L0.mlp.post"][:, at], atol=1e-6)


def test_the_load_of_experts_is_streamed() -> None:
    model = tiny("mixtral")
    with gb.attach(model) as session:
        session.watch("L0.moe.load")
        session.run(IDS)
        assert session.frames[-1].inside["L0.moe.load"].sum() == IDS.numel() * 2  # two experts for each token


def test_what_passes_between_blocks_is_not_watched() -> None:
    with gb.attach(tiny("llama")) as session, pytest.raises(TapError, match=r"session\.cache"):
        session.watch("L0.attn.out")
