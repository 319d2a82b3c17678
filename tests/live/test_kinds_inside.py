"""Kinds that act inside of blocks: cut edges against masks made by hand, taps against hooks on projections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hands import HEADS, IDS, NAMES, OTHER, by_hand, decode, only, padded, prefill, seen_by_hand, t5
from matrix.shrunk import build, config_of
from tiny_models import WIDTH, tiny
from torch import Tensor, nn

import glassblock as gb

HEAD = WIDTH // HEADS
FORWARDS = (prefill, decode, padded)
CAUSAL = ("gpt2", "llama", "olmo2", "mixtral")


@contextmanager
def masked(module: nn.Module, columns: set[int], rows: set[int], heads: set[int]) -> Iterator[None]:
    """Give an attention a mask that is made by hand: causal, with some edges cut."""
    seen = 0

    def before(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        nonlocal seen
        x = args[0] if args else kwargs["hidden_states"]
        start = 0 if x.shape[1] == IDS.shape[1] else seen
        seen = start + x.shape[1]
        mask = torch.zeros(x.shape[0], HEADS, x.shape[1], seen)
        for row, position in enumerate(range(start, seen)):
            mask[:, :, row, position + 1 :] = -torch.inf
            for head in heads:
                for column in columns:
                    if position in rows:
                        mask[:, head, row, column] = -torch.inf
        return args, {**kwargs, "attention_mask": mask}

    handle = module.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize("forward", [prefill, decode])
@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("name", CAUSAL)
def test_cut_edges_of_a_head(name: str, kernel: str, forward: Any) -> None:
    model = tiny(name)
    model.set_attn_implementation(kernel)
    module = model.get_submodule(NAMES[name].attention.format(1) if name != "olmo2" else "model.layers.1.self_attn")
    before = forward(model)
    with masked(module, set(), set(), set()):
        torch.testing.assert_close(forward(model), before, rtol=1e-4, atol=1e-5)
    with masked(module, {0, 3}, {4, 5, 11, 13}, {2}):
        expected = forward(model)
    with gb.attach(model) as session:
        session.ablate("L1.attn.H2", how=gb.Cut(from_tokens=[0, 3], to_tokens=[4, 5, 11, 13]))
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)
        session.restore()
        assert torch.equal(forward(model), before)
    assert not torch.allclose(expected, before, rtol=1e-4, atol=1e-6)


def test_cut_edges_of_all_heads_and_of_those_of_a_key_value_head() -> None:
    model = tiny("llama")
    module = model.model.layers[0].self_attn
    for address, heads in (("L0.attn", {0, 1, 2, 3}), ("L0.attn.KV1", {2, 3})):
        with masked(module, {1, 2}, set(range(6, 12)), heads):
            expected = prefill(model)
        with gb.attach(model) as session:
            session.ablate(address, how=gb.Cut(slice(1, 3), slice(6, None)))
            torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize(("address", "heads"), [("L0.attn", {0, 1, 2, 3}), ("L0.attn.H1", {1})])
def test_cut_edges_of_an_attention_with_several_softmaxes(address: str, heads: set[int], kernel: str) -> None:
    """Differential attention weighs each half of the values by the same pattern, with torch's kernel in two calls."""
    model = build(config_of("diffllama"), attention=kernel)
    before = prefill(model)
    with masked(model.model.layers[0].self_attn, {1, 2}, set(range(4, 12)), heads):
        expected = prefill(model)
    with gb.attach(model) as session:
        session.ablate(address, how=gb.Cut(slice(1, 3), slice(4, None)))
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(expected, before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("tap", "path"), [("q_rot", "q_proj"), ("k_rot", "k_proj"), ("v", "v_proj"), ("z", "o_proj")])
@pytest.mark.parametrize("kind", ["mistral", "cohere2"])
def test_taps_whose_heads_are_packed_as_tokens(kind: str, tap: str, path: str) -> None:
    """One token with a window's cache: what is linear from a projection on may be halved there or here."""
    model = build(config_of(kind, sliding_window=64), attention="sdpa")
    with by_hand(model.model.layers[0].self_attn.get_submodule(path), lambda x, _: 0.5 * x):
        expected = decode(model)
    with gb.attach(model) as session:
        session.ablate(f"L0.attn.{tap}", how=gb.Scale(0.5))
        torch.testing.assert_close(decode(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("forward", [prefill, decode, padded])
@pytest.mark.parametrize(("tap", "path"), [("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj")])
def test_taps_of_an_attention_are_its_projections(tap: str, path: str, forward: Any) -> None:
    model = tiny("llama")
    with by_hand(model.model.layers[1].self_attn.get_submodule(path), lambda x, _: 0.5 * x):
        expected = forward(model)
    with gb.attach(model) as session:
        session.ablate(f"L1.attn.{tap}", how=gb.Scale(0.5))
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", ["mean", gb.Resample(prompt=OTHER), "freeze", gb.Resample(row=1)])
def test_values_for_taps_come_from_passes_of_the_model(how: Any) -> None:
    model = tiny("llama")
    module = model.model.layers[1].self_attn.q_proj
    other = seen_by_hand(model, module, OTHER)

    def edit(x: Tensor, _: range) -> Tensor:
        if how == "mean":
            return other[0].mean(0).expand_as(x)
        if how == gb.Resample(row=1):
            return x[1:2].expand_as(x)
        return torch.cat((other.expand(2, -1, -1), x[:, 7:]), 1)

    with by_hand(module, only(edit, 2, 8)):
        expected = prefill(model)
    with gb.attach(model, reference=[OTHER]) as session:
        session.run(OTHER)
        session.ablate("blocks.1.attn.hook_q", how=how, positions=[2, 8])
        assert [item.address for item in session.interventions] == ["L1.attn.q"]
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize(
    ("name", "path", "into"),
    [
        ("L1.norm1.out", "model.layers.1.post_attention_layernorm", False),
        ("blocks.1.hook_resid_pre", "model.layers.1", True),
        ("blocks.0.hook_resid_post", "model.layers.0", False),
        ("norm.out", "model.norm", False),
    ],
)
def test_streams_and_norms_are_edited_where_they_are(name: str, path: str, into: bool, forward: Any) -> None:
    model = tiny("olmo2")
    module, vector = model.get_submodule(path), torch.linspace(-2, 2, WIDTH)
    mean = seen_by_hand(model, module, OTHER, into=into)[0].mean(0)
    before = forward(model)
    with by_hand(module, only(lambda x, _: x + vector, 4, 12), into=into):
        steered = forward(model)
    with by_hand(module, lambda x, _: mean.expand_as(x).clone(), into=into):
        replaced = forward(model)
    assert not torch.allclose(steered, before, rtol=1e-3, atol=1e-3)
    with gb.attach(model, reference=[OTHER]) as session:
        session.ablate("L0.mlp", how="mean")  # means are taken before anybody asks for this one
        session.restore()
        session.ablate(name, how=gb.Add(vector), positions=[4, 12])
        torch.testing.assert_close(forward(model), steered, rtol=1e-4, atol=1e-5)
        session.restore()
        session.ablate(name, how="mean")
        torch.testing.assert_close(forward(model), replaced, rtol=1e-4, atol=1e-5)
        session.restore()
        assert torch.equal(forward(model), before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_embedding_of_an_encoder_is_edited() -> None:
    model = t5()
    with by_hand(model.encoder.embed_tokens, lambda x, _: 0 * x), torch.no_grad():
        expected = model(input_ids=IDS, decoder_input_ids=OTHER.expand(2, -1)).logits
    with gb.attach(model) as session, torch.no_grad():
        session.ablate("enc.embed")
        found = model(input_ids=IDS, decoder_input_ids=OTHER.expand(2, -1)).logits
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_frozen_pattern_keeps_what_was_looked_at() -> None:
    """With the pattern of another prompt the attention mixes this prompt's values by that prompt's weights."""
    model = tiny("gpt2")
    model.set_attn_implementation("eager")
    shorter = IDS[:, :7]
    seen: list[Tensor] = []
    attention = model.transformer.h[1].attn
    handle = attention.register_forward_hook(lambda _, __, out: seen.append(out[1]))
    model(OTHER)
    handle.remove()

    def mixed(_: Tensor, positions: range) -> Tensor:
        v: Tensor = attention.c_attn(given[-1])[..., 2 * WIDTH :]
        return (seen[0] @ v.reshape(*v.shape[:-1], HEADS, HEAD).transpose(1, 2)).transpose(1, 2).flatten(-2)

    given: list[Tensor] = []
    keep = attention.c_attn.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    with by_hand(attention.c_proj, mixed, into=True, prompt=7), torch.no_grad():
        expected = model(shorter).logits
    keep.remove()
    with gb.attach(model) as session:
        session.run(OTHER)
        session.ablate("L1.attn.pattern", how="freeze")
        with torch.no_grad():
            torch.testing.assert_close(model(shorter).logits, expected, rtol=1e-4, atol=1e-5)


def test_scores_stay_masked_whatever_is_done_to_them() -> None:
    """Scores of zero: each token looks alike at all before it, and at none after it."""
    model = tiny("llama")
    attention = model.model.layers[0].self_attn
    given: list[Tensor] = []
    keep = attention.v_proj.register_forward_hook(lambda _, __, out: given.append(out))

    def mixed(x: Tensor, _: range) -> Tensor:
        v = given[-1].reshape(*x.shape[:2], 2, HEAD).transpose(1, 2).repeat_interleave(2, 1)
        even = torch.ones(x.shape[1], x.shape[1]).tril()
        even = even / even.sum(-1, keepdim=True)
        return (even @ v).transpose(1, 2).flatten(-2)

    with by_hand(attention.o_proj, mixed, into=True):
        expected = prefill(model)
    keep.remove()
    with gb.attach(model) as session:
        session.ablate("L0.attn.scores")
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


def test_encoder_and_decoder_count_their_own_positions() -> None:
    model = t5()
    words, said = IDS, IDS[:, 4:8]

    def stepwise() -> Tensor:
        with torch.no_grad():
            out = model(input_ids=words, decoder_input_ids=said, use_cache=True)
            logits = [out.logits]
            for token in range(3):
                ids = torch.full((2, 1), 20 + token)
                out = model(
                    encoder_outputs=(out.encoder_last_hidden_state,),
                    decoder_input_ids=ids,
                    past_key_values=out.past_key_values,
                    use_cache=True,
                )
                logits.append(out.logits)
        return torch.cat(logits, 1)

    def shift(x: Tensor, _: range) -> Tensor:
        return x + 1.5

    before = stepwise()
    encoder, decoder = model.encoder.block[0].layer[1].DenseReluDense, model.decoder.block[1].layer[1]
    with by_hand(encoder, only(shift, 3, 9)), by_hand(decoder.EncDecAttention, only(shift, 1, 5), prompt=4):
        expected = stepwise()
    assert not torch.allclose(expected, before, rtol=1e-3, atol=1e-3)
    with gb.attach(model) as session:
        session.ablate("enc.L0.mlp", how=gb.Add([1.5] * WIDTH), positions=[3, 9])
        session.ablate("dec.L1.cross", how=gb.Add([1.5] * WIDTH), positions=[1, 5])
        torch.testing.assert_close(stepwise(), expected, rtol=1e-4, atol=1e-5)
        session.restore()
        session.ablate("enc.L1", "dec.L2", how="skip")
        skipped = stepwise()
        session.restore()
        assert torch.equal(stepwise(), before)
    del model.encoder.block[1], model.decoder.block[2]
    torch.testing.assert_close(skipped, stepwise(), rtol=1e-4, atol=1e-5)


def test_heads_of_an_encoder_and_of_cross_attention_equal_zeroed_weights() -> None:
    model, surgery = t5(), t5()
    with torch.no_grad():
        surgery.encoder.block[1].layer[0].SelfAttention.o.weight[:, HEAD : 2 * HEAD] = 0
        surgery.decoder.block[2].layer[1].EncDecAttention.o.weight[:, 3 * HEAD :] = 0
        expected = surgery(input_ids=IDS, decoder_input_ids=IDS[:, :5]).logits
    with gb.attach(model) as session, torch.no_grad():
        session.ablate("enc.L1.attn.H1", "dec.L2.cross.H3")
        torch.testing.assert_close(model(input_ids=IDS, decoder_input_ids=IDS[:, :5]).logits, expected)
