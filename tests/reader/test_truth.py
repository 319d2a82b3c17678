"""What the reader says of an architecture is what its modeling code and its paper say: one test for each cell.

The rows are in `truth/`, what compares them in `truth_table.py`. A cell that is known to be missed stands in
`truth/misses.toml` with its reason, and must be taken out of there when it is mended.
"""

from __future__ import annotations

import pytest
import truth_table
from truth_table import Cell

KNOWN = truth_table.misses()
CELLS = [cell for name in truth_table.rows() for cell in truth_table.cells(name)]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, id=str(cell), marks=[pytest.mark.xfail(reason=KNOWN[str(cell)], strict=True)])
        if str(cell) in KNOWN
        else pytest.param(cell, id=str(cell))
        for cell in CELLS
    ],
)
def test_reader_agrees_with_the_modeling_code(cell: Cell) -> None:
    seen = truth_table.observed(cell)
    assert truth_table.agrees(cell, seen), f"{cell}: expected {cell.expected!r}, the reader says {seen!r}"


def test_known_misses_are_cells_of_the_table() -> None:
    assert KNOWN.keys() <= {str(cell) for cell in CELLS}
