"""Edges: what goes into modules and comes out of them, kept while passes are watched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import Any

from torch import Tensor, nn

from glassblock.ir import Side
from glassblock.live.arguments import first_tensor, output_tensor
from glassblock.live.hook import Hook

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


class _Watcher:
    """Keeps what passes at edges in the calls of one thread."""

    def __init__(self) -> None:
        self.seen: dict[Edge, Seen] = defaultdict(list)
        self._thread = get_ident()

    def given(self, edge: Edge, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep what a module is given."""
        every = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        self._keep(edge, every if edge.every else [first_tensor(args, kwargs)])

    def returned(self, edge: Edge, _: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        """Keep what a module returns."""
        self._keep(edge, [output_tensor(output)])

    def compiled(self) -> None:
        """Do nothing: the engine says it."""

    def _keep(self, edge: Edge, tensors: Sequence[Tensor | None]) -> None:
        if get_ident() == self._thread:
            self.seen[edge].append(tuple(x.detach().clone() for x in tensors if x is not None))


@contextmanager
def watched(model: nn.Module, edges: Iterable[Edge]) -> Iterator[Mapping[Edge, Seen]]:
    """Keep what passes at edges, in the passes that this thread makes while the context is entered."""
    watcher = _Watcher()
    with ExitStack() as stack:
        for edge in set(edges):
            module = model.get_submodule(edge.path)
            if edge.side == "input":
                look = Hook(watcher, _Watcher.given, edge)
                handle = module.register_forward_pre_hook(look, with_kwargs=True)
            else:
                handle = module.register_forward_hook(Hook(watcher, _Watcher.returned, edge))
            stack.callback(handle.remove)
        yield watcher.seen
