"""Mixtures of experts: a router that picks the top k, and experts of which only those run.

The router is where the scores of all experts meet a top-k; the experts are what holds one matrix for
each of them, stacked in one parameter or as modules in a list.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from glassblock.ir import Block, Fact, FeedForward, MixtureOfExperts, Port, Role, observed
from glassblock.reader.branch import Branch
from glassblock.reader.feedforward import feed_forward
from glassblock.reader.graph import Graph, show
from glassblock.reader.params import count_in
from glassblock.reader.ports import output_port
from glassblock.reader.recognise import Recognised
from glassblock.reader.record import Call, Op


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
    """

    call: Call
    path: str
    total: int
    stacked: bool


def recognise_experts(branch: Branch) -> Recognised | None:
    """Recognise a mixture of experts."""
    graph = branch.graph
    picks = [op for op in branch.ops if op.name == "topk"]
    experts = _experts(branch) if picks else None
    if experts is None:
        return None
    pick = _pick(graph, picks, experts.total)
    inner = feed_forward(graph, graph.span(experts.call))
    if pick is None or inner is None:
        return None
    router, logits = _router(branch, pick)
    shared = _shared(branch, experts, router)
    spec = MixtureOfExperts(
        experts=observed(experts.total, f"{experts.path} holds {experts.total}"),
        top_k=observed(graph.shape(pick.outputs[0])[-1], f"topk of {show(graph.shape(pick.inputs[0]))}"),
        hidden=inner.hidden,
        gated=inner.gated,
        activation=inner.activation,
        router=_function(branch, pick),
        shared_hidden=shared[1].hidden if shared else observed(0, "every expert is routed"),
    )
    ports, notes = _ports(branch, experts, router)
    return Recognised("moe", "moe", spec, ports, _parts(graph, experts, inner, router, logits, shared), notes)


def _experts(branch: Branch) -> Experts | None:
    graph = branch.graph
    for op in branch.projections():
        read = graph.projection(op)
        name = graph.weights[read[1]] if read else ""
        parameter = graph.model.get_parameter(name) if name else None
        if parameter is None:
            continue
        holder = name.rpartition(".")[0]
        call = next((c for c in graph.calls if c.path == holder), None)
        if parameter.ndim == 3 and parameter.shape[0] > 1 and call is not None:
            return Experts(call, holder, parameter.shape[0], stacked=True)
        listed = _in_list(branch, op)
        if listed is not None:
            return listed
    return None


def _in_list(branch: Branch, op: Op) -> Experts | None:
    """Return the experts where this operation ran in one of several modules that are alike."""
    if op.call is None:
        return None
    graph, layer = branch.graph, branch.stream.call.index
    for index in [outer for outer in reversed(graph.calls[op.call].parents) if outer > layer]:
        call = graph.calls[index]
        path = call.path.rpartition(".")[0]
        holder = graph.modules.get(path)
        if isinstance(holder, nn.ModuleList | nn.ModuleDict) and len(holder) > 1:
            kinds = {type(child) for child in holder.children()}
            if len(kinds) == 1 and feed_forward(graph, graph.span(call)) is not None:
                return Experts(call, path, len(holder), stacked=False)
    return None


def _pick(graph: Graph, picks: list[Op], total: int) -> Op | None:
    """Return the last top-k over all experts; earlier ones choose groups of them."""
    fits = [op for op in picks if graph.shape(op.inputs[0])[-1] == total]
    return fits[-1] if fits else None


def _router(branch: Branch, pick: Op) -> tuple[Call | None, Op | None]:
    """Return the module that routes, and the projection that makes its logits."""
    graph = branch.graph
    edge = branch.back(pick.inputs[0]).edge
    made = [op for v in edge if (op := graph.producer(v)) is not None and graph.projection(op)]
    logits = made[0] if made else None
    own = graph.calls[pick.call] if pick.call is not None else None
    block = branch.call or branch.stream.call
    if own is not None and own.index != block.index and block.index in own.parents:
        return own, logits
    if logits is not None and logits.call is not None and logits.call != block.index:
        return graph.calls[logits.call], logits
    return None, logits


def _function(branch: Branch, pick: Op) -> Fact[str]:
    graph = branch.graph
    for op in reversed(branch.back(pick.inputs[0]).ops):
        if op.name in ("softmax", "sigmoid"):
            return observed(op.name, f"{op.name} of {show(graph.shape(op.inputs[0]))}, then topk")
    for op in branch.ops:
        if op.call == pick.call and op.index > pick.index and op.name in ("softmax", "sigmoid"):
            return observed(f"{op.name} of the top k", f"topk, then {op.name} of what it chose")
    return observed("linear", "topk of the logits as they are")


def _shared(branch: Branch, experts: Experts, router: Call | None) -> tuple[Call, FeedForward] | None:
    """Find the expert that every token goes through."""
    graph, block = branch.graph, branch.call or branch.stream.call
    outside = {experts.path, router.path if router else experts.path}
    for call in graph.calls[block.index + 1 :]:
        if block.index not in call.parents or any(
            call.path == path or call.path.startswith(f"{path}.") for path in outside
        ):
            continue
        if any(path.startswith(f"{call.path}.") for path in outside):
            continue
        spec = feed_forward(graph, graph.span(call))
        if spec is not None:
            return call, spec
    return None


def _ports(branch: Branch, experts: Experts, router: Call | None) -> tuple[tuple[Port, ...], tuple[str, ...]]:
    graph, ports, notes = branch.graph, [], []
    if router is not None:
        ports.append(Port("router", router.path, "output"))
    else:
        notes.append("the routing cannot be tapped: the router is not a module of its own")
    if not experts.stacked:
        ports.append(Port("expert_modules", experts.path, "input"))
    elif _called_with_routing(graph, experts.call):
        ports.append(Port("experts", experts.path, "input"))
    else:
        notes.append(
            "experts cannot be ablated one by one: their module is not called with hidden states, indices and weights"
        )
    return tuple(ports), tuple(notes)


def _called_with_routing(graph: Graph, call: Call) -> bool:
    if len(call.inputs) < 3:
        return False
    hidden, indices, weights = (graph.values[v] for v in call.inputs[:3])
    return (
        "float" in hidden.dtype
        and "int" in indices.dtype
        and "float" in weights.dtype
        and indices.shape == weights.shape
    )


def _parts(
    graph: Graph,
    experts: Experts,
    inner: FeedForward,
    router: Call | None,
    logits: Op | None,
    shared: tuple[Call, FeedForward] | None,
) -> tuple[Block, ...]:
    def block(address: str, path: str, spec: FeedForward | None, ports: tuple[Port, ...]) -> Block:
        role: Role = "router" if address == "router" else "mlp"
        kind = type(graph.modules[path]).__name__ if path else ""
        used = [logits] if logits is not None else []
        return Block(address, role, path, kind, count_in(graph, path, used), spec, ports)

    parts = []
    if router is not None or logits is not None:
        path = router.path if router else ""
        parts.append(block("router", path, None, (Port("router", path, "output"),) if path else ()))
    parts.append(block("experts", experts.path, inner, ()))
    if shared is not None:
        call, spec = shared
        out = output_port(graph, call.outputs[0], graph.calls[call.parents[-2]])
        parts.append(block("shared", call.path, spec, (out,) if out else ()))
    return tuple(parts)
