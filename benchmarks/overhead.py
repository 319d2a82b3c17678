"""What an attached session costs: time and memory over those of the plain model, beside the peers, in one run.

``python benchmarks/overhead.py [--repeats 15] [--model gpt2 llama] [--pass "prefill 128" ...] [--json FILE]``

In every round each contender makes one measured pass, in an order that changes, so that a machine that slows down slows
all. A round's ratio is its time over that of the plain model in the same round; the figures are the medians over the
rounds, with the range from the 10th to the 90th percentile. *Plain again* is another copy of the plain model: what its
ratio is off 1 is noise, of time and of where the weights happen to lie. Peak memory is taken in a process of its own
for each contender.

Ours takes statistics of every block, head and expert and hands each frame to a subscriber. The peers do less: they keep
the outputs of all blocks, or all patterns. They take part where they are installed:
``pip install 'glassblock[peers]'``.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import logging
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import glassblock as gb

Forward = Callable[..., Any]
"""Takes ids and the model's keyword arguments, returns its output."""


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


MODELS = {"gpt2": gpt2, "llama": llama}
WORDS = {"gpt2": "GPT-2 small", "llama": "Llama, 12 layers"}

# ---- passes


def prefill(forward: Forward, ids: Tensor) -> None:
    """Read all tokens in one forward pass."""
    forward(ids, use_cache=False)


def decode(forward: Forward, ids: Tensor) -> None:
    """Read a prompt, then sixteen tokens one at a time, with a cache."""
    output = forward(ids, use_cache=True)
    for _ in range(16):
        token = output.logits[:, -1:].argmax(-1)
        output = forward(token, past_key_values=output.past_key_values, use_cache=True)


PASSES: dict[str, tuple[Callable[[Forward, Tensor], None], int]] = {
    "prefill 128": (prefill, 128),
    "prefill 1024": (prefill, 1024),
    "decode 16": (decode, 16),
}

# ---- contenders: each a context that lends a way to call the model


@contextmanager
def plain(model: Any) -> Iterator[Forward]:
    """The model as it is."""
    yield model


@contextmanager
def streaming(model: Any) -> Iterator[Forward]:
    """Statistics of every block and head, each frame read by a subscriber."""
    with gb.attach(model) as session:
        session.subscribe(lambda event, what: what.stats if event == "frame" else None)
        yield model


@contextmanager
def one_pattern(model: Any) -> Iterator[Forward]:
    """As streaming, and the attention patterns of one layer in each frame."""
    with _watching(model, 1):
        yield model


@contextmanager
def all_patterns(model: Any) -> Iterator[Forward]:
    """As streaming, and the attention patterns of all layers in each frame."""
    with _watching(model, None):
        yield model


@contextmanager
def _watching(model: Any, layers: int | None) -> Iterator[None]:
    with gb.attach(model) as session:
        session.subscribe(lambda event, what: what.stats if event == "frame" else None)
        session.watch(*[f"{layer.address}.attn.pattern" for layer in session.architecture.layers()][:layers])
        yield


@contextmanager
def transformer_lens(model: Any) -> Iterator[Forward]:
    """TransformerLens: wrapped, nothing read."""
    yield _bridge(model).original_model


@contextmanager
def transformer_lens_blocks(model: Any) -> Iterator[Forward]:
    """TransformerLens: the outputs of all blocks kept, of each pass anew."""
    with _caching(model, "hook_resid_post", "hook_attn_out", "hook_mlp_out") as forward:
        yield forward


@contextmanager
def transformer_lens_patterns(model: Any) -> Iterator[Forward]:
    """TransformerLens: the attention patterns of all layers kept, of each pass anew."""
    with _caching(model, "attn.hook_pattern") as forward:
        yield forward


@contextmanager
def _caching(model: Any, *names: str) -> Iterator[Forward]:
    bridge = _bridge(model)
    cache, hooks, _ = bridge.get_caching_hooks(lambda name: name.endswith(names))
    with bridge.hooks(fwd_hooks=hooks):

        def forward(*args: Any, **kwargs: Any) -> Any:
            cache.clear()
            return bridge.original_model(*args, **kwargs)

        yield forward


def _bridge(model: Any) -> Any:
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    model.set_attn_implementation("eager")  # its patterns need it, and its own loading does the same
    bridge = build_bridge_from_module(model, architecture=type(model).__name__, hf_config=model.config, tokenizer=None)
    return bridge.eval()


@contextmanager
def nnsight_blocks(model: Any) -> Iterator[Forward]:
    """Nnsight: the outputs of all blocks saved, of each pass anew."""
    import nnsight

    wrapped = nnsight.NNsight(model)
    layers = wrapped.transformer.h if hasattr(wrapped, "transformer") else wrapped.model.layers

    def forward(*args: Any, **kwargs: Any) -> Any:
        with wrapped.trace(*args, **kwargs):
            kept = nnsight.save([])
            for layer in layers:
                kept.append(layer.attn.output if hasattr(layer, "attn") else layer.self_attn.output)
                kept.append(layer.mlp.output)
                kept.append(layer.output)
            whole = nnsight.save(wrapped.output)
        return whole  # noqa: RET504  # what is in the trace is its own program: it cannot return

    yield forward


CONTENDERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "plain": ("", plain),
    "plain again": ("", plain),
    "streaming": ("", streaming),
    "streaming, patterns of one layer": ("", one_pattern),
    "streaming, all patterns": ("", all_patterns),
    "TransformerLens": ("transformer_lens", transformer_lens),
    "TransformerLens, blocks": ("transformer_lens", transformer_lens_blocks),
    "TransformerLens, all patterns": ("transformer_lens", transformer_lens_patterns),
    "nnsight, blocks": ("nnsight", nnsight_blocks),
}
"""By name: the package that it needs, and the context."""


def present() -> list[str]:
    """Return the contenders that can take part."""
    return [name for name, (needs, _) in CONTENDERS.items() if not needs or importlib.util.find_spec(needs)]


# ---- measuring


@dataclass
class Times:
    """Seconds of one contender in one pass of one model, a round each."""

    model: str
    task: str
    contender: str
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def timed(task: Callable[[Forward, Tensor], None], forward: Forward, ids: Tensor) -> tuple[float, float]:
    """Return wall and processor seconds of one pass."""
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.no_grad():
        task(forward, ids)
    return time.perf_counter() - wall, time.process_time() - cpu


def rounds(model_name: str, model: Any, task_name: str, names: list[str], repeats: int) -> list[Times]:
    """Measure all contenders in one pass, round by round, each on a copy: some change what they are given."""
    task, length = PASSES[task_name]
    ids = torch.randint(0, 30_000, (1, length), generator=torch.Generator().manual_seed(0))
    found = {name: Times(model_name, task_name, name) for name in names}
    order = list(names)
    shuffle = random.Random(0).shuffle
    with ExitStack() as stack:
        forwards = {name: stack.enter_context(CONTENDERS[name][1](copy.deepcopy(model))) for name in names}
        for at in range(repeats + 1):
            shuffle(order)
            for name in order:
                wall, cpu = timed(task, forwards[name], ids)
                if at:  # the first round warms up, and what is learnt once is learnt in it
                    found[name].wall.append(wall)
                    found[name].cpu.append(cpu)
    return list(found.values())


# ---- memory


def peak_mb(model_name: str, task_name: str, contender: str) -> float:
    """Return the peak of resident memory during one pass, in a process of its own."""
    command = (sys.executable, __file__, "--memory", model_name, task_name, contender)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"memory of {contender}: {done.stderr[-300:]}")
    return float(done.stdout.split()[-1])


def own_peak(model_name: str, task_name: str, contender: str) -> None:
    """Make one pass and print the peak since before it."""
    model = MODELS[model_name]()
    task, length = PASSES[task_name]
    with CONTENDERS[contender][1](model) as forward:
        ids = torch.randint(0, 30_000, (1, length))
        timed(prefill, forward, ids[:, :2])
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        timed(task, forward, ids)
        status = Path("/proc/self/status").read_text(encoding="ascii")
    print(next(float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")))


# ---- what is printed


def table(every: list[Times], memory: dict[tuple[str, str, str], float]) -> str:
    """Write medians, ratios and ranges."""
    lines = ["| model | pass | contender | wall, ms | ratio (range) | CPU, ms | ratio (range) | peak MB | over plain |"]
    lines.append("|---" * 9 + "|")
    base = {(t.model, t.task): t for t in every if t.contender == "plain"}
    for t in every:
        if not t.wall:
            continue
        cells = [WORDS[t.model], t.task, t.contender]
        for ours, its in ((t.wall, base[t.model, t.task].wall), (t.cpu, base[t.model, t.task].cpu)):
            cells += [f"{statistics.median(ours) * 1e3:.1f}", "1" if ours is its else spread(ours, its)]
        peak, least = (memory.get((t.model, t.task, who)) for who in (t.contender, "plain"))
        cells += [f"{peak:.0f}", f"{peak / least - 1:+.1%}"] if peak and least else ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(ours: list[float], its: list[float]) -> str:
    """Write the median of the rounds' ratios and where most of them lie."""
    ratios = sorted(a / b for a, b in zip(ours, its, strict=False))
    low, high = (ratios[round(q * (len(ratios) - 1))] for q in (0.1, 0.9))
    return f"{statistics.median(ratios):.3f} ({low:.2f} to {high:.2f})"


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--model", nargs="*", choices=MODELS, default=list(MODELS))
    parser.add_argument("--pass", dest="task", nargs="*", choices=PASSES, default=list(PASSES))
    parser.add_argument("--contender", nargs="*", choices=CONTENDERS, help="these only, plain beside them")
    parser.add_argument("--no-memory", action="store_true", help="leave peak memory out")
    parser.add_argument("--memory", nargs=3, metavar="", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="file for every round")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")
    if args.memory:
        own_peak(*args.memory)
        return 0
    names = [name for name in present() if not args.contender or name in ("plain", *args.contender)]
    every, memory = [], {}
    for model_name in args.model:
        model = MODELS[model_name]()
        for task_name in args.task:
            every += rounds(model_name, model, task_name, names, args.repeats)
            if not args.no_memory:
                which = [name for name in names if name != "plain again"]
                memory.update({(model_name, task_name, name): peak_mb(model_name, task_name, name) for name in which})
            print(f"{WORDS[model_name]}, {task_name}: measured", file=sys.stderr, flush=True)
    print(table(every, memory))
    if args.json:
        args.json.write_text(json.dumps([asdict(each) for each in every], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
