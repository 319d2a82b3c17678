"""Run `examples/start_here.ipynb` in a real kernel and print what it found.

What the cells tagged `report` printed is shown here; the notebook itself saves the page
`glassblock-demo.html`. In a terminal, JupyterLab then opens on the notebook.
"""

import os
import sys

import install
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = install.ROOT / "examples" / "start_here.ipynb"
PAGE = install.ROOT / "glassblock-demo.html"


def execute() -> nbformat.NotebookNode:
    """Run every cell with the repository as working directory; the file itself stays as it is."""
    # nbformat types only half of itself
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, 4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(install.ROOT)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    return notebook


def text_of(output: nbformat.NotebookNode) -> str:
    """Return what an output says as plain text."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return str(text).rstrip("\n")


def report(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the text of every output of the cells that are tagged `report`."""
    cells = [cell for cell in notebook.cells if "report" in cell.metadata.get("tags", [])]
    return [text_of(output) for cell in cells for output in cell.outputs]


def open_lab() -> None:
    """Hand this terminal over to JupyterLab."""
    words = ["jupyter", "lab", str(NOTEBOOK), *(["--allow-root"] if os.geteuid() == 0 else [])]
    os.execvpe(words[0], words, install.ENV)


def main() -> int:
    """Run the notebook, say what it found, and open it where somebody is there to look."""
    PAGE.unlink(missing_ok=True)
    print(f"Running {NOTEBOOK.relative_to(install.ROOT)} ...", flush=True)
    try:
        notebook = execute()
    except CellExecutionError as error:
        print(error)
        return 1
    print(*report(notebook), sep="\n")
    if not PAGE.exists():
        print(f"The notebook ran, but did not write {PAGE.name}.")
        return 1
    print(f"Wrote {PAGE.name} ({PAGE.stat().st_size / 1e6:.1f} MB): open it in any browser.")
    if sys.stdin.isatty() and sys.stdout.isatty():
        open_lab()
    return 0


if __name__ == "__main__":
    sys.exit(main())
