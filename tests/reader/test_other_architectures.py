"""Architectures beyond those that the tools are tested on: the reader knows none of them by name.

Default configurations, on the meta device. What is expected was read in the modeling code.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from glassblock.ir import Architecture
from glassblock.reader import read

EXPECTED: dict[str, dict[str, dict[str, Any]]] = {
    "Mistral": {"L0.attn": {"kv_heads": 8, "window": 4096}},
    # Cohere2: three sliding layers with rotation, one global layer without any.
    "Cohere2": {
        "L0.attn": {"window": 4096, "rope_dims": 128},
        "L3.attn": {"window": None, "rope_dims": 0},
    },
    # OPT scales the queries, not the scores, and keeps two projections where others keep an MLP.
    "OPT": {
        "L0.attn": {"scale": 0.125, "rope_dims": 0},
        "L0.mlp": {"hidden": 3072, "gated": False, "activation": "relu"},
    },
    # GPT-J rotates every two of the first 64 channels.
    "GPTJ": {"L0.attn": {"heads": 16, "head_dim": 256, "rope_dims": 64}},
    # BLOOM: ALiBi, baddbmm with alpha, GELU written out.
    "Bloom": {
        "L0.attn": {"heads": 8, "kv_heads": 8, "rope_dims": 0, "scale": 8**-0.5},
        "L0.mlp": {"hidden": 256, "activation": "gelu tanh"},
    },
    "GPTBigCode": {"L0.attn": {"heads": 12, "kv_heads": 1}},
    # Falcon-H1: Mamba-2 and attention side by side in every layer.
    "FalconH1": {
        "L0.mixer": {"family": "state space", "heads": 128, "kv_heads": 1, "head_dim": 256},
        "L0.attn": {"heads": 32, "kv_heads": 8},
    },
    # RG-LRU: two recurrent layers, then local attention.
    "RecurrentGemma": {
        "L0.mixer": {"family": "recurrence", "conv": 4},
        "L2.attn": {"kv_heads": 10, "window": 2048, "rope_dims": 128},
    },
    # RWKV-4: a recurrence in log space; channel mixing with squared ReLU.
    "Rwkv": {"L1.mixer": {"family": "recurrence"}, "L1.mlp": {"hidden": 16384, "activation": "relu squared"}},
    # Llama 4: sigmoid of what top-1 chose, a shared expert, no rotation in every fourth layer.
    "Llama4Text": {
        "L0.moe": {"experts": 16, "top_k": 1, "router": "sigmoid of the top k", "shared_hidden": 8192},
        "L0.attn": {"rope_dims": 128},
        "L3.attn": {"rope_dims": 0},
    },
    "Gemma3Text": {"L0.attn": {"window": 4096, "qk_norm": "per head"}, "L5.attn": {"window": None}},
}


@cache
def architecture(name: str) -> Architecture:
    import transformers

    return read(getattr(transformers, f"{name}Config")())


@pytest.mark.parametrize(("name", "address"), [(n, a) for n, blocks in EXPECTED.items() for a in blocks])
def test_block_is_what_the_modeling_code_says(name: str, address: str) -> None:
    spec = architecture(name).block(address).spec
    facts = {field: getattr(spec, field) for field in EXPECTED[name][address]}
    values = {field: None if fact is None else fact.value for field, fact in facts.items()}
    expected = EXPECTED[name][address]
    assert values == {k: pytest.approx(v) if isinstance(v, float) else v for k, v in expected.items()}


def test_branches_side_by_side_are_parallel() -> None:
    layer = next(architecture("FalconH1").layers())
    assert [(branch.block, branch.reads, branch.add) for branch in layer.branches] == [
        ("L0.mixer", 0, 1),
        ("L0.attn", 0, 1),
        ("L0.mlp", 1, 2),
    ]
