"""A table as text, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], longest: int = 48) -> str:
    """Return rows in columns that are as wide as they need to be.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        Their cells, as many in each.
    longest
        Characters of a cell; longer ones end in an ellipsis.
    """
    lines = [[_cut(" ".join(cell.split()), longest) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    drawn = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines]
    return "\n".join([drawn[0], "  ".join("-" * width for width in widths), *drawn[1:]])


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
