"""Doing a call again: what it may have changed is put back first.

A call whose operations were not those that were expected was not read or edited as it should have been. Its arguments
are still there, so it is rehearsed as it is, and run once more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from glassblock.live.inside.rehearsal import Arguments, parts_of


class Before:
    """What a call was given, before it ran.

    Parameters
    ----------
    module
        What is called.
    arguments
        Positional and keyword arguments.
    """

    def __init__(self, module: nn.Module, arguments: Arguments) -> None:
        leaves = tree_leaves(arguments)
        self._parts = [(part, dict(vars(part))) for leaf in leaves for part in parts_of(leaf)]
        held = [value for _, state in self._parts for value in state.values()]
        for value in held:  # a state may be a list of tensors
            leaves += value if isinstance(value, list) else [value]
        self._tensors = [(leaf, _version(leaf)) for leaf in leaves if isinstance(leaf, Tensor)]
        self._random = torch.get_rng_state() if module.training else None

    def restore(self) -> bool:
        """Put caches and random numbers back; False where numbers were written over, which nothing brings back."""
        if any(_version(tensor) != version for tensor, version in self._tensors):
            return False
        for part, state in self._parts:
            vars(part).clear()
            vars(part).update(state)
        if self._random is not None:
            torch.set_rng_state(self._random)
        return True


def _version(tensor: Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version
