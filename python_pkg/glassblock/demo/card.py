"""The model card: what was measured, as tables a person can read.

Rendering is apart from measuring, so that the wording can change without a model being run.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassblock.demo.language import TASKS
from glassblock.demo.selection import SELECTED, Selection

if TYPE_CHECKING:
    from glassblock.demo.measure import Measurements
    from glassblock.demo.parts import Mode
    from glassblock.demo.scoring import Score

_NOTICEABLE = 0.2
"""A fall in accuracy of this much gets a line on what is said instead."""

_TEMPLATE = """\
# {name}: a small trained model for Glassblock

{parameters:,} parameters, {size:.1f} MB in fp16. Three layers of width 128 with four heads, in a
stock transformers class, speaking a small English made by a grammar. It is made for looking into
and is no use for anything else.

## How it was trained

`python -m glassblock.demo.train {name} --seed {seed}`: {steps} steps in {minutes} CPU minutes on
one thread, torch {torch}, transformers {transformers}. {reproduces}

{selection}

## What it can do

Accuracy (the most likely next word is the answer) and mean logit(answer) - logit(foil), {items}
questions for each cell{held_out}. *Test*: the pair of names, the list, the
pair of nouns, the wording of the fact, the order of the sum were never trained. *Reworded*: the
layout of the sentence was not trained either (for induction: the list is longer than any trained).

{baseline}

## The clearest single ablations

{clearest}

## Every single ablation

Each cell is accuracy / logit difference on the test questions, with this one part taken out.
**Bold**: accuracy fell by 20 points or more. Mean ablation of a head puts the mean of its slice of
the output projection's input in its place, of a block the mean of its output, over all tokens of
128 training prompts, `<bos>` included. An expert is ablated by setting its routing weight to zero
while the others keep theirs, so it has no mean.

### Mean

{mean}

### Zero

{zero}

## What is said instead

Where accuracy fell by 20 points or more: how often the foil is said (the giver, another word of the
list, the other verb, ...), and the single wrong word said most often.

{instead}

## Limits

- The text is made by a grammar of {words} words. Outside of it the model knows nothing.
- Facts and sums are few (150 facts in three wordings, 100 sums in two), so their {items} questions
  repeat; held out is the wording or the order, not the fact: a fact never read cannot be known.
- Single ablations show what is needed, not what is enough, and heads that stand in for each other
  hide each other: a small number beside one part does not say that the part does nothing.
- Zero and mean ablation differ, most for MLPs: zero also takes away a constant that later parts
  count on. Read the mean first.
