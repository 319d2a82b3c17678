"""Chains: blocks that run one after the other with no addition to the stream between them.

Zamba's hybrid layers hand what their attention made to a feed-forward block, and what that made to a mixer; only the
mixer's output is added to the stream (Glorioso et al., 2024, arXiv:2405.16712, figure 2). Such a branch is cut where
one value is all that passes from what is before it to what is after it, if both parts are blocks in their own right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from glassblock.reader.branches.branch import Branch, cut
from glassblock.reader.branches.recognise import Recognised, recognise
from glassblock.reader.layers.nested import nested
from glassblock.reader.layers.roles import RECOGNISERS
from glassblock.reader.operations.residual import Update
from glassblock.reader.tracing.record import Op

_MIXING = frozenset({"attention", "mixer"})
_WORKING = _MIXING | {"mlp", "moe"}


@dataclass(frozen=True, slots=True)
class Link:
    """A block and what it was recognised as; ``feeds`` says that it is handed to the next link, not to the stream."""

    cut: Branch
    what: Recognised
    feeds: bool = False


def links(branch: Branch, *, feeds: bool = False) -> list[Link]:
    """Return the blocks that a branch consists of, in the order in which they run: nearly always itself alone."""
    for value in _narrows(branch):
        before, after = _before(branch, value), _after(branch, value)
        if before is None or after is None:
            continue
        first, then = recognise(before, RECOGNISERS), recognise(after, RECOGNISERS)
        roles = {first.role, then.role}
        if first.spec and then.spec and roles <= _WORKING and roles & _MIXING:
            return [*links(before, feeds=True), Link(after, then, feeds)]
    return [Link(branch, recognise(branch, (nested, *RECOGNISERS)), feeds)]


def _narrows(branch: Branch) -> Iterator[int]:
    """Go through the values, last first, that are all that passes from what is before them to what is after them."""
    graph, width = branch.graph, branch.graph.shape(branch.stream.source)[-1]
    mine = {op.index for op in branch.ops}
    for op, following in reversed([*pairwise(branch.projections())]):
        value = op.outputs[0]
        if graph.shape(value)[-1:] != (width,) or graph.size(value) != graph.size(branch.stream.source):
            continue
        if not _feeds(branch, value, following):  # one of many experts side by side, mostly
            continue
        before = {op.index for op in graph.cone(value, branch.stream.states, branch.stream.call.first).ops} & mine
        made = {v for op in branch.ops if op.index in before for v in op.outputs} - {value}
        rest = [op for op in branch.ops if op.index not in before]
        if any(graph.heavy(op) for op in rest) and not any(v in made for op in rest for v in op.inputs):
            yield value


def _feeds(branch: Branch, value: int, following: Op) -> bool:
    """Whether the projection that comes after a value reads it."""
    read = branch.graph.projection(following)
    assert read is not None
    return value in branch.graph.cone(read[0], {value, *branch.stream.states}, branch.stream.call.first).edge


def _before(branch: Branch, value: int) -> Branch | None:
    stream, made = branch.stream, branch.graph.producer(value)
    assert made is not None
    part = replace(stream, call=replace(stream.call, last=made.index + 1))
    return cut(branch.graph, part, Update(value, branch.update.add), branch.norms, stream.states)


def _after(branch: Branch, value: int) -> Branch | None:
    """Return what is after a value. What it meets the stream in is read as the stream would be."""
    graph, stream, made = branch.graph, branch.stream, branch.graph.producer(value)
    assert made is not None
    states = {**stream.states, value: stream.states[branch.read]}
    for op in graph.consumers[value]:
        if op.name == "add" and any(graph.same(v) in stream.states for v in op.inputs if v != value):
            states[op.outputs[0]] = states[value]
    part = replace(stream, states=states, call=replace(stream.call, first=made.index + 1))
    fed = cut(graph, part, branch.update, branch.norms, states)
    if fed is None:
        return None
    edge = graph.cone(fed.inner, {value, *stream.states}, stream.call.first).edge
    return replace(fed, alone=edge.isdisjoint(stream.states))
