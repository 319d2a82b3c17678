"""A short soak; the long one: ``python benchmarks/soak.py``."""

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


def test_forwards_of_two_threads_see_whole_sets_and_nothing_grows() -> None:
    done = subprocess.run((sys.executable, SOAK, "--quick"), capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400 forwards of two threads" in done.stdout
    assert "nothing grew, nothing was mixed" in done.stdout
