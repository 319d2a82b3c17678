"""Which taps are found inside the blocks of every causal model type that builds tiny, in prefill and with a cache.

``python benchmarks/insides.py [TYPE ...]``

Each kind of block is recorded twice: while the whole text goes through, and while its last token does with a cache of
the others. A tap is *found* if it can be looked at without a copy; it *agrees* if what the last token has there is the
same both times, and if an attention's pattern makes its z of its v. What a kernel keeps to itself is not listed.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from calls import decoded, kept, record
from matrix.causal import kinds, tiny
from matrix.shrunk import VOCABULARY
from torch import Tensor, nn

from glassblock.ir import Block
from glassblock.reader import read_model
from glassblock.reader.attention.places import KEPT
from glassblock.reader.branches.place import Missing, Place
from glassblock.reader.insides import places
from glassblock.reader.tracing.watch import Watched

ROLES = ("attention", "mlp", "moe", "mixer")
ROWS = ("router_logits", "weights", "indices", "expert_in", "shared_gate")
IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(3))

Taps = dict[str, Tensor | str]


class Counts:
    """What was found, by role."""

    def __init__(self) -> None:
        self.blocks: Counter[str] = Counter()
        self.found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.missing: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.problems: list[str] = []


def main() -> None:
    """Look into all types, or those named, and print the tables."""
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    counts, read = Counts(), Counter[str]()
    for kind in sys.argv[1:] or kinds():
        try:
            model = tiny(kind)
        except Exception:  # noqa: BLE001  # a class may fail in any way; benchmarks/conformance.py says how
            read["not built"] += 1
            continue
        read["built"] += 1
        try:
            look(kind, model, counts)
        except Exception as error:  # noqa: BLE001
            counts.problems.append(f"{kind}: {type(error).__name__}: {str(error)[:100]}")
    print(dict(read))
    show(counts)


def look(kind: str, model: Any, counts: Counts) -> None:
    """Count what is found in each kind of block of a model."""
    by_spec = {(b.role, str(b.spec)): b for b in reversed(_blocks(model))}
    own = {block.path: block for block in by_spec.values()}
    whole = record(model, list(own), input_ids=IDS)[0]
    try:
        step = decoded(model, list(own), IDS)
    except (LookupError, TypeError, RuntimeError, ValueError, AttributeError) as error:
        step = {}
        counts.problems.append(f"{kind}: not decoded: {str(error)[:80]}")
    agrees = not step or _as_before(model)
    counts.problems += [] if agrees else [f"{kind}: its own logits are others while decoding, so taps are not compared"]
    for path, block in own.items():
        if path not in whole:
            continue
        taps = {"prefill": taps_of(whole[path], block)}
        if path in step:
            taps["decode"] = taps_of(step[path], block)
        counts.blocks[block.role] += 1
        if not taps["prefill"]:
            counts.problems.append(f"{kind} {block.address} ({block.role}): nothing recognised")
        for phase, each in taps.items():
            for tap, tensor in each.items():
                into = counts.missing if isinstance(tensor, str) else counts.found
                into[block.role][tap, phase] += 1
                if isinstance(tensor, str) and tensor != KEPT.reason:
                    counts.problems.append(f"{kind} {block.address}.{tap}, {phase}: {tensor}")
        counts.problems += [f"{kind} {block.address}.{words}" for words in disagreements(taps) if agrees]


@torch.no_grad()
def _as_before(model: Any) -> bool:
    """Whether the model itself makes the same of the last token with a cache of the others."""
    whole, step = model(IDS).logits[:, -1], model(IDS[:, -1:], **kept(model, IDS)).logits[:, -1]
    return torch.allclose(whole, step, atol=1e-3)


def _blocks(model: nn.Module) -> list[Block]:
    every = [block for layer in read_model(model).layers() for block in layer.blocks]
    return [block for block in every if block.role in ROLES and block.path]


def taps_of(call: Watched, block: Block) -> Taps:
    """Return the tensors of all places of a call, and of those that are missing why."""
    found: Taps = {}
    for name, place in places(call.graph, call.source, call.output, block).items():
        found[name] = place.reason if isinstance(place, Missing) else _looked_at(call, place)
    return found


def _looked_at(call: Watched, place: Place) -> Tensor | str:
    try:
        tensor = call.tensor(place.value)
        seen = place.view(tensor)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    same = seen.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
    return seen.clone() if same else "its view is a copy"


def disagreements(taps: dict[str, Taps]) -> Iterator[str]:
    """Go through what is not what it should be."""
    for phase, each in taps.items():
        parts = [each.get(name) for name in ("pattern", "v", "z")]
        if all(isinstance(part, Tensor) for part in parts):
            pattern, v, z = parts
            made = pattern.float() @ _for_each(v, pattern.shape[1]).float().transpose(1, 2)
            if made.shape != z.transpose(1, 2).shape or not torch.allclose(made, z.float().transpose(1, 2), atol=1e-4):
                yield f"z, {phase}: is not pattern @ v"
    for tap, now in taps.get("decode", {}).items():
        before = taps["prefill"].get(tap)
        if isinstance(now, Tensor) and isinstance(before, Tensor) and not _same(tap, before, now):
            yield f"{tap}: {tuple(now.shape)} of the last token is not what it has in the text, {tuple(before.shape)}"


def _for_each(v: Tensor, heads: int) -> Tensor:
    return v.repeat_interleave(heads // v.shape[2], 2)


def _same(tap: str, before: Tensor, now: Tensor) -> bool:
    if tap in ROWS:
        before = before.unflatten(0, (len(IDS), -1))[:, -1]
    elif tap in ("scores", "pattern"):
        before = before[:, :, -1:, -now.shape[-1] :]
    elif tap != "state":
        before = before[:, -now.shape[1] :]
    return before.shape == now.shape and torch.allclose(before.float(), now.float(), rtol=1e-3, atol=1e-4)


def show(counts: Counts) -> None:
    """Print a table for each role, and what was not found or does not agree."""
    for role in ROLES:
        print(f"\n{role}: {counts.blocks[role]} kinds of blocks\n")
        print("| tap | prefill | decode | missing in prefill, decode |\n|---|---|---|---|")
        names = dict.fromkeys(tap for tap, _ in (*counts.found[role], *counts.missing[role]))
        for tap in names:
            found = [counts.found[role][tap, phase] for phase in ("prefill", "decode")]
            missing = [counts.missing[role][tap, phase] for phase in ("prefill", "decode")]
            print(f"| {tap} | {found[0]} | {found[1]} | {missing[0]}, {missing[1]} |")
    print()
    print(*counts.problems, sep="\n")


if __name__ == "__main__":
    main()
