"""What is read inside an attention, against the model's own eager attention, its modules and closed forms."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers
from kinds import Attention, Model
from matrix.zoo import case
from tiny_models import VOCABULARY, config, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import AddressError, TapError
from glassblock.live import Session
from glassblock.live.inside import script, turns

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))
PADDED = torch.ones_like(IDS).index_put_((torch.tensor(0), torch.arange(5)), torch.tensor(0))
NAMES = ["gpt2", "llama", "gemma2", "falcon", "falcon_new", "gpt_neox", "cohere", "olmo2", "mixtral", "deepseek_v3"]
NAMES += ["qwen3_next", "jamba", "gpt_oss"]
TAPS = ("q_rot", "k_rot", "v", "scores", "pattern", "z")


def attention_of(session: Session) -> str:
    """Return the address of the first attention."""
    return next(b.address for layer in session.architecture.layers() for b in layer.blocks if b.role == "attention")


def eager_pattern(name: str, model: nn.Module, **inputs: Any) -> Tensor:
    """Return the first attention's pattern as the eager code of the same model returns it."""
    auto: Any = transformers.AutoModelForCausalLM
    eager = auto.from_config(config(name), attn_implementation="eager").eval()
    eager.load_state_dict(model.state_dict())
    with torch.no_grad():
        every = eager(IDS, output_attentions=True, **inputs).attentions
    first: Tensor = next(pattern for pattern in every if pattern is not None)
    return first


@pytest.mark.parametrize(
    ("name", "implementation"),
    [(name, "eager") for name in NAMES] + [(name, "sdpa") for name in NAMES if name not in ("gemma2", "gpt_oss")],
)  # those two have a softcap and sinks, which torch's kernel does not know
@pytest.mark.parametrize("mask", [None, PADDED])
def test_the_pattern_is_that_of_eager_attention(name: str, implementation: str, mask: Tensor | None) -> None:
    auto: Any = transformers.AutoModelForCausalLM
    model = tiny(name)
    other = auto.from_config(config(name), attn_implementation=implementation).eval()
    other.load_state_dict(model.state_dict())
    inputs = {} if mask is None else {"attention_mask": mask}
    with gb.attach(other) as session:
        tap = f"{attention_of(session)}.pattern"
        pattern = session.cache(tap, prompt={"input_ids": IDS, **inputs})[tap]
    expected = eager_pattern(name, model, **inputs)
    seen = torch.ones_like(IDS, dtype=torch.bool) if mask is None else mask.bool()
    rows = seen[:, None, :, None].expand_as(expected)  # what padding looks at is nobody's business, and kernels differ
    assert torch.allclose(pattern[rows], expected[rows], atol=1e-6)


def test_the_pattern_of_a_model_in_double_precision() -> None:
    model = tiny("llama").double()
    with gb.attach(model) as session:
        pattern = session.cache("L0.attn.pattern", prompt=IDS)["L0.attn.pattern"]
    model.set_attn_implementation("eager")
    with torch.no_grad():
        expected = model(IDS, output_attentions=True).attentions[0]
    assert pattern.dtype == torch.float64
    torch.testing.assert_close(pattern, expected, rtol=1e-6, atol=1e-7)  # eager code takes its softmax in float32


_SIZES: dict[str, dict[str, Any]] = {
    "bloom": {"hidden_size": 32, "n_head": 4, "n_layer": 2},
    "gptj": {"n_embd": 32, "n_head": 4, "n_layer": 2, "rotary_dim": 4},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2},
    "codegen": {"n_embd": 32, "n_head": 4, "n_layer": 2, "rotary_dim": 4},
    "gpt_neo": {"hidden_size": 32, "num_heads": 4, "num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    "xglm": {"d_model": 32, "attention_heads": 4, "num_layers": 2, "ffn_dim": 48},
    "bert": {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48},
    "t5": {"d_model": 32, "num_heads": 4, "num_layers": 2, "d_kv": 8, "d_ff": 48},
    "bart": {
        "d_model": 32,
        **{f"{side}_{what}": 4 for side in ("encoder", "decoder") for what in ("layers", "attention_heads", "ffn_dim")},
    },
}
"""Models whose attention is code of their own, outside of transformers' registry, among others."""


