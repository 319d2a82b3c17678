"""Write the Architecture of every gallery model and of every causal model type, for the page's tests to lay out.

``python tools/make_architectures.py [--jobs N]``

They are messages as a page gets them, a file each in ``.cache/architectures`` (which git ignores). What is there is
kept for as long as nothing changed that decides what the reader says: a digest of its sources and of transformers'
version is kept beside them. ``all.json`` is written last: the names, and of those that do not build or unfold, why.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python_pkg" / "glassblock"
CASES = ROOT / "benchmarks" / "coverage.py"
FOLDER = ROOT / ".cache" / "architectures"
INDEX = FOLDER / "all.json"
DIGEST = FOLDER / "digest"


@dataclass(frozen=True)
class Wanted:
    """One architecture to be made: a model of the gallery, or a model type with the class that is built from it."""

    name: str
    type: str = ""
    cls: str = ""


def digest() -> str:
    """Return what changes whenever the reader may say something else."""
    parts = ("ir", "gallery", "reader")
    sources = sorted(
        path for part in parts for path in (PACKAGE / part).rglob("*.*") if path.suffix in (".py", ".json")
    )
    found = hashlib.sha256(version("transformers").encode() + version("torch").encode())
    for path in (*sources, PACKAGE / "messages.py", CASES):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def wanted() -> Iterator[Wanted]:
    """Go through all there is to make."""
    from coverage import cases

    from glassblock.gallery import names

    yield from (Wanted(f"gallery-{name}") for name in names())
    yield from (Wanted(f"causal-{case.type}-{case.cls}", case.type, case.cls) for case in cases("causal"))


def unfolded(one: Wanted) -> Any:
    """Return one architecture as a message."""
    from glassblock import messages
    from glassblock.reader import read

    if not one.type:
        return messages.architecture(read(one.name.replace("-", ":", 1)))
    import transformers
    from coverage import Result, configuration

    case = Result("causal", one.type, one.cls)
    return messages.architecture(read(configuration(case, getattr(transformers, one.cls))))


def make(one: Wanted) -> tuple[str, str]:
    """Write one architecture; return its name, and why there is none if there is none."""
    path = FOLDER / f"{one.name}.json"
    if path.exists():
        return one.name, ""
    try:
        text = json.dumps(unfolded(one), ensure_ascii=False, separators=(",", ":"))
    except Exception as error:  # noqa: BLE001  # a class may fail in any way; the index says how
        return one.name, " ".join(f"{type(error).__name__}: {error}".split())[:300]
    half = path.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
    return one.name, ""


def quieten() -> None:
    """Prepare a worker: one thread each, and no warnings of models that are built without weights."""
    import logging
    import warnings

    import torch

    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def make_all(jobs: int) -> dict[str, str]:
    """Make what is missing; return the names with why there is none, where there is none."""
    todo = list(wanted())
    made: dict[str, str] = {}
    with multiprocessing.get_context("spawn").Pool(jobs, quieten) as pool:
        for name, why in pool.imap_unordered(make, todo, chunksize=4):
            made[name] = why
            if len(made) % 25 == 0 or len(made) == len(todo):
                print(f"{len(made)} of {len(todo)}", flush=True)
    return made


def main() -> None:
    """Make what is not there, or is of other sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    args = parser.parse_args()
    current = digest()
    if not DIGEST.exists() or DIGEST.read_text("ascii") != current:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        DIGEST.write_text(current, "ascii")
    if not INDEX.exists():
        began = time.monotonic()
        made = make_all(args.jobs)
        names = sorted(name for name, why in made.items() if not why)
        left_out = {name: why for name, why in sorted(made.items()) if why}
        INDEX.write_text(json.dumps({"names": names, "left_out": left_out}, indent=1), "utf-8")
        print(f"made in {time.monotonic() - began:.0f} s")
    index = json.loads(INDEX.read_text("utf-8"))
    print(f"{len(index['names'])} architectures in {FOLDER.relative_to(ROOT)}, {len(index['left_out'])} left out")


sys.path.insert(0, str(CASES.parent))
if __name__ == "__main__":
    main()
