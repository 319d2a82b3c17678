"""What a model costs, against torch's own count of FLOPs, the caches that models really keep, and papers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import truth_table
from tiny_models import tiny
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoConfig,
    T5Config,
    T5ForConditionalGeneration,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from glassblock.diagram import Diagram
from glassblock.errors import SourceError
from glassblock.reader import read, read_model

TOKENS = 6


def kept_bytes(value: Any) -> int:
    """Bytes of the floating-point tensors in a cache: integers there are positions and flags."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size() if value.is_floating_point() else 0
    if isinstance(value, dict):
        return sum(map(kept_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(kept_bytes, value))
    return kept_bytes(vars(value)) if hasattr(value, "keys") or hasattr(value, "conv_states") else 0


@pytest.mark.parametrize(
    "name", ["gpt2", "llama", "gemma2", "falcon", "mixtral", "deepseek_v3", "gpt_oss", "mamba2", "jamba", "qwen3_next"]
)
def test_cache_is_what_the_model_really_keeps(name: str) -> None:
    model = tiny(name)
    out = model(torch.arange(TOKENS)[None] + 3, use_cache=True)
    kept = out.get("past_key_values", out.get("cache_params"))
    assert Diagram(read_model(model)).cache(TOKENS, "float32").total == sum(map(kept_bytes, kept.layers))


def test_cache_per_token_is_the_published_one() -> None:
    # "Insights into DeepSeek-V3", arXiv:2505.09343, table 1: 70.272 KB a token for V3 in bfloat16.
    deepseek = Diagram(read(AutoConfig.for_model("deepseek_v3")))
    assert deepseek.cache(1000).growing == 70_272
    # Jamba, arXiv:2403.19887, table 1: 4 GB for 256 K tokens in 16 bits.
    jamba = Diagram(read(AutoConfig.for_model("jamba")))
    assert round(jamba.cache(256 * 1024).growing * 256 * 1024 / 2**30) == 4


def written_out(name: str) -> Any:
    """A tiny model in operations that torch's counter knows: it does not count grouped products."""
    model = tiny(name)
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("eager")
        model.config._experts_implementation = "eager"
    return model


@pytest.mark.parametrize(
    "name", ["gpt2", "llama", "gemma2", "falcon", "gpt_neox", "olmo2", "mixtral", "gpt_oss", "cohere"]
)
def test_flops_of_a_decoded_token_are_torchs_own_count(name: str) -> None:
    model, ids = written_out(name), torch.arange(4)[None] + 3
    kept = model(ids[:, :-1], use_cache=True).past_key_values
    with FlopCounterMode(display=False) as counter:
        model(ids[:, -1:], past_key_values=kept, use_cache=True)
    assert Diagram(read_model(tiny(name))).flops(4).total == counter.get_total_flops()


def test_flops_of_latent_attention_expand_each_latent_once() -> None:
    # Decoding in transformers expands all kept latents again for each token: that is not counted here.
    model = written_out("deepseek_v3")
    with FlopCounterMode(display=False) as counter:
        model(torch.tensor([[3]]))
    assert Diagram(read_model(tiny("deepseek_v3"))).flops(1).total == counter.get_total_flops()


def test_unknown_dtype_is_refused() -> None:
    with pytest.raises(SourceError, match=r"expected a dtype of float64, float32.*got 'float17'"):
        Diagram(read_model(tiny("llama"))).weight_bytes("float17")


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "deepseek_v3", "jamba", "cohere"])
def test_blocks_add_up_to_the_total(name: str) -> None:
    model = tiny(name)
    diagram = Diagram(read_model(model))
    rows = diagram.params.by_block()
    assert sum(row.total for row in rows) == sum(p.numel() for p in model.parameters())
    assert sum(row.share for row in rows) == pytest.approx(1)
    attention = [row.total for row in rows if row.role == "attention"]
    named = {n: p for n, p in model.named_parameters() if ".self_attn." in n or ".attn." in n}
    assert sum(attention) == sum(p.numel() for p in named.values())


def test_negative_lengths_are_refused() -> None:
    with pytest.raises(SourceError, match="expected numbers of tokens, 0 or more, got context=-5"):
        Diagram(read_model(tiny("llama"))).cache(-5)


