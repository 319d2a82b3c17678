"""Where the taps of a feed-forward block are, in a recording of one call of its module: (batch, tokens, neurons)."""

from __future__ import annotations

from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import as_it_is, cut
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.feedforward.activations import activation_of
from glassblock.reader.feedforward.dense import down_projection, origin
from glassblock.reader.tracing.graph import Graph, alike
from glassblock.reader.tracing.record import Op

_BY_TOKEN = 3
_SEVERAL = Missing("its function is given what several projections make")


def feed_forward_places(graph: Graph, source: int, output: int) -> Places:
    """Find the taps of a feed-forward block.

    Parameters
    ----------
    graph, source, output
        As for `attention_places`.

    Returns
    -------
    Places
        Empty where no projection reads a function of what another one made.
    """
    branch = whole_branch(graph, source, output)
    if not branch.ops:
        return {}
    down, between = down_projection(graph, branch.projections(), branch.start)
    read = graph.projection(down) if down is not None else None
    if read is None:
        return {}
    found = _glu(graph, between) or _halves(branch, between) or _plain(branch, read[0])
    return {**found, "post": _place(graph, read[0])}


def _glu(graph: Graph, between: tuple[Op, ...]) -> Places | None:
    """Read torch's own gated unit: its second half goes into the sigmoid."""
    op = next((op for op in between if op.name == "glu"), None)
    if op is None:
        return None
    both, half = op.inputs[0], graph.shape(op.outputs[0])[-1]
    return {"pre": Place(both, cut(2 * half, half)), "pre_linear": Place(both, cut(half))}


def _halves(branch: Branch, between: tuple[Op, ...]) -> Places | None:
    """Read a product of two projections, or of two halves of one, of which one went through the function."""
    graph = branch.graph
    for op in between:
        if op.name != "mul" or len(op.inputs) != 2 or len({graph.size(v) for v in op.inputs}) != 1:
            continue
        origins = [origin(graph, value, branch.start) for value in op.inputs]
        if not all(origins) or origins[0] & origins[1]:
            continue
        acts = [activation_of(branch.back(v).ops) is not None for v in op.inputs]
        at = acts.index(True) if any(acts) else 0
        pre, linear = (_origin_place(graph, origins[i]) for i in (at, 1 - at))
        return {"pre": pre, "pre_linear": linear}
    return None


def _plain(branch: Branch, read: int) -> Places:
    return {"pre": _origin_place(branch.graph, origin(branch.graph, read, branch.start))}


def _origin_place(graph: Graph, values: frozenset[int]) -> Place | Missing:
    return _place(graph, next(iter(values))) if len(values) == 1 else _SEVERAL


def _place(graph: Graph, value: int) -> Place | Missing:
    """Look at a value where its tokens are laid out by text: as it is, or right before or after all are in one row."""
    found = next((v for v in alike(graph, value) if len(graph.shape(v)) == _BY_TOKEN), None)
    return Missing("its tokens are not laid out by text") if found is None else Place(found, as_it_is)
