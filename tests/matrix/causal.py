"""Every causal model type of transformers that builds tiny: attach, ablate every block, restore."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from matrix.checks import traces_of
from matrix.shrunk import VOCABULARY, build, config_of
from torch import Tensor

import glassblock as gb
from glassblock.live import Session

TOO_LARGE = 8_000_000
"""Parameters above which a type counts as one that does not build tiny."""


@dataclass
class Outcome:
    """What became of one model type."""

    kind: str
    not_built: str = ""
    not_attached: str = ""
    blocks: int = 0
    without_effect: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    not_identical: str = ""
    not_restored: str = ""
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether everything holds."""
        bad = self.not_built or self.not_attached or self.not_identical or self.not_restored
        return not (bad or self.without_effect or self.unavailable)


def kinds() -> list[str]:
    """Return all causal model types."""
    from transformers.models.auto import modeling_auto

    return list(modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def tiny(kind: str) -> Any:
    """Build a type tiny, or raise with the reason."""
    import transformers

    auto: Any = transformers.AutoModelForCausalLM
    with torch.device("meta"):
        count = sum(p.numel() for p in auto.from_config(config_of(kind)).parameters())
    if count > TOO_LARGE:
        raise ValueError(f"{count:,} parameters even so: its size is in parts that the small values do not reach")
    return build(config_of(kind))


def outcome(kind: str) -> Outcome:
    """Check one type."""
    start, found = time.perf_counter(), Outcome(kind)
    ids = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(3))
    try:
        model = tiny(kind)
        before, traces = _logits(model, ids), traces_of(model)
    except Exception as error:  # noqa: BLE001  # a class may fail in any way, and the list says how
        found.not_built = _words(error)
        return found
    try:
        with gb.attach(model, inputs=ids) as session:
            _look(session, model, ids, before, found)
        if not torch.equal(_logits(model, ids), before) or traces_of(model) != traces:
            found.not_restored = "the detached model is not what it was"
    except Exception as error:  # noqa: BLE001
        found.not_attached = _words(error)
    found.seconds = round(time.perf_counter() - start, 1)
    return found


def _look(session: Session, model: Any, ids: Tensor, before: Tensor, found: Outcome) -> None:
    if not torch.equal(_logits(model, ids), before):
        found.not_identical = f"attached: {(_logits(model, ids) - before).abs().max():.1e} off"
    whys = session.unavailable()
    branches = {branch.block for layer in session.architecture.layers() for branch in layer.branches}
    found.unavailable = {address: why for address, why in whys.items() if address in branches}
    for address in sorted(branches - set(found.unavailable)):
        with session.ablated(address):
            after = _logits(model, ids)
        found.blocks += 1
        if torch.equal(after, before):
            found.without_effect.append(address)
    if not torch.equal(_logits(model, ids), before):
        found.not_restored = "restored: not equal bit for bit"


def _logits(model: Any, ids: Tensor) -> Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        logits: Tensor = model(ids).logits
    return logits.nan_to_num()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def report(outcomes: list[Outcome]) -> str:
    """Write counts, and each type that falls short, with the reason."""
    built = [each for each in outcomes if not each.not_built]
    attached = [each for each in built if not each.not_attached]
    count = Counter(
        types=len(outcomes),
        built=len(built),
        attached=len(attached),
        identical=sum(not each.not_identical for each in attached),
        effect=sum(not each.without_effect and not each.unavailable for each in attached),
        restored=sum(not each.not_restored for each in attached),
    )
    lines = [
        "| causal types | build tiny | attach | identical attached | every block ablated with an effect | restored |",
        "|---|---|---|---|---|---|",
        "| " + " | ".join(str(number) for number in count.values()) + " |",
        "",
        f"Blocks ablated: {sum(each.blocks for each in attached)}.",
        "",
    ]
    return "\n".join([*lines, *(f"- `{each.kind}`: {'; '.join(_short(each))}" for each in outcomes if not each.whole)])


def _short(each: Outcome) -> Iterator[str]:
    if each.not_built:
        yield f"does not build tiny: {each.not_built}"
    if each.not_attached:
        yield f"does not attach: {each.not_attached}"
    if each.without_effect:
        yield f"no effect: {', '.join(each.without_effect)}"
    by_reason: dict[str, list[str]] = {}
    for address, why in each.unavailable.items():
        by_reason.setdefault(why, []).append(address)
    yield from (f"cannot be ablated: {', '.join(where)} ({why})" for why, where in by_reason.items())
    yield from (words for words in (each.not_identical, each.not_restored) if words)


def main(names: list[str], kept: Path | None, page: Path | None) -> int:
    """Run, print, keep."""
    outcomes: list[Outcome] = []
    todo = [kind for kind in kinds() if not names or kind in names]
    with contextlib.suppress(KeyboardInterrupt):
        for at, kind in enumerate(todo, 1):
            outcomes.append(outcome(kind))
            each = outcomes[-1]
            words = "; ".join(_short(each))[:160] or f"{each.blocks} blocks, {each.seconds} s"
            sys.stderr.write(f"{at}/{len(todo)} {kind}: {words}\n")
    text = report(outcomes)
    sys.stdout.write(text + "\n")
    if kept:
        kept.write_text(json.dumps([asdict(each) for each in outcomes], indent=1), "utf-8")
    if page:
        page.write_text(text + "\n", "utf-8")
    return 1 if any(not each.whole and not each.not_built for each in outcomes) else 0
