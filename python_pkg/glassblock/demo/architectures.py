"""The three architectures of the demo: stock transformers classes, small enough for a CPU.

All are three layers of width 128 with four heads, about the least that does all five tasks: an
induction head needs a head that looks at the previous token in the layer below. They differ in
what a person should see side by side: dense MLPs, experts behind a router, and linear attention
with one full attention between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedModel,
    Qwen3NextConfig,
    Qwen3NextForCausalLM,
)

from glassblock.demo.tokenizer import BOS_ID, PAD_ID

LAYERS, WIDTH, HEADS = 3, 128, 4
CONTEXT = 64
"""The longest text, in tokens; training rows are exactly this long."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: everything that the weights depend on, apart from the seed.

    Parameters
    ----------
    build
        Makes the untrained model for a vocabulary size.
    steps, batch
        Optimiser steps, and rows of `CONTEXT` tokens in each. Never a time: a schedule tied to
        the clock does not reproduce.
    learning_rate, weight_decay
        Of AdamW; the rate warms up, holds for half of the steps and then falls as a cosine.
    context_weight
        Weight in the loss of the words that nobody could predict, against 1 for the answers.
    balance
        Weight of the loss that makes a router use all of its experts.
    """

    build: Callable[[int], PreTrainedModel]
    steps: int
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    context_weight: float = 0.15
    balance: float = 0.01


def _common(vocabulary_size: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary_size,
        "bos_token_id": BOS_ID,
        "eos_token_id": None,
        "pad_token_id": PAD_ID,
        "tie_word_embeddings": True,
    }


def build_gpt(vocabulary_size: int) -> PreTrainedModel:
    """Build an untrained GPT-2: learned positions, layer norm, dense MLPs."""
    config = GPT2Config(
        n_layer=LAYERS,
        n_head=HEADS,
        n_embd=WIDTH,
        n_positions=CONTEXT,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **_common(vocabulary_size),
    )
    return GPT2LMHeadModel(config)


def build_moe(vocabulary_size: int) -> PreTrainedModel:
    """Build an untrained Mixtral: rotary positions, four experts in each layer, two for a token."""
    config = MixtralConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        intermediate_size=WIDTH,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=CONTEXT,
        sliding_window=None,
        **_common(vocabulary_size),
    )
    return MixtralForCausalLM(config)


def build_hybrid(vocabulary_size: int) -> PreTrainedModel:
    """Build an untrained Qwen3-Next: two GatedDeltaNet layers with a full attention between."""
    config = Qwen3NextConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        layer_types=["linear_attention", "full_attention", "linear_attention"],
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=WIDTH // HEADS,
        linear_num_key_heads=HEADS,
        linear_num_value_heads=HEADS,
        linear_key_head_dim=WIDTH // HEADS,
        linear_value_head_dim=WIDTH // HEADS,
        linear_conv_kernel_dim=4,
        intermediate_size=3 * WIDTH,
        num_experts=0,
        mlp_only_layers=list(range(LAYERS)),
        max_position_embeddings=CONTEXT,
        **_common(vocabulary_size),
    )
    return Qwen3NextForCausalLM(config)


RECIPES: dict[str, Recipe] = {
    "gpt": Recipe(build_gpt, steps=1500, batch=48),
    "moe": Recipe(build_moe, steps=1300),
    "hybrid": Recipe(build_hybrid, steps=1300),
}
"""Architecture name -> how it is built and trained."""
