"""The stepper: waits for operations of a module by their place in the sequence, and acts on these alone.

It is what makes reading within a block cheap: who the tensors are was found out once, by recording a call of the same
kind, and from then on only names of operations are compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch.overrides import TorchFunctionMode

from glassblock.live.hook import at_work, working
from glassblock.reader.tracing.steps import step_name

Act = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""What is done in the place of an operation: gets the operation and its arguments, returns what the model gets."""


class Stepper(TorchFunctionMode):
    """Acts on operations that run while it is entered.

    Parameters
    ----------
    names
        The operations that are expected, in order.
    acts
        What to do, by place in the sequence.
    """

    def __init__(self, names: Sequence[str], acts: Mapping[int, Act]) -> None:
        super().__init__()
        self._names, self._acts = names, acts
        self._step, self._last = 0, max(acts)
        self._strayed = False
        self._outer: Stepper | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait, within whoever waits in this thread already: a block may be part of another one's module."""
        self._outer, _local.innermost = _local.innermost, self
        try:
            with self:
                yield
        finally:
            _local.innermost = self._outer

    @property
    def done(self) -> bool:
        """Whether all that was waited for has come, and in the order that was expected."""
        return self._step > self._last and not self._strayed

    def __torch_function__(
        self, func: Callable[..., Any], _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Let the operation run, or act in its place."""
        kwargs = kwargs or {}
        if self._step > self._last or self._strayed or at_work():
            return func(*args, **kwargs)
        name = step_name(func)
        if name is None:
            return func(*args, **kwargs)
        if name == "__iter__":  # as the recorder has it: through an operation that is seen
            with self:
                return iter(args[0].unbind(0))
        act = self._count(name)
        if act is None:
            return func(*args, **kwargs)
        if self._outer is not None:
            self._outer.passed(name)
        with working():  # what is done in the place of the operation is not the model's
            return act(func, args, kwargs)

    def passed(self, name: str) -> None:
        """Take note of an operation in whose place somebody within acts."""
        if self._step <= self._last and not self._strayed:
            self._count(name)
        if self._outer is not None:
            self._outer.passed(name)

    def _count(self, name: str) -> Act | None:
        step = self._step
        self._step += 1
        if name != self._names[step]:
            self._strayed = True
            return None
        return self._acts.get(step)


class _Local(threading.local):
    innermost: Stepper | None = None


_local = _Local()
