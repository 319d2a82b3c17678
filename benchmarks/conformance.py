"""The conformance matrix: every architecture, every check, each held against something other than Glassblock.

``python benchmarks/conformance.py [NAME ...] [--column COLUMN ...] [--json FILE] [--markdown FILE]``

A row is an architecture (tiny, random weights, stock classes; `tests/matrix/zoo.py`), a column a check
(`tests/matrix/checks.py`). A cell says how many things held, how many cannot apply, and how many failed; the reasons
of what cannot apply and the words of what failed stand below. Interrupting it prints what was found so far.
``--causal`` makes the other table instead: every causal model type of transformers that builds tiny.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the matrix itself, of which a test runs a small part

import torch
from matrix import causal
from matrix.cells import Cell
from matrix.checks import COLUMNS
from matrix.zoo import CASES, Case

Matrix = dict[str, dict[str, Cell]]


def run(cases: list[Case], columns: list[str]) -> Matrix:
    """Fill the matrix row by row, printing how far it is; an interruption ends it early."""
    matrix: Matrix = {}
    try:
        for at, case in enumerate(cases, 1):
            start, row = time.perf_counter(), {}
            matrix[case.name] = row
            for column in columns:
                try:
                    row[column] = COLUMNS[column](case)
                except Exception as error:  # noqa: BLE001  # a row that breaks is a failure, and the next one follows
                    row[column] = Cell(
                        failures={column: f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
                    )
            bad = sum(len(cell.failures) for cell in row.values())
            took = time.perf_counter() - start
            print(f"{at}/{len(cases)} {case.name}: {bad or 'none'} failed, {took:.1f} s", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted: what follows is what was found so far", file=sys.stderr)
    return matrix


def table(matrix: Matrix, columns: list[str]) -> str:
    """Write the matrix as a Markdown table."""
    words = {case.name: case.words for case in CASES}
    lines = ["| architecture | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in matrix.items():
        marks = [row[column].mark if column in row else "" for column in columns]
        lines.append(f"| {name}: {words[name]} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def totals(matrix: Matrix, columns: list[str]) -> str:
    """Write for each column how many cells and checks held, cannot apply, failed."""
    lines = ["| column | cells pass | cannot apply | fail | checks held | cannot apply | failed |", "|---" * 7 + "|"]
    whole: Counter[str] = Counter()
    for column in [*columns, "all"]:
        cells = [row[column] for row in matrix.values() if column in row]
        count = Counter(kind(cell) for cell in cells)
        count.update(held=sum(len(c.passed) for c in cells), na=sum(len(c.reasons) for c in cells))
        count.update(failed=sum(len(c.failures) for c in cells))
        whole.update(count)
        shown = whole if column == "all" else count
        numbers = [shown[key] for key in ("pass", "cannot apply", "fail", "held", "na", "failed")]
        lines.append(f"| {column} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines)


def kind(cell: Cell) -> str:
    """Say what a cell comes to."""
    if cell.failures:
        return "fail"
    return "pass" if cell.passed else "cannot apply"


def listed(matrix: Matrix, which: str) -> Iterator[str]:
    """Go through reasons or failures: each once, with where it is so."""
    where: dict[str, list[str]] = defaultdict(list)
    for name, row in matrix.items():
        for column, cell in row.items():
            for what, words in getattr(cell, which).items():
                where[words].append(f"{name} ({column}: {what})")
    for words, places in sorted(where.items(), key=lambda item: -len(item[1])):
        more = f" and {len(places) - 6} more" if len(places) > 6 else ""
        yield f"- {words}: {', '.join(places[:6])}{more}"


def report(matrix: Matrix, columns: list[str]) -> str:
    """Write everything as a page."""
    parts = [table(matrix, columns), totals(matrix, columns)]
    for which, title in (("failures", "Failed"), ("reasons", "Cannot apply")):
        lines = list(listed(matrix, which))
        parts.append(f"### {title}\n\n" + ("\n".join(lines) or "Nothing."))
    return "\n\n".join(parts)


def main() -> int:
    """Run what was asked for, print it, keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="architectures, or with --causal model types; all where none is named")
    parser.add_argument("--column", nargs="*", choices=COLUMNS, help="these columns only")
    parser.add_argument("--causal", action="store_true", help="every causal type that builds tiny")
    parser.add_argument("--json", type=Path, help="file for all cells")
    parser.add_argument("--markdown", type=Path, help="file for the report")
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    if args.causal:
        return causal.main(args.names, args.json, args.markdown)
    columns = args.column or list(COLUMNS)
    cases = [case for case in CASES if not args.names or case.name in args.names]
    matrix = run(cases, columns)
    page = report(matrix, columns)
    print(page)
    if args.json:
        plain = {name: {column: asdict(cell) for column, cell in row.items()} for name, row in matrix.items()}
        args.json.write_text(json.dumps(plain, indent=1), "utf-8")
    if args.markdown:
        args.markdown.write_text(page + "\n", "utf-8")
    return 1 if any(cell.failures for row in matrix.values() for cell in row.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
