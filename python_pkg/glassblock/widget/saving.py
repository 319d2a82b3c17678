"""Pages that a page asks for: made in a thread, told as they are made, sent as a file when they are done."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glassblock import surface
from glassblock.live import Session
from glassblock.wire import types_generated as wt

EVERY = 0.1
"""Seconds between messages."""


class Saving:
    """Makes pages of a session for one widget, one at a time.

    Parameters
    ----------
    send
        Sends a message, and the text of a page that is done.
    failed
        Is told what ended one that nobody stopped.
    """

    def __init__(self, send: Callable[[wt.Saved, bytes | None], None], failed: Callable[[Exception], None]) -> None:
        self._send = send
        self._failed = failed
        self._stopped = threading.Event()

    def start(self, session: Session, request: int) -> None:
        """Begin, in the place of one that is being made."""
        self.stop()
        self._stopped = stopped = threading.Event()
        work = (session, request, stopped)
        threading.Thread(target=self._work, args=work, name="glassblock-save", daemon=True).start()

    def stop(self) -> None:
        """End what is being made after its current ablation; no file is sent of it."""
        self._stopped.set()

    def _work(self, session: Session, request: int, stopped: threading.Event) -> None:
        said: wt.Saved = {
            "type": "saved",
            "id": request,
            "name": _file_name(session.title),
            "done": 0,
            "total": 0,
            "running": True,
        }
        last = time.monotonic() - EVERY

        def progress(done: int, total: int) -> bool:
            nonlocal last
            said["done"], said["total"] = done, total
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                self._send(said, None)
            return not stopped.is_set()

        text = None
        try:
            with tempfile.TemporaryDirectory() as folder:
                text = surface.save(session, Path(folder) / "page.html", progress=progress).read_bytes()
        except Exception as error:  # noqa: BLE001 - it is a thread: whoever looks is told
            self._failed(error)
        self._send({**said, "running": False}, None if stopped.is_set() else text)


def _file_name(title: str) -> str:
    """Return a name that every file system takes."""
    words = re.sub(r"[^\w.-]+", "-", title).strip(".-")
    return f"{words or 'glassblock'}.html"
