"""Work: what is wanted of a tap in one call, and how it is done at an operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

from glassblock.live.inside.kernel import KernelCall
from glassblock.live.inside.stepper import Act
from glassblock.live.inside.swap import swapped, written
from glassblock.reader.branches.place import View
from glassblock.reader.tracing.steps import made, tensors, writes

Func = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

Change = Callable[[Tensor], Tensor]
"""An edit of a tap, bound to its pass: takes and returns the tensor in its documented shape."""


class Show(Protocol):
    """Somebody who wants to see a tap."""

    def __call__(self, look: Callable[[], Tensor], *, own: bool) -> None:
        """Take a function that returns it in its documented shape, and keep its errors; `own`: nobody else holds it."""


@dataclass(slots=True)
class Work:
    """What is wanted of a tap in one call.

    Attributes
    ----------
    changes
        Edits, in their order.
    shows
        Who wants to see it, as it goes on: after the edits.
    apart
        Whether it is edited only where it does not go into a projection.
    """

    changes: list[Change] = field(default_factory=list)
    shows: list[Show] = field(default_factory=list)
    apart: bool = False
    _done: tuple[Tensor, Tensor] | None = None

    def show(self, look: Callable[[], Tensor], *, own: bool = False) -> None:
        """Show it to all who want to see it."""
        for show in self.shows:
            show(look, own=own)

    def through(self, x: Tensor) -> Tensor:
        """Return a tensor in its documented shape changed; the same object where nothing changes it."""
        for change in self.changes:
            x = change(x)
        return x

    def goes_on(self, x: Tensor, views: Sequence[View]) -> Tensor:
        """Return a tensor as it goes on, in its documented shape."""
        return views[0](self.changed(x, views) if self.changes else x)

    def changed(self, x: Tensor, views: Sequence[View]) -> Tensor:
        """Return a tensor with what views show of it changed, also where it is used a second time."""
        if self._done is None or self._done[0] is not x:
            self._done = x, written(x, views, self.through(views[0](x)))
        return self._done[1]


class Task(Protocol):
    """Something that is done at an operation."""

    def before(self, name: str, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        """Return the arguments that it shall have."""

    def after(self, name: str, func: Func, args: Args, kwargs: Kwargs, result: Any) -> Any:
        """Return what it shall return."""


def act_of(name: str, tasks: Sequence[Task], kernel: Act | None = None) -> Act:
    """Return what is done at an operation.

    Parameters
    ----------
    name
        Of the operation.
    tasks
        What is done with what it is given and with what it makes.
    kernel
        What stands for the operation itself.
    """

    def act(func: Func, args: Args, kwargs: Kwargs) -> Any:
        for task in tasks:
            args, kwargs = task.before(name, args, kwargs)
        result = func(*args, **kwargs) if kernel is None else kernel(func, args, kwargs)
        for task in tasks:
            result = task.after(name, func, args, kwargs, result)
        return result

    return act


@dataclass(frozen=True, slots=True)
class AtTensor:
    """A task with one tensor of an operation.

    Attributes
    ----------
    which
        Of those that it is given, or of those that it makes.
    given
        Of which.
    show, change
        What is done with it.
    views
        How it is looked at.
    work
        Who wants it.
    """

    which: int
    given: bool
    show: bool
    change: bool
    views: Sequence[View]
    work: Work

    def before(self, name: str, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        """Swap what the operation is given."""
        if not self.given:
            return args, kwargs
        every = tensors((args, kwargs))
        if self.show:
            self.work.show(lambda: self.work.goes_on(every[self.which], self.views))
        if not self.change:
            return args, kwargs
        x = every[self.which]
        new = self.work.changed(x, self.views)
        if new is not x and x is every[0] and writes(name):
            x.copy_(new)  # the model goes on with the tensor that it writes into
            return args, kwargs
        args, kwargs = swapped((args, kwargs), x, new)
        return args, kwargs

    def after(self, name: str, func: Func, args: Args, kwargs: Kwargs, result: Any) -> Any:
        """Swap what the operation made."""
        if self.given:
            return result
        every = made(name, tensors((args, kwargs)), result)
        if self.show:
            self.work.show(lambda: self.work.goes_on(every[self.which], self.views))
        if not self.change:
            return result
        x = every[self.which]
        new = self.work.changed(x, self.views)
        if new is not x and writes(name):
            x.copy_(new)
            return result
        return swapped(result, x, new)


def kernel_act(scoring: Work, weighing: Work, heads: int) -> Act:
    """Return what stands for torch's attention: itself where it is only looked at, else the written-out softmax."""

    def in_heads(scores: Tensor) -> Tensor:
        """Return (batch, heads, tokens, keys): heads that share a key may be packed side by side, as tokens are."""
        if scores.ndim == 3:
            return scores.reshape(-1, heads, *scores.shape[1:])
        return scores.reshape(scores.shape[0], heads, -1, scores.shape[-1])

    def act(func: Func, args: Args, kwargs: Kwargs) -> Any:
        call = KernelCall.of(args, kwargs)
        if not scoring.changes and not weighing.changes:
            with torch.no_grad():
                look = cache(lambda: in_heads(call.scores()))
                scoring.show(look)
                if scoring.shows:
                    weighing.show(lambda: call.pattern(look()), own=True)
                else:  # nobody needs the scores any more
                    weighing.show(lambda: call.pattern(in_heads(call.scores()), own=True), own=True)
            return func(*args, **kwargs)
        packed = call.scores()
        scores = scoring.through(in_heads(packed))
        scoring.show(lambda: scores)
        pattern = weighing.through(call.pattern(scores))
        weighing.show(lambda: pattern)
        return call.mixed(pattern.reshape_as(packed)).to(call.value.dtype)

    return act
