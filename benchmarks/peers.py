"""Taps beside TransformerLens's, on the same weights: every hook name that both have, and what only one has.

``python benchmarks/peers.py [NAME ...] [--json FILE]``, with the extra: ``pip install 'glassblock[peers]'``

TransformerLens wraps the model (its `TransformerBridge`, around a copy of the very model) and makes it compute by
eager attention; its processing of weights (folded norms, centred weights) is left off, as it is by default. Ours reads
the stock model as it is, with torch's kernel where the class has it. In float32, on two rows of twelve tokens.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import logging
import sys
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the architectures are those of the conformance matrix

import torch
from matrix.checks import asked, attach
from matrix.zoo import Case, call, case, logits
from torch import Tensor

from glassblock.errors import GlassblockError
from glassblock.live import Session

NAMES = ("gpt2", "llama", "gemma2", "mixtral", "phi3", "qwen3", "qwen3_next", "bert", "t5")
CLOSE = 1e-5
"""Up to here a difference is that of another kernel: eager attention adds in another order than torch's."""
HIDDEN = -1e4
"""Scores below are those of masked places, which each writes in its own way."""

REASONS = {
    ".hook_normalized": "theirs is before the norm's weight, ours after it",
    "_input": "theirs is the stream before the norm, ours what the projection is given, after it",
    ".hook_attn_scores": "theirs holds the pattern, after the softmax",
    ".hook_z": "theirs is after the output gate, ours before it",
    "attn.hook_q": "theirs has the output gate in the same tensor",
    "hook_expert_weights": "theirs has a column for every expert, ours one for each chosen expert",
    "pos_embed": "ours has one row, as the model computes it, theirs a row for each text",
    "pos_embed.hook_out": "ours has one row, as the model computes it, theirs a row for each text",
    "hook_embed": "theirs is after the norm on the embeddings, ours the tokens' alone",
    "hook_attn_out": "theirs is the stream after the first norm, ours what is added to it",
    "hook_resid_mid": "theirs is what goes into the second norm, ours the stream that the MLP reads",
}
"""Why hooks differ, by how their names end: each was checked on numbers with TransformerLens 4.3."""


@dataclass
class Comparison:
    """One architecture.

    Attributes
    ----------
    theirs
        How many names their run filled.
    both
        By name: largest absolute difference.
    shapes
        By name: our shape and theirs, where they differ.
    refused
        By name: why we have none, in our words.
    only_ours, only_theirs
        Our taps whose tensor they have under no name of theirs, and the other way round.
    logits
        Largest difference of the logits from the plain model: theirs, ours.
    """

    name: str
    theirs: int = 0
    both: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    only_ours: list[str] = field(default_factory=list)
    only_theirs: list[str] = field(default_factory=list)
    logits: tuple[float, float] = (0.0, 0.0)


def compare(name: str) -> Comparison:
    """Run both on one architecture."""
    chosen, found = case(name), Comparison(name)
    model = chosen.make(None)
    plain = logits(call(model, chosen.prompt()))
    said, cache = their_cache(chosen, model)
    found.theirs = len(cache)
    with attach(chosen, model) as session:
        found.logits = (_off(said, plain), _off(logits(call(model, chosen.prompt())), plain))
        for hook, theirs in cache.items():
            compare_one(chosen, session, hook, theirs, found)
        only_one(chosen, session, cache, found)
    return found