def test_keys_and_values_of_another_stack_count_each_matrix_once() -> None:
    # Whisper: an encoder of 1,500 frames. Four matrices of 384 x 384 in each attention of the decoder.
    architecture = read(AutoConfig.for_model("whisper"))
    assert architecture.block("dec.L0.cross").weights == 4 * 384 * 384
    assert architecture.block("dec.L0.attn").weights == 4 * 384 * 384


@pytest.mark.parametrize("name", ["zamba2", "albert", "gemma4_moe", "minimax_lightning", "bert"])
def test_each_parameter_is_counted_in_the_first_block_that_holds_it(name: str) -> None:
    model = truth_table.model(name)
    rows = Diagram(truth_table.architecture(name)).params.by_block()
    assert sum(row.total for row in rows) == sum(p.numel() for p in model.parameters())
    assert all(row.address for row in rows), "something is in no block"
    words = (".self_attn.", ".attention.", ".mamba.")
    every = model.named_parameters(remove_duplicate=False)
    mixing = {id(p): p.numel() for key, p in every if "LayerNorm" not in key and any(word in key for word in words)}
    assert sum(row.total for row in rows if row.role in ("attention", "mixer")) == sum(mixing.values())


def really_kept(model: Any, **given: Any) -> int:
    """Bytes of all keys and values that an encoder-decoder keeps after one step."""
    kept = model(**given, decoder_input_ids=torch.arange(TOKENS)[None] + 3, use_cache=True).past_key_values
    return sum(map(kept_bytes, [*kept.self_attention_cache.layers, *kept.cross_attention_cache.layers]))


def test_what_is_looked_at_is_counted_where_the_model_fixes_its_length() -> None:
    sizes: dict[str, Any] = {
        "encoder_layers": 2,
        "decoder_layers": 2,
        "d_model": 16,
        "encoder_ffn_dim": 8,
        "decoder_ffn_dim": 8,
    }
    heads: dict[str, Any] = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "vocab_size": 99}
    special: dict[str, Any] = dict.fromkeys(
        ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0
    )
    config = WhisperConfig(**sizes, **heads, **special, max_source_positions=20)
    model = WhisperForConditionalGeneration(config).eval()
    diagram = Diagram(read_model(model))
    kept = diagram.cache(TOKENS, "float32")
    assert kept.left_out == ()
    assert kept.total == really_kept(model, input_features=torch.zeros(1, 80, 40))
    assert "for the 20 tokens of enc" in str(diagram)


def test_what_is_looked_at_is_named_where_nothing_says_how_long_it_is() -> None:
    model = T5ForConditionalGeneration(T5Config(d_model=16, d_kv=4, d_ff=8, num_layers=2, num_heads=2)).eval()
    diagram = Diagram(read_model(model))
    assert diagram.cache(TOKENS).left_out == diagram.flops(TOKENS).left_out == ("enc",)
    given = diagram.cache(TOKENS, "float32", source=5)
    assert given.left_out == ()
    assert given.total == really_kept(model, input_ids=torch.arange(5)[None] + 3)
    assert diagram.flops(TOKENS, source=5).mixing - diagram.flops(TOKENS).mixing == 2 * 2 * (4 + 4) * 2 * 5
    assert "for each token of enc" in str(diagram)


def test_torchs_own_attention_is_counted_with_its_projections() -> None:
    # By hand: queries, keys, values and output are 16 x 16 each, and the feed-forward is 16 x 32 twice.
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    assert Diagram(read_model(torch.nn.TransformerEncoder(layer, 3))).flops().matrices == 3 * 2 * (4 * 16**2 + 2 * 512)
    both = torch.nn.Transformer(16, 2, 1, 2, 32, batch_first=True)
    assert Diagram(read_model(both)).flops().matrices == 2 * 2 * (2 * 4 * 16**2 + 2 * 512)
    assert "cache 128 bytes in bfloat16 for each token of enc" in str(Diagram(read_model(both)))


def test_each_stack_costs_its_own() -> None:
    model = T5ForConditionalGeneration(T5Config(d_model=16, d_kv=4, d_ff=8, num_layers=2, num_heads=2)).eval()
    assert Diagram(read_model(model)).flops(stack="enc").matrices == 2 * 2 * (4 * 16 * 8 + 2 * 16 * 8)
