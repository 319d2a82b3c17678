"""What all mixers are looked at by: layouts, the short convolution, and what each value is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Missing, Place, View
from glassblock.reader.branches.views import as_it_is, split, then, turned
from glassblock.reader.tracing.graph import alike
from glassblock.reader.tracing.record import Op, Shape
from glassblock.reader.tracing.values import JOINS, LAYOUT, REPEATS, SLICES

MOVES = LAYOUT | SLICES | REPEATS | {"pad", "masked_fill", "masked_fill_"}
"""Operations that change no number of the text."""
FUNCTIONS = frozenset("silu sigmoid gelu relu tanh softplus".split())
_BY_TOKEN, _BY_HEAD = 3, 4
_NOWHERE = Missing("its kernel has it in no shape that can be looked at without a copy")


class Look:
    """One mixer, looked at."""

    def __init__(self, branch: Branch) -> None:
        self.branch, self.graph = branch, branch.graph
        self.batch, self.tokens = branch.batch, branch.graph.recording.tokens

    @cached_property
    def projections(self) -> list[Op]:
        """Its multiplications by learned matrices; the last one leads back to the stream."""
        return self.branch.projections()

    @cached_property
    def convolution(self) -> Op | None:
        """The convolution along the tokens that keeps channels apart."""
        return next((op for op in self.graph.ops if self.graph.depthwise(op) is not None), None)

    @cached_property
    def conv_in(self) -> int | None:
        """What is convolved, of the new tokens alone: (batch, channels, tokens)."""
        if self.convolution is not None:
            return self.convolved(self.convolution)
        joins = (op for op in self.graph.ops if op.name in JOINS and self._one_kept(op))
        join = next(joins, None)  # a convolution that is written out for one token, beside those that are kept
        return None if join is None else next(v for v in join.inputs if self.graph.fed[v])

    def convolved(self, convolution: Op) -> int:
        """Return what a convolution is given, without what is kept or padded before it."""
        value = convolution.inputs[0]
        while (op := self.graph.producer(value)) is not None and len(self.graph.shape(value)) == _BY_TOKEN:
            if op.name in JOINS:
                return next((v for v in op.inputs if self.graph.fed[v]), value)
            if op.name not in ("pad", "to", "contiguous", "float", "clone") or not op.inputs:
                break
            value = op.inputs[0]
        return value

    def _one_kept(self, op: Op) -> bool:
        shapes = {self.graph.shape(v)[:2] for v in op.inputs}
        fed = [self.graph.fed[v] for v in op.inputs]
        new = [v for v in op.inputs if self.graph.fed[v]]
        return sorted(fed) == [False, True] and len(shapes) == 1 and self.graph.shape(new[0])[2:] == (self.tokens,)

    def through(self, starts: Sequence[int]) -> Iterator[Op]:
        """Go on from some values through moves and functions, the operations behind them included."""
        own = MOVES | FUNCTIONS | {"mul", "where"}

        def moves(op: Op) -> bool:
            single = op.name != "mul" or sum(self.graph.activation(v) for v in op.inputs) < 2 or self._own_function(op)
            return op.name in own and single

        return self.graph.onward(starts, moves)

    def _own_function(self, op: Op) -> bool:
        """Whether a product is of a value with a function of itself, as a written-out silu."""
        made = [self.graph.producer(v) for v in op.inputs]
        return any(m is not None and m.name in FUNCTIONS and set(m.inputs) & set(op.inputs) for m in made)

    def root(self, value: int) -> int:
        """Go back through moves to where the numbers of a value were made."""
        while (op := self.graph.producer(value)) is not None and op.name in MOVES and op.inputs:
            value = op.inputs[0]
        return value

    def logit(self, value: int) -> int:
        """Go back through moves that drop no number to where the numbers of a value were made or cut out."""
        graph = self.graph
        while (op := graph.producer(value)) is not None and op.name in MOVES and op.inputs:
            if graph.size(op.inputs[0]) > graph.size(value):
                break
            value = op.inputs[0]
        return value

    def made_of(self, pieces: Sequence[int]) -> list[int]:
        """Return for each value a bit for each of the pieces that it was made of."""
        bits = [0] * len(self.graph.values)
        for at, piece in enumerate(pieces):
            bits[piece] |= 1 << at
        for op in self.graph.ops:
            of = 0
            for value in self.graph.carried(op):
                of |= bits[value]
            for value in op.outputs:
                bits[value] |= of
        return bits

    def view(self, shape: Shape, channels: int) -> View | None:
        """Look at a shape as (batch, tokens, heads, channels), or as (batch, tokens, channels) where channels is 0."""
        batch, tokens = self.batch, self.tokens
        if shape[:2] == (batch, tokens) and len(shape) == _BY_HEAD and channels:
            return as_it_is
        if shape[:2] == (batch, tokens) and len(shape) == _BY_TOKEN:
            return split(-1, channels) if channels and shape[-1] % channels == 0 else as_it_is
        return None

    def place(self, value: int, channels: int = 0) -> Place | Missing:
        """Look at a value, or at one right before or after it with the same numbers."""
        for found in alike(self.graph, value):
            view = self.view(self.graph.shape(found), channels)
            if view is not None:
                return Place(found, view)
        shape = self.graph.shape(value)
        if len(shape) == _BY_TOKEN and shape[::2] == (self.batch, self.tokens):
            return Place(value, then(turned, split(-1, channels)) if channels else turned)
        if self.tokens == 1 and shape[0] == self.batch and len(shape) < _BY_HEAD:  # of a single token
            heads = len(shape) == _BY_TOKEN or not channels
            return Place(value, then(lambda x: x.unsqueeze(1), as_it_is if heads else split(-1, channels)))
        return _NOWHERE
