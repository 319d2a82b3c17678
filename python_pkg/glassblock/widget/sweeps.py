"""Sweeps that a page asks for: one at a time, in a thread of their own, told as they go.

What was measured since the last message is sent a few times a second; a page that opens later is told all of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from glassblock import messages
from glassblock.experiments import Effect, Sweep
from glassblock.live import Session
from glassblock.wire import types_generated as wt

EVERY = 0.1
"""Seconds between messages."""


class Sweeps:
    """The sweeps of one widget.

    Parameters
    ----------
    send
        Sends a message to the page.
    failed
        Is told what ended a sweep that nobody stopped.
    """

    def __init__(self, send: Callable[[wt.Effects], None], failed: Callable[[Exception], None]) -> None:
        self._send = send
        self._failed = failed
        self._lock = threading.Lock()
        self._count = 0
        self._now: _Running | None = None

    def start(self, session: Session, how: str, metric: dict[str, Any], scope: Sequence[str]) -> None:
        """Begin a sweep of the last prompt in the place of one that is running.

        Raises
        ------
        GlassblockError
            If it cannot be swept, with the reason.
        """
        sweep = Sweep(session, scope, how, metric["name"], metric["tokens"])
        self.stop()
        with self._lock:
            self._count += 1
            running = self._now = _Running(self._count, sweep)
        threading.Thread(target=self._work, args=(running,), name="glassblock-sweep", daemon=True).start()

    def stop(self) -> None:
        """End the sweep that is running, after its current ablation."""
        with self._lock:
            if self._now is not None:
                self._now.stopped.set()

    def end(self) -> None:
        """End what is running and let go of it; nobody is told any more."""
        self.stop()
        with self._lock:
            self._now = None

    def tell_again(self) -> None:
        """Tell all of the newest sweep, to a page that has just opened."""
        with self._lock:
            if self._now is not None:
                self._now.told = 0
                self._tell(self._now)

    def _work(self, running: _Running) -> None:
        last = time.monotonic()
        try:
            for row in running.sweep:
                running.rows.append(row)
                if running.stopped.is_set():
                    break
                if time.monotonic() - last >= EVERY:
                    last = time.monotonic()
                    with self._lock:
                        self._tell(running)
        except Exception as error:  # noqa: BLE001 - it is a thread: whoever looks is told
            self._failed(error)
        running.sweep.close()
        with self._lock:
            running.ended = True
            self._tell(running)

    def _tell(self, running: _Running) -> None:
        """Send what was not sent; nothing of a sweep in whose place there is another."""
        if running is not self._now:
            return
        rows = list(running.rows)
        self._send(messages.effects(running.sweep, running.number, rows, running.told, running=not running.ended))
        running.told = len(rows)


class _Running:
    """A sweep and how far it is."""

    def __init__(self, number: int, sweep: Sweep) -> None:
        self.number = number
        self.sweep = sweep
        self.rows: list[Effect] = []
        self.told = 0
        self.stopped = threading.Event()
        self.ended = False
