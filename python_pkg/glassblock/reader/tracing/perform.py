"""Perform an operation: on true numbers where they are known, else on shapes, else it is answered.

A model on the meta device asks its tensors questions that only numbers answer: how many tokens are padding, which of
them are an image's. What follows from the inputs alone is known, and brought together with tensors that are empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_map

from glassblock.reader.tracing.escapes import escape, hollow
from glassblock.reader.tracing.known import UNKNOWN, Known
from glassblock.reader.tracing.record import Recording
from glassblock.reader.tracing.steps import canonical, tensors, writes


class Performer:
    """Performs the operations of one recording.

    Parameters
    ----------
    recording
        Is told which operations were answered.
    """

    def __init__(self, recording: Recording) -> None:
        self.known = Known()
        """The numbers that are known of tensors without any."""
        self._recording = recording

    def run(
        self,
        name: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: list[torch.Tensor],
        before: list[int],
    ) -> Any:
        """Run an operation: on known numbers where all of them are, else on shapes, else it is answered.

        Parameters
        ----------
        name, func, args, kwargs
            The operation.
        inputs, before
            The tensors that it reads, and the values that they are.
        """
        if not any(map(hollow, inputs)):
            result = func(*args, **kwargs)
            if any(map(hollow, tensors(result))):
                self.known.learn(result, self.known.run(name, func, args, kwargs, inputs))
            return result
        numbers = self.known.run(name, func, args, kwargs, inputs)
        if numbers is not UNKNOWN:
            return self._follow(func, args, kwargs, numbers, inputs[0])
        if writes(name):
            self.known.forget(inputs[0])
        device = next(tensor for tensor in inputs if hollow(tensor)).device
        args, kwargs = self._on_shapes(name, args, device), tree_map(_to(device), kwargs)
        result = escape(name, func, args, kwargs, self._made_by(before))
        if result is NotImplemented:
            try:
                return func(*args, **kwargs)
            except RuntimeError:
                number = self._scalar(device)
                return func(args[0], *tree_map(number, args[1:]), **tree_map(number, kwargs))
        if name not in ("to", "where"):
            self._recording.escapes.append(canonical(name))
        return result

    def _follow(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], numbers: Any, like: torch.Tensor
    ) -> Any:
        """Return what an operation on known numbers returned, its tensors without numbers like the model's."""
        if numbers is not None and not tensors(numbers):
            return numbers
        try:
            result = func(*args, **kwargs)
        except Exception:  # noqa: BLE001  # how many there are depends on the numbers, which are known
            result = None
        if [t.shape for t in tensors(result)] != [t.shape for t in tensors(numbers)]:
            result = tree_map(_to(like.device), numbers)
        self.known.learn(result, numbers)
        return result

    def _on_shapes(self, name: str, args: tuple[Any, ...], device: torch.device) -> tuple[Any, ...]:
        """Bring all tensors to the device without numbers; but what selects elements keeps those that are known."""
        if name not in ("__getitem__", "__setitem__"):
            return tree_map(_to(device), args)  # type: ignore[no-any-return]
        return (args[0], tree_map(self._numbers_in, args[1]), *tree_map(_to(device), args[2:]))

    def _scalar(self, device: torch.device) -> Callable[[Any], Any]:
        """Return a function that makes a known size to a number, and moves other scalars to where the rest is."""

        def move(leaf: Any) -> Any:
            known = self.known.of(leaf) if isinstance(leaf, torch.Tensor) and leaf.ndim == 0 else None
            if known is None:
                return leaf
            return torch.empty_like(leaf, device=device) if known.is_floating_point() else known.item()

        return move

    def _numbers_in(self, index: Any) -> Any:
        """Return an index with the numbers that are known of it."""
        if isinstance(index, slice):
            bounds = (self._numbers_in(bound) for bound in (index.start, index.stop, index.step))
            return slice(
                *(bound.item() if isinstance(bound, torch.Tensor) and not hollow(bound) else bound for bound in bounds)
            )
        known = self.known.of(index)
        return index if known is None else known

    def _made_by(self, values: list[int]) -> str:
        op = self._recording.values[values[0]].op if values else None
        return "" if op is None else self._recording.ops[op].name


def _to(device: torch.device) -> Callable[[Any], Any]:
    """Return a function that makes tensors with numbers to ones without; scalars may stay what they are."""

    def move(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor) or hollow(leaf) or leaf.ndim == 0:
            return leaf
        return torch.empty_like(leaf, device=device)

    return move
