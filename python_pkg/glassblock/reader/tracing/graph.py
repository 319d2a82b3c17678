"""Questions about a recording: who made a value, what it depends on, what an operation is for.

Everything that decides what a part of a model is asks here. Three notions do most of the work. An
operation that moves numbers without changing them (`view`, `transpose`, `to`) is seen through. A
*projection* multiplies an activation by a learned matrix; a *product* multiplies two activations. A
value is *learned* if a trained parameter went into it; masks and rotary angles are not.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from torch import nn

from glassblock.reader.tracing.record import Call, Op, Recording, Ref, Shape
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
_MULTIPLIES = frozenset("linear addmm matmul einsum baddbmm addbmm conv1d conv2d conv3d grouped_mm".split())


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


class Graph:
    """A recording with its modules, and questions about it.

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
    def weights(self) -> list[str]:
        """For each value the path of the trained matrix that it is a view or a part of, or begins with."""
        known = [value.name if value.trained and len(value.shape) > 1 else "" for value in self.values]
        for op in self.ops:
            by_number = len(op.inputs) == 1 and op.name in ("mul", "div")
            joined = op.name in JOINS and all(known[value] for value in op.inputs)
            same = op.name in LAYOUT | SLICES | REPEATS or op.name == "weight_norm"
            if op.inputs and (same or by_number or joined):
                for value in op.outputs:
                    known[value] = known[op.inputs[0]]
        return known

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

    def scaling(self, op: Op) -> tuple[int, float | None] | None:
        """Return what is scaled by one number and the number (None: not known without weights)."""
        if op.name not in ("mul", "div"):
            return None
        numbers = [a for a in op.args if isinstance(a, int | float) and not isinstance(a, bool)]
        if numbers and sum(isinstance(a, Ref) for a in op.args) == 1:
            factor = float(numbers[0])
            return op.inputs[0], (1 / factor if op.name == "div" else factor)
        if len(op.inputs) == 2:
            sizes = [self.size(value) for value in op.inputs]
            one_over = op.name == "div" and sizes[0] == 1
            if 1 in sizes and not one_over and max(sizes) == self.size(op.outputs[0]) > 1:
                by = self.values[op.inputs[sizes.index(1)]].number
                return op.inputs[sizes.index(max(sizes))], 1 / by if by and op.name == "div" else by
        return None

    def projection(self, op: Op) -> tuple[int, int] | None:
        """Return activation and weight of an operation that multiplies by a learned matrix."""
        if op.name not in _MULTIPLIES or self.depthwise(op) is not None:
            return None
        weights = [value for value in op.inputs if self.weights[value]]
        others = [value for value in op.inputs if not self.weights[value]]
        if len(weights) != 1 or not others:
            return None
        # A bias is learned, and what a model was given is not.
        given = [value for value in others if not self.values[value].trained] or others
        largest = max(given, key=lambda value: (self.learned[value], len(self.shape(value))))
        activation = others[1] if op.name == "addmm" and len(others) > 1 else largest
        return activation, weights[0]

    def product(self, op: Op) -> tuple[int, int] | None:
        """Return the factors of an operation that multiplies two activations as matrices."""
        if op.name not in ("matmul", "einsum", "baddbmm") or any(self.weights[v] for v in op.inputs):
            return None
        factors = [value for value in op.inputs if self.learned[value]][-2:]
        return (factors[0], factors[1]) if len(factors) == 2 else None

    def depthwise(self, op: Op) -> int | None:
        """Return the width of a convolution along the tokens that keeps channels apart."""
        if op.name not in ("conv1d", "conv2d", "conv3d") or len(op.inputs) < 2:
            return None
        weight, groups = self.shape(op.inputs[1]), argument(op, 6, "groups")
        apart = len(weight) > 2 and weight[1] == 1 < weight[0] and (groups or 1) > 1
        return weight[-1] if apart else None

    def heavy(self, op: Op) -> bool:
        """Whether an operation does the work of a block: multiplies matrices or convolves."""
        return op.name in _MULTIPLIES or op.name.startswith(
            ("scaled_dot", "multi_head_attention", "fft", "conv", "avg_pool", "max_pool", "folded")
        )

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

    def to_projections(self, value: int, stop: Collection[int] = (), first: int = 0) -> Cone:
        """Collect what happened to a value since the projections that it comes from."""
        return self.cone(value, stop, first, lambda op: self.projection(op) is not None)

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


def alike(graph: Graph, value: int) -> Iterator[int]:
    """Go through the values with the same numbers: the value itself, those it was before, those it is after."""
    yield value
    before = value
    while (behind := graph.behind(before)) is not None:
        before = behind
        yield before
    for op in graph.onward([value], lambda op: op.name in LAYOUT):
        if op.name in LAYOUT:
            yield from (v for v in op.outputs if graph.size(v) == graph.size(value))


def argument(op: Op, position: int, name: str) -> Any:
    """Return an argument of an operation by its position or its name, None if it was not given."""
    if name in op.kwargs:
        return op.kwargs[name]
    return op.args[position] if len(op.args) > position else None


def numbers(op: Op) -> list[float]:
    """Return the plain numbers among the positional arguments of an operation."""
    return [float(a) for a in op.args if isinstance(a, int | float) and not isinstance(a, bool | Ref)]


def show(shape: Shape) -> str:
    """Write a shape for people: ``1 x 4 x 8 x 16``."""
    return " x ".join(str(size) for size in shape) or "scalar"
