"""Output gates: what the heads made is multiplied by a function of the input before it is projected."""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op

_FUNCTIONS = ("sigmoid", "silu", "tanh", "gelu", "relu", "softplus")


def out_gate(branch: Branch, mixed: int, projection: Op | None) -> Fact[bool]:
    """Whether a mixer's output is multiplied by another activation before it is projected.

    Parameters
    ----------
    branch
        The branch of the mixer.
    mixed
        What the mixing itself made.
    projection
        The output projection.
    """
    found = gate_of(branch, mixed, projection)
    if found is None:
        return observed(value=False, where="nothing gates the output before it is projected")
    made = branch.graph.producer(found[1])
    return observed(value=True, where=f"multiplied by a {made.name if made else ''} before the output projection")


def gate_of(branch: Branch, mixed: int, projection: Op | None) -> tuple[int, int] | None:
    """Return what the function of an output gate is given and what it makes; None where nothing gates.

    Parameters
    ----------
    branch, mixed, projection
        As for `out_gate`.
    """
    graph = branch.graph
    last = projection.index if projection is not None else branch.ops[-1].index
    later = _between(graph, mixed, last)
    for index in sorted(later):
        op = graph.ops[index]
        gates = [v for v in op.inputs if v != mixed and not _after(graph, v, later)]
        for value in gates if op.name == "mul" and len(op.inputs) == 2 else ():
            made = graph.producer(graph.same(value))
            if made is not None and made.name in _FUNCTIONS:
                return made.inputs[0], made.outputs[0]
    return None


def _between(graph: Graph, value: int, last: int) -> set[int]:
    """Collect the operations that depend on a value and run before another one."""
    return {op.index for op in graph.onward([value], lambda op: op.index < last) if op.index < last}


def _after(graph: Graph, value: int, later: set[int]) -> bool:
    op = graph.values[value].op
    return op is not None and op in later