@pytest.mark.parametrize("name", _SIZES)
def test_every_stack_of_models_with_attention_of_their_own(name: str) -> None:
    torch.manual_seed(0)
    settings = transformers.AutoConfig.for_model(name, vocab_size=VOCABULARY, **_SIZES[name])
    kinds = {"bert": "MaskedLM", "t5": "Seq2SeqLM", "bart": "Seq2SeqLM"}
    auto: Any = getattr(transformers, f"AutoModelFor{kinds.get(name, 'CausalLM')}")
    model = auto.from_config(settings, attn_implementation="eager").eval()
    both = name in ("t5", "bart")
    prompt = {"input_ids": IDS, "decoder_input_ids": IDS[:, :7]} if both else {"input_ids": IDS}
    with torch.no_grad():
        answer = model(**prompt, output_attentions=True)
    expected = {
        "dec.L1.attn": "decoder_attentions",
        "dec.L1.cross": "cross_attentions",
        "enc.L1.attn": "encoder_attentions",
    }
    with gb.attach(model) as session:
        for address, kept in (expected if both else {"L1.attn": "attentions"}).items():
            pattern = session.cache(f"{address}.pattern", prompt=prompt)[f"{address}.pattern"]
            assert torch.equal(pattern, answer[kept][1])


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_make_each_other(name: str) -> None:
    with gb.attach(tiny(name)) as session:
        address = attention_of(session)
        found = session.cache(*(f"{address}.{tap}" for tap in TAPS), prompt=IDS)
    q, k, v, scores, pattern, z = (found[f"{address}.{tap}"] for tap in TAPS)
    batch, tokens, heads, _ = q.shape
    assert pattern.shape == scores.shape == (batch, heads, tokens, tokens) == (2, heads, 12, 12)
    assert z.shape == (2, 12, heads, v.shape[-1])
    assert k.shape[:3] == v.shape[:3]
    every = v.repeat_interleave(heads // v.shape[2], 2)
    assert torch.allclose(torch.einsum("bhts,bshd->bthd", pattern, every), z, atol=1e-5)
    order = scores.masked_fill(pattern == 0, float("-inf")).softmax(-1) - pattern  # a sink takes its share of each row
    assert (order.abs().max() < 1e-5) == (name != "gpt_oss")


def test_queries_values_and_z_are_what_modules_make_and_take() -> None:
    model = tiny("gpt2")
    block = model.transformer.h[1].attn
    seen: dict[str, Tensor] = {}
    block.c_attn.register_forward_hook(lambda _, __, out: seen.update(qkv=out))
    block.c_proj.register_forward_pre_hook(lambda _, args: seen.update(z=args[0]))
    with gb.attach(model) as session:
        found = session.cache(*(f"L1.attn.{tap}" for tap in ("q_rot", "k_rot", "v", "z")), prompt=IDS)
    parts = (*seen["qkv"].chunk(3, -1), seen["z"])
    for tensor, expected in zip(found.values(), parts, strict=True):
        assert torch.equal(tensor.flatten(-2), expected)


def _fused(heads: int, parts: int, at: int) -> Any:
    """Heads of which each has its query, key and value side by side (GPT-NeoX), or its query and gate (Qwen3-Next)."""
    return lambda made: made.unflatten(-1, (heads, -1)).chunk(parts, -1)[at]


def _split(heads: int) -> Any:
    return lambda made: made.unflatten(-1, (heads, -1))


@pytest.mark.parametrize(
    ("name", "tap", "projection", "parted"),
    [
        ("llama", "q", "q_proj", _split(4)),
        ("llama", "k", "k_proj", _split(2)),
        ("gemma2", "k", "k_proj", _split(2)),
        ("cohere", "q", "q_proj", _split(4)),
        ("olmo2", "q", "q_proj", _split(4)),  # its norm is over all heads at once
        ("gpt_oss", "k", "k_proj", _split(2)),
        ("gpt_neox", "q", "query_key_value", _fused(4, 3, 0)),
        ("gpt_neox", "k", "query_key_value", _fused(4, 3, 1)),
        ("qwen3_next", "q", "q_proj", _fused(4, 2, 0)),
        # FalconAttention._split_heads with multi_query: all queries, one key, one value
        ("falcon", "q", "query_key_value", lambda made: made.unflatten(-1, (6, -1))[:, :, :4]),
        ("falcon", "k", "query_key_value", lambda made: made.unflatten(-1, (6, -1))[:, :, 4:5]),
    ],
)
def test_queries_and_keys_before_rotation(name: str, tap: str, projection: str, parted: Any) -> None:
    model = tiny(name)
    with gb.attach(model) as session:
        address = attention_of(session)
        module = model.get_submodule(session.architecture.block(address).path).get_submodule(projection)
        seen: list[Tensor] = []
        module.register_forward_hook(lambda _, __, out: seen.append(out))
        found = session.cache(f"{address}.{tap}", prompt=IDS)[f"{address}.{tap}"]
    assert torch.equal(found, parted(seen[0]))


class InPlace(Attention):
    """Turns its queries where they are."""

    def forward(self, stream: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.into(stream).chunk(3, -1))
        q.mul_(torch.arange(q.shape[-2])[:, None].cos())
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return result


def test_what_is_written_over_afterwards_is_read_as_it_was() -> None:
    model = Model(InPlace).eval()
    made: list[Tensor] = []
    first = next(module for module in model.modules() if isinstance(module, InPlace))
    first.into.register_forward_hook(lambda _, __, out: made.append(out.chunk(3, -1)[0].unflatten(-1, (2, -1)).clone()))
    with gb.attach(model) as session:
        read = session.cache("L0.attn.q", "L0.attn.q_rot", prompt=IDS % 50)
    assert torch.equal(read["L0.attn.q"], made[-1])
    assert torch.equal(read["L0.attn.q_rot"], made[-1] * torch.arange(12)[:, None, None].cos())


def test_what_no_single_projection_makes_is_said_not_to_be_there() -> None:
    with (
        gb.attach(tiny("deepseek_v3")) as session,
        pytest.raises(TapError, match="k is not made by one projection"),
    ):
        session.cache("L0.attn.k", prompt=IDS)


def test_nothing_of_the_model_changes() -> None:
    model = tiny("llama")
    with torch.no_grad():
        before = model(IDS).logits
    session = gb.attach(model)
    session.cache("L0.attn.pattern", "L1.attn.z", prompt=IDS)
    assert not session.frames
    with torch.no_grad():
        assert torch.equal(model(IDS).logits, before)
    session.detach()
    assert not any("forward" in vars(module) for module in model.modules())


def test_interventions_in_force_hold_in_what_is_read() -> None:
    model, cut = tiny("llama"), tiny("llama")
    nn.init.zeros_(cut.model.layers[0].mlp.down_proj.weight)
    with gb.attach(model) as session, gb.attach(cut) as other:
        session.ablate("L0.mlp")
        assert torch.equal(
            session.cache("L1.attn.pattern", prompt=IDS)["L1.attn.pattern"],
            other.cache("L1.attn.pattern", prompt=IDS)["L1.attn.pattern"],
        )


def test_names_of_transformer_lens() -> None:
    pairs = {name: name for name in ("q", "k", "v", "pattern", "z")}
    pairs |= {"rot_q": "q_rot", "rot_k": "k_rot", "attn_scores": "scores"}
    with gb.attach(tiny("llama")) as session:
        for theirs, ours in pairs.items():
            names = f"blocks.1.attn.hook_{theirs}", f"L1.attn.{ours}"
            found = session.cache(*names, prompt=IDS)
            assert torch.equal(found[names[0]], found[names[1]])


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("L0.attn.patern", TapError, "Nearest: pattern"),
        ("blocks.0.attn.hook_paternn", TapError, "Nearest: hook_pattern"),
        ("L0.mlp.pattern", TapError, "a tap of an mlp"),
        ("blocks.9.attn.hook_z", TapError, "a layer below 2"),
        ("L9.attn.z", AddressError, "L9.attn"),
        ("pattern", AddressError, "names nothing"),
    ],
)
def test_what_is_no_tap_is_said_to_be_none(name: str, error: type[Exception], words: str) -> None:
    with gb.attach(tiny("llama")) as session, pytest.raises(error, match=words):
        session.cache(name, prompt=IDS)


