"""Problems in looking on: what cannot be read any more, and why. Each is said once, and none reaches the forward."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from glassblock.live.events import warn


class Problems:
    """What went wrong since the session was attached.

    Parameters
    ----------
    tell
        Called with each sentence, once.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._said: set[str] = set()
        self.off: set[Any] = set()
        """Taps that failed; they are left alone until somebody attaches again."""
        self.unread: dict[str, str] = {}
        """What is not read any more, by address, and why, in a sentence."""
        self.lost: set[str] = set()
        """What of it cannot be edited either."""

    def failed(self, tap: object, name: str, addresses: Iterable[str], error: Exception) -> None:
        """Switch a tap off, because reading it raised."""
        self.off.add(tap)
        self.not_reduced(name, addresses, f"{type(error).__name__}: {error}")

    def not_reduced(self, name: str, addresses: Iterable[str], why: str) -> None:
        """Take note of a tap whose numbers could not be had."""
        self._unread(addresses, f"{name} is not read any more, because that failed ({why}). The model is unharmed;")

    def gone(self, name: str, addresses: Iterable[str]) -> None:
        """Take note of a tap that is no longer where it was put."""
        addresses = list(addresses)
        self.lost.update(addresses)
        self._unread(addresses, f"{name} is neither read nor edited any more: its module or its hooks were replaced;")

    def missed(self, what: str, error: Exception) -> None:
        """Say what could not be read this time."""
        self._say(f"{what} could not be read ({type(error).__name__}: {error}). The model is not affected.")

    def compiled(self) -> None:
        """Say that the model was compiled since."""
        self._say(
            "The model was compiled after it was attached to, and compiled code runs without Glassblock: nothing of it"
            " is read or edited. Call the original module, or attach to it before it is compiled and run it so."
        )

    def silent(self) -> None:
        """Say that a forward pass went by unseen."""
        self._say("A forward pass made no frame: the hooks on the model were removed or replaced. Attach again.")

    def _unread(self, addresses: Iterable[str], sentence: str) -> None:
        sentence = f"{sentence} attach again to read it once more."
        self.unread.update(dict.fromkeys(addresses, sentence))
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            warn(f"Glassblock: {sentence}")
            self._tell(sentence)
