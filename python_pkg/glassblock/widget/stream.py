"""The stream: frames to a page that may be slower than the model.

At most one frame is under way; the page acknowledges it when it is drawn. Meanwhile the newest waits and the
older ones are forgotten, so a slow page gets fewer frames and never older ones. The clean frame has a place of
its own: the page needs it to show what changed, and a newer frame must not push it out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from glassblock.live import Frame

PATIENCE = 2.0
"""Seconds after which an acknowledgement is no longer waited for: the page was closed or reloaded."""


class FrameStream:
    """Sends frames at the pace of the page.

    Parameters
    ----------
    send
        Sends one frame.
    clock
        Seconds, from any start.
    """

    def __init__(self, send: Callable[[Frame], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: tuple[int, float] | None = None
        self._waiting: dict[bool, Frame] = {}

    def push(self, frame: Frame) -> None:
        """Send a frame, or let it wait in the place of an older one."""
        with self._lock:
            self._waiting[frame.origin == "clean"] = frame
            ready = self._next()
        if ready:
            self._deliver(ready)

    def acknowledge(self, seq: int) -> None:
        """Take note that the page has drawn a frame."""
        with self._lock:
            if self._under_way is not None and seq >= self._under_way[0]:
                self._under_way = None
            ready = self._next()
        if ready:
            self._deliver(ready)

    def _deliver(self, frame: Frame) -> None:
        """Send a frame; one whose numbers are still on their way from a device is waited for in a thread of its own."""
        if frame.ready:
            self._send(frame)
        else:
            threading.Thread(target=self._send, args=(frame,), name="glassblock-frame", daemon=True).start()

    def restart(self) -> None:
        """Forget what is under way: the page that should acknowledge it is gone."""
        with self._lock:
            self._under_way = None

    def _next(self) -> Frame | None:
        """Return the frame to send now, the clean one first; None while one is under way."""
        now = self._clock()
        if self._under_way is not None and now - self._under_way[1] < PATIENCE:
            return None
        for clean in (True, False):
            if clean in self._waiting:
                frame = self._waiting.pop(clean)
                self._under_way = (frame.seq, now)
                return frame
        return None
