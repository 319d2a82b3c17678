"""Where taps are inside an attention: against modules' own outputs, eager attention's pattern, and closed forms."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from calls import blocks, decoded, record, seen
from matrix.shrunk import build, config_of
from tiny_models import CONFIGS, VOCABULARY, config
from torch import Tensor, nn

from glassblock.reader.attention.places import KEPT, attention_places
from glassblock.reader.branches.place import Missing
from glassblock.reader.tracing.watch import Watched

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))
NAMES = [name for name in CONFIGS if name not in ("mamba2", "zamba2", "qwen3_next_dense", "falcon_sequential")]


def places_of(call: Watched) -> Any:
    return attention_places(call.graph, call.source, call.output)


def eager(name: str, implementation: str = "eager") -> nn.Module:
    torch.manual_seed(0)
    auto: Any = transformers.AutoModelForCausalLM
    model: nn.Module = auto.from_config(config(name), attn_implementation=implementation).eval()
    return model


def first(model: nn.Module) -> str:
    return blocks(model, "attention")[0].path


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_make_each_other(name: str) -> None:
    model = eager(name)
    calls, answer = record(model, [first(model)], IDS, output_attentions=True)
    (call,) = calls.values()
    taps = seen(call, places_of(call))
    q, k, v, scores, pattern, z = (taps[tap] for tap in ("q_rot", "k_rot", "v", "scores", "pattern", "z"))
    heads, keys = q.shape[2], v.shape[1]
    assert q.shape[:3] == z.shape[:3] == (2, 12, heads)
    assert k.shape[:3] == v.shape[:3]
    assert torch.equal(pattern, next(p for p in answer.attentions if p is not None))
    assert scores.shape == pattern.shape == (2, heads, 12, keys)
    every = v.repeat_interleave(heads // v.shape[2], 2)
    assert torch.allclose(torch.einsum("bhts,bshd->bthd", pattern, every), z, atol=1e-6)
    products = torch.einsum("bthd,bshd->bhts", q, k.repeat_interleave(heads // k.shape[2], 2))
    if name not in ("gemma2", "falcon_sequential"):  # its scores are bounded by a tanh
        best = [x.masked_fill(pattern == 0, -1e9).argmax(-1) for x in (scores, products)]
        assert torch.equal(*best)


@pytest.mark.parametrize(
    ("name", "implementation"),
    [(name, "eager") for name in NAMES] + [(name, "sdpa") for name in NAMES if name not in ("gemma2", "gpt_oss")],
)  # those two have a softcap and sinks, which torch's kernel does not know
def test_a_decoded_token_has_what_it_has_in_the_whole_text(name: str, implementation: str) -> None:
    model = eager(name, implementation)
    paths = [block.path for block in blocks(model, "attention")]
    whole, step = record(model, paths, IDS)[0], decoded(model, paths, IDS)
    for path in paths:
        expected = seen(whole[path], places_of(whole[path]))
        taps = seen(step[path], places_of(step[path]))
        assert taps.keys() == expected.keys()
        assert {"q_rot", "k_rot", "v", "z"} <= taps.keys()
        for tap, tensor in taps.items():
            by_head = tap in ("scores", "pattern")
            last = expected[tap][:, :, -1:] if by_head else expected[tap][:, -tensor.shape[1] :]
            last = last[..., -tensor.shape[-1] :]  # a window's cache keeps no keys but those it shows
            assert torch.allclose(tensor, last, atol=1e-5), tap


def test_a_kernel_keeps_scores_and_pattern() -> None:
    model = eager("llama", "sdpa")
    (call,) = record(model, [first(model)], IDS)[0].values()
    places = places_of(call)
    assert places["scores"] is places["pattern"] is KEPT


@pytest.mark.parametrize("name", ["cohere", "olmo2", "qwen3_next"])
def test_queries_and_keys_after_their_norms(name: str) -> None:
    model = eager(name)
    path = first(model)
    made: dict[str, Tensor] = {}
    for tap in ("q", "k"):
        norm = model.get_submodule(f"{path}.{tap}_norm")
        norm.register_forward_hook(lambda _, __, out, tap=tap: made.update({f"{tap}_normed": out}))
    (call,) = record(model, [path], IDS)[0].values()
    taps = seen(call, places_of(call))
    for tap, expected in made.items():
        assert torch.equal(taps[tap].flatten(-2), expected.flatten(2))
    projected = model.get_submodule(f"{path}.k_proj")
    assert torch.equal(taps["k"].flatten(-2), projected(call.tensor(call.source)))


def test_an_output_gate_before_and_after_its_function() -> None:
    model = eager("qwen3_next")
    path = first(model)
    read: list[Tensor] = []
    model.get_submodule(f"{path}.o_proj").register_forward_pre_hook(lambda _, args: read.append(args[0]))
    (call,) = record(model, [path], IDS)[0].values()
    taps = seen(call, places_of(call))
    both = model.get_submodule(f"{path}.q_proj")(call.tensor(call.source)).unflatten(-1, (4, 2, 16))
    assert torch.equal(taps["q"], both[..., 0, :])
    assert torch.equal(taps["gate"], both[..., 1, :])
    assert torch.allclose(taps["gate_post"], both[..., 1, :].sigmoid())
    assert torch.allclose((taps["z"] * taps["gate_post"]).flatten(-2), read[0])


def test_latents_after_their_norms_and_keys_beside_them() -> None:
    model = eager("deepseek_v3")
    path = first(model)
    made: dict[str, Tensor] = {}
    for tap, norm in (("q_latent", "q_a_layernorm"), ("kv_latent", "kv_a_layernorm")):
        module = model.get_submodule(f"{path}.{norm}")
        module.register_forward_hook(lambda _, __, out, tap=tap: made.update({tap: out}))
    (call,) = record(model, [path], IDS)[0].values()
    places = places_of(call)
    taps, down = seen(call, places), model.get_submodule(f"{path}.kv_a_proj_with_mqa")
    for tap, expected in made.items():
        assert torch.equal(taps[tap], expected)
    assert torch.equal(taps["k_pe"], down(call.tensor(call.source))[..., 12:])
    assert isinstance(places["k"], Missing)


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_cross_attention_in_both_phases(kind: str) -> None:
    sizes: dict[str, Any] = {"t5": {"d_model": 32, "num_heads": 4, "num_layers": 2, "d_kv": 8, "d_ff": 48}}
    sides = [f"{side}_{what}" for side in ("encoder", "decoder") for what in ("layers", "attention_heads", "ffn_dim")]
    sizes["bart"] = {"d_model": 32, **dict.fromkeys(sides, 4)}
    torch.manual_seed(0)
    auto: Any = transformers.AutoModelForSeq2SeqLM
    settings = transformers.AutoConfig.for_model(kind, vocab_size=VOCABULARY, **sizes[kind])
    model = auto.from_config(settings, attn_implementation="eager").eval()
    path = next(block.path for block in blocks(model, "attention") if block.address.startswith("dec.L1.cross"))
    with torch.no_grad():
        whole = model(input_ids=IDS, decoder_input_ids=IDS[:, :7], output_attentions=True)
        start = model(input_ids=IDS, decoder_input_ids=IDS[:, :6], use_cache=True)
    encoded = transformers.modeling_outputs.BaseModelOutput(start.encoder_last_hidden_state)
    calls, _ = record(
        model, [path], encoder_outputs=encoded, decoder_input_ids=IDS[:, 6:7], past_key_values=start.past_key_values
    )
    taps = seen(calls[path], places_of(calls[path]))
    assert torch.allclose(taps["pattern"], whole.cross_attentions[1][:, :, -1:], atol=1e-6)
    assert taps["v"].shape == (2, 12, 4, 8)  # the encoder's tokens, kept from the first pass


def made_by(model: nn.Module, path: str) -> list[Tensor]:
    """Return a list that the output of a module is put into."""
    kept: list[Tensor] = []
    model.get_submodule(path).register_forward_hook(lambda _, __, out: kept.append(out))
    return kept


def split(heads: int) -> Any:
    return lambda made: made.unflatten(-1, (heads, -1))


@pytest.mark.parametrize("kind", ["mistral", "cohere2"])
def test_heads_that_are_packed_as_tokens_for_a_kernel(kind: str) -> None:
    """One token asks keys of a window: transformers folds the queries that share a key into the kernel's token axis."""
    model, eager = (build(config_of(kind), attention=which) for which in ("sdpa", "eager"))
    path = first(model)
    taps, plain = (
        seen(call, places_of(call)) for each in (model, eager) for call in decoded(each, [path], IDS).values()
    )
    for tap in ("q_rot", "z"):
        assert taps[tap].shape == (2, 1, 4, 8)
        assert torch.allclose(taps[tap], plain[tap], atol=1e-6)


