"""What one module did in one call, recorded with its numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from glassblock.errors import TapError
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Value
from glassblock.reader.tracing.trace import Tracer


class Watched:
    """One call of a module: its operations and their tensors. What is made of them is made when it is asked for."""

    def __init__(self, tracer: Tracer, module: nn.Module, given: Any, returned: Any) -> None:
        self._tracer, self._module = tracer, module
        self._given, self._returned = given, returned

    @cached_property
    def graph(self) -> Graph:
        """The recording."""
        recording, given = self._tracer.recording, set(self._tracer.recording.calls[0].inputs)
        recording.tokens = ([1, *recording.values[self.source].shape[:-1]])[-1]
        kept = [v.index for v in recording.values if v.op is None and not v.name and v.index not in given]
        return Graph(recording, self._module, {v for v in kept if _cached(recording.values[v])})

    @property
    def steps(self) -> list[str]:
        """Names of all its operations, in order; also of those that made nothing and so are not in the recording."""
        return self._tracer.steps

    @cached_property
    def source(self) -> int:
        """The value of the first tensor that went in."""
        return self._tracer.value_of(_first(self._given))

    @cached_property
    def output(self) -> int:
        """The value of the first tensor that came out."""
        return self._tracer.value_of(_first(self._returned))

    def tensor(self, value: int) -> torch.Tensor:
        """Return the tensor of a value.

        Raises
        ------
        TapError
            If it is no longer what it was.
        """
        tensor = self._tracer.tensor(value)
        if tensor is None:
            raise TapError("the model has written over it since, in place")
        return tensor


def _cached(value: Value) -> bool:
    """Whether a value from outside that the module was not given is as large as what a cache keeps."""
    return "float" in value.dtype and len(value.shape) > 2  # text, channel or head, and token or channel


def _first(tree: Any) -> torch.Tensor:
    return next(leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))
