"""A block's own part of a recording: its operations alone, as if its module had been recorded by itself.

So whoever looks into a recording of one call, as the recognisers of taps do, can look at a block while the whole model
is read, and nothing has to go through the operations of all layers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op, Recording, Ref, Value


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a recording that is a block.

    Attributes
    ----------
    graph
        Its recording.
    source, output
        What it reads and what it makes.
    beside
        Activations from outside that it reads besides its source: another stack's output, keys of another layer.
    stream
        Those among them that are the layer's own stream.
    given
        What else comes from outside: masks, rotary angles, positions.
    origins
        For each value its number in the recording of the whole model.
    """

    graph: Graph
    source: int
    output: int
    beside: frozenset[int]
    stream: frozenset[int]
    given: frozenset[int]
    origins: dict[int, int]


def part_of(cut: Branch, source: int) -> Part:
    """Take a branch out of the recording of the whole model."""
    return _Taken(cut, source).part()


class _Taken:
    """One branch on its way out of the recording."""

    def __init__(self, cut: Branch, source: int) -> None:
        self.cut, self.whole, self.source = cut, cut.graph, source
        self.root = cut.call or cut.stream.call
        self.scope = [*cut.ops, *_running_idle(cut)]
        self.scope.sort(key=lambda op: op.index)
        self.at = {op.index: at for at, op in enumerate(self.scope)}
        calls = {index for op in self.scope for index in self.within(op.call)} | {self.root.index}
        self.order = {index: at for at, index in enumerate(sorted(calls))}
        self.numbers: dict[int, int] = {}
        self.values: list[Value] = []

    def part(self) -> Part:
        source = self.value(self.source)
        ops = [self.op(op) for op in self.scope]
        output = self.value(self.cut.inner)
        outside = [old for old, new in self.numbers.items() if self.values[new].op is None and new != source]
        outside = [old for old in outside if not self.values[self.numbers[old]].name]
        live = [old for old in outside if self.whole.learned[old] or old in self.cut.stream.states]
        beside = frozenset(self.numbers[old] for old in live)
        given = frozenset(self.numbers[old] for old in outside) - beside
        calls = self.calls((source, *sorted(beside), *sorted(given)), output)
        recording = Recording(self.values, ops, calls, tokens=self.whole.recording.tokens)
        own = {self.numbers[old] for old in live if old in self.cut.stream.states}
        origins = {new: old for old, new in self.numbers.items()}
        graph = Graph(recording, self.whole.model, remembered=beside - own)
        return Part(graph, source, output, beside, frozenset(own), given, origins)

    def value(self, old: int) -> int:
        """Return the number that a value of the whole has here."""
        new = self.numbers.get(old)
        if new is None:
            new = self.numbers[old] = len(self.values)
            self.values.append(self._copied(old, new))
        return new

    def _copied(self, old: int, new: int) -> Value:
        value, whole = self.whole.values[old], self.whole
        if value.op is not None and value.op in self.at:
            return replace(value, index=new, op=self.at[value.op])
        if value.op is None or whole.fed[old] or not whole.learned[old]:
            return replace(value, index=new, op=None)
        leaves = [whole.values[v] for v in whole.cone(old).edge if whole.values[v].trained]
        if len(leaves) != 1 or prod(leaves[0].shape) != prod(value.shape):
            return replace(value, index=new, op=None)  # a table that was worked on: as much an input as any
        return replace(value, index=new, op=None, name=leaves[0].name, trained=True)

    def op(self, op: Op) -> Op:
        return replace(
            op,
            index=self.at[op.index],
            inputs=tuple(self.value(v) for v in op.inputs),
            outputs=tuple(self.value(v) for v in op.outputs),
            args=self.argument(op.args),
            kwargs={name: self.argument(given) for name, given in op.kwargs.items()},
            call=self.order.get(op.call, 0) if op.call is not None else 0,
        )

    def argument(self, given: Any) -> Any:
        if isinstance(given, Ref):
            return Ref(self.value(given.value))
        if isinstance(given, tuple | list):
            return type(given)(self.argument(one) for one in given) if type(given) in (tuple, list) else given
        return given

    def within(self, call: int | None) -> tuple[int, ...]:
        """Return the calls around an operation, from the block's own on."""
        parents = self.whole.calls[call].parents if call is not None else ()
        return parents[parents.index(self.root.index) :] if self.root.index in parents else ()

    def calls(self, inputs: tuple[int, ...], output: int) -> list[Call]:
        """Return the calls of modules in the block, the block's own first: as if it held all operations."""
        spans: dict[int, list[int]] = {}
        for op in self.scope:
            for index in self.within(op.call)[1:]:
                spans.setdefault(index, []).append(self.at[op.index])
        made = [Call(0, self.root.path, (0,), inputs, 0, (output,), len(self.scope))]
        for index, ops in sorted(spans.items()):
            call = self.whole.calls[index]
            parents = tuple(self.order[parent] for parent in self.within(index))
            given, returned = (tuple(map(self.value, values)) for values in (call.inputs, call.outputs))
            made.append(Call(self.order[index], call.path, parents, given, ops[0], returned, ops[-1] + 1, call.folded))
        return made


def _running_idle(cut: Branch) -> list[Op]:
    """Return the operations in a block's module of which nothing is made that the model returns."""
    graph, mine = cut.graph, {op.index for op in cut.ops}
    span = graph.span(cut.call) if cut.call is not None else []
    return [op for op in span if op.index not in mine and not any(graph.returned[v] for v in op.outputs)]
