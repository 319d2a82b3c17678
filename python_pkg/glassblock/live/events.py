"""Events: who follows a session, and how what they do wrong stays away from the model."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any, Literal

Event = Literal["frame", "interventions", "run", "status", "problem"]
Subscriber = Callable[[Event, Any], None]

_log = logging.getLogger("glassblock")


class Events:
    """Tells subscribers what happens, in the thread in which it happens."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add a subscriber; return a function that removes it."""
        self._subscribers = (*self._subscribers, subscriber)

        def end() -> None:
            self._subscribers = tuple(other for other in self._subscribers if other is not subscriber)

        return end

    def tell(self, event: Event, what: Any) -> None:
        """Call every subscriber; one that raises is dropped, and the others hear it all the same."""
        for subscriber in self._subscribers:
            try:
                subscriber(event, what)
            except Exception as error:  # noqa: BLE001 - whoever looks on cannot disturb the model
                self._subscribers = tuple(other for other in self._subscribers if other is not subscriber)
                warn(f"a subscriber was dropped, because it raised {type(error).__name__}: {error}")


def warn(message: str) -> None:
    """Warn of something that went wrong in looking on.

    Where warnings are turned into errors it is logged instead: an error of ours must not stop the user's forward.
    """
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    except RuntimeWarning:
        _log.warning(message)
