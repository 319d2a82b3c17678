"""The architectures of the conformance matrix, and where in each of them things are.

What stands in a `Place` was found by reading modeling code: an oracle must not ask the code under test where a block
is. Weights are random, widths differ where they can, windows are shorter than the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from kinds import Dense, ListedExperts
from kinds import Model as Kind
from matrix.shrunk import VOCABULARY, build, config_of, stirred
from plain_zoo import Looped, SideBySide, SplitAttention, Uncalled
from tiny_models import CONFIGS, PlainTransformer, config
from torch import Tensor, nn

BATCH, TOKENS = 2, 12
FEW = 50
"""Token ids that every model here has, plain ones too."""


@dataclass(frozen=True)
class Place:
    """A block of a model, by what its modeling code says.

    Attributes
    ----------
    address
        What Glassblock calls it.
    adds
        The module whose output (the first of a tuple) is added to the stream.
    takes
        The projection that makes it: heads, or neurons, stand side by side in its input. Empty where there is none.
    heads
        How many; 0 where ``takes`` has neurons, or heads are not told apart.
    experts
        The module with the experts' stacked parameters, expert first.
    attends
        The module that is given the mask, where it is not the one around ``takes``.
    """

    address: str
    adds: str
    takes: str = ""
    heads: int = 0
    experts: str = ""
    attends: str = ""


@dataclass(frozen=True)
class Case:
    """An architecture of the matrix.

    Attributes
    ----------
    name
        In the table.
    words
        What is special about it.
    make
        From an attention implementation (None: its own choice) to a model.
    places
        Blocks with an oracle.
    layers
        The list of layers of the (last) stack, and how many of them; empty where a layer is no module.
    inputs
        ``tokens``; ``both`` (encoder and decoder), ``pixels``; ``plain`` for one tensor of ids and nothing else.
    caches
        Whether it decodes with a cache.
    chosen
        Whether the attention implementation can be chosen.
    heads, kv_heads
        Of its attentions; 0 and None where there are none, or not one number.
    keeps_state
        Whether modules keep what others keep in the cache, so that a cache has to be given.
    has
        Taps that it must have beside those that every block of their kind has: ``attn.q_normed``.
    without
        Taps (or parts) that it cannot have, and why.
    """

    name: str
    words: str
    make: Callable[[str | None], Any]
    places: tuple[Place, ...] = ()
    layers: str = ""
    inputs: str = "tokens"
    caches: bool = True
    chosen: bool = True
    heads: int = 4
    kv_heads: int | None = 4
    keeps_state: bool = False
    has: tuple[str, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict)

    def prompt(self) -> dict[str, Tensor]:
        """Return what the model takes."""
        ids = torch.randint(3, FEW, (BATCH, TOKENS), generator=torch.Generator().manual_seed(7))
        if self.inputs == "pixels":
            return {"pixel_values": torch.randn(BATCH, 3, 32, 32, generator=torch.Generator().manual_seed(7))}
        if self.inputs == "both":
            return {"input_ids": ids, "decoder_input_ids": ids[:, 3:]}
        return {"input_ids": ids}


def call(model: Any, inputs: Mapping[str, Any]) -> Any:
    """Call a model without gradients; ids go by position, because a plain module names them as it likes."""
    with torch.no_grad():
        if set(inputs) == {"input_ids"}:
            return model(inputs["input_ids"])
        return model(**inputs)


def logits(output: Any) -> Tensor:
    """Return the logits of what a model returned."""
    found: Tensor = output if isinstance(output, Tensor) else output.logits
    return found


def _of(name: str, kind: str, words: str, auto: str = "CausalLM", **given: Any) -> Case:
    """Return a case of transformers: a model type made small, or one of the tiny models that all tests share."""
    settings = {key: given.pop(key) for key in list(given) if key not in Case.__dataclass_fields__}
    made = partial(config, name) if name in CONFIGS else partial(config_of, kind, **settings)

    def make(attention: str | None = None) -> Any:
        return build(made(), auto, attention)

    return Case(name, words, make, **given)


def _plain(name: str, words: str, cls: Callable[[], nn.Module], **given: Any) -> Case:
    def make(attention: str | None = None) -> Any:
        torch.manual_seed(0)
        return stirred(cls()).eval()

    return Case(name, words, make, inputs="plain", caches=False, chosen=False, **given)


def _pair(
    at: str,
    attn: str,
    out: str,
    mlp: str,
    down: str,
    *,
    heads: int = 4,
    first: str = "attn",
    second: str = "mlp",
    attends: str = "",
) -> tuple[Place, ...]:
    """Return the two blocks of layer 0."""
    return (
        Place(
            f"L0.{first}",
            f"{at}.0.{attn}",
            f"{at}.0.{out}" if out else "",
            heads,
            "",
            f"{at}.0.{attends}" if attends else "",
        ),
        Place(f"L0.{second}", f"{at}.0.{mlp}", f"{at}.0.{down}" if down else ""),
    )


def _moe(at: str, attn: str, out: str, moe: str, experts: str, *, first: str = "attn", heads: int = 4) -> Any:
    """Return the two blocks of layer 0, where the second has experts."""
    places = _pair(at, attn, out, moe, "", first=first, second="moe", heads=heads)
    return (places[0], Place("L0.moe", f"{at}.0.{moe}", experts=f"{at}.0.{experts}"))


_LLAMA = ("self_attn", "self_attn.o_proj", "mlp", "mlp.down_proj")
_AT = "model.layers"
_GPT2: dict[str, Any] = {
    "places": _pair("transformer.h", "attn", "attn.c_proj", "mlp", "mlp.c_proj"),
    "layers": "transformer.h",
}
_FALCON: dict[str, Any] = {
    "places": _pair("transformer.h", "self_attention", "self_attention.dense", "mlp", "mlp.dense_4h_to_h"),
    "layers": "transformer.h",
}
_LIKE_LLAMA: dict[str, Any] = {"places": _pair(_AT, *_LLAMA), "layers": _AT, "kv_heads": 2}
_GPTJ: dict[str, Any] = {
    "places": _pair("transformer.h", "attn", "attn.out_proj", "mlp", "mlp.fc_out"),
    "layers": "transformer.h",
}
_SANDWICH: dict[str, Any] = {
    "places": _pair(_AT, "post_attention_layernorm", "self_attn.o_proj", "post_feedforward_layernorm", "mlp.down_proj"),
    "layers": _AT,
    "kv_heads": 2,
}
_MIXTURE: dict[str, Any] = {"places": _moe(_AT, "self_attn", "self_attn.o_proj", "mlp", "mlp.experts"), "layers": _AT}
_DELTA: dict[str, Any] = {
    "places": (
        Place("L0.mixer", f"{_AT}.0.linear_attn", f"{_AT}.0.linear_attn.out_proj", 4),
        Place("L3.attn", f"{_AT}.3.self_attn", f"{_AT}.3.self_attn.o_proj", 4),
        Place("L0.moe", f"{_AT}.0.mlp", experts=f"{_AT}.0.mlp.experts"),
    ),
    "layers": _AT,
    "kv_heads": 2,
}
_QK_NORM = ("attn.q_normed", "attn.k_normed")
_GATED = ("mlp.pre_linear",)
_LATENT = {"attn.k": "keys are made of a latent and a part that all heads share: no projection makes them"}
_SPREAD = {
    "mlp.pre": "its two projections are no module together",
    "mlp.post": "its two projections are no module together",
}
_DIFFERENTIAL = dict.fromkeys(
    ("attn.v", "attn.z", "attn.result"), "values are weighed twice, and the differences added"
)
_NO_LAYER = {"layer": "no module is the layer"}
_STATE = ("mixer.recurrence_out", "mixer.state")
_DELTA_RULE = ("mixer.beta", "mixer.log_decay", "mixer.gate", *_STATE)
_SSM = ("mixer.x", "mixer.B", "mixer.C", *_STATE)
_LATENTS: dict[str, Any] = {"has": ("attn.q_latent", "attn.kv_latent", "attn.k_pe"), "without": _LATENT}
_T5_CROSS = "decoder.block.1.layer.1.EncDecAttention"
_NO_HEADS: dict[str, Any] = {"chosen": False, "heads": 0, "kv_heads": None}


def _mixer(at: str, module: str = "mixer") -> dict[str, Any]:
    return {"places": (Place("L0.mixer", f"{at}.0.{module}", f"{at}.0.{module}.out_proj"),), "layers": at, **_NO_HEADS}


CASES: tuple[Case, ...] = (
    _of("gpt2", "gpt2", "MHA, learned positions", **_GPT2),
    _of("openai-gpt", "openai-gpt", "post-norm, LayerNorm after the sum", caches=False, chosen=False, **_GPT2),
    _of("gpt_bigcode", "gpt_bigcode", "MQA, fused projection", **{**_GPT2, "kv_heads": 1}),
    _of(
        "gpt_neo",
        "gpt_neo",
        "local windows in every second layer",
        places=_pair("transformer.h", "attn", "attn.attention.out_proj", "mlp", "mlp.c_proj"),
        layers="transformer.h",
    ),
    _of("gptj", "gptj", "parallel, one norm, rotary", **_GPTJ),
    _of("codegen", "codegen", "parallel, interleaved fused projection", chosen=False, **_GPTJ),
    _of(
        "gpt_neox",
        "gpt_neox",
        "parallel, two norms, fused by head",
        places=_pair("gpt_neox.layers", "attention", "attention.dense", "mlp", "mlp.dense_4h_to_h"),
        layers="gpt_neox.layers",
    ),
    _of(
        "opt",
        "opt",
        "learned positions with an offset",
        places=_pair("model.decoder.layers", "self_attn", "self_attn.out_proj", "fc2", "fc2"),
        layers="model.decoder.layers",
        without=_SPREAD,
    ),
    _of(
        "bloom",
        "bloom",
        "ALiBi; the sum is within the block",
        places=_pair(
            "transformer.h", "self_attention.dense", "self_attention.dense", "mlp.dense_4h_to_h", "mlp.dense_4h_to_h"
        ),
        layers="transformer.h",
        chosen=False,
    ),
    _of(
        "mpt",
        "mpt",
        "ALiBi, no biases",
        places=_pair("transformer.blocks", "attn", "attn.out_proj", "ffn.down_proj", "ffn.down_proj"),
        layers="transformer.blocks",
        chosen=False,
    ),
    _of("falcon", "falcon", "parallel, one norm, MQA, sums in place", **{**_FALCON, "kv_heads": 1}),
    _of("falcon_new", "falcon", "parallel, two norms, GQA", **{**_FALCON, "kv_heads": 2}),
    _of("falcon_sequential", "falcon", "sequential, ALiBi", **_FALCON),
    _of(
        "phi",
        "phi",
        "parallel, partial rotary, biases",
        **{**_LIKE_LLAMA, "places": _pair(_AT, "self_attn", "self_attn.dense", "mlp", "mlp.fc2")},
    ),
    _of("llama", "llama", "GQA, rotary, SwiGLU", **_LIKE_LLAMA, has=_GATED),
    _of("mistral", "mistral", "sliding window", **_LIKE_LLAMA, has=_GATED),
    _of("qwen2", "qwen2", "biases on q, k, v", **_LIKE_LLAMA, has=_GATED),
    _of("qwen3", "qwen3", "QK-norm by head", **_LIKE_LLAMA, has=(*_QK_NORM, *_GATED)),
    _of("phi3", "phi3", "fused q, k, v and fused gate", **_LIKE_LLAMA, has=_GATED),
    _of(
        "starcoder2",
        "starcoder2",
        "LayerNorm, MLP without a gate",
        **{**_LIKE_LLAMA, "places": _pair(_AT, "self_attn", "self_attn.o_proj", "mlp", "mlp.c_proj")},
    ),
    _of("stablelm", "stablelm", "partial rotary, LayerNorm", **_LIKE_LLAMA, has=_GATED),
    _of("smollm3", "smollm3", "layers without positions", num_hidden_layers=4, **_LIKE_LLAMA, has=_GATED),
    _of("gemma2", "gemma2", "softcaps, windows, sandwich norms", **_SANDWICH, has=_GATED),
    _of("gemma3", "gemma3_text", "windows 5 to 1, QK-norm, sandwich norms", **_SANDWICH, has=(*_QK_NORM, *_GATED)),
    _of("olmo2", "olmo2", "norms after the blocks, QK-norm over all heads", **_SANDWICH, has=(*_QK_NORM, *_GATED)),
    _of(
        "glm4",
        "glm4",
        "sandwich norms, interleaved partial rotary",
        **{
            **_SANDWICH,
            "places": _pair(_AT, "post_self_attn_layernorm", "self_attn.o_proj", "post_mlp_layernorm", "mlp.down_proj"),
        },
        has=_GATED,
    ),
    _of("cohere", "cohere", "parallel, one norm, QK-norm, scaled logits", **_LIKE_LLAMA, has=(*_QK_NORM, *_GATED)),
    _of("cohere2", "cohere2", "parallel, windows, layers without positions", **_LIKE_LLAMA, has=_GATED),
    _of("granite", "granite", "scaled residuals and logits", **_LIKE_LLAMA, has=_GATED),
    _of(
        "diffllama",
        "diffllama",
        "differential attention",
        **{**_LIKE_LLAMA, "places": _pair(_AT, *_LLAMA, heads=0)},
        has=_GATED,
        without=_DIFFERENTIAL,
    ),
    _of("gpt_oss", "gpt_oss", "sinks, windows, biased experts", **{**_MIXTURE, "kv_heads": 2}),
    _of("mixtral", "mixtral", "MoE, top 2", **{**_MIXTURE, "kv_heads": 2}),
    _of("qwen3_moe", "qwen3_moe", "MoE, QK-norm", **{**_MIXTURE, "kv_heads": 2}, has=_QK_NORM),
    _of("olmoe", "olmoe", "MoE, QK-norm over all heads", **{**_MIXTURE, "kv_heads": 2}, has=_QK_NORM),
    _of(
        "deepseek_v3",
        "deepseek_v3",
        "MLA, shared expert, grouped routing",
        places=(
            Place("L0.attn", f"{_AT}.0.self_attn", f"{_AT}.0.self_attn.o_proj", 4),
            Place("L0.mlp", f"{_AT}.0.mlp", f"{_AT}.0.mlp.down_proj"),
            Place("L1.moe", f"{_AT}.1.mlp", experts=f"{_AT}.1.mlp.experts"),
        ),
        layers=_AT,
        has=("attn.q_latent", "attn.kv_latent", "attn.k_pe"),
        without=_LATENT,
    ),
    _of(
        "deepseek_v2",
        "deepseek_v2",
        "MLA, MoE by softmax",
        **_MIXTURE,
        has=("attn.q_latent", "attn.kv_latent", "attn.k_pe"),
        without=_LATENT,
    ),
    _of(
        "longcat_flash",
        "longcat_flash",
        "two MLAs and a shortcut MoE in a layer",
        places=(
            Place("L0.attn", f"{_AT}.0.self_attn.0", f"{_AT}.0.self_attn.0.o_proj", 4),
            Place("L0.mlp", f"{_AT}.0.mlps.0", f"{_AT}.0.mlps.0.down_proj"),
        ),
        layers=_AT,
        has=("attn.q_latent", "attn.kv_latent", "attn.k_pe"),
        without=_LATENT,
    ),
    _of(
        "qwen3_next",
        "qwen3_next",
        "gated DeltaNet, gated attention, MoE",
        **_DELTA,
        has=(*_QK_NORM, "attn.gate", "moe.shared_gate", *_DELTA_RULE),
    ),
    _of(
        "olmo_hybrid",
        "olmo_hybrid",
        "gated DeltaNet, separate projections",
        places=(Place("L0.mixer", f"{_AT}.0.linear_attn", f"{_AT}.0.linear_attn.o_proj", 2),),
        layers=_AT,
        kv_heads=2,
        has=_DELTA_RULE,
    ),
    _of(
        "kimi_linear",
        "kimi_linear",
        "Kimi delta attention, MLA",
        places=(Place("L0.mixer", f"{_AT}.0.self_attn", f"{_AT}.0.self_attn.o_proj", 4),),
        layers=_AT,
        has=(*_STATE, "mixer.beta", "attn.kv_latent"),
        without=_LATENT,
    ),
    _of("mamba", "mamba", "Mamba", **_mixer("backbone.layers"), has=_SSM),
    _of("mamba2", "mamba2", "Mamba-2", **_mixer("backbone.layers"), has=_SSM),
    _of(
        "falcon_mamba",
        "falcon_mamba",
        "Mamba with normed B, C, dt",
        **_mixer("backbone.layers"),
        has=_SSM,
    ),
    _of(
        "jamba",
        "jamba",
        "Mamba and attention, MoE",
        **_mixer(_AT, "mamba"),
        has=_SSM,
    ),
    _of("zamba2", "zamba2", "Mamba-2, one transformer shared by layers", places=(), layers=_AT),
    _of(
        "bamba",
        "bamba",
        "Mamba-2 and attention",
        **_mixer(_AT, "mamba"),
        has=_SSM,
    ),
    _of(
        "falcon_h1",
        "falcon_h1",
        "Mamba-2 beside attention in each layer",
        places=(Place("L0.mlp", f"{_AT}.0.feed_forward", f"{_AT}.0.feed_forward.down_proj"),),
        layers=_AT,
        kv_heads=2,
    ),
    _of(
        "granitemoehybrid",
        "granitemoehybrid",
        "Mamba-2 and attention, MoE, scaled",
        places=(
            Place("L0.mixer", f"{_AT}.0.mamba", f"{_AT}.0.mamba.out_proj"),
            Place("L1.attn", f"{_AT}.1.self_attn", f"{_AT}.1.self_attn.o_proj", 4),
        ),
        layers=_AT,
        kv_heads=2,
        without={"moe": "its experts and its shared MLP are added by no module of their own"},
    ),
    _of(
        "rwkv",
        "rwkv",
        "RWKV-4",
        places=_pair("rwkv.blocks", "attention", "attention.output", "feed_forward", "", first="mixer", heads=0),
        layers="rwkv.blocks",
        **_NO_HEADS,
        has=("mixer.state",),
        without={"decode": "in a batch of two, its code makes two tokens of one"},
    ),
    _of(
        "recurrent_gemma",
        "recurrent_gemma",
        "RG-LRU and local attention",
        places=(
            Place("L0.mixer", f"{_AT}.0.temporal_block", f"{_AT}.0.temporal_block.linear_out"),
            Place("L0.mlp", f"{_AT}.0.mlp_block", f"{_AT}.0.mlp_block.down_proj"),
        ),
        layers=_AT,
        kv_heads=2,
        keeps_state=True,
        has=("mixer.state",),
    ),
    _of(
        "minimax",
        "minimax",
        "lightning and softmax attention, MoE",
        places=(
            Place("L1.attn", f"{_AT}.1.self_attn", f"{_AT}.1.self_attn.o_proj", 4),
            Place("L0.mixer", f"{_AT}.0.self_attn"),
        ),
        layers=_AT,
        kv_heads=2,
    ),
    _of(
        "lfm2",
        "lfm2",
        "short convolutions and attention",
        layer_types=["conv", "full_attention"],
        places=(
            Place("L0.mixer", f"{_AT}.0.conv", f"{_AT}.0.conv.out_proj"),
            Place("L1.attn", f"{_AT}.1.self_attn", f"{_AT}.1.self_attn.out_proj", 4),
            Place("L0.mlp", f"{_AT}.0.feed_forward", f"{_AT}.0.feed_forward.w2"),
        ),
        layers=_AT,
        kv_heads=2,
    ),
    _of(
        "bert",
        "bert",
        "encoder, post-norm",
        "MaskedLM",
        places=_pair(
            "bert.encoder.layer",
            "attention.output.dense",
            "attention.output.dense",
            "output.dense",
            "output.dense",
            attends="attention.self",
        ),
        layers="bert.encoder.layer",
        caches=False,
        without=_SPREAD,
    ),
    _of(
        "modernbert",
        "modernbert",
        "encoder, windows on both sides",
        "MaskedLM",
        places=_pair(_AT, "attn", "attn.Wo", "mlp", "mlp.Wo"),
        layers=_AT,
        caches=False,
    ),
    _of(
        "deberta-v2",
        "deberta-v2",
        "encoder, disentangled attention",
        "MaskedLM",
        places=_pair(
            "deberta.encoder.layer",
            "attention.output.dense",
            "attention.output.dense",
            "output.dense",
            "output.dense",
            attends="attention.self",
        ),
        layers="deberta.encoder.layer",
        caches=False,
        chosen=False,
        without=_SPREAD,
    ),
    _of(
        "t5",
        "t5",
        "encoder and decoder, relative bias",
        "Seq2SeqLM",
        places=(
            Place("enc.L1.attn", "encoder.block.1.layer.0.SelfAttention", "encoder.block.1.layer.0.SelfAttention.o", 4),
            Place("dec.L1.attn", "decoder.block.1.layer.0.SelfAttention", "decoder.block.1.layer.0.SelfAttention.o", 4),
            Place(
                "dec.L1.cross",
                "decoder.block.1.layer.1.EncDecAttention",
                "decoder.block.1.layer.1.EncDecAttention.o",
                4,
            ),
            Place("enc.L0.mlp", "encoder.block.0.layer.1.DenseReluDense", "encoder.block.0.layer.1.DenseReluDense.wo"),
        ),
        inputs="both",
    ),
    _of(
        "bart",
        "bart",
        "encoder and decoder, post-norm",
        "Seq2SeqLM",
        places=(
            Place("enc.L0.attn", "model.encoder.layers.0.self_attn", "model.encoder.layers.0.self_attn.out_proj", 4),
            Place(
                "dec.L0.cross", "model.decoder.layers.0.encoder_attn", "model.decoder.layers.0.encoder_attn.out_proj", 4
            ),
            Place("dec.L0.mlp", "model.decoder.layers.0.fc2", "model.decoder.layers.0.fc2"),
        ),
        inputs="both",
        without=_SPREAD,
    ),
    _of(
        "vit",
        "vit",
        "image encoder",
        "ImageClassification",
        image_size=32,
        patch_size=8,
        places=_pair("vit.layers", "attention", "attention.o_proj", "mlp", "mlp.fc2"),
        layers="vit.layers",
        inputs="pixels",
        caches=False,
    ),
    _plain(
        "plain",
        "layers in a ModuleDict, attention in the layer's own code",
        PlainTransformer,
        places=(
            Place("L0.attn", "blocks.block0.o", "blocks.block0.o", 4),
            Place("L0.mlp", "blocks.block0.down", "blocks.block0.down"),
        ),
        without={"attn": "it is the layer's own code", **_SPREAD},
    ),
    _plain(
        "plain_attention",
        "hand-written, torch's kernel, fused projection",
        Kind,
        places=_pair("layers", "mixer", "mixer.out", "feed", "feed.down", heads=2),
        layers="layers",
        heads=2,
        kv_heads=2,
    ),
    _plain(
        "plain_grouped",
        "hand-written, GQA",
        partial(Kind, SplitAttention, Dense),
        places=_pair("layers", "mixer", "mixer.o", "feed", "feed.down"),
        layers="layers",
        kv_heads=2,
    ),
    _plain(
        "plain_experts",
        "hand-written, experts in a list",
        partial(Kind, feed=ListedExperts),
        places=(Place("L0.moe", "layers.0.feed"),),
        layers="layers",
        heads=2,
        kv_heads=2,
        without={"moe.expert_in": "its experts are modules that are given them one by one"},
    ),
    _plain("plain_uncalled", "layers that the model itself calls", Uncalled, heads=2, kv_heads=2, without=_NO_LAYER),
    _plain(
        "plain_side_by_side",
        "parts of layers in lists side by side",
        partial(SideBySide, 3),
        places=(Place("L0.attn", "looking.0", "looking.0.out", 2), Place("L0.mlp", "thinking.0", "thinking.0.down")),
        heads=2,
        kv_heads=2,
        without=_NO_LAYER,
    ),
    _plain("plain_looped", "two layers that run three times", Looped, heads=2, kv_heads=2),
)
"""All of them, in the order of the table."""

assert VOCABULARY > FEW


def case(name: str) -> Case:
    """Return a case by its name."""
    return next(each for each in CASES if each.name == name)
