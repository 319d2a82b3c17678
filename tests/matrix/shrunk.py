"""Any model type of transformers, built tiny: its default configuration with everything that counts made small.

One table of small values by the names that configurations use, and what single types need beside it because their sizes
hang together. Types that do not build so are reported with the error and left out; nothing is guessed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

VOCABULARY = 97
WIDTH = 32

SMALL: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "emb_dim"), WIDTH),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "d_ff", "n_inner", "ff_dim", "ffn_hidden_size"), 48),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "shared_expert_intermediate_size"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers"), 2),
    **dict.fromkeys(("decoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    "num_key_value_heads": 2,
    "head_dim": 8,
    "d_kv": 8,
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 64),
    "moe_intermediate_size": 24,
    **dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"), 8),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group"), 1),
    "q_lora_rank": 20,
    "kv_lora_rank": 12,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 10,
    "v_head_dim": 14,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

_LATENT: dict[str, Any] = {"num_key_value_heads": 4}
_HYBRID: dict[str, Any] = {"num_hidden_layers": 4}
_DELTA: dict[str, Any] = {
    **_HYBRID,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 10,
    "linear_value_head_dim": 12,
}

OWN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("axk1", "axk2", "deepseek_v2", "deepseek_v3", "deepseek_v32", "longcat_flash", "youtu"), _LATENT),
    **dict.fromkeys(("glm4_moe_lite", "glm_moe_dsa", "minicpm3"), _LATENT),
    **dict.fromkeys(("qwen3_5_text", "qwen3_5_moe_text", "qwen3_next"), _DELTA),
    "bailing_hybrid": {**_HYBRID, **_LATENT, "layer_types": ["linear_attention", "full_attention"] * 2},
    "dbrx": {
        "attn_config": {"rope_theta": 10_000.0, "kv_n_heads": 2, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 24},
    },
    "dots3_note_text": _LATENT,
    "dots1": {"layer_types": ["full_attention"] * 2, "n_shared_experts": 1},
    "gemma4_text": {"vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8},
    "jamba": {**_HYBRID, "attn_layer_period": 4, "attn_layer_offset": 2, "use_mamba_kernels": False},
    "kimi_linear": {
        **_HYBRID,
        **_LATENT,
        "linear_head_dim": 8,
        "linear_num_heads": 4,
        "layer_types": ["linear_attention", "full_attention"] * 2,
    },
    "lfm3": {**_HYBRID, "layer_types": ["conv", "full_attention", "conv", "sliding_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"state_size": 16, "num_heads": 8, "n_groups": 2, "chunk_size": 32},
    "reformer": {"is_decoder": True, "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [4, 16]},
    "qwen4_exp_text": {**_DELTA, "layer_types": ["linear_attention", "indexed_attention"] * 2},
    "roc_bert": {"pronunciation_vocab_size": 20, "shape_vocab_size": 20},
    "xlstm": {"hidden_size": 64},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        **_HYBRID,
        "num_key_value_heads": 4,
        "layer_types": ["linear_attention", "hybrid"] * 2,
        "mamba_d_state": 8,
        "n_mamba_heads": 2,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
    },
    "zamba2": {
        **_HYBRID,
        "num_key_value_heads": 4,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "n_mamba_heads": 4,
        "mamba_d_state": 8,
        "mamba_ngroups": 1,
        "chunk_size": 8,
        "adapter_rank": 4,
        "num_mem_blocks": 1,
    },
    "zaya": {"num_experts_per_tok": 1},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 5},
    "gpt2": {"num_hidden_layers": 3},
    "mistral": {"sliding_window": 5},
    "cohere2": {"sliding_window": 5, "num_hidden_layers": 4},
    "gemma3_text": {"sliding_window": 5, "num_hidden_layers": 6},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    "openai-gpt": {"afn": "gelu"},
    "recurrent_gemma": {"num_hidden_layers": 3, "lru_width": WIDTH, "attention_window_size": 16},
    "rwkv": {"attention_hidden_size": WIDTH, "context_length": 64},
    "minimax": {"num_hidden_layers": 4, "layer_types": ["linear_attention", "full_attention"] * 2},
    "granitemoehybrid": {
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_n_groups": 1,
        "mamba_chunk_size": 8,
        "layer_types": ["mamba", "attention"],
        "shared_intermediate_size": 24,
    },
    "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "attn_layer_indices": [1]},
    "falcon_h1": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_d_ssm": 64},
    "falcon_mamba": {"state_size": 8},
    "mamba": {"state_size": 8, "time_step_rank": 5},
    "modernbert": {"num_hidden_layers": 4, "local_attention": 6, "global_attn_every_n_layers": 2},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    "olmo_hybrid": {
        "num_hidden_layers": 4,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 10,
        "linear_value_head_dim": 12,
    },
    "xlnet": {"d_inner": 48},
    "whisper": {"max_source_positions": 20, "max_target_positions": 40},
}
"""What single types need: sizes that hang together, and windows short enough to be seen on twelve tokens."""


def config_of(kind: str, **settings: Any) -> Any:
    """Return a small configuration of a model type.

    Parameters
    ----------
    kind
        As in ``AutoConfig.for_model``.
    **settings
        What is to be otherwise.
    """
    import transformers

    auto: Any = transformers.AutoConfig
    base = auto.for_model(kind)
    return type(base)(**{**_small(base), **OWN.get(kind, {}), **settings})


def _small(base: Any) -> dict[str, Any]:
    """Return small values for what a configuration has, those of its parts (texts, images) among them."""
    known = {*base.to_dict(), *getattr(base, "attribute_map", {})}
    chosen = {name: value for name, value in SMALL.items() if name in known}
    for name in getattr(base, "sub_configs", {}):
        part = getattr(base, name, None)
        if hasattr(part, "to_dict") and hasattr(part, "model_type"):
            kind = part.model_type
            chosen[name] = {"model_type": kind, **_small(part), **OWN.get(kind, {})}
    return chosen


def build(config: Any, auto: str = "CausalLM", attention: str | None = None, seed: int = 0) -> Any:
    """Return a model with random weights from a fixed seed, in evaluation mode, on the CPU.

    Parameters
    ----------
    config
        Its configuration.
    auto
        What comes after ``AutoModelFor``.
    attention
        Which attention implementation; None takes the model's own choice.
    seed
        Of the weights.
    """
    import transformers

    torch.manual_seed(seed)
    given = {} if attention is None else {"attn_implementation": attention}
    maker: Any = getattr(transformers, f"AutoModelFor{auto}" if auto else "AutoModel")
    return stirred(maker.from_config(config, **given), seed).eval()


def stirred(model: nn.Module, seed: int = 0) -> nn.Module:
    """Move all weights a little: initialisations leave norms at one, biases at zero and routers undecided."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
            parameter.add_(0.1 * noise.to(parameter.dtype))
    return model