def test_a_block_that_is_a_part_of_its_layer_is_read_there() -> None:
    """The layer of the plain model has projections and no module of an attention; the pattern is its formula."""
    model: Any = tiny("plain")
    layer = model.blocks["block1"]
    normed: list[Tensor] = []
    layer["norm_a"].register_forward_hook(lambda _, __, out: normed.append(out))
    neurons: list[Tensor] = []
    layer["down"].register_forward_hook(lambda _, args, __: neurons.append(args[0]))
    with gb.attach(model) as session:
        read = session.cache("L1.attn.q", "L1.attn.pattern", "L1.mlp.post", "L1.mlp.pre", prompt=IDS)
    q, k = (layer[name](normed[-1]).unflatten(-1, (layer.heads, -1)).transpose(1, 2) for name in "qk")
    hidden = torch.ones(12, 12, dtype=torch.bool).tril().logical_not()
    pattern = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).masked_fill(hidden, float("-inf")).softmax(-1)
    assert torch.equal(read["L1.attn.q"], q.transpose(1, 2))
    assert torch.allclose(read["L1.attn.pattern"], pattern, atol=1e-6)
    assert torch.equal(read["L1.mlp.post"], neurons[-1])
    assert torch.equal(read["L1.mlp.pre"].relu(), neurons[-1])