def their_cache(chosen: Case, model: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """Return logits and all that their run with a cache keeps, with what they keep on demand as far as they can."""
    for switches in (("set_use_attn_result", "set_use_split_qkv_input"), ("set_use_attn_result",), ()):
        try:
            return their_run(chosen, model, switches)
        except Exception as error:  # noqa: BLE001  # said, and what is then missing is counted as missing
            words = " ".join(str(error).split())[:160]
            print(f"  TransformerLens with {' and '.join(switches) or 'nothing on'}: {words}", file=sys.stderr)
    raise RuntimeError(f"TransformerLens cannot run {chosen.name}")


def their_run(chosen: Case, model: Any, switches: tuple[str, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    """Wrap a model of the same weights and run it."""
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    own = chosen.make("eager")
    own.load_state_dict(model.state_dict())
    bridge = build_bridge_from_module(own, architecture=type(own).__name__, hf_config=own.config, tokenizer=None)
    bridge.eval()
    for switch in switches:
        getattr(bridge, switch)(True)
    prompt = chosen.prompt()
    options = {"decoder_input": prompt["decoder_input_ids"]} if chosen.inputs == "both" else {}
    with torch.no_grad():
        said, cache = bridge.run_with_cache(prompt["input_ids"], return_type="logits", **options)
    return said, {key: value for key, value in cache.items() if isinstance(value, Tensor)}


def compare_one(chosen: Case, session: Session, hook: str, theirs: Tensor, found: Comparison) -> None:
    """Ask our session by their name."""
    try:
        ours = session.cache(hook, prompt=copy.deepcopy(chosen.prompt()))[hook]
    except GlassblockError as refusal:
        found.refused[hook] = " ".join(str(refusal).split())
        return
    if ours.ndim == theirs.ndim == 4 and ours.shape != theirs.shape:  # heads before tokens
        theirs = theirs.transpose(1, 2)
    if ours.numel() != theirs.numel():
        found.shapes[hook] = (list(ours.shape), list(theirs.shape))
        return
    found.both[hook] = _off(ours.reshape(theirs.shape), theirs)  # tokens of all rows in one axis, or apart


def only_one(chosen: Case, session: Session, cache: dict[str, Tensor], found: Comparison) -> None:
    """Find our documented taps of which no tensor of theirs is the same, and the other way round, names aside."""
    ours = {}
    for address, tap, _ in asked(session):
        name = f"{address}.{tap}"
        try:
            ours[name] = session.cache(name, prompt=copy.deepcopy(chosen.prompt()))[name]
        except GlassblockError:
            continue
    found.only_ours = [name for name, x in ours.items() if not any(same(x, theirs) for theirs in cache.values())]
    found.only_theirs = [
        hook
        for hook in found.refused
        if not any(same(x, cache[hook]) for x in ours.values())
        and not any(same(cache[other], cache[hook]) for other in found.both)
    ]


def same(ours: Tensor, theirs: Tensor) -> bool:
    """Say whether two tensors hold the same numbers, their axes and masked places aside."""
    if ours.numel() != theirs.numel() or ours.numel() == 0:
        return False
    if ours.shape == theirs.shape:
        return _off(ours, theirs) < CLOSE
    return _off(ours.float().flatten().sort()[0], theirs.float().flatten().sort()[0]) < CLOSE


def _off(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference where both are seen: a masked score has no value of its own."""
    a, b = ours.double(), theirs.double()
    seen = (a > HIDDEN) & (b > HIDDEN)
    return float((a - b)[seen].abs().max()) if bool(seen.any()) else 0.0


def table(every: list[Comparison]) -> str:
    """Write what was found as a table."""
    head = "architecture|their hooks|both have|equal to 1e-5|largest difference of those|differ|other shape"
    head += "|name theirs alone|tensor theirs alone|tensor ours alone|logits: theirs, ours"
    rows = [head.split("|"), ["---"] * len(head.split("|"))]
    for each in every:
        close = [off for off in each.both.values() if off < CLOSE]
        cells = [each.theirs, len(each.both) + len(each.shapes), len(close), f"{max(close, default=0):.1e}"]
        cells += [
            len(each.both) - len(close),
            len(each.shapes),
            len(each.refused),
            len(each.only_theirs),
            len(each.only_ours),
        ]
        rows.append([each.name, *map(str, cells), ", ".join(f"{off:.0e}" for off in each.logits)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def details(every: list[Comparison]) -> str:
    """Write each hook that differs, layers aside and with the reason where it is known, and what only one has."""
    where: dict[str, list[str]] = {}
    for each in every:
        for hook in [*(hook for hook, off in each.both.items() if off >= CLOSE), *each.shapes]:
            names = where.setdefault(_place(hook), [])
            names += [] if each.name in names else [each.name]
    lines = [f"- {hook} ({', '.join(names)}): {_reason(hook)}" for hook, names in where.items()]
    missing = Counter(_place(hook) for each in every for hook in each.only_theirs)
    extra = Counter(_place(tap) for each in every for tap in each.only_ours)
    return "\n".join(
        [
            "Differences:",
            *(lines or ["- none"]),
            "",
            "Tensors only theirs: " + ", ".join(f"{name} ({count})" for name, count in missing.most_common()),
            "",
            "Tensors only ours: " + ", ".join(f"{name} ({count})" for name, count in extra.most_common()),
        ]
    )


def _reason(hook: str) -> str:
    return next((words for ending, words in REASONS.items() if hook.endswith(ending)), "NOT EXPLAINED")


def _place(name: str) -> str:
    return ".".join("*" if part.isdigit() or part[1:].isdigit() else part for part in name.split("."))


def main() -> int:
    """Compare, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, help="file for every hook")
    args = parser.parse_args()
    if importlib.util.find_spec("transformer_lens") is None:
        print("transformer-lens is not installed, so nothing was compared: pip install 'glassblock[peers]'")
        return 0
    torch.set_num_threads(1)
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")
    every = []
    for name in args.names:
        print(name, file=sys.stderr, flush=True)
        every.append(compare(name))
    print(f"{table(every)}\n\n{details(every)}")
    if args.json:
        args.json.write_text(json.dumps([asdict(each) for each in every], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
