"""What single heads are given: queries, keys and values that are made of another input for each head.

A model hands all heads the same. Where the input of one of them is edited, the operations from the block's input to its
queries are done once more on that input, with the same weights, and the part of that head is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from glassblock.live.inside.swap import given, swapped, written
from glassblock.live.inside.work import Args, Func, Kwargs, Task, Work
from glassblock.reader.branches.place import Missing, Place, Places, View
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.steps import made, tensors, writes

OF = {"q_input": "q", "k_input": "k", "v_input": "v"}
"""What is made of each input."""


@dataclass(frozen=True, slots=True)
class Link:
    """One operation on the way: which tensor it is given from there, and which of those that it makes goes on."""

    step: int
    given: int
    made: int


@dataclass(frozen=True, slots=True)
class Split:
    """The way from what a block is given to what is made for each of its heads.

    Attributes
    ----------
    links
        The operations.
    view
        From what the last one makes to (batch, tokens, heads, channels).
    """

    links: tuple[Link, ...]
    view: View

    def tasks(self, names: tuple[str, ...], work: Work) -> dict[int, Task]:
        """Return what is to be done in one call, by operation."""
        once = _Once(self, names, work)
        return dict.fromkeys((link.step for link in self.links), once)


@dataclass(slots=True)
class _Once:
    """The way as it runs in one call: each operation is kept, and behind the last one heads are put in their places."""

    split: Split
    names: tuple[str, ...]
    work: Work
    ran: list[tuple[Func, Args, Kwargs]] = field(default_factory=list)

    def before(self, name: str, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        """Leave what an operation is given as it is."""
        return args, kwargs

    def after(self, name: str, func: Func, args: Args, kwargs: Kwargs, result: Any) -> Any:
        """Keep an operation; behind the last one, return what edited heads have in the place of theirs."""
        self.ran.append((func, args, kwargs))
        links = self.split.links
        if len(self.ran) < len(links):
            return result
        value = made(name, tensors((args, kwargs)), result)[links[-1].made]
        return swapped(result, value, self._edited(value))

    def _edited(self, value: Tensor) -> Tensor:
        _, args, kwargs = self.ran[0]
        x = tensors((args, kwargs))[self.split.links[0].given]
        view = self.split.view
        shared = x.unsqueeze(2).expand(-1, -1, view(value).shape[2], -1)
        new = self.work.through(shared)
        self.work.show(lambda: new)
        if new is shared:
            return value
        parts = list(view(value).unbind(2))
        for head in range(len(parts)):
            if not torch.equal(new[:, :, head], x):
                parts[head] = view(self._again(new[:, :, head]))[:, :, head]
        return written(value, [view], torch.stack(parts, 2))

    def _again(self, x: Tensor) -> Tensor:
        """Return what the way makes of another input."""
        for link, (func, args, kwargs) in zip(self.split.links, self.ran, strict=True):
            others = swapped((args, kwargs), tensors((args, kwargs))[link.given], x)
            x = made(self.names[link.step], tensors(others), func(*others[0], **others[1]))[link.made]
        return x


def splits(graph: Graph, source: int, found: Places) -> Mapping[str, Split | Missing]:
    """Return for each input of single heads how what is made of it is made."""
    return {tap: _split(graph, source, found[of]) for tap, of in OF.items() if of in found}


def _split(graph: Graph, source: int, place: Place | Missing) -> Split | Missing:
    if isinstance(place, Missing):
        return place
    derived, value, links = _derived(graph, source), place.value, list[Link]()
    while value != source:
        op = graph.producer(value)
        of = [v for v in dict.fromkeys(op.inputs) if v in derived] if op is not None else []
        if op is None or len(of) != 1 or writes(op.name) or of[0] not in given(op):
            return Missing("it is not made of what the block is given alone")
        links.append(Link(op.step, given(op).index(of[0]), op.outputs.index(value)))
        value = of[0]
    if not links or len(graph.shape(source)) != 3:
        return Missing("what the block is given is not laid out by text, token and channel")
    return Split(tuple(reversed(links)), place.view)


def _derived(graph: Graph, source: int) -> set[int]:
    derived = {source}
    for op in graph.ops:
        if not derived.isdisjoint(graph.carried(op)):
            derived.update(op.outputs)
    return derived
