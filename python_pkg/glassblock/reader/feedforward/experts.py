"""Where the experts of a branch are: one matrix for each of them in one parameter, or modules in a list.

A stacked matrix shows in the trace: the matrix that is multiplied with was cut out of a parameter with one more
dimension, or is that parameter as a whole, in a batched product. Experts may also be rows of a table that the router
looks up (product-key retrieval, He 2024, arXiv:2407.04153): each is a single neuron.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from torch import nn

from glassblock.ir import FeedForward, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.feedforward.activations import activation_of
from glassblock.reader.feedforward.dense import feed_forward
from glassblock.reader.operations.params import count
from glassblock.reader.tracing.graph import Graph, show
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import LAYOUT, SLICES

_PICKED_FROM = SLICES | {"gather", "take_along_dim"}


@dataclass(frozen=True, slots=True)
class Experts:
    """The experts of a branch.

    Attributes
    ----------
    call
        The call of the module with all of them, or of the first one that ran.
    path
        The module that holds all of them.
    total
        How many there are.
    stacked
        Whether they are slices of one parameter instead of modules.
    inner
        One of them.
    ops
        The multiplications by their matrices.
    params
        How many parameters they have together.
    idle_zero
        Choices beside them that are modules without parameters.
    """

    call: Call
    path: str
    total: int
    stacked: bool
    inner: FeedForward
    ops: tuple[Op, ...]
    params: int
    idle_zero: int = 0


def find_experts(branch: Branch) -> Experts | None:
    """Find the experts of a branch; None if it has none."""
    return _stacked(branch) or _listed(branch) or _looked_up(branch)


def _stacked(branch: Branch) -> Experts | None:
    """Find experts in parameters with one more dimension than a matrix."""
    graph = branch.graph
    holders: dict[str, list[tuple[Op, str, int]]] = defaultdict(list)
    for op in branch.projections():
        read = graph.projection(op)
        total = _experts_in(graph, read[1]) if read and not op.name.startswith("conv") else 0
        if read and total > 1:
            name = graph.weights[read[1]]
            holders[name.rpartition(".")[0]].append((op, name, total))
    if not holders:
        return None
    # A parameter may have rows for choices that are no experts (LongCat): the fewest rows are the experts'.
    totals = {holder: min(total for _, _, total in found) for holder, found in holders.items()}
    most = max(totals.values())
    used = [one for holder, found in holders.items() if totals[holder] == most for one in found]
    ops, names = tuple(op for op, _, _ in used), [name for _, name, _ in used]
    path, call = _common_path(names), graph.common_call(ops)
    inner = feed_forward(graph, graph.ops[ops[0].index : ops[-1].index + 1]) or _plain(graph, ops)
    if call is None:
        return None
    return Experts(call, path, most, True, inner, ops, _count(branch, path, ops, names))


def _plain(graph: Graph, ops: tuple[Op, ...]) -> FeedForward:
    """Describe experts that are matrices around something else, such as heads of an attention."""
    read = graph.projection(ops[-1])
    shape = graph.shape(read[0]) if read is not None else (0,)
    return FeedForward(
        hidden=observed(shape[-1], f"input of {ops[-1].name}: {show(shape)}"),
        gated=observed(value=False, where="no function between its matrices"),
        activation=observed("none", "no function between its matrices"),
    )


def _experts_in(graph: Graph, weight: int) -> int:
    """Return how many matrices the parameter holds that this one was cut out of; 0 if it is one matrix."""
    value = weight
    while (op := graph.producer(value)) is not None:
        before = graph.shape(op.inputs[0])
        picked = op.name in _PICKED_FROM and len(before) > 2 and graph.size(op.inputs[0]) != graph.size(value)
        if picked:
            return before[0]
        if len(op.inputs) > 1 and op.name not in LAYOUT | _PICKED_FROM:
            break
        value = op.inputs[0]
    shape = graph.shape(weight)
    return shape[0] if len(shape) > 2 else 0  # a matrix has two


def _common_path(names: list[str]) -> str:
    """Return the module that holds all of these parameters."""
    path, *others = [name.split(".")[:-1] for name in names]
    shared = next((at for at, part in enumerate(path) if any(other[at : at + 1] != [part] for other in others)), None)
    return ".".join(path[:shared])


def _count(branch: Branch, path: str, ops: tuple[Op, ...], names: list[str]) -> int:
    """Count the experts' parameters: all of their module, or those used where it holds more than experts."""
    graph = branch.graph
    others = [
        graph.weights[read[1]]
        for op in branch.projections()
        if op not in ops and (read := graph.projection(op)) is not None
    ]
    if path and not any(name.startswith(f"{path}.") for name in others):
        return count(graph.modules[path].parameters())
    return count(graph.model.get_parameter(name) for name in names)


def _listed(branch: Branch) -> Experts | None:
    """Find experts that are modules of one list, of which one or all ran."""
    graph, layer = branch.graph, branch.stream.call.index
    for op in branch.projections():
        outer = graph.calls[op.call].parents if op.call is not None else ()
        for index in [at for at in reversed(outer) if at > layer]:
            call = graph.calls[index]
            path = call.path.rpartition(".")[0]
            holder = graph.modules.get(path)
            if not isinstance(holder, nn.ModuleList | nn.ModuleDict) or len(holder) < 2:
                continue
            working = [child for child in holder.children() if next(child.parameters(), None) is not None]
            inner = feed_forward(graph, graph.span(call))
            if inner is None or len({type(child) for child in working}) != 1:
                continue
            inside = [o for o in branch.projections() if o.call is not None and graph.path_of(o).startswith(f"{path}.")]
            zero = len(holder) - len(working)
            params = count(holder.parameters())
            return Experts(call, path, len(working), False, inner, tuple(inside), params, zero)
    return None


def _looked_up(branch: Branch) -> Experts | None:
    """Find experts that are rows of tables: a key row that meets the token, and a value row."""
    graph = branch.graph
    tables = [op for op in branch.ops if op.name == "embedding" and len(op.inputs) > 1 and op.call is not None]
    named = {graph.values[v].name: op for op in tables for v in op.inputs if graph.values[v].trained}
    products = [op for op in branch.ops if graph.product(op) is not None]
    if len(named) < 2 or len(products) < 2:  # in and out
        return None
    rows = {graph.model.get_parameter(name).shape[0] for name in named}
    if len(rows) != 1:
        return None
    between = graph.ops[products[0].index + 1 : products[-1].index]
    inner = FeedForward(
        hidden=observed(1, "each expert is one row of a table"),
        gated=observed(value=False, where="one product for each row"),
        activation=observed(activation_of(between) or "none", "between the products with the rows"),
    )
    call = graph.calls[tables[0].call or 0]
    params = count(graph.model.get_parameter(name) for name in named)
    return Experts(call, _common_path(list(named)), rows.pop(), True, inner, tuple(products), params)
