"""Where a mask draws its lines: comparisons of positions, as distances between query and key.

A mask is arithmetic on positions. Each comparison in it is brought to the form "the key lies fewer than so many tokens
back"; what remains is one number, the `Boundary`: 0 divides the past from the future, and any other one is the edge of
a window. Which side of it is seen needs no answer: nothing looks at the future alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from glassblock.reader.tracing.graph import Graph, numbers
from glassblock.reader.tracing.record import Op, Ref
from glassblock.reader.tracing.values import LAYOUT, REPEATS, SLICES

_COMPARISONS = ("le", "lt", "ge", "gt")
_TRIANGLES = ("tril", "triu")
_EQUALITIES = ("eq", "ne")
_DIVISIONS = ("floordiv", "floor_divide", "div")
_SAME_PLACE = LAYOUT | REPEATS | SLICES | {"long", "int", "view_as", "clone", "cumsum"}
_COUNTING = ("arange", "range", "cumsum")


@dataclass(frozen=True, slots=True)
class Boundary:
    """A line in a mask: keys ``back`` tokens back lie on one side, those ``back - 1`` back on the other.

    ``both`` says that it is drawn on both sides of the query, at the same distance. ``of`` is the piece of text within
    which positions are compared, where whole pieces are (0: single positions are). ``far`` says that the mask is true
    on the side that lies further back.
    """

    op: Op
    back: int
    both: bool = False
    of: int = 0
    far: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """A position, or a difference of two: how often the query's and the key's go in, and what is added."""

    query: float
    key: float
    plus: float = 0.0
    bent: bool = False
    divided: int = 0


def boundaries(graph: Graph, ops: Iterable[Op]) -> list[Boundary]:
    """Find the lines that some operations draw between queries and keys."""
    found = []
    for op in ops:
        if op.name in _TRIANGLES:
            # Turned over, a triangle cuts off the corner of a band.
            turned = any(after.name == "flip" for v in op.outputs for after in graph.consumers[v])
            found += [] if turned else [_of_triangle(op)]
        elif op.name in _COMPARISONS or op.name in _EQUALITIES:
            boundary = _of_comparison(graph, op)
            if boundary is not None:
                found.append(boundary)
    return found


def _of_triangle(op: Op) -> Boundary:
    given = op.kwargs.get("diagonal", numbers(op)[0] if numbers(op) else 0)
    diagonal = int(given) if isinstance(given, int | float) else 0
    if op.name == "triu":
        return Boundary(op, 1 - diagonal)
    return Boundary(op, -diagonal, far=True)


def _of_comparison(graph: Graph, op: Op) -> Boundary | None:
    left, right = _sides(graph, op)
    if left is None or right is None:
        return None
    if op.name in _EQUALITIES:
        pieces = left.divided == right.divided > 0 and left.query + right.query and left.key + right.key
        return Boundary(op, 0, of=left.divided) if pieces else None
    if left.bent or right.bent:
        return _of_distance(op, left, right)
    query, key = left.query - right.query, left.key - right.key
    if not query or query != -key:
        return None
    # query * (q - k) + plus <op> 0
    bound = int((right.plus - left.plus) / query)
    here = op.name in (("lt", "ge") if query > 0 else ("gt", "le"))
    return Boundary(op, bound if here else bound + 1, far=op.name.startswith("g" if query > 0 else "l"))


def _of_distance(op: Op, left: _Line, right: _Line) -> Boundary | None:
    """A distance without a sign is compared with a number."""
    bent, number = (left, right) if left.bent else (right, left)
    if number.query or number.key:
        return None
    strict = op.name in ("lt", "ge") if bent is left else op.name in ("gt", "le")
    bound = int(number.plus - bent.plus)
    return Boundary(op, bound if strict else bound + 1, both=True)


def _sides(graph: Graph, op: Op) -> tuple[_Line | None, _Line | None]:
    """What is compared with what, each as a line in the positions of query and key."""
    lines: list[_Line | None] = []
    for argument in op.args[:2]:
        if isinstance(argument, Ref):
            lines.append(_line(graph, argument.value))
        else:
            known = isinstance(argument, int | float) and not isinstance(argument, bool)
            lines.append(_Line(0, 0, float(argument)) if known else None)
    return (lines[0], lines[1]) if len(lines) == 2 else (None, None)


def _line(graph: Graph, value: int, depth: int = 0) -> _Line | None:
    """Read a value as a line; None where it is no such thing."""
    op = graph.producer(value)
    if graph.size(value) == 1:
        return _Line(
            0, 0, graph.values[value].number or 0.0
        )  # an offset without a number is that of a plain text: none
    if depth > 40 or graph.learned[value]:
        return None
    if op is None or op.name in _COUNTING:
        integer = "int" in graph.values[value].dtype or op is not None
        return _axis(graph, value) if integer else None
    if op.name in _SAME_PLACE:
        return _moved(graph, op, value, depth)
    return _arithmetic(graph, op, depth)


def _axis(graph: Graph, value: int) -> _Line:
    """A bare position lies along the queries where it is a column, else along the keys."""
    shape = graph.shape(value)
    column = len(shape) > 1 and shape[-1] == 1 and shape[-2] > 1
    return _Line(1, 0) if column else _Line(0, 1)


def _moved(graph: Graph, op: Op, value: int, depth: int) -> _Line | None:
    """A position that was laid out anew; picked by another position it is that one."""
    index = [v for v in op.inputs[1:] if graph.size(v) > 1 and "int" in graph.values[v].dtype]
    if op.name == "getitem" and len(op.inputs) > 1:
        positions = _line(graph, op.inputs[0], depth + 1)
        counts = positions is not None and not positions.divided
        return _line(graph, index[-1], depth + 1) if counts and index else None
    line = _line(graph, op.inputs[0], depth + 1) if op.inputs else None
    single = line is not None and bool(line.query) != bool(line.key)
    if line is None or not single or graph.size(value) == 1:
        return line if graph.size(value) > 1 else _Line(0, 0)
    shape = graph.shape(value)
    if len(shape) < 2 or min(shape[-2:]) > 1:
        return line
    weight = line.query + line.key
    along_query = shape[-1] == 1
    return replace(line, query=weight if along_query else 0, key=0 if along_query else weight)


def _arithmetic(graph: Graph, op: Op, depth: int) -> _Line | None:
    lines = [_line(graph, v, depth + 1) for v in op.inputs]
    if not lines or any(line is None for line in lines):
        return None
    first = lines[0]
    assert first is not None
    given = numbers(op)
    if op.name in ("add", "sub") and (len(lines) == 2 or given):
        sign = -1 if op.name == "sub" else 1
        second = lines[1] if len(lines) == 2 else _Line(0, 0, given[0])
        assert second is not None
        if first.divided or second.divided or first.bent or second.bent:
            return None
        parts = (first.query + sign * second.query, first.key + sign * second.key, first.plus + sign * second.plus)
        return _Line(*parts)
    if op.name == "neg":
        return _Line(-first.query, -first.key, -first.plus)
    if op.name == "abs":
        return replace(first, bent=True)
    if op.name in _DIVISIONS and len(given) == 1 and given[0] > 1:
        return replace(first, divided=int(given[0]))
    return None
