"""The residual arithmetic of a layer: what was added to the stream, in what order.

The stream is found backwards from what a layer returns: through changes of layout, through a norm
that follows an addition (post-norm layers), and through additions of which one side leads to the
layer's input by such steps alone. That side is the stream, the other one the update.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from glassblock.ir import Fact, observed
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.terms import terms
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import JOINS, SLICES

_LEARNED = "a learned number for each channel"
_OF_CONDITION = "a number for each channel that is made of what the layer is given besides the stream"
_MASK = "a mask of the tokens that are no padding"


@dataclass(slots=True)
class Update:
    """One term that is added to the stream.

    Attributes
    ----------
    value
        What is added, before it is scaled.
    add
        Which addition of the layer it takes part in, counted from 1.
    scale
        What it is multiplied by.
    notes
        What else happens to it on the way.
    gates
        What it is multiplied by that was made of something else than the stream.
    joint
        The norm that its sum with the other terms of the same addition goes through.
    """

    value: int
    add: int
    scale: Fact[float] | None = None
    notes: list[str] = field(default_factory=list)
    gates: list[int] = field(default_factory=list)
    joint: NormSite | None = None


@dataclass(slots=True)
class Stream:
    """The residual stream through one layer.

    Attributes
    ----------
    call
        The call of the layer.
    source
        The value that came in.
    states
        For each value that is the stream, how many additions are in it.
    updates
        What was added.
    norms
        For an addition the norm that the stream itself goes through after it; 0 is before any.
    notes
        What else happens to the stream.
    """

    call: Call
    source: int
    states: dict[int, int]
    updates: list[Update] = field(default_factory=list)
    norms: dict[int, NormSite] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def streams_through(graph: Graph, call: Call, norms: dict[int, NormSite]) -> list[Stream]:
    """Follow each residual stream through a call, in the order in which they go in.

    A layer may have one for each kind of token, say of text and of an image: each of its outputs is then an input with
    additions. Or it joins what goes in to one stream, and cuts it again before it returns.
    """
    found: dict[int, Stream] = {}
    for output in call.outputs:
        for source in dict.fromkeys(call.inputs):
            if source in found or graph.size(source) != graph.size(output) or output == source:
                continue
            stream = additions_between(graph, call, source, output, norms, 0)
            if stream is not None:
                found[source] = stream
                break
    if not found and (ends := _joined(graph, call)) is not None:
        stream = additions_between(graph, call, *ends, norms, 0)
        return [stream] if stream is not None else []
    return [found[source] for source in dict.fromkeys(call.inputs) if source in found]


def _joined(graph: Graph, call: Call) -> tuple[int, int] | None:
    """Return what a layer joined its inputs to, and what it cut its outputs from."""
    given = {graph.same(value) for value in call.inputs}
    makers = [graph.producer(graph.same(value)) for value in call.outputs]
    cut = {op.inputs[0] for op in makers if op is not None and op.name in SLICES and op.index >= call.first}
    if len(cut) != 1 or len(makers) < 2:
        return None
    end = cut.pop()
    for op in graph.span(call):
        joins = op.name in JOINS and len(op.inputs) > 1 and graph.size(op.outputs[0]) == graph.size(end)
        if joins and all(graph.same(value) in given for value in op.inputs):
            return op.outputs[0], end
    return None


def additions_between(
    graph: Graph, call: Call, source: int, end: int, norms: dict[int, NormSite], done: int
) -> Stream | None:
    """Follow a stream from one value within a call to another.

    Parameters
    ----------
    graph
        The recording.
    call
        The call of the layer.
    source, end
        The first and the last value of the stream.
    norms
        All norms of the recording.
    done
        How many additions of the layer are in the first value.

    Returns
    -------
    Stream or None
        None where the one does not reach the other by additions.
    """
    # A branch may begin with what its norm made and add to that: the stream is what needs no norm, if there is one.
    for through in ({}, norms):
        walk = _Walk(graph, call, source, through, norms, done)
        if walk.additions(end) > done:
            return walk.stream
    return None


class _Walk:
    """One attempt: from an output back to one of the inputs."""

    def __init__(
        self,
        graph: Graph,
        call: Call,
        source: int,
        norms: dict[int, NormSite],
        every: dict[int, NormSite],
        done: int = 0,
    ) -> None:
        self.graph = graph
        self.norms = norms  # those that the stream itself may go through
        self.every = every
        self.stream = Stream(call, source, {source: done})
        self._dead: set[int] = set()

    def additions(self, value: int) -> int:
        """Go back from a value; return how many additions are in it, 0 if it is not the stream."""
        count = self._count(value)
        return count or 0

    def _count(self, value: int) -> int | None:
        """Return how many additions are in a value; None if it is not the stream.

        What it waits for is settled first, on a stack of our own: a sum over a thousand experts is a long way back.
        """
        stack = [value]
        while stack:
            waits = [] if self._settled(stack[-1]) else [v for v in self._leads(stack[-1]) if not self._settled(v)]
            if waits:
                stack += reversed(waits)
                continue
            current = stack.pop()
            if not self._settled(current):
                count = self._step(current)
                if count is None:
                    self._dead.add(current)
                else:
                    self.stream.states[current] = count
        return self.stream.states.get(value)

    def _settled(self, value: int) -> bool:
        return value in self.stream.states or value in self._dead

    def _leads(self, value: int) -> tuple[int, ...]:
        """Return the values that a step back leads to."""
        graph, op = self.graph, self.graph.producer(value)
        if op is None or op.index < self.stream.call.first:
            return ()
        behind, site = graph.behind(value), self.norms.get(value)
        if behind is not None or site is not None:
            return (behind,) if behind is not None else (site.input,) if site is not None else ()
        scaled = self._scaled(op)
        one = scaled[0] if scaled is not None else self._shifted(op)
        if one is not None:
            return (one,)
        return op.inputs if op.name in ("add", "sub") and self._sums(op) else ()

    def _sums(self, op: Op) -> bool:
        """Whether an operation adds two values of the same size."""
        graph = self.graph
        return len(op.inputs) == 2 and {graph.size(v) for v in op.inputs} == {graph.size(op.outputs[0])}

    def _step(self, value: int) -> int | None:
        graph, op = self.graph, self.graph.producer(value)
        if op is None or op.index < self.stream.call.first:
            return None
        behind = graph.behind(value)
        if behind is not None:
            return self._count(behind)
        site = self.norms.get(value)
        if site is not None:
            count = self._count(site.input)
            if count is not None:
                self.stream.norms[count] = site
            return count
        scaled = self._scaled(op)
        if scaled is not None:
            count = self._count(scaled[0])
            if count is not None:
                self.stream.notes.append(f"the stream is multiplied by {scaled[1]}")
            return count
        shifted = self._shifted(op)
        if shifted is not None:
            return self._count(shifted)
        return self._addition(op) if op.name in ("add", "sub") else None

    def _shifted(self, op: Op) -> int | None:
        """Return what a learned number for each channel is added to, as a bias of the stream itself."""
        graph = self.graph
        if op.name != "add" or len(op.inputs) != 2:
            return None
        for vector, other in (op.inputs, reversed(op.inputs)):
            if graph.values[vector].trained and graph.size(vector) == graph.shape(other)[-1] < graph.size(other):
                return other
        return None

    def _addition(self, op: Op) -> int | None:
        if not self._sums(op):
            return None
        left, right = op.inputs
        counts = self._count(left), self._count(right)
        if (counts[0] is None) == (counts[1] is None) or (op.name == "sub" and counts[0] is None):
            return None
        before = counts[0] if counts[0] is not None else counts[1]
        update = right if counts[0] is not None else left
        assert before is not None
        factor = -1.0 if op.name == "sub" else float(op.kwargs.get("alpha", 1))
        joint = self._joint(update)
        for term in self._terms(update if joint is None else joint.input):
            self.stream.updates.append(replace(self._update(term, before + 1, factor), joint=joint))
        return before + 1

    def _joint(self, update: int) -> NormSite | None:
        """Return the norm of an update that is a sum of several branches."""
        site = self.every.get(update) or self.every.get(self.graph.same(update))
        return site if site is not None and len(self._terms(site.input)) > 1 else None

    def _terms(self, value: int) -> list[int]:
        return terms(self.graph, self.stream.call, self.stream.states, value)

    def _scaled(self, op: Op) -> tuple[int, float | str] | None:
        """Return what is multiplied by one number, or by a learned one for each channel, and by what."""
        graph = self.graph
        one = graph.scaling(op)
        if one is not None:
            return one[0], one[1] if one[1] is not None else "a number that only the weights tell"
        if op.name != "mul" or len(op.inputs) != 2:
            return None
        for vector, other in (op.inputs, reversed(op.inputs)):
            flat = graph.size(vector) == graph.shape(op.outputs[0])[-1] < graph.size(other)
            if flat and graph.learned[vector]:
                return other, _OF_CONDITION if graph.fed[vector] else _LEARNED
            if (
                not graph.learned[vector]
                and graph.shape(vector)[-1:] == (1,)
                and graph.size(vector) < graph.size(other)
            ):
                return other, _MASK
        return None

    def _update(self, value: int, add: int, total: float) -> Update:
        """Peel the scale off an update, as far as the layer itself applies it."""
        update = Update(value, add)
        whole, part = self.graph.size(self.stream.source), self.graph.size(value)
        if part < whole and self.graph.shape(value)[-1:] == self.graph.shape(self.stream.source)[-1:]:
            update.notes.append("a part of the tokens goes through it: the others have weights of their own")
        while (op := self.graph.producer(update.value)) is not None and op.call == self.stream.call.index:
            scaled = self._scaled(op)
            if scaled is None:
                break
            update.value, factor = scaled
            update.gates += [v for v in op.inputs if v != update.value and self.graph.activation(v)]
            if isinstance(factor, str):
                update.notes.append(f"the update is multiplied by {factor}")
            else:
                total *= factor
        if total != 1:
            update.scale = observed(total, "multiplied before the addition")
        return update
