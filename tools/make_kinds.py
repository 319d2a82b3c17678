"""Write the table of docs/interventions.md: the sentences of every kind of intervention, as the code has them."""

from __future__ import annotations

import re
from pathlib import Path

from glassblock.live.kinds import table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "interventions.md"


def main() -> None:
    """Put the table between its marks."""
    text = PAGE.read_text()
    marked = re.compile(r"(<!-- table:[^>]*-->\n).*(\n<!-- /table -->)", re.DOTALL)
    PAGE.write_text(marked.sub(lambda found: found[1] + table() + found[2], text))


if __name__ == "__main__":
    main()