"""


def _selection(selection: Selection) -> str:
    tried = ", ".join(map(str, selection.tried))
    text = (
        f"Seeds tried with this recipe: {tried}. Shipped: {selection.seed}. {selection.why} Runs "
        "differ in where a skill ends up and in how many parts share it, so this is an example and "
        "not an average."
    )
    return "\n\n".join(textwrap.fill(part, 100) for part in (selection.recipe, text) if part)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(header)
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _baseline(measured: Measurements) -> str:
    rows = []
    for task in TASKS.values():
        cells = []
        for split in ("test", "reworded"):
            found = measured.baseline[split].get(task.name)
            cells += [_percent(found.accuracy), f"{found.logit_difference:.1f}"] if found else ["", ""]
        rows.append([f"{task.title} (`{task.name}`)", *cells])
    return _table(
        ["task", "test, %", "logit diff.", "reworded, %", "logit diff."],
        rows,
    )


def _fall(measured: Measurements, task: str, scores: dict[str, Score]) -> float:
    return measured.baseline["test"][task].accuracy - scores[task].accuracy


def _ablations(measured: Measurements, mode: str) -> str:
    def cell(task: str, scores: dict[str, Score]) -> str:
        text = f"{_percent(scores[task].accuracy)} / {scores[task].logit_difference:.1f}"
        return f"**{text}**" if _fall(measured, task, scores) >= _NOTICEABLE else text

    rows = [["(nothing)", *(cell(task, measured.baseline["test"]) for task in TASKS)]]
    for address, modes in measured.ablations.items():
        for found, scores in modes.items():
            if found == mode:
                rows.append([f"`{address}`", *(cell(task, scores) for task in TASKS)])
    return _table(["ablated", *TASKS], rows)


_Found = tuple[str, "Mode"] | None


def clearest(measured: Measurements) -> dict[str, _Found]:
    """Find the single ablations that can be read best.

    Best is what costs its own task much and the other four little (on average). Heads and MLPs are
    taken by their mean, experts by zero.

    Returns
    -------
    dict
        Address and mode by task. For ``ioi`` and ``induction`` a head that leaves facts within 5
        points; for ``facts`` an MLP or an expert that leaves induction within 10 points. None
        where nothing takes the task down by 20 points.
    """
    return {
        "ioi": _best(measured, "ioi", ("facts", 0.05), ("H",)),
        "induction": _best(measured, "induction", ("facts", 0.05), ("H",)),
        "facts": _best(measured, "facts", ("induction", 0.10), ("mlp", "moe", "E")),
    }


def _best(measured: Measurements, task: str, spared: tuple[str, float], kinds: tuple[str, ...]) -> _Found:
    found: list[tuple[float, str, Mode]] = []
    for address, modes in measured.ablations.items():
        mode = tuple(modes)[-1]
        falls = {t: _fall(measured, t, modes[mode]) for t in TASKS}
        fitting = address.split(".")[-1].rstrip("0123456789") in kinds
        if fitting and falls[task] >= _NOTICEABLE and abs(falls[spared[0]]) <= spared[1]:
            others = [fall for other, fall in falls.items() if other != task]
            found.append((falls[task] - sum(others) / len(others), address, mode))
    return max(found)[1:] if found else None


def _clearest(measured: Measurements) -> str:
    lines = []
    for task, found in clearest(measured).items():
        if found is None:
            lines.append(f"- {TASKS[task].title}: no single part is needed on its own.")
            continue
        address, mode = found
        scores = measured.ablations[address][mode]
        rest = ", ".join(f"{TASKS[t].title} {_percent(s.accuracy)}" for t, s in scores.items())
        before = _percent(measured.baseline["test"][task].accuracy)
        now = _percent(scores[task].accuracy)
        lines.append(
            f"- **{TASKS[task].title}: `{address}`** ({mode} ablation) takes accuracy from "
            f"{before} % to {now} %. With it gone: {rest}."
        )
    return "\n".join(lines)


def _instead(measured: Measurements) -> str:
    rows = []
    for address, modes in measured.ablations.items():
        for mode, scores in modes.items():
            for task, score in scores.items():
                if _fall(measured, task, scores) >= _NOTICEABLE:
                    word = f"{score.instead} ({_percent(score.instead_share)})"
                    rows.append(
                        [
                            f"`{address}`",
                            mode,
                            task,
                            _percent(score.accuracy),
                            _percent(score.foil_share),
                            word,
                        ]
                    )
    header = ["ablated", "how", "task", "right, %", "foil, %", "most often instead (%)"]
    return _table(header, rows)


def write_card(name: str, folder: Path, measured: Measurements) -> None:
    """Write the model card ``README.md`` beside the weights."""
    record = json.loads((folder / "training.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    text = _TEMPLATE.format(
        name=name,
        parameters=record["parameters"],
        size=(folder / "model.safetensors").stat().st_size / 1e6,
        seed=record["seed"],
        steps=record["steps"],
        minutes=record["cpu_minutes"],
        torch=record["torch"],
        transformers=record["transformers"],
        selection=_selection(SELECTED[name]),
        reproduces=SELECTED[name].reproduces,
        held_out=SELECTED[name].held_out,
        items=measured.items,
        words=config["vocab_size"] - 3,
        baseline=_baseline(measured),
        clearest=_clearest(measured),
        mean=_ablations(measured, "mean"),
        zero=_ablations(measured, "zero"),
        instead=_instead(measured),
    )
    (folder / "README.md").write_text(text)


def read_measurements(folder: Path) -> Measurements:
    """Read back the ``measurements.json`` of a model folder."""
    from glassblock.demo.measure import Measurements
    from glassblock.demo.scoring import Score

    written = json.loads((folder / "measurements.json").read_text())

    def scores(tasks: dict[str, Any]) -> dict[str, Score]:
        return {task: Score(**score) for task, score in tasks.items()}

    return Measurements(
        items=written["items"],
        baseline={split: scores(tasks) for split, tasks in written["baseline"].items()},
        ablations={
            address: {mode: scores(tasks) for mode, tasks in modes.items()}
            for address, modes in written["ablations"].items()
        },
    )


def main() -> None:
    """Write the cards of all bundled models again: ``python -m glassblock.demo.card``."""
    for name in SELECTED:
        folder = Path(__file__).parent / "models" / name
        write_card(name, folder, read_measurements(folder))


if __name__ == "__main__":
    main()
