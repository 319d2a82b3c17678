"""Products that are written with letters (einsum): which letter is the text, the head, the token and the channel."""

from __future__ import annotations

from glassblock.reader.attention.axes import BATCH, CHANNELS, HEADS, TOKENS, Axes, Axis
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op

_AXES = 4


def in_letters(graph: Graph, value: int, weighed: int) -> Axes | None:
    """Say what the dimensions of queries, keys, values or z count, where letters say what is what.

    Parameters
    ----------
    graph
        The recording.
    value
        What goes into a product of attention, or comes out of it.
    weighed
        The values as they go into theirs.
    """
    made = graph.producer(value)
    products = [*graph.consumers[value], *([made] if made is not None else [])]
    op = next((op for op in products if _letters(op) is not None), None)
    letters = None if op is None else _letters(op)
    if op is None or letters is None:
        return None
    parts, out = letters
    of_values = parts[op.inputs.index(weighed)] if weighed in op.inputs else ""
    mine = out if value in op.outputs else parts[op.inputs.index(value)]
    both = [letter for letter in out if all(letter in part for part in parts)]
    summed = next((letter for letter in parts[0] if letter in parts[1] and letter not in out), "")
    rest = [letter for letter in mine if letter not in both]
    if len(both) != 2 or len(rest) != 2 or not summed:
        return None
    # Scores sum over channels; what weighs the values sums over their tokens.
    channel = next((x for x in rest if x in of_values and x != summed), "") if of_values else summed
    token = next(x for x in rest if x != channel)
    text, head = both if not of_values else sorted(both, key=next(p for p in parts if p != of_values).index)
    named = {text: BATCH, token: TOKENS, head: HEADS, channel: CHANNELS}
    sizes = zip(mine, graph.shape(value), strict=True)
    return tuple(() if size == 1 else (Axis(named[letter], size),) for letter, size in sizes)


def _letters(op: Op) -> tuple[list[str], str] | None:
    """Return the letters of the two factors and of the product."""
    equation = op.args[0] if op.name == "einsum" and op.args else None
    if not isinstance(equation, str) or "." in equation or "->" not in equation:
        return None
    given, _, made = equation.replace(" ", "").partition("->")
    parts = given.split(",")
    fits = len(parts) == len(op.inputs) == 2 and {len(part) for part in (*parts, made)} == {_AXES}
    return (parts, made) if fits else None
