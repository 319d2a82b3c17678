"""What an attached session costs on an accelerator: an 8B-shaped random bf16 model, decode and a 2,048-token prefill.

``python benchmarks/accelerator.py [--repeats 20] [--smoke] [--json FILE]``

The model is built on the device from random numbers, as transformers builds it. Plain and streaming alternate in
one run; a pass ends when the device has done it, and the streaming one also takes its frames to the host. Before
anything is measured, one pass of each kind runs under ``torch.cuda.set_sync_debug_mode("error")``, which raises where
anything waits for the device inside the forward; what waits in the plain model is said, too. ``--smoke`` runs all of it
at a small size on whatever there is.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

import glassblock as gb

AIMS = {"decode": 1.05, "prefill": 1.02}
LARGE: dict[str, Any] = {  # Llama 3 8B
    "vocab_size": 128_256,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
}
SMALL: dict[str, Any] = {
    "vocab_size": 1000,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


@dataclass
class Task:
    """A pass: a prompt, or some tokens after one, each with the cache."""

    name: str
    length: int
    steps: int = 0


@dataclass
class Times:
    """Seconds of each round."""

    task: str
    tokens: int
    plain: list[float] = field(default_factory=list)
    streaming: list[float] = field(default_factory=list)
    peak_mb: dict[str, float] = field(default_factory=dict)
    synchronises: str = ""

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios."""
        return statistics.median(b / a for a, b in zip(self.plain, self.streaming, strict=True))


def build(settings: dict[str, Any], device: str) -> Any:
    """Return a random model of a shape, in bf16, made on the device."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(LlamaConfig(**settings))
    finally:
        torch.set_default_dtype(torch.float32)
    return model.eval()


@contextmanager
def streaming(model: Any) -> Iterator[Any]:
    """Attach, and read every frame as whoever shows it would."""
    with gb.attach(model) as session:
        session.subscribe(lambda event, what: what.stats if event == "frame" else None)
        yield session


def wait(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


@torch.no_grad()
def run(model: Any, ids: Tensor, task: Task, device: str) -> float:
    """Return the seconds of one pass: of the prompt, or of each step after it."""
    cache = DynamicCache(config=model.config) if task.steps else None
    token = ids[:, :1]
    if task.steps:
        model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    wait(device)
    start = time.perf_counter()
    if not task.steps:
        model(ids, use_cache=False, logits_to_keep=1)
    for _ in range(task.steps):
        model(token, past_key_values=cache, use_cache=True)
    wait(device)
    return (time.perf_counter() - start) / max(task.steps, 1)


@torch.no_grad()
def synchronises(model: Any, ids: Tensor, task: Task, device: str) -> str:
    """Return what waited for the device inside a forward; Glassblock turns errors of its own into warnings."""
    if device != "cuda":
        return "not checked: there is no device to wait for"
    run(model, ids, task, device)
    cache = DynamicCache(config=model.config) if task.steps else None
    if task.steps:
        model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    wait(device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            if task.steps:
                model(ids[:, :1], past_key_values=cache, use_cache=True)
            else:
                model(ids, use_cache=False, logits_to_keep=1)
    except RuntimeError as error:
        return " ".join(str(error).split())[:200]
    finally:
        torch.cuda.set_sync_debug_mode("default")
        wait(device)
    return next(
        (" ".join(str(each.message).split())[:200] for each in said if "synchron" in str(each.message)), "nothing"
    )


def measure(model: Any, task: Task, device: str, repeats: int) -> Times:
    """Measure a pass, plain and streaming in turn."""
    vocabulary = int(model.config.vocab_size)
    ids = torch.randint(3, vocabulary, (1, task.length), generator=torch.Generator().manual_seed(0)).to(device)
    found = Times(task.name, task.length)
    waits = synchronises(model, ids, task, device)
    with gb.attach(model):  # frames are made; nobody reads them, because to read one is to wait for it
        ours = synchronises(model, ids, task, device)
    found.synchronises = ours if waits in {"nothing", ours} else f"{ours}; in the plain model: {waits}"
    sides: dict[str, Callable[[], float]] = {
        "plain": lambda: run(model, ids, task, device),
        "streaming": lambda: _attached(model, ids, task, device),
    }
    for at in range(repeats + 1):
        for name, once in list(sides.items())[:: 1 if at % 2 else -1]:
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            seconds = once()
            if device == "cuda":
                found.peak_mb[name] = torch.cuda.max_memory_allocated() / 2**20
            if at:
                getattr(found, name).append(seconds)
    return found


def _attached(model: Any, ids: Tensor, task: Task, device: str) -> float:
    with streaming(model):
        run(model, ids[:, :8], Task("warm up", 8, min(task.steps, 2)), device)
        return run(model, ids, task, device)


def table(every: list[Times]) -> str:
    """Write absolute times, ratios, and what waited."""
    lines = [
        "| pass | plain, ms | streaming, ms | ratio | aim | peak MB: plain, streaming | waits inside the forward |",
        "|---" * 7 + "|",
    ]
    for each in every:
        plain, ours = (statistics.median(times) * 1e3 for times in (each.plain, each.streaming))
        spread = sorted(b / a for a, b in zip(each.plain, each.streaming, strict=True))
        aim = AIMS[each.task.partition(" ")[0]]
        peak = ", ".join(f"{each.peak_mb[name]:.0f}" for name in ("plain", "streaming")) if each.peak_mb else ""
        lines.append(
            f"| {each.task} | {plain:.2f} | {ours:.2f} | {each.ratio:.3f} ({spread[0]:.3f} to {spread[-1]:.3f})"
            f" | {aim} | {peak} | {each.synchronises} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure, or say that there is nothing to measure on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--smoke", action="store_true", help="a small size, also without an accelerator")
    parser.add_argument("--json", type=Path, help="file for every round")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not args.smoke:
        print("there is no accelerator here, so nothing was measured; --smoke runs the benchmark at a small size")
        return 0
    settings = SMALL if args.smoke else LARGE
    prompt = 64 if args.smoke else 2048
    tasks = [Task(f"prefill {prompt}", prompt), Task(f"decode after {prompt // 4}", prompt // 4, steps=16)]
    name = torch.cuda.get_device_name() if device == "cuda" else "no accelerator: the times mean nothing"
    print(f"{settings['num_hidden_layers']} layers of width {settings['hidden_size']}, bf16, on {device} ({name})")
    model = build(settings, device)
    every = [measure(model, task, device, args.repeats) for task in tasks]
    print(table(every))
    if args.json:
        args.json.write_text(json.dumps([asdict(each) for each in every], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
