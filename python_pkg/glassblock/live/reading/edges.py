"""Edges: what goes into modules and comes out of them, kept while passes are watched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import Any

from torch import Tensor, nn

from glassblock.ir import Side
from glassblock.live.arguments import first_tensor, output_tensor
from glassblock.live.hook import Hook, is_silent

Seen = list[tuple[Tensor, ...]]
"""Copies of tensors, for each call of a module."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One side of a module.

    Attributes
    ----------
    path
        Of the module.
    side
        Which side.
    every
        Whether all tensors that it is given are meant, and not the first alone.
    """

    path: str
    side: Side
    every: bool = False


@contextmanager
def watched(model: nn.Module, edges: Iterable[Edge]) -> Iterator[dict[Edge, Seen]]:
    """Keep what passes at edges, in the passes that this thread makes while the context is entered."""
    seen: dict[Edge, Seen] = defaultdict(list)
    with ExitStack() as stack:
        for edge in set(edges):
            module = model.get_submodule(edge.path)
            if edge.side == "input":
                handle = module.register_forward_pre_hook(_Watcher(_given(edge, seen)), with_kwargs=True)
            else:
                handle = module.register_forward_hook(_Watcher(_returned(edge, seen)))
            stack.callback(handle.remove)
        yield seen


class _Watcher(Hook):
    """A hook that sees the calls of one thread."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__(call)
        self._thread = get_ident()

    def __call__(self, *args: Any) -> None:
        """Look."""
        if get_ident() == self._thread and not is_silent():
            super().__call__(*args)


def _given(edge: Edge, seen: dict[Edge, Seen]) -> Callable[..., None]:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        every = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        kept = every if edge.every else [first_tensor(args, kwargs)]
        seen[edge].append(tuple(x.detach().clone() for x in kept if x is not None))

    return hook


def _returned(edge: Edge, seen: dict[Edge, Seen]) -> Callable[..., None]:
    def hook(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        x = output_tensor(output)
        seen[edge].append(() if x is None else (x.detach().clone(),))

    return hook
