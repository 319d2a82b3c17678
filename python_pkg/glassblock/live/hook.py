"""A hook that stays with the model it was put on.

A model can be copied or pickled while a session is attached. Its hooks go along, but ours refer to the session
and must not: in a copy they do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hook:
    """Calls a function of the engine.

    Parameters
    ----------
    call
        What to do; takes and returns what torch's hooks take and return.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *args: Any) -> Any:
        """Do it."""
        return self._call(*args)

    def __deepcopy__(self, memo: dict[int, Any]) -> Hook:
        return inert()

    def __reduce__(self) -> tuple[Callable[[], Hook], tuple[()]]:
        return inert, ()


def inert() -> Hook:
    """Return a hook that does nothing."""
    return Hook(_nothing)


def _nothing(*_: Any) -> None:
    return None
