"""Questions about a recording: what an operation is for.

Everything that decides what a part of a model is asks here. Two notions do most of the work. A
*projection* multiplies an activation by a learned matrix; a *product* multiplies two activations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from glassblock.reader.tracing.record import Op, Ref, Shape
from glassblock.reader.tracing.values import JOINS, LAYOUT, REPEATS, SLICES, Cone, Values

_MULTIPLIES = frozenset("linear addmm matmul einsum baddbmm addbmm conv1d conv2d conv3d grouped_mm".split())


class Graph(Values):
    """A recording with its modules, and questions about its operations; made of what `Values` is."""

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

    def to_projections(self, value: int, stop: Collection[int] = (), first: int = 0) -> Cone:
        """Collect what happened to a value since the projections that it comes from."""
        return self.cone(value, stop, first, lambda op: self.projection(op) is not None)


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
