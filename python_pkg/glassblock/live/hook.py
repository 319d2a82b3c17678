"""A hook that stays with the model it was put on, and knows when it is not asked.

A model can be copied or pickled while a session is attached. Its hooks go along, but ours refer to the session
and must not: in a copy they do nothing. And what our hooks compute is not the model's: whoever counts the operations
of the model asks `at_work`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.compiler import is_dynamo_compiling

Given = TypeVar("Given")
Found = TypeVar("Found")


class _Local(threading.local):
    working = False
    silent = False


_local = _Local()


class Hook:
    """Calls a method of the engine, as long as there is one: a model's hooks do not keep its session alive.

    Parameters
    ----------
    engine
        Whose method it is.
    act
        The method, not bound; takes and returns what torch's hooks take and return.
    *what
        What it is given before that.
    """

    def __init__(self, engine: Any, act: Callable[..., Any], *what: Any) -> None:
        self._engine = weakref.ref(engine) if engine is not None else _nobody
        self._act, self._what = act, what

    def __call__(self, *args: Any) -> Any:
        """Do it."""
        if is_dynamo_compiling():
            return self._compiling()
        engine, local = self._engine(), _local
        if engine is None or local.silent:
            return None
        if local.working:
            return self._act(engine, *self._what, *args)
        local.working = True
        try:
            return self._act(engine, *self._what, *args)
        finally:
            local.working = False

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _compiling(self) -> None:
        """Tell the engine that the model was compiled: what is compiled runs without it."""
        engine = self._engine()
        if engine is not None:
            engine.compiled()

    def __deepcopy__(self, memo: dict[int, Any]) -> Hook:
        return inert()

    def __reduce__(self) -> tuple[Callable[[], Hook], tuple[()]]:
        return inert, ()


def at_work() -> bool:
    """Whether a hook of ours is at work in this thread."""
    return _local.working


@contextmanager
def working() -> Iterator[None]:
    """Say that what this thread computes meanwhile is ours."""
    before, _local.working = _local.working, True
    try:
        yield
    finally:
        _local.working = before


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


def weakly(method: Callable[[Given], Found], otherwise: Found) -> Callable[[Given], Found]:
    """Return a function that calls a method as long as there is its object, and returns something else from then on."""
    reference = weakref.WeakMethod(method)

    def call(given: Given) -> Found:
        found = reference()
        return otherwise if found is None else found(given)

    return call


def inert() -> Hook:
    """Return a hook that does nothing."""
    return Hook(None, _nobody)


def _nobody() -> None:
    return None
