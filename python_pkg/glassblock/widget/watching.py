"""Watching: what the pages of a widget show of the insides of blocks, as long as they are there.

A page says what it shows, and says it again every now and then. One that was not heard of for a while is gone: closed
without a word, crashed, or asleep. Its taps are let go when the next frame comes, because only frames cost anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from weakref import ref

from glassblock.live import Session

PATIENCE = 60.0
"""Seconds after which a page that said nothing is taken to be gone; it speaks every 20."""


class Watching:
    """What each page of one widget watches.

    Parameters
    ----------
    session
        Whose blocks they are.
    clock
        Seconds, from any start.
    """

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = ref(session)  # a widget that was closed may be kept, and shall not keep a model
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[str, tuple[tuple[str, ...], float]] = {}

    def ask(self, page: str, names: Sequence[str]) -> bool:
        """Let a page show these taps; return whether there is more to be seen than before."""
        wanted = tuple(names)
        with self._lock:
            before = {name for known, _ in self._heard.values() for name in known}
            if wanted:
                self._heard[page] = wanted, self._clock()
            else:
                self._heard.pop(page, None)
            self._show(page, wanted)
        return not before.issuperset(wanted)

    def forget(self) -> None:
        """Let go of what pages show that were not heard of."""
        if not self._heard:
            return
        now = self._clock()
        with self._lock:
            for page in [page for page, (_, heard) in self._heard.items() if now - heard > PATIENCE]:
                self._drop(page)

    def end(self) -> None:
        """Let go of everything."""
        with self._lock:
            for page in list(self._heard):
                self._drop(page)

    def _drop(self, page: str) -> None:
        del self._heard[page]
        self._show(page)

    def _show(self, page: str, names: Sequence[str] = ()) -> None:
        session = self._session()
        if session is not None:
            session.show(*names, on=(id(self), page))
