"""Answers: a layer that is like one that ran, and is called alike, is not run; it returns what that one returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_map

from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.record import Call, Op, Recording


class Answers:
    """What the first layer of each kind returned.

    Parameters
    ----------
    recording
        Says how a layer is called; an answer is an operation in it.
    fold
        Which layers are alike.
    fresh
        Makes an empty tensor like another, as a value that an operation made; returns it and the value.
    """

    def __init__(
        self, recording: Recording, fold: Fold, fresh: Callable[[torch.Tensor, int], tuple[torch.Tensor, int]]
    ) -> None:
        self._recording, self._fold, self._fresh = recording, fold, fresh
        self._known: dict[str, Any] = {}

    def forward(self, run: Callable[..., Any], call: Call, learn: Callable[[], None]) -> Callable[..., Any]:
        """Return a forward for a call: the layer's own where it is the first that is alike and was called alike.

        Parameters
        ----------
        run
            The layer's own.
        call
            The call. Its key is set, and whether it is answered.
        learn
            Called before the layer is run.
        """
        call.key = f"{self._fold.keys[call.path]}({self._situation(call, self._fold.containers[call.path])})"

        def first(*args: Any, **kwargs: Any) -> Any:
            learn()
            result = run(*args, **kwargs)
            self._known[call.key] = result
            return result

        def folded(*_args: Any, **_kwargs: Any) -> Any:
            call.folded = True
            return self._answer(self._known[call.key], call)

        return folded if call.key in self._known else first

    def _answer(self, result: Any, call: Call) -> Any:
        index = len(self._recording.ops)
        made: list[int] = []
        op = Op(index, "folded", call.index, call.inputs, ())
        self._recording.ops.append(op)

        def empty(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            fresh, value = self._fresh(leaf, index)
            made.append(value)
            return fresh

        answer = tree_map(empty, result)
        op.outputs = tuple(made)
        return answer

    def _situation(self, call: Call, container: str) -> str:
        """What is particular to a call: its shapes, and which tensors from outside the layers it got.

        Layers that get another mask or other rotary angles are not alike, though their modules are.
        """
        parts = []
        for index in call.inputs:
            value = self._recording.values[self._whole(index)]
            outside = value.op is None or not self._in_container(value.op, container)
            which = value.index if outside and index != call.inputs[0] else ""
            parts.append(f"{self._recording.values[index].shape}{which}")
        return ", ".join(parts)

    def _whole(self, index: int) -> int:
        """Return what a value was cut out of: each layer may get a slice of its own."""
        op = self._recording.values[index].op
        while op is not None and self._recording.ops[op].name in ("getitem", "select", "unbind"):
            index = self._recording.ops[op].inputs[0]
            op = self._recording.values[index].op
        return index

    def _in_container(self, op: int, container: str) -> bool:
        call = self._recording.ops[op].call
        while call is not None:
            if self._recording.calls[call].path.startswith(f"{container}."):
                return True
            parents = self._recording.calls[call].parents
            call = parents[-2] if len(parents) > 1 else None
        return False
