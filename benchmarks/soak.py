"""A soak: many forwards from two threads while interventions change, and many sessions that come and go.

``python benchmarks/soak.py [--forwards 10000] [--sessions 500] [--quick]``

Interventions come in pairs whose two halves are at both ends of the model, and are made and taken back together, by
both threads, at random. What a forward may say is therefore one of the outcomes of whole pairs; these are computed
beforehand on copies that no session ever saw, by changed weights and hooks by hand. A forward that saw half a pair, or
a set that changed under way, says something else. Then memory, tensors and hooks are counted: none may grow.
"""

from __future__ import annotations

import argparse
import copy
import gc
import itertools
import logging
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import torch
from tiny_models import text, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import InterventionError

CLOSE = 1e-4
"""Closer to an outcome is that outcome: outcomes differ by much more, which is checked."""


def zero_mlps(model: Any, _: Any) -> None:
    """The first and the last layer's MLP add nothing."""
    for at in (0, 3):
        model.model.layers[at].mlp.down_proj.weight.zero_()


def zero_heads(model: Any, _: Any) -> None:
    """A head of the second and one of the last layer adds nothing."""
    for at in (1, 3):
        model.model.layers[at].self_attn.o_proj.weight.unflatten(1, (4, -1))[:, 1].zero_()


def zero_queries(model: Any, _: Any) -> None:
    """The first and the last layer's attention ask for nothing in particular: an edit inside of blocks."""
    for at in (0, 3):
        model.model.layers[at].self_attn.q_proj.weight.zero_()


def mean_attentions(model: Any, untouched: Any) -> None:
    """The first and the third layer's attention add their means over the reference prompt."""
    for at in (0, 2):
        seen: list[Tensor] = []
        hook = untouched.model.layers[at].self_attn.register_forward_hook(
            lambda _, __, out, seen=seen: seen.append(out[0])
        )
        untouched(REFERENCE)
        hook.remove()
        middle = seen[0].double().mean((0, 1)).float()
        model.model.layers[at].self_attn.register_forward_hook(
            lambda _, __, out, middle=middle: (middle.expand_as(out[0]), *out[1:])
        )


REFERENCE = text(9).flip(1)
PAIRS: tuple[tuple[tuple[str, str], str, Callable[[Any, Any], None]], ...] = (
    (("L0.mlp", "L3.mlp"), "zero", zero_mlps),
    (("L1.attn.H1", "L3.attn.H1"), "zero", zero_heads),
    (("L0.attn", "L2.attn"), "mean", mean_attentions),
    (("L0.attn.q", "L3.attn.q"), "zero", zero_queries),
)
"""Two addresses, what is done to both, and the same done by hand to a copy, beside an untouched one."""


@torch.no_grad()
def outcomes(model: nn.Module, ids: Tensor) -> dict[tuple[int, ...], Tensor]:
    """Return the logits under each set of whole pairs, from copies to which it was done by hand."""
    found = {}
    for count in range(len(PAIRS) + 1):
        for chosen in itertools.combinations(range(len(PAIRS)), count):
            changed: Any = copy.deepcopy(model)
            for at in chosen:
                PAIRS[at][2](changed, copy.deepcopy(model))
            found[chosen] = changed(ids).logits
    every = list(found.values())
    apart = min(float((a - b).abs().max()) for a, b in itertools.combinations(every, 2))
    if apart < 10 * CLOSE:
        raise AssertionError(f"outcomes are only {apart:.1e} apart: nothing could be told from them")
    return found


@dataclass
class Seen:
    """What the threads saw."""

    forwards: int = 0
    changes: int = 0
    whole: dict[tuple[int, ...], int] = field(default_factory=dict)
    mixtures: int = 0
    errors: list[str] = field(default_factory=list)