def test_blocks_within_a_layer_that_is_watched_itself_are_read_beside_each_other() -> None:
    """BERT's attention is a module, its MLP is two modules of the layer: both at once, and an edit in one of them."""
    config = transformers.BertConfig(
        hidden_size=32, num_attention_heads=4, num_hidden_layers=2, intermediate_size=48, vocab_size=VOCABULARY
    )
    model = transformers.BertForMaskedLM(config).eval()
    cut = copy.deepcopy(model)
    nn.init.zeros_(cut.bert.encoder.layer[0].output.dense.weight[:, 3])
    kept: list[Tensor] = []
    model.bert.encoder.layer[0].output.dense.register_forward_hook(lambda _, args, __: kept.append(args[0]))
    names = "L0.attn.pattern", "L0.mlp.post", "L1.attn.pattern", "L1.mlp.pre"
    with gb.attach(model) as session, gb.attach(cut) as other:
        alone = {name: session.cache(name, prompt=IDS)[name] for name in names}
        for name, x in session.cache(*names, prompt=IDS).items():
            assert torch.equal(x, alone[name])
        assert torch.equal(alone["L0.mlp.post"], kept[-1])
        session.ablate("L0.mlp.N3", "L0.attn.H1")
        other.ablate("L0.attn.H1")
        ablated, expected_logits = session.run(IDS).logits, other.run(IDS).logits
        assert ablated is not None
        assert expected_logits is not None
        assert torch.allclose(ablated, expected_logits, atol=1e-6)
        found, expected = (each.cache("L0.attn.pattern", "L1.attn.pattern", prompt=IDS) for each in (session, other))
        for name, x in found.items():
            assert torch.allclose(x, expected[name], atol=1e-6)


def test_an_error_in_looking_does_not_reach_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("llama")
    ran: list[Tensor] = []
    model.register_forward_hook(lambda _, __, out: ran.append(out.logits))

    def broken(*_: Any) -> None:
        raise RuntimeError("lost")

    monkeypatch.setattr(script, "places", broken)
    with gb.attach(model) as session:
        session.run(IDS)
        with pytest.raises(TapError, match="it could not be read: RuntimeError: lost"):
            session.cache("L0.attn.z", prompt=IDS)
    assert torch.equal(ran[0], ran[-1])
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_cache_that_is_empty_yet_is_no_error() -> None:
    """MiniMax's first layers keep no keys; its cache cannot say how long it is before there are any."""
    chosen = case("minimax")
    with gb.attach(chosen.make(None)) as session:
        address = attention_of(session)
        pattern = session.cache(f"{address}.pattern", prompt=chosen.prompt())[f"{address}.pattern"]
    assert torch.allclose(pattern.sum(-1), torch.ones(pattern.shape[:-1]), atol=1e-5)


def test_kinds_of_calls_that_are_known_are_not_ever_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recurrence is of another kind for each length; what was forgotten is found out once more."""
    monkeypatch.setattr(turns, "KNOWN", 2)
    tap = "L0.mixer.x"
    with gb.attach(tiny("mamba2")) as session:
        first = [session.cache(tap, prompt=IDS[:, :length])[tap] for length in (4, 5, 6, 7)]
        assert [len(of._scripts) for of in session._engine.inside._of.values() if of.stand_in is not None] == [2]
        again = [session.cache(tap, prompt=IDS[:, :length])[tap] for length in (4, 5, 6, 7)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
