"""Measure what each part of a bundled model does: ``python -m glassblock.demo.measure gpt``.

Every head, attention, mixer, MLP and expert is taken out alone, by zero and by mean, and the model
answers held-out questions of every task. The numbers are written as ``measurements.json`` and as
the model card ``README.md`` beside the weights. The weights are read back from the files, so that
what is measured is what ships, rounding to fp16 included.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from glassblock.demo import NAMES, language
from glassblock.demo.card import write_card
from glassblock.demo.loading import load_folder
from glassblock.demo.parts import Mode, Part, ablated, parts, reference_means
from glassblock.demo.scoring import Questions, Score, ask, score

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

ITEMS = 500
"""Questions for each task and split."""

SEED = 123
"""Of the draw of the questions."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measurements:
    """Everything that was measured on one model.

    Parameters
    ----------
    items
        Questions per task and split.
    baseline
        Split -> task -> score of the untouched model.
    ablations
        Address -> mode -> task -> score on the ``test`` split.
    """

    items: int
    baseline: dict[str, dict[str, Score]]
    ablations: dict[str, dict[Mode, dict[str, Score]]]


def questions(tokenizer: PreTrainedTokenizerFast, split: language.Split, items: int = ITEMS) -> dict[str, Questions]:
    """Draw the questions of a split for every task that has it."""
    return {
        task.name: ask(language.sample(task.name, split, items, SEED), tokenizer)
        for task in language.TASKS.values()
        if split in task.splits
    }


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    items: int = ITEMS,
    only: Iterable[str] | None = None,
) -> Measurements:
    """Score the model as it is, and with each single part taken out.

    Parameters
    ----------
    items
        Questions per task and split.
    only
        Addresses to ablate; all of them unless told.
    """

    def answers(asked: dict[str, Questions]) -> dict[str, Score]:
        return {task: score(model, batch, tokenizer) for task, batch in asked.items()}

    splits: tuple[language.Split, ...] = ("test", "reworded")
    asked = {split: questions(tokenizer, split, items) for split in splits}
    baseline: dict[str, dict[str, Score]] = {s: answers(batches) for s, batches in asked.items()}
    means = reference_means(model, tokenizer, language.reference_prompts())
    wanted = None if only is None else set(only)
    found: dict[str, dict[Mode, dict[str, Score]]] = {}
    for part in parts(model):
        if wanted is not None and part.address not in wanted:
            continue
        found[part.address] = {}
        for mode in part.modes:
            with ablated(part, _replacement(part, mode, means)):
                found[part.address][mode] = answers(asked["test"])
            scores = found[part.address][mode].items()
            right = "  ".join(f"{task} {s.accuracy:.2f}" for task, s in scores)
            _log.info("%-12s %-5s %s", part.address, mode, right)
    return Measurements(items, baseline, found)


def _replacement(part: Part, mode: Mode, means: dict[str, torch.Tensor]) -> torch.Tensor | float:
    return 0.0 if mode == "zero" else means[part.address]


def main() -> None:
    """Read the command line, measure, write the two files."""
    parser = argparse.ArgumentParser(prog="python -m glassblock.demo.measure", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--folder", type=Path, help="measure these files, not the bundled ones")
    parser.add_argument("--items", type=int, default=ITEMS)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(__file__).parent / "models" / arguments.name
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    torch.set_num_threads(1)
    model, tokenizer = load_folder(folder)
    measured = measure(model, tokenizer, arguments.items)
    (folder / "measurements.json").write_text(json.dumps(asdict(measured), indent=1) + "\n")
    write_card(arguments.name, folder, measured)


if __name__ == "__main__":
    main()