CASES: list[tuple[str, str, str, Any]] = [
    # OpenAI GPT: c_attn makes queries, keys and values side by side
    ("openai-gpt", "k", "c_attn", lambda made: made.chunk(3, -1)[1].unflatten(-1, (4, -1))),
    # GPTBigCodeAttention with multi_query: all queries, one key, one value
    ("gpt_bigcode", "k", "c_attn", lambda made: made[..., 32:40].unsqueeze(2)),
    ("deberta-v2", "q", "query_proj", split(4)),
    ("deberta-v2", "k", "key_proj", split(4)),
    ("olmo2", "q", "q_proj", split(4)),
    ("olmo2", "k", "k_proj", split(2)),
    ("olmoe", "k", "k_proj", split(2)),
    ("llama4_text", "q", "q_proj", split(4)),  # rotated as complex numbers
    ("llama4_text", "k", "k_proj", split(2)),
    ("jetmoe", "k", "kv_proj", lambda made: made.chunk(2, -1)[0].unflatten(-1, (2, -1))),  # repeated side by side
]

PHASES = {"openai-gpt": ("prefill",), "deberta-v2": ("prefill",)}
"""Of those that keep no cache; all others decode, too."""


@pytest.mark.parametrize(
    ("kind", "tap", "projection", "parted", "phase"),
    [(*case, phase) for case in CASES for phase in PHASES.get(case[0], ("prefill", "decode"))],
)
def test_what_projections_make_however_it_is_laid_out(
    kind: str, tap: str, projection: str, parted: Any, phase: str
) -> None:
    model = build(config_of(kind), "MaskedLM" if kind == "deberta-v2" else "CausalLM")
    path = first(model)
    names = [name for name, _ in model.named_modules() if name.startswith(path) and name.endswith(projection)]
    kept = made_by(model, names[0])
    (call,) = (decoded(model, [path], IDS) if phase == "decode" else record(model, [path], IDS)[0]).values()
    assert torch.equal(seen(call, places_of(call))[tap], parted(kept[-1]))


