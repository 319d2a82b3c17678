"""How a state forgets, in a recording: the logarithm of its decay."""

from __future__ import annotations

from glassblock.reader.mixers.places.look import MOVES, Look
from glassblock.reader.tracing.record import Op


def log_decay(look: Look, state: Op, mixed: list[int]) -> int | None:
    """Return the logarithm of the decay for each token; None where the text does not decide it.

    Its running sum is taken over the tokens of a chunk, or its exponential multiplies the state.
    """
    graph = look.graph
    sums = [
        op for op in graph.ops if op.name == "cumsum" and graph.activation(op.inputs[0]) and not mixed[op.inputs[0]]
    ]
    if sums:
        return look.root(sums[0].inputs[0])
    terms = [graph.producer(v) for v in state.inputs]
    for term in terms:
        for factor in term.inputs if term is not None and term.name == "mul" else ():
            exponent = _exponent(look, factor)
            if exponent is not None:
                return look.root(exponent)
    return None


def _exponent(look: Look, factor: int) -> int | None:
    """Return what a factor is the exponential of, seen through moves and masks."""
    graph = look.graph
    while (op := graph.producer(factor)) is not None and op.inputs:
        if op.name == "exp":
            return op.inputs[0] if graph.activation(op.inputs[0]) else None
        moving = [v for v in op.inputs if graph.activation(v)]
        if (op.name not in MOVES and op.name != "mul") or len(moving) != 1:
            return None
        factor = moving[0]
    return None
