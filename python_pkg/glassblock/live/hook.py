"""A hook that stays with the model it was put on, and knows when it is not asked.

A model can be copied or pickled while a session is attached. Its hooks go along, but ours refer to the session
and must not: in a copy they do nothing. And what our hooks compute is not the model's: whoever counts the operations
of the model asks `at_work`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Local(threading.local):
    working = False
    silent = False


_local = _Local()


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
        if _local.silent:
            return None
        before, _local.working = _local.working, True
        try:
            return self._call(*args)
        finally:
            _local.working = before

    def __deepcopy__(self, memo: dict[int, Any]) -> Hook:
        return inert()

    def __reduce__(self) -> tuple[Callable[[], Hook], tuple[()]]:
        return inert, ()


def at_work() -> bool:
    """Whether a hook of ours is at work in this thread."""
    return _local.working


@contextmanager
def silent() -> Iterator[None]:
    """Keep all hooks of ours from doing anything in this thread: what runs is not a pass of the user's."""
    before, _local.silent = _local.silent, True
    try:
        yield
    finally:
        _local.silent = before


def is_silent() -> bool:
    """Whether hooks of ours do nothing in this thread."""
    return _local.silent


def inert() -> Hook:
    """Return a hook that does nothing."""
    return Hook(_nothing)


def _nothing(*_: Any) -> None:
    return None