@pytest.mark.parametrize(("tap", "at"), [("q", 0), ("k", 1)])
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_queries_and_keys_of_a_fused_projection_with_a_bias(tap: str, at: int, phase: str) -> None:
    model = eager("falcon_sequential", "sdpa")
    path = first(model)
    kept = made_by(model, f"{path}.query_key_value")
    (call,) = (decoded(model, [path], IDS) if phase == "decode" else record(model, [path], IDS)[0]).values()
    assert torch.equal(seen(call, places_of(call))[tap], kept[-1].unflatten(-1, (4, 3, 8))[..., at, :])


def test_keys_that_are_transposed_before_the_product() -> None:
    model = build(config_of("openai-gpt"))
    path = first(model)
    kept = made_by(model, f"{path}.c_attn")
    (call,) = record(model, [path], IDS)[0].values()
    taps = seen(call, places_of(call))
    q, k, v = (part.unflatten(-1, (4, -1)) for part in kept[0].chunk(3, -1))
    for tap, expected in {"q_rot": q, "k_rot": k, "v": v}.items():
        assert torch.equal(taps[tap], expected)


def test_keys_that_are_transposed_and_folded_into_the_batch() -> None:
    model = build(config_of("deberta-v2"), "MaskedLM")
    path = first(model)
    kept = {tap: made_by(model, f"{path}.self.{tap}_proj") for tap in ("query", "key", "value")}
    (call,) = record(model, [path], IDS)[0].values()
    taps = seen(call, places_of(call))
    q, k, v = (made[0].unflatten(-1, (4, -1)) for made in kept.values())
    assert torch.allclose(taps["k_rot"] * (8 * 3) ** 0.5, k, atol=1e-6)  # scaled before the product, for three scores
    assert torch.equal(taps["q_rot"], q)
    assert torch.equal(taps["v"], v)


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_keys_that_are_kept_once_for_each_query_are_shown_once(phase: str) -> None:
    model = eager("falcon_new", "sdpa")
    path = first(model)
    kept = made_by(model, f"{path}.query_key_value")
    (call,) = (decoded(model, [path], IDS) if phase == "decode" else record(model, [path], IDS)[0]).values()
    places = places_of(call)
    taps = seen(call, places)
    # FalconAttention._split_heads of the new architecture: in each group two queries, a key and a value
    made = torch.cat(kept, 1).unflatten(-1, (2, 4, 8))
    assert torch.equal(taps["v"], made[..., 3, :])
    assert taps["k_rot"].shape == (2, 12, 2, 8)
    every = places["k_rot"]
    for view in every.also:  # copies of the same numbers
        assert torch.equal(view(call.tensor(every.value)), taps["k_rot"])
    assert torch.equal(taps["k"], made[:, -taps["k"].shape[1] :, ..., 2, :])


