"""Check that every relative link in the project's Markdown leads to a file that is there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Return the Markdown files that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).exists()]


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    targets = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if target and "://" not in target and not target.startswith("mailto:")]
    return [target for target in local if not (page.parent / target).exists()]


def main() -> int:
    """Print each link that leads nowhere."""
    found = pages()
    bad = [f"{page.relative_to(ROOT)}: {target}" for page in found for target in broken(page)]
    print(*bad, sep="\n", end="\n" if bad else "")
    print(f"{len(found)} pages, {len(bad)} broken links")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
