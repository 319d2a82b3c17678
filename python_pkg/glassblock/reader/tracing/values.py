"""The values of a recording: what they depend on, and where they go.

An operation that moves numbers without changing them (`view`, `transpose`, `to`) is seen through. A value is *learned*
if a trained parameter went into it; masks and rotary angles are not.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from torch import nn

from glassblock.reader.tracing.record import Call, Op, Recording, Shape
from glassblock.reader.walk import at_path

LAYOUT = frozenset(
    "alias bfloat16 clone contiguous data detach double dropout expand_as flatten float half"
    " alpha_dropout feature_dropout movedim permute reshape squeeze swapaxes t T mT to transpose"
    " type type_as unflatten unsqueeze view view_as ravel".split()
)
"""Operations that change layout or precision, and no number."""

SLICES = frozenset("chunk getitem narrow select split tensor_split unbind index_select".split())
JOINS = frozenset({"cat", "concat", "concatenate"})
REPEATS = frozenset("expand repeat repeat_interleave broadcast_to expand_as tile".split())
SHAPED = frozenset(
    "zeros_like ones_like full_like empty_like rand_like new_zeros new_ones new_full new_empty new_tensor".split()
)
"""Operations that take nothing but the shape of what they are given."""
_LIKE_OTHER = frozenset("type_as view_as reshape_as expand_as".split())


@dataclass(frozen=True, slots=True)
class Cone:
    """What a value was made from.

    Attributes
    ----------
    ops
        The operations, in the order of execution.
    edge
        The values at which the search stopped.
    """

    ops: tuple[Op, ...]
    edge: frozenset[int]

    def named(self, *names: str) -> list[Op]:
        """Return its operations of these names."""
        return [op for op in self.ops if op.name in names]


class Modules:
    """The modules of a model by path, found when they are asked for: there may be millions."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def __getitem__(self, path: str) -> nn.Module:
        found = self.get(path)
        if found is None:
            raise KeyError(path)
        return found

    def get(self, path: str) -> nn.Module | None:
        """Return a module; None if there is none."""
        return at_path(self._model, path)