def test_keys_of_another_pass_are_said_to_be_kept() -> None:
    settings = {"d_model": 32, "num_heads": 4, "num_layers": 2, "d_kv": 8, "d_ff": 48}
    auto: Any = transformers.AutoModelForSeq2SeqLM
    model = auto.from_config(transformers.AutoConfig.for_model("t5", vocab_size=VOCABULARY, **settings)).eval()
    path = next(block.path for block in blocks(model, "attention") if block.address.startswith("dec.L1.cross"))
    with torch.no_grad():
        start = model(input_ids=IDS, decoder_input_ids=IDS[:, :6], use_cache=True)
    encoded = transformers.modeling_outputs.BaseModelOutput(start.encoder_last_hidden_state)
    calls, _ = record(
        model, [path], encoder_outputs=encoded, decoder_input_ids=IDS[:, 6:7], past_key_values=start.past_key_values
    )
    assert places_of(calls[path])["k"] == Missing("its k was made in an earlier pass, and kept")


def test_no_shape_is_handed_out_that_is_not_documented() -> None:
    """As many heads as tokens, and as many texts: only what the operations did tells them apart."""
    ids = IDS[:, :4].repeat(2, 1)
    for kind in ("openai-gpt", "gpt_bigcode", "mistral"):
        model = build(config_of(kind))
        path = first(model)
        wide, square = (record(model, [path], each)[0][path] for each in (IDS[:1, :4], ids))
        expected, taps = (seen(call, places_of(call)) for call in (wide, square))
        assert {"q", "k", "q_rot", "k_rot", "v", "z"} <= taps.keys()
        for tap, tensor in taps.items():
            assert torch.allclose(tensor[:1], expected[tap], atol=1e-5), tap


SMALL: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
OTHERS: dict[str, dict[str, Any]] = {
    "mistral": {**SMALL, "num_key_value_heads": 2, "sliding_window": 5},  # sdpa sees heads that share a key as tokens
    "gpt_bigcode": {"n_embd": 32, "n_layer": 2, "n_head": 4},  # one key for all heads, without a dimension for it
}


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ["mistral", "gpt_bigcode"])
def test_layouts_of_other_kernels_while_decoding(name: str, implementation: str) -> None:
    torch.manual_seed(0)
    auto: Any = transformers.AutoModelForCausalLM
    settings = transformers.AutoConfig.for_model(name, vocab_size=VOCABULARY, **OTHERS[name])
    model = auto.from_config(settings, attn_implementation=implementation).eval()
    path = first(model)
    whole, step = record(model, [path], IDS)[0][path], decoded(model, [path], IDS)[path]
    expected, taps = seen(whole, places_of(whole)), seen(step, places_of(step))
    for tap in ("q", "k", "q_rot", "z"):
        assert taps[tap].shape[1] == 1
        assert torch.allclose(taps[tap], expected[tap][:, -1:], atol=1e-5), tap
    for tap in ("k_rot", "v"):
        assert torch.allclose(taps[tap], expected[tap][:, -taps[tap].shape[1] :], atol=1e-5), tap


def test_products_that_are_written_with_letters() -> None:
    torch.manual_seed(0)
    auto: Any = transformers.AutoModelForCausalLM
    settings = transformers.AutoConfig.for_model("xlnet", vocab_size=VOCABULARY, d_model=32, n_layer=2, n_head=4)
    model = auto.from_config(settings).eval()
    path = first(model)
    calls, _ = record(model, [path], IDS, output_attentions=True)
    taps = seen(calls[path], places_of(calls[path]))
    stream = calls[path].tensor(calls[path].source)  # its tokens come before its texts
    module: Any = model.get_submodule(path)
    for tap, weight in (("k_rot", module.k), ("v", module.v), ("q", module.q)):
        assert torch.allclose(taps[tap], torch.einsum("tbm,mhd->bthd", stream, weight), atol=1e-6)
    assert torch.allclose(torch.einsum("bhts,bshd->bthd", taps["pattern"], taps["v"]), taps["z"], atol=1e-6)


def test_what_is_made_for_each_of_several_softmaxes() -> None:
    """Differential attention makes one pattern twice, for two halves of the values: no single tensor is v or z."""
    model = build(config_of("diffllama"), attention="eager")
    path = first(model)
    kept = made_by(model, f"{path}.k_proj")
    calls, answer = record(model, [path], IDS, output_attentions=True)
    places = places_of(calls[path])
    taps = seen(calls[path], places)
    assert torch.equal(taps["pattern"], answer.attentions[0])
    for value in places["pattern"].again:
        assert torch.equal(calls[path].tensor(value), answer.attentions[0])
    assert torch.equal(taps["k"], kept[0].unflatten(-1, (2, -1)))
    assert all("in several parts" in places[tap].reason for tap in ("v", "z"))
