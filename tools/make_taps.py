"""Write the table of taps in docs/taps.md from the code that knows them.

``python tools/make_taps.py`` writes it, ``--check`` fails where what is written is not what would be.
"""

from __future__ import annotations

import sys
from pathlib import Path

from glassblock.live.naming import TAPS, Tap
from glassblock.live.naming.transformer_lens import AROUND, OF_BLOCK, OF_BRANCH, OF_LAYER, OF_MIXER

DOCS = Path(__file__).parents[1] / "docs" / "taps.md"
BEGIN, END = "<!-- taps: begin, written by tools/make_taps.py -->", "<!-- taps: end -->"
_THEIRS = {"L3": "blocks.3", "L3.attn": "blocks.3.attn", "L3.mlp": "blocks.3.mlp", "L3.moe": "blocks.3.mlp"}


def theirs(tap: Tap) -> list[str]:
    """Return TransformerLens's names of a tap."""
    if "layer" in tap.on:
        return [f"blocks.3.{name}" for name, ours in OF_LAYER.items() if ours == tap.name]
    if "expert" in tap.on:
        return []
    if tap.on == ("mixer",):
        return [f"blocks.3.linear_attn.{name}" for name, ours in OF_MIXER.items() if ours == tap.name]
    within = [f"{_THEIRS[tap.example]}.{name}" for name, ours in OF_BLOCK.items() if ours == tap.name]
    part = tap.example.rpartition(".")[2]
    beside = [f"blocks.3.{name}" for name, (of, ours) in OF_BRANCH.items() if ours == tap.name and of == part]
    return [*beside, *within]


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| tap | what it is | shape | TransformerLens |", "|---|---|---|---|"]
    for tap in TAPS:
        names = ", ".join(f"`{name}`" for name in theirs(tap)) or "no name"
        lines.append(f"| `{tap.example}.{tap.name}` | {tap.means} | {tap.shape} | {names} |")
    around: dict[str, list[str]] = {}
    for name, (address, tap_name) in AROUND.items():
        around.setdefault(f"{address}.{tap_name}", []).append(name)
    lines += ["", "Around the layers:", "", "| tap | TransformerLens |", "|---|---|"]
    lines += [f"| `{ours}` | {', '.join(f'`{name}`' for name in names)} |" for ours, names in around.items()]
    return "\n".join(lines)


def written(page: str) -> str:
    """Return the page with its table as the code has it."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write or check."""
    page = DOCS.read_text("utf-8")
    if "--check" not in sys.argv:
        DOCS.write_text(written(page), "utf-8")
    elif written(page) != page:
        print(f"out of date: {DOCS.name} - run: python tools/make_taps.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
