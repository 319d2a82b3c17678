"""The rehearsal: one call of a block, recorded on copies of its arguments, to find out where its taps are.

Calls are of one kind if nothing is different between them but how long things are. A call of a kind that was not met
before is rehearsed. The model notices nothing: caches are copied, random numbers put back, and our hooks silent; a
checkpoint, which counts what is saved for gradients, sees none of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from glassblock.errors import TapError
from glassblock.live.hook import silent, working
from glassblock.live.inside.kernel import KernelCall
from glassblock.reader.tracing.calls import calls_seen
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.trace import Tracer
from glassblock.reader.tracing.watch import Watched

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def kind_of(module: nn.Module, arguments: Arguments, *, sized: bool = False) -> Hashable:
    """Return what calls that run the same operations have in common.

    Sizes count only as far as they are one, or equal to each other: another length is no other kind. But if ``sized``
    it is.
    """
    sizes: dict[int, int] = {}

    def kind(leaf: Any) -> Hashable:
        if isinstance(leaf, Tensor):
            shape = leaf.shape if sized else [1 if n == 1 else -sizes.setdefault(n, len(sizes)) for n in leaf.shape]
            return leaf.dtype, *shape
        if leaf is None or isinstance(leaf, bool | str):
            return leaf
        if isinstance(leaf, tuple | list):
            return type(leaf), *map(kind, leaf)
        if isinstance(leaf, dict):
            return type(leaf), *((key, kind(value)) for key, value in leaf.items())
        return type(leaf), _filled(leaf)

    return module.training, torch.is_grad_enabled(), kind(arguments)


def _filled(leaf: Any) -> bool:
    """Whether a cache holds tokens already: then other operations run."""
    for question in ("get_seq_length", "has_previous_state"):  # one of keys, one of states
        try:
            if getattr(leaf, question)():
                return True
        except (AttributeError, TypeError, ValueError, IndexError):  # it is no cache, not of this kind, or empty yet
            continue
    return False


class _Rehearsal(Tracer):
    """Records, and compares each call of torch's attention with its formula while its arguments are what they were."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module, Fold(), most_bytes=None)
        self.off: dict[int, str | None] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Record the operation."""
        result = super().__torch_function__(func, types, args, kwargs)
        if func is nn.functional.scaled_dot_product_attention:
            self.off[len(self.steps) - 1] = KernelCall.of(args, kwargs or {}).off(result)
        return result


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsed call.

    Attributes
    ----------
    call
        The recording.
    off
        For each call of torch's attention, by its step, in what it is not what the formula says; None where it is.
    """

    call: Watched
    off: Mapping[int, str | None]


def rehearse(module: nn.Module, forward: Callable[..., Any], arguments: Arguments) -> Rehearsed:
    """Record a call on copies of its arguments.

    Parameters
    ----------
    module
        The block's module.
    forward
        What runs it.
    arguments
        Positional and keyword arguments.

    Raises
    ------
    TapError
        If the arguments cannot be copied.
    """
    # Without gradients: what a checkpoint sees saved in a forward it expects to see saved when it runs again.
    with silent(), working(), _untouched(module), torch.no_grad():
        args, kwargs = copied(arguments)
        tracer = _Rehearsal(module)
        with tracer, calls_seen(tracer.seen):
            result = tracer.seen(lambda _, *a, **k: forward(*a, **k), module, args, kwargs)
    return Rehearsed(Watched(tracer, module, (args, kwargs), result), tracer.off)


def copied(arguments: Arguments) -> Arguments:
    """Return arguments that may be written over, without their history of gradients.

    Raises
    ------
    TapError
        If one of them cannot be copied.
    """
    try:
        args, kwargs = tree_map(_copy, arguments)
    except Exception as error:
        raise TapError(f"what its module is given cannot be copied: {type(error).__name__}: {error}") from error
    return args, kwargs


def _copy(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.detach().clone().requires_grad_(leaf.requires_grad)
    if callable(leaf) or isinstance(leaf, nn.Module):
        return leaf
    held = (value for part in parts_of(leaf) for value in tree_leaves(list(vars(part).values())))
    memo: dict[int, Any] = {id(x): x.detach().clone() for x in held if isinstance(x, Tensor)}
    return copy.deepcopy(leaf, memo)  # which copies no tensor that has a history of gradients


def parts_of(leaf: Any) -> list[Any]:
    """Return the objects in which a cache keeps what it holds: itself, its layers, and caches that it is made of."""
    if isinstance(leaf, Tensor | nn.Module | str | int | float | None) or callable(leaf):
        return []
    state = getattr(leaf, "__dict__", None)
    if state is None:
        return []
    inner = [part for value in state.values() if hasattr(value, "layers") for part in parts_of(value)]
    return [leaf, *getattr(leaf, "layers", ()), *inner]


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    """Put back what a call may change beside its arguments: random numbers, and running statistics in training."""
    devices = {p.device for p in module.parameters() if p.device.type == "cuda"}
    buffers = {buffer: buffer.clone() for buffer in module.buffers()} if module.training else {}
    try:
        with torch.random.fork_rng(sorted(device.index for device in devices)):
            yield
    finally:
        with torch.no_grad():
            for buffer, before in buffers.items():
                buffer.copy_(before)
