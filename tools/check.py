"""Run the checks: `check.py` runs all of them, `check.py lint` or `check.py mypy vitest` some.

`check.py bench` runs the benchmarks, which are not among them.

Every check runs, also after one that failed, each with its time; the last lines repeat what each
runner said last. The exit code is 1 if any failed.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import browser
import install

PYTHON = sys.executable


@dataclass(frozen=True)
class Check:
    """One command; `prepare` installs what only this check needs and returns variables."""

    name: str
    command: tuple[str, ...]
    cwd: Path = install.ROOT
    prepare: Callable[[], dict[str, str]] = dict


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    name: str
    passed: bool
    seconds: float
    last_line: str


def prepare_galata() -> dict[str, str]:
    """Install the browser tests' packages and find a browser."""
    ui = browser.UI_TESTS
    install.once("ui-tests", install.npm_inputs(ui), [ui / "node_modules"], lambda: install.npm_install(ui))
    return {"GLASSBLOCK_CHROMIUM": browser.find()}


def prepare_vitest() -> dict[str, str]:
    """Unfold what the page's tests lay out."""
    install.run(PYTHON, "tools/make_architectures.py")
    return {}


LINT = [
    Check("ruff", (PYTHON, "-m", "ruff", "check")),
    Check("format", (PYTHON, "-m", "ruff", "format", "--check")),
    Check("imports", ("lint-imports",)),
    Check("protocol", (PYTHON, "tools/generate_wire.py", "--check")),
    Check("taps", (PYTHON, "tools/make_taps.py", "--check")),
    Check("links", (PYTHON, "tools/check_links.py")),
    Check("biome", ("npm", "run", "--silent", "lint")),
    Check("tsc", ("npm", "run", "--silent", "types")),
    Check("mypy", (PYTHON, "-m", "mypy")),
]
TESTS = [
    Check("vitest", ("npm", "run", "--silent", "test"), prepare=prepare_vitest),
    Check("pytest", (PYTHON, "-m", "pytest")),
    Check("notebook", (PYTHON, "tools/demo.py")),
    Check("galata", ("npm", "run", "--silent", "test"), browser.UI_TESTS, prepare_galata),
]
BENCHMARKS = [
    *(Check(p.stem, (PYTHON, str(p))) for p in sorted((install.ROOT / "benchmarks").glob("*.py"))),
    Check("layout", ("npm", "run", "--silent", "bench"), prepare=prepare_vitest),
    Check("browser", ("npm", "run", "--silent", "bench"), browser.UI_TESTS, prepare_galata),
]
CHECKS = [*LINT, *TESTS]
GROUPS = {"lint": LINT, "test": TESTS, "bench": BENCHMARKS}
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run(check: Check, env: dict[str, str]) -> Result:
    """Run one check, showing what it prints and keeping its last line."""
    print(f"\n== {check.name}: {' '.join(check.command)}", flush=True)
    start = time.monotonic()
    last = ""
    with subprocess.Popen(
        check.command,
        cwd=check.cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = COLOURS.sub("", line).strip() or last
    return Result(check.name, process.returncode == 0, time.monotonic() - start, last)


def prepare_and_run(check: Check) -> Result:
    """Run one check after its preparation; a failed preparation is a failed check."""
    try:
        # Nothing here may depend on a network that answers.
        env = {**install.ENV, "HF_HUB_OFFLINE": "1", **check.prepare()}
    except (browser.NoBrowserError, install.CommandError) as error:
        return Result(check.name, passed=False, seconds=0, last_line=str(error))
    return run(check, env)


def chosen(names: list[str]) -> list[Check]:
    """Return the checks and groups that were named, or all."""
    by_name = {**{check.name: [check] for check in (*CHECKS, *BENCHMARKS)}, **GROUPS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        sys.exit(f"No check is called {', '.join(unknown)}; there are {', '.join(by_name)}.")
    return [check for name in names for check in by_name[name]] or CHECKS


def main() -> int:
    """Run what was asked for and sum up."""
    results = [prepare_and_run(check) for check in chosen(sys.argv[1:])]
    print("\n== summary")
    for result in results:
        mark = "ok    " if result.passed else "FAILED"
        print(f"{mark} {result.name:<9}{result.seconds:7.1f} s  {result.last_line}")
    failed = sum(not result.passed for result in results)
    print(f"checks: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
