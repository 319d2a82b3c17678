"""What the mixing made, and whether the text gates it before it is projected back to the stream."""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.mixers.state import from_text
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS

_COLLECTS = JOINS | {"setitem", "stack", "lstm", "gru", "rnn_tanh", "rnn_relu", "index_copy"}
"""Where the outputs of a loop over the tokens come together."""


def output_gate(branch: Branch, projection: Op | None) -> Fact[bool]:
    """Whether what the mixing made is multiplied by something of its own size that it was not made from.

    A function is not asked for: a short convolution is gated by a projection as it is (LFM2).
    """
    graph = branch.graph
    end = projection.index if projection is not None else branch.ops[-1].index + 1
    mixed = _mixed(branch, end)
    if mixed is None:
        return observed(value=False, where="nothing was mixed before the output projection")
    later = {mixed.index}
    for op in branch.ops:
        if not mixed.index < op.index < end:
            continue
        after = [v for v in op.inputs if _made_in(graph, v, later)]
        if after:
            later.add(op.index)
        gates = [v for v in op.inputs if v not in after and _gates(branch, v, after)] if op.name == "mul" else []
        if gates:
            made = graph.producer(graph.same(gates[0]))
            return observed(value=True, where=f"multiplied by what {made.name if made else 'the input'} made")
    return observed(value=False, where="nothing gates the output before it is projected")


def _mixed(branch: Branch, end: int) -> Op | None:
    """Return the last operation that mixes tokens."""
    graph = branch.graph
    for op in reversed(branch.ops):
        heads_together = op.name in JOINS and graph.recording.tokens in graph.shape(op.inputs[0])
        works = graph.product(op) is not None or graph.depthwise(op) is not None or op.name.startswith("fft_i")
        if op.index < end and (works or (op.name in _COLLECTS and not heads_together)):
            return op
    return None


def _made_in(graph: Graph, value: int, ops: set[int]) -> bool:
    return graph.values[value].op in ops


def _gates(branch: Branch, value: int, others: list[int]) -> bool:
    """Whether a value is as large as what it meets, and differs from text to text."""
    graph = branch.graph
    return bool(others) and graph.size(value) == graph.size(others[0]) and from_text(branch, value)
