"""Effects: a number for each address, what ablating it did to a metric."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from glassblock.errors import AddressError, MissingExtraError, SourceError
from glassblock.table import table

SHOWN = 20
"""How many rows are printed."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one ablation did.

    Attributes
    ----------
    address
        What was ablated.
    kind
        ``head``, ``block``, ``expert`` or ``layer``.
    effect
        The metric with minus without the ablation. NaN where it could not be measured.
    value
        The metric under the ablation.
    why
        Why it could not be measured.
    """

    address: str
    kind: str
    effect: float
    value: float
    why: str | None = None


@dataclass(frozen=True, repr=False)
class Effects:
    """The exact effect of each single ablation of a prompt, nothing else being ablated.

    Attributes
    ----------
    prompt
        The prompt, as text.
    how
        The kind of ablation, as Python writes it.
    metric
        What was measured, in words.
    unit
        What it counts in.
    clean
        The metric with nothing ablated.
    rows
        One for each address, in the order of the model.
    total
        How many there would have been: fewer rows were measured where the sweep was stopped.
    """

    prompt: str
    how: str
    metric: str
    unit: str
    clean: float
    rows: tuple[Effect, ...]
    total: int

    def top(self, n: int = 10) -> Effects:
        """Return the n largest effects of either sign, the largest first."""
        known = [row for row in self.rows if not math.isnan(row.effect)]
        return replace(self, rows=tuple(sorted(known, key=lambda row: -abs(row.effect))[:n]))

    def to_pandas(self) -> Any:
        """Return the rows as a DataFrame with the address as its index.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtraError(
                "expected pandas, which is not installed. Install it: pip install 'glassblock[pandas]'."
            ) from error
        return pd.DataFrame([asdict(row) for row in self.rows]).set_index("address")

    def save(self, path: str | Path) -> Path:
        """Save as a table (``.csv``) or with what was measured and how (``.json``).

        Raises
        ------
        SourceError
            If the path ends in something else.
        """
        path = Path(path).expanduser()
        if path.suffix == ".json":
            rows = [{**asdict(row), "effect": _finite(row.effect), "value": _finite(row.value)} for row in self.rows]
            about = {"prompt": self.prompt, "how": self.how, "metric": self.metric, "unit": self.unit}
            path.write_text(json.dumps({**about, "clean": _finite(self.clean), "rows": rows}, indent=1), "utf-8")
        elif path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["address", "kind", "effect", "value", "why"])
                writer.writerows([row.address, row.kind, row.effect, row.value, row.why or ""] for row in self.rows)
        else:
            raise SourceError(f"expected a path that ends in .csv or .json, got {path.name}.")
        return path

    def __getitem__(self, address: str) -> float:
        """Return the effect of an address.

        Raises
        ------
        AddressError
            If it was not ablated.
        """
        found = next((row for row in self.rows if row.address == address), None)
        if found is None:
            raise AddressError(f"expected an address that was swept, got {address!r}.")
        return found.effect

    def __iter__(self) -> Iterator[Effect]:
        """Go through the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def __repr__(self) -> str:
        """Return what was done, and the largest effects as a table."""
        part = f"{len(self)}" if len(self) == self.total else f"{len(self)} of {self.total}"
        done = f"{self.metric} ({self.unit}), clean {self.clean:+.4g}; {self.how}, each alone: {part} ablations"
        rows = self.top(SHOWN).rows
        lines = [[row.address, f"{row.effect:+.4f}", f"{row.value:+.4f}"] for row in rows]
        more = [f"and {len(self) - len(rows)} more; .to_pandas() has all"] if len(self) > len(rows) else []
        shown = table(["address", "effect", "value"], lines, right=["effect", "value"]) if rows else "nothing measured"
        return "\n".join([f"“{self.prompt}”", done, "", shown, *more])


def _finite(value: float) -> float | None:
    """Return a number that JSON has: None for NaN and the infinities."""
    return value if math.isfinite(value) else None
