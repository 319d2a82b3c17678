"""The stream: frames to a page that may be slower than the model.

What is drawn may skip, what is kept may not. At most one message of frames is under way; the page acknowledges it when
it is drawn. Meanwhile the newest waits, so that a slow page is never behind. What it was too slow for is sent when
nothing newer waits, so that every step of the last series can be gone through. The clean frame has a place of its own
(the page needs it to show what changed), and so has the first of a series (with it the page begins its text).

A series is a generation, or passes that the user's own code makes one after the other. It is kept here, within a
budget; a page that opens later gets it, too. What was given up is counted, and the page says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from glassblock.live import Frame

PATIENCE = 2.0
"""Seconds after which an acknowledgement is no longer waited for: the page was closed or reloaded."""

KEPT = 64 << 20
"""Bytes of the series that is kept: what its frames hold in the kernel, with their logits."""

MOST = 2000
"""Frames of the series that are kept, which is as many as a page keeps: small ones take more than their numbers."""

TOGETHER = 8
"""How many of those that the page was too slow for are sent at once."""


class FrameStream:
    """Sends frames at the pace of the page.

    Parameters
    ----------
    send
        Sends one frame, and says how many of its series were not sent, or not yet.
    clock
        Seconds, from any start.
    """

    def __init__(self, send: Callable[[Frame, int], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: frozenset[int] = frozenset()
        self._since = 0.0
        self._waiting: dict[bool, Frame] = {}
        self._series = _Series()

    def begin(self) -> None:
        """Begin a series: what is left of the one before is of no more use."""
        with self._lock:
            self._series = _Series()
            self._waiting.pop(False, None)

    def end(self) -> None:
        """Let go of all frames: nobody will ask for them."""
        with self._lock:
            self._series = _Series()
            self._waiting.clear()

    def push(self, frame: Frame) -> None:
        """Send a frame, or let it wait in the place of an older one."""
        with self._lock:
            self._waiting[frame.origin == "clean"] = frame
            if frame.origin in ("generate", "outside"):
                if frame.origin == "outside" and self._series.origin != "outside":
                    self._series = _Series()
                self._series.add(frame)
            ready, missing = self._next()
        self._deliver(ready, missing)

    def acknowledge(self, seq: int) -> None:
        """Take note that a page has drawn a frame.

        Of several pages the first sets the pace: what the others say of frames before is no leave to send more.
        """
        with self._lock:
            if seq in self._under_way:
                self._under_way = frozenset()
            ready, missing = self._next()
        self._deliver(ready, missing)

    def restart(self) -> None:
        """Begin with a page that has just opened: it has nothing, and owes no acknowledgement."""
        with self._lock:
            self._under_way = frozenset()
            self._series.unsend()
            ready, missing = self._next()
        self._deliver(ready, missing)

    def _deliver(self, frames: list[Frame], missing: int) -> None:
        """Send frames; one whose numbers are still on their way from a device is waited for in a thread of its own."""
        for frame in frames:
            if frame.ready:
                self._send(frame, missing)
            else:
                work = (frame, missing)
                threading.Thread(target=self._send, args=work, name="glassblock-frame", daemon=True).start()

    def _next(self) -> tuple[list[Frame], int]:
        """Return what to send now, nothing while something is under way, and how many are then missing."""
        now = self._clock()
        if self._under_way and now - self._since < PATIENCE:
            return [], 0
        frames = self._chosen()
        for frame in frames:
            self._series.sent(frame)
        if frames:
            self._under_way, self._since = frozenset(frame.seq for frame in frames), now
        return frames, self._series.missing

    def _chosen(self) -> list[Frame]:
        """Return the clean frame, else the first of a series, else the newest, else some that were skipped."""
        if True in self._waiting:
            return [self._waiting.pop(True)]
        first = self._series.first
        if first is not None:
            if self._waiting.get(False) is first:
                del self._waiting[False]
            return [first]
        if False in self._waiting:
            return [self._waiting.pop(False)]
        return self._series.skipped(TOGETHER)


class _Series:
    """The frames of a series, and which of them the page has not been sent."""

    def __init__(self) -> None:
        self.origin: str | None = None
        self._frames: dict[int, Frame] = {}
        self._unsent: set[int] = set()
        self._first: int | None = None
        self._bytes = 0
        self._dropped = 0
        self._given_up = 0

    @property
    def missing(self) -> int:
        """How many the page was not sent: those that it will be, and those that were given up."""
        return len(self._unsent) + self._given_up

    @property
    def first(self) -> Frame | None:
        """The one that it begins with, where that was not sent."""
        return self._frames.get(self._first) if self._first in self._unsent and self._first is not None else None

    def add(self, frame: Frame) -> None:
        """Keep a frame, and drop the oldest where there is no more room."""
        if self._first is None:
            self._first, self.origin = frame.seq, frame.origin
        self._frames[frame.seq] = frame
        self._unsent.add(frame.seq)
        self._bytes += frame.nbytes
        while len(self._frames) > 1 and (self._bytes > KEPT or len(self._frames) > MOST):
            self._drop(next(iter(self._frames)))

    def sent(self, frame: Frame) -> None:
        """Take note that the page was sent a frame."""
        self._unsent.discard(frame.seq)

    def unsend(self) -> None:
        """Take note that the page has nothing: what was dropped it will never get."""
        self._unsent = set(self._frames)
        self._given_up = self._dropped

    def skipped(self, most: int) -> list[Frame]:
        """Return the newest of those that were not sent, in the order in which they were made."""
        return [self._frames[seq] for seq in sorted(self._unsent)[-most:]]

    def _drop(self, seq: int) -> None:
        self._bytes -= self._frames.pop(seq).nbytes
        self._dropped += 1
        if seq in self._unsent:
            self._unsent.remove(seq)
            self._given_up += 1
