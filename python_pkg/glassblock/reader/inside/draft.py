"""A condensation in the making: which operations of a block stand behind which step, and what flows between them.

An operation is *moving* if it changes layout alone, *still* if nothing of the text goes through it (masks, angles, a
function of parameters). Neither is a step: both belong to whatever reads them. Every other operation is at home in one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from glassblock.ir import StepKind
from glassblock.reader.inside.part import Part
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT, REPEATS, SLICES

MOVES = LAYOUT | SLICES | REPEATS
CUTS = frozenset("chunk split split_with_sizes tensor_split unbind getitem narrow select".split())
_MAKES = frozenset({"embedding", "embedding_bag"})


@dataclass(eq=False)
class Home:
    """Operations that are one step."""

    op: StepKind
    name: str
    path: str = ""
    ops: set[int] = field(default_factory=set)

    @property
    def first(self) -> int:
        """The first of its operations."""
        return min(self.ops)


class Draft:
    """Steps of a block, and the operations that are at home in them."""

    def __init__(self, part: Part) -> None:
        self.part, self.graph = part, part.graph
        self.tapped: dict[int, list[str]] = {}
        self.partly: set[str] = set()
        self.homes: list[Home] = []
        self.home: dict[int, Home] = {}

    @cached_property
    def idle(self) -> set[int]:
        """Operations that make nothing of the block's output and use no parameter: they are left out."""
        graph, output = self.graph, self.graph.producer(self.part.output)
        used = self.above([output.index]) | {output.index} if output is not None else set[int]()
        learning = {op.index for op in graph.ops if any(graph.values[v].trained for v in op.inputs)}
        return {op.index for op in graph.ops} - used - learning

    @cached_property
    def live(self) -> list[bool]:
        """For each value whether it is made of what the block reads, or by a matrix or table of its own."""
        graph = self.graph
        outside = {self.part.source, *self.part.beside}
        known = [value.index in outside for value in graph.values]
        for op in graph.ops:
            own = op.name in _MAKES or graph.heavy(op)
            learned = own and any(graph.values[v].trained or graph.learned[v] for v in op.inputs)
            if learned or any(known[v] for v in graph.carried(op)):
                for v in op.outputs:
                    known[v] = True
        return known

    def flows(self, op: Op) -> bool:
        """Whether something of the text goes through an operation."""
        return any(self.live[v] for v in op.outputs)

    def moves(self, op: Op) -> bool:
        """Whether an operation changes layout alone."""
        return op.name in MOVES and sum(self.live[v] for v in self.graph.carried(op)) < 2

    def free(self, op: Op) -> bool:
        """Whether an operation is work that is at home nowhere."""
        here = op.index not in self.home and op.index not in self.idle
        return here and self.flows(op) and not self.moves(op)

    def settle(self, home: Home, ops: Iterable[Op], *, whole: bool = False) -> Home | None:
        """Make a step of those operations that are free; of what moves between them as well, where it is whole."""
        ops = [op for op in ops if op.index not in self.home and op.index not in self.idle]
        if not any(self.free(op) for op in ops):
            return None
        home.ops = {op.index for op in ops if self.free(op) or (whole and self.flows(op))}
        self.homes.append(home)
        self.home.update(dict.fromkeys(home.ops, home))
        return home

    def leave(self, home: Home) -> None:
        """Undo a step: its operations are at home nowhere."""
        self.homes.remove(home)
        for index in home.ops:
            del self.home[index]

    def join(self, home: Home, into: Home) -> None:
        """Let the operations of a step be at home in another one."""
        self.homes.remove(home)
        into.ops |= home.ops
        self.home.update(dict.fromkeys(home.ops, into))

    def back(self, value: int) -> Iterator[int]:
        """Go back through values with the same numbers, or of which it is a part, as far as no step made them."""
        yield value
        while (op := self.graph.producer(value)) is not None and op.index not in self.home and self.moves(op):
            moved = [v for v in self.graph.carried(op) if self.live[v]] or op.inputs[:1]
            if not moved:
                return
            value = moved[0]
            yield value

    def makers(self, value: int) -> list[tuple[Home | None, int]]:
        """Return where a value comes from: the steps that made it, or None, and the values that those made."""
        found: list[tuple[Home | None, int]] = []
        queue, met = [value], {value}
        while queue:
            at = queue.pop()
            op = self.graph.producer(at)
            if op is None:
                found.append((None, at))
            elif op.index in self.home:
                found.append((self.home[op.index], at))
            else:
                new = [v for v in self.graph.carried(op) if v not in met]
                met.update(new)
                queue += new
        return found

    def inputs(self, home: Home) -> Iterator[int]:
        """Go through the values that a step reads and does not make, each once."""
        seen: set[int] = set()
        for index in sorted(home.ops):
            for value in self.graph.carried(self.graph.ops[index]):
                op = self.graph.producer(value)
                if value not in seen and (op is None or op.index not in home.ops):
                    seen.add(value)
                    yield value

    def before(self, home: Home) -> set[int]:
        """Return the identities of the steps that a step reads."""
        makers = (maker for value in self.inputs(home) for maker, _ in self.makers(value))
        return {id(maker) for maker in makers if maker is not None and maker is not home}

    def readers(self, values: Iterable[int]) -> list[Home]:
        """Return the steps that read some values, through what moves; the same one as often as it does."""
        found: list[Home] = []
        queue, met = list(values), set(values)
        while queue:
            value = queue.pop()
            for op in self.graph.consumers[value]:
                if value not in self.graph.carried(op) or op.index in self.idle:
                    continue
                if op.index in self.home:
                    found.append(self.home[op.index])
                else:
                    queue += [v for v in op.outputs if v not in met]
                    met.update(op.outputs)
        return found

    def made(self, home: Home) -> list[int]:
        """Return the values that a step makes and something else reads, or that are the block's result."""
        values = (value for index in sorted(home.ops) for value in self.graph.ops[index].outputs)
        return [value for value in values if self.live[value] and self.leaves(value, home)]

    def leaves(self, value: int, home: Home) -> bool:
        """Whether something else than the step that made it reads a value, or it is the block's result."""
        queue, met = [value], {value}
        while queue:
            at = queue.pop()
            if at == self.part.output:
                return True
            for op in self.graph.consumers[at]:
                owner = self.home.get(op.index)
                if owner is not home and owner is not None:
                    return True
                if owner is None and op.index not in self.idle:
                    queue += [v for v in op.outputs if v not in met]
                    met.update(op.outputs)
        return False

    def above(self, home: Collection[int]) -> set[int]:
        """Return the operations that some operations depend on."""
        graph, found = self.graph, set[int]()
        queue = [v for index in home for v in graph.carried(graph.ops[index])]
        while queue:
            op = graph.producer(queue.pop())
            if op is not None and op.index not in found:
                found.add(op.index)
                queue += graph.carried(op)
        return found

    def below(self, home: Collection[int]) -> set[int]:
        """Return the operations that depend on some operations."""
        graph = self.graph
        return {op.index for op in graph.onward([v for index in home for v in graph.ops[index].outputs], _any)}


def _any(_: Op) -> bool:
    return True


def word(path: str) -> str:
    """Return the last word of a path; numbers are kept with the word before them."""
    *before, last = path.split(".")
    return f"{before[-1]}.{last}" if last.isdigit() and before else last


def leaves(graph: Graph) -> dict[int, list[Op]]:
    """Return for each call the operations that ran in it and in no call within it."""
    found: dict[int, list[Op]] = {}
    for op in graph.ops:
        if op.call is not None:
            found.setdefault(op.call, []).append(op)
    return found