class Values:
    """A recording with its modules, and questions about its values.

    Parameters
    ----------
    recording, model
        The recording, and what was recorded.
    remembered
        Values that an earlier pass made by learned parameters: a cache.
    """

    def __init__(self, recording: Recording, model: nn.Module, remembered: Collection[int] = ()) -> None:
        self.recording, self.remembered = recording, remembered
        self.values = recording.values
        self.ops = recording.ops
        self.calls = recording.calls
        self.model = model
        self.modules = Modules(model)
        self.consumers: dict[int, list[Op]] = defaultdict(list)
        for op in self.ops:
            for value in dict.fromkeys(op.inputs):
                self.consumers[value].append(op)

    def shape(self, value: int) -> Shape:
        """Return the shape of a value."""
        return self.values[value].shape

    def size(self, value: int) -> int:
        """Return how many numbers a value has."""
        return prod(self.values[value].shape)

    def producer(self, value: int) -> Op | None:
        """Return the operation that made a value."""
        op = self.values[value].op
        return None if op is None else self.ops[op]

    def span(self, call: Call) -> list[Op]:
        """Return the operations that ran within a call."""
        return self.ops[call.first : call.last]

    def class_of(self, path: str) -> str:
        """Return the name of a module's class, for people; empty where a block has no module."""
        return type(self.modules[path]).__name__ if path else ""

    def call_of(self, op: Op) -> Call | None:
        """Return the innermost call that an operation ran in; None for what ran in none."""
        return self.calls[op.call] if op.call is not None else None

    def path_of(self, op: Op) -> str:
        """Return the path of the innermost module that an operation ran in."""
        return "" if op.call is None else self.calls[op.call].path

    def carried(self, op: Op) -> tuple[int, ...]:
        """Return the inputs of an operation whose numbers, and not only whose shape, go into what it makes."""
        if op.name in SHAPED:
            return ()
        return op.inputs[:1] if op.name in _LIKE_OTHER else op.inputs

    @cached_property
    def learned(self) -> list[bool]:
        """For each value whether a trained parameter went into it."""
        known = [value.trained or value.index in self.remembered for value in self.values]
        for op in self.ops:
            if any(known[value] for value in self.carried(op)) or op.name == "folded":
                for value in op.outputs:
                    known[value] = True
        return known

    @cached_property
    def fed(self) -> list[bool]:
        """For each value whether something that was given to the model went into it."""
        given = set(self.calls[0].inputs) if self.calls else set()
        known = [value.index in given for value in self.values]
        for op in self.ops:
            if any(known[value] for value in self.carried(op)):
                for value in op.outputs:
                    known[value] = True
        return known

    @cached_property
    def returned(self) -> list[bool]:
        """For each value whether something that the model returned was made of it."""
        known = [False] * len(self.values)
        for value in self.recording.results:
            known[value] = True
        for op in reversed(self.ops):
            if any(known[value] for value in op.outputs):
                for value in self.carried(op):
                    known[value] = True
        return known

    def activation(self, value: int) -> bool:
        """Whether this is made of the input by learned parameters; masks, angles and tables are not."""
        return self.learned[value] and self.fed[value]

    @cached_property
    def times_called(self) -> dict[str, int]:
        """How often each module was called."""
        counts: dict[str, int] = defaultdict(int)
        for call in self.calls:
            counts[call.path] += 1
        return counts

    def same(self, value: int) -> int:
        """Follow a value back through changes of layout to where its numbers were made."""
        while (before := self.behind(value)) is not None:
            value = before
        return value

    def behind(self, value: int) -> int | None:
        """Return the value with the same numbers one step back, or None."""
        op = self.producer(value)
        if op is None or not op.inputs:
            return None
        whole = self.size(op.inputs[0]) == self.size(value)
        if op.name in LAYOUT or (op.name in SLICES and whole):
            return op.inputs[0] if whole else None
        return None

    def cone(
        self,
        value: int,
        stop: Collection[int] = (),
        first: int = 0,
        at: Callable[[Op], bool] | None = None,
    ) -> Cone:
        """Collect what a value was made from.

        Parameters
        ----------
        value
            Where to start.
        stop
            Values not to go behind.
        first
            Index of the earliest operation to look at.
        at
            Operations not to go behind; they are not part of the cone.
        """
        ops: set[int] = set()
        edge: set[int] = set()
        queue, seen = [value], {value}
        while queue:
            current = queue.pop()
            op = self.producer(current)
            if current in stop or op is None or op.index < first or (at is not None and at(op)):
                edge.add(current)
                continue
            if op.index in ops:
                continue
            ops.add(op.index)
            carried = self.carried(op)
            queue += [v for v in carried if v not in seen]
            seen.update(carried)
        return Cone(tuple(self.ops[index] for index in sorted(ops)), frozenset(edge))

    def onward(self, values: Iterable[int], through: Callable[[Op], bool]) -> Iterator[Op]:
        """Go through the operations that some values reach, each once, the nearest first.

        Parameters
        ----------
        values
            Where to start.
        through
            Which operations to go behind; any other is the last on its way.
        """
        queue, met = deque(values), set[int]()
        while queue:
            for op in self.consumers[queue.popleft()]:
                if op.index not in met:
                    met.add(op.index)
                    yield op
                    queue += op.outputs if through(op) else ()

    def common_call(self, ops: Iterable[Op]) -> Call | None:
        """Return the innermost call that all of these operations ran in."""
        chains = [self.calls[op.call].parents for op in ops if op.call is not None]
        if not chains:
            return None
        common = 0
        for level in zip(*chains, strict=False):
            if len(set(level)) > 1:
                break
            common += 1
        return self.calls[chains[0][common - 1]] if common else None
