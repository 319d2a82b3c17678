"""The way out of a mixer: from its output projection back over gate and norm to what the recurrence made."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.reader.mixers.places.look import FUNCTIONS, Look
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import LAYOUT


@dataclass(frozen=True, slots=True)
class WayOut:
    """What the recurrence made, and what its gate is given before its function."""

    made: int
    gate: int | None


def way_out(look: Look, mixed: list[int], bit: int) -> WayOut:
    """Go back from what the output projection reads.

    Parameters
    ----------
    look
        The mixer.
    mixed
        For each value a bit for each piece that it was made of.
    bit
        The bit of what is mixed: of two factors the gate is not made of it.
    """
    graph, last = look.graph, look.projections[-1]
    read = graph.projection(last)
    assert read is not None
    value = made = read[0]
    gate: int | None = None
    while True:
        site, op = look.branch.norms.get(value), graph.producer(value)
        if site is not None:
            gate = _beside(look, site.path, site.input) if site.gated else gate
            value = made = site.input
        elif op is not None and op.name in LAYOUT and op.inputs:
            value = op.inputs[0]
        elif op is not None and op.name == "mul" and len(op.inputs) == 2:
            main = [v for v in op.inputs if mixed[v] & bit]
            if len(main) != 1:
                return WayOut(made, gate)
            other = next(v for v in op.inputs if v != main[0])
            gate = _before_function(look, other) if graph.activation(other) else gate
            value = made = main[0]
        else:
            return WayOut(made, gate)


def _beside(look: Look, path: str, value: int) -> int | None:
    """Return the second activation that a gated norm is given."""
    call = next((call for call in look.graph.calls if call.path == path and call.inputs[0] == value), None)
    return call.inputs[1] if call is not None and len(call.inputs) > 1 else None


def _before_function(look: Look, value: int) -> int:
    graph = look.graph
    op: Op | None = graph.producer(graph.same(value))
    if op is not None and op.name in FUNCTIONS:
        return op.inputs[0]
    if op is not None and op.name == "mul" and len(op.inputs) == 2:  # x sigmoid(x)
        for one, other in (op.inputs, op.inputs[::-1]):
            made = graph.producer(one)
            if made is not None and made.name in FUNCTIONS and made.inputs[0] == other:
                return other
    return value