def work(session: Any, ids: Tensor, known: dict[tuple[int, ...], Tensor], count: int, seed: int, seen: Seen) -> None:
    """Run forwards, changing interventions now and then; in a thread of its own."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.3:
            change(session, chance)
            seen.changes += 1
        try:
            with torch.no_grad():
                logits = session.model(ids).logits
        except Exception as error:  # noqa: BLE001  # no forward may fail, and the report says which did
            seen.errors.append(f"{type(error).__name__}: {error}")
            continue
        seen.forwards += 1
        which = next((key for key, one in known.items() if (logits - one).abs().max() < CLOSE), None)
        if which is None:
            seen.mixtures += 1
        else:
            seen.whole[which] = seen.whole.get(which, 0) + 1


def change(session: Any, chance: random.Random) -> None:
    """Make or take back a pair, or step back and forth."""
    (addresses, how, _), do = chance.choice(PAIRS), chance.random()
    if do < 0.4:
        session.ablate(*addresses, how=how)
    elif do < 0.8:
        try:
            session.restore(*addresses)
        except InterventionError:
            return  # it was not in force, or the other thread was faster
    else:
        session.undo() if do < 0.9 else session.redo()


def soak(forwards: int) -> tuple[Seen, list[str]]:
    """Run the two threads and say what is not as it should be."""
    model, ids = build(), text()
    known = outcomes(model, ids)
    seen: list[Seen] = []
    counts = [Count.now(model)]
    warm = max(forwards // 10, 150)  # until all the frames that a session keeps are there
    with gb.attach(model, reference=[REFERENCE]) as session:
        for share in (warm, forwards - warm):
            threads = []
            for seed in range(2):
                seen.append(Seen())
                job = (session, ids, known, share // 2, seed, seen[-1])
                threads.append(threading.Thread(target=work, args=job))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            counts.append(Count.now(model))
        session.restore() if len(session.interventions) else None
        with torch.no_grad():
            same = torch.equal(model(ids).logits, known[()])
    del session, job, threads
    counts.append(Count.now(model))
    every = Seen(sum(s.forwards for s in seen), sum(s.changes for s in seen))
    every.mixtures = sum(s.mixtures for s in seen)
    every.errors = [error for s in seen for error in s.errors]
    for one in seen:
        for key, number in one.whole.items():
            every.whole[key] = every.whole.get(key, 0) + number
    bad = [f"{every.mixtures} forwards saw a mixture"] if every.mixtures else []
    bad += [f"{len(every.errors)} forwards raised, first: {every.errors[0]}"] if every.errors else []
    bad += [] if same else ["restored logits are not those of the model before"]
    bad += counts[1].grown(counts[2], f"in the last {forwards - warm} forwards") + counts[0].grown(
        counts[3], "after detaching", mb=64
    )
    return every, bad


def come_and_go(sessions: int) -> list[str]:
    """Attach and detach while another thread runs the model, and say what is not as it should be."""
    model, ids = build(), text()
    with torch.no_grad():
        plain = model(ids).logits
    ended, different, errors = threading.Event(), [0, 0], list[str]()

    def forwards() -> None:
        while not ended.is_set():
            try:
                with torch.no_grad():
                    different[0] += not torch.equal(model(ids).logits, plain)
            except Exception as error:  # noqa: BLE001  # as above
                errors.append(f"{type(error).__name__}: {error}")
            different[1] += 1

    other = threading.Thread(target=forwards)
    counts = []
    other.start()
    try:
        for at in range(sessions + 1):
            if at in (sessions // 10, sessions):
                gc.collect()
                counts.append(Count.now(model))
            session = gb.attach(model)
            session.run(ids)
            session.detach()
            session.detach()
    finally:
        ended.set()
        other.join()
    bad = [f"{different[0]} of {different[1]} forwards beside them were not bit-identical"] if different[0] else []
    if errors:
        bad.append(f"{len(errors)} forwards beside them raised, first: {errors[0]}")
    if not different[1]:
        bad.append("no forward ran beside them")
    return bad + counts[0].grown(counts[1], f"over {sessions} sessions")


def build() -> Any:
    """Return a tiny Llama of four layers."""
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    config = copy.deepcopy(tiny("llama").config)
    config.num_hidden_layers = 4
    torch.manual_seed(0)
    model = auto.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return model.eval()


@dataclass(frozen=True)
class Count:
    """What may not grow."""

    rss_mb: float
    tensors: int
    hooks: int

    @classmethod
    def now(cls, model: nn.Module) -> Count:
        """Count."""
        gc.collect()
        status = Path("/proc/self/status").read_text(encoding="ascii") if Path("/proc/self/status").exists() else ""
        rss = next((float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)
        tensors = sum(1 for thing in gc.get_objects() if type(thing) is Tensor)
        hooks = sum(
            len(m._forward_hooks) + len(m._forward_pre_hooks) + ("forward" in vars(m))  # noqa: SLF001
            for m in model.modules()
        )
        return cls(rss, tensors, hooks)

    def grown(self, later: Count, when: str, mb: float = 8) -> list[str]:
        """Say what grew: memory by more than an allocator's whim, anything that is counted at all."""
        print(
            f"  {when}: memory {self.rss_mb:.1f} to {later.rss_mb:.1f} MB, tensors {self.tensors} to {later.tensors},"
            f" hooks {self.hooks} to {later.hooks}"
        )
        bad = [f"memory grew by {later.rss_mb - self.rss_mb:.1f} MB {when}"] if later.rss_mb - self.rss_mb > mb else []
        if later.tensors > self.tensors + SLACK:
            bad.append(f"{later.tensors - self.tensors} tensors more {when}")
        return bad + ([f"{later.hooks - self.hooks} hooks more {when}"] if later.hooks > self.hooks else [])


SLACK = 40
"""Tensors by which two counts may differ: the last frames, and a pass of the other thread that is under way."""


def main() -> int:
    """Soak, print, and fail where something grew or was mixed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forwards", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="400 forwards and 40 sessions")
    args = parser.parse_args()
    forwards, sessions = (400, 40) if args.quick else (args.forwards, args.sessions)
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    seen, bad = soak(forwards)
    took = time.perf_counter() - start
    print(
        f"{seen.forwards} forwards of two threads, {seen.changes} changes: {sum(seen.whole.values())} saw one whole set"
        f" ({len(seen.whole)} of {2 ** len(PAIRS)} sets occurred), {seen.mixtures} a mixture; {took:.0f} s"
    )
    start = time.perf_counter()
    bad += come_and_go(sessions)
    print(f"{sessions} sessions attached and detached: {time.perf_counter() - start:.0f} s")
    print("\n".join(f"FAIL: {words}" for words in bad) or "nothing grew, nothing was mixed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
