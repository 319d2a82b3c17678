"""Heads for predicting several tokens are in checkpoints and not in the module tree: phantoms, in no count."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

import glassblock as gb

DEEPSEEK = {
    "num_hidden_layers": 61,  # the class leaves out the keys of layer 61
    "hidden_size": 32,
    "intermediate_size": 48,
    "moe_intermediate_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "q_lora_rank": 20,
    "kv_lora_rank": 12,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 6,
    "v_head_dim": 14,
    "vocab_size": 97,
}


def test_config_and_class_together_tell_of_a_head_that_is_not_built() -> None:
    diagram = gb.unfold({"model_type": "deepseek_v3", **DEEPSEEK, "num_nextn_predict_layers": 1})
    (phantom,) = diagram.architecture.phantoms
    assert (phantom.address, phantom.role, phantom.params) == ("mtp0", "mtp", 0)
    assert "num_nextn_predict_layers" in phantom.notes[0]
    assert diagram.architecture.block("mtp0") == phantom
    assert "known of the checkpoint" in str(diagram)


@pytest.mark.parametrize(
    "changes", [{"num_nextn_predict_layers": 0}, {"num_nextn_predict_layers": 1, "num_hidden_layers": 3}]
)
def test_without_a_statement_or_with_another_depth_there_is_none(changes: dict[str, int]) -> None:
    assert gb.unfold({"model_type": "deepseek_v3", **DEEPSEEK, **changes}).architecture.phantoms == ()


def test_a_local_checkpoint_tells_their_exact_size(tmp_path: Path) -> None:
    config = AutoConfig.for_model("deepseek_v3", **DEEPSEEK, num_nextn_predict_layers=1)
    config.save_pretrained(tmp_path)
    names = dict(AutoModelForCausalLM.from_config(config).state_dict())
    few = {"model.norm.weight": names["model.norm.weight"].clone()}
    beyond = {"model.layers.61.eh_proj.weight": torch.zeros(32, 64), "model.layers.61.enorm.weight": torch.zeros(32)}
    save_file({**few, **beyond}, tmp_path / "model.safetensors")
    (phantom,) = gb.unfold(tmp_path).architecture.phantoms
    assert (phantom.path, phantom.params) == ("model.layers.61", 32 * 64 + 32)
    assert gb.unfold(tmp_path).params.total == sum(
        p.numel() for p in AutoModelForCausalLM.from_config(config).parameters()
    )
