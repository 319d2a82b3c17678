"""What comes of configurations with mistakes in them: every model type of five mappings, settings made wrong at random.

``python benchmarks/fuzz.py [--count 1000] [--seed 0] [--type TYPE ...]``

Each becomes a diagram or an error of ours; ``raw`` (an error of someone else's), ``wrong`` (a number that is not what
is counted independently, or data that the schema does not know) and ``hung`` are to be zero. Prints a table, every
outcome that is not as it should be, and the slowest.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the configurations that a test has fewer of

import torch
from fuzzing import Outcome, configs, model_types, outcome

KINDS = ("traced", "tree", "SourceError", "ModelError", "raw", "wrong", "hung")


def main() -> int:
    """Run them, one line for each that is not as it should be, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--type", nargs="*", help="only these model types")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    start = time.perf_counter()
    found = []
    for config in configs(chosen.count, chosen.seed, chosen.type or model_types()):
        found.append(outcome(config))
        if found[-1].bad:
            print(found[-1], flush=True)
    print(table(found, time.perf_counter() - start))
    return 1 if any(each.bad for each in found) else 0


def table(found: list[Outcome], seconds: float) -> str:
    """Write the counts of each outcome, and the three slowest."""
    counts = Counter(each.kind for each in found)
    rows = [f"{kind:<12} {counts[kind]:>6}" for kind in KINDS]
    times = sorted(each.seconds for each in found)
    took = f"median {statistics.median(times):.2f} s, p95 {times[int(0.95 * len(times))]:.2f} s, most {times[-1]:.2f} s"
    slowest = sorted(found, key=lambda each: -each.seconds)[:3]
    types = len({each.config["model_type"] for each in found})
    rows += [f"{len(found):,} configurations of {types} model types in {seconds:.0f} s: {took}"]
    return "\n".join([*rows, *(f"  {each.seconds:.1f} s  {each}" for each in slowest)])


if __name__ == "__main__":
    sys.exit(main())
