"""Write ``docs/gallery.md``: every model of the gallery, with its exact count beside the published figures.

Run it when an entry of the gallery has changed.
"""

from __future__ import annotations

from pathlib import Path

from glassblock.gallery import Entry, entry, names
from glassblock.reader import read

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gallery.md"
HEAD = """# The gallery

<!-- Written by tools/make_gallery_table.py. -->

`gb.gallery()` lists {count} well-known models, and `gb.unfold("gallery:deepseek-v3")` draws one, offline: the package
has the fields of their `config.json` that decide the architecture. A model is in here only if the class that
transformers builds from them, counted parameter by parameter (each tied weight once), rounds to the published total,
to its last digit. Figures that were cut off and not rounded, or that stand for a rough size, keep their models out.

*Active* is what one token passes through, with the embedding. Published figures of active parameters differ in what
they leave out; the convention beside a figure is the one by which the exact count rounds to it. *Not reproduced* is a
figure that none of them gives.

| name | model | kind | parameters | published | active | published active | source |
|---|---|---|--:|--:|--:|---|---|
"""


def main() -> None:
    """Write the page."""
    rows = "".join(_row(entry(name)) for name in names())
    PAGE.write_text(HEAD.format(count=len(names())) + rows, encoding="utf-8")


def _row(one: Entry) -> str:
    published = one.published
    total = published.total if published.counts == "all parameters" else f"{published.total} ({published.counts})"
    active = f"{_active(one):,}" if published.active else ""
    said = f"{published.active}, {published.convention}" if published.active else ""
    cells = (f"`{one.name}`", one.title, one.kind, f"{one.parameters:,}", total, active, said, published.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _active(one: Entry) -> int:
    return read(f"gallery:{one.name}").params.active


if __name__ == "__main__":
    main()
