"""What an attached session costs: time with everything streaming over time of the plain model, in one run.

Plain and attached alternate, so that a machine that slows down slows both. The figure is the ratio of the medians.
``python benchmarks/overhead.py [--repeats 15]``
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import glassblock as gb

Forward = Callable[[Any, torch.Tensor], object]


def gpt2() -> Any:
    """Return a random model of GPT-2-small's shape."""
    return GPT2LMHeadModel(GPT2Config(bos_token_id=None, eos_token_id=None)).eval()


def llama() -> Any:
    """Return a random 12-layer Llama of the same width."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32_000,
            hidden_size=768,
            intermediate_size=2048,
            num_hidden_layers=12,
            num_attention_heads=12,
            num_key_value_heads=4,
        )
    ).eval()


def prefill(model: Any, ids: torch.Tensor) -> object:
    """One forward pass over all tokens."""
    return model(ids)


def decode(model: Any, ids: torch.Tensor) -> object:
    """Sixteen tokens, one at a time, with a cache."""
    return model.generate(ids[:, :16], max_new_tokens=16, do_sample=False, pad_token_id=0)


def seconds(forward: Forward, model: Any, ids: torch.Tensor) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    with torch.no_grad():
        forward(model, ids)
    return time.perf_counter() - start


def compare(forward: Forward, model: Any, ids: torch.Tensor, repeats: int) -> tuple[list[float], list[float]]:
    """Return the times of the plain and of the attached model, alternating."""
    plain, attached = [], []
    seconds(forward, model, ids)
    for _ in range(repeats):
        plain.append(seconds(forward, model, ids))
        with gb.attach(model):
            seconds(forward, model, ids)
            attached.append(seconds(forward, model, ids))
        seconds(forward, model, ids)
    return plain, attached


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print("| model | pass | plain, ms | streaming, ms | ratio |")
    print("|---|---|---|---|---|")
    for name, build in (("GPT-2 small", gpt2), ("Llama, 12 layers", llama)):
        model = build()
        for words, forward, length in (
            ("prefill 128", prefill, 128),
            ("prefill 512", prefill, 512),
            ("decode 16", decode, 16),
        ):
            ids = torch.randint(0, 30_000, (1, length))
            plain, attached = (statistics.median(times) * 1e3 for times in compare(forward, model, ids, repeats))
            print(f"| {name} | {words} | {plain:.1f} | {attached:.1f} | {attached / plain:.3f} |", flush=True)


if __name__ == "__main__":
    main()
