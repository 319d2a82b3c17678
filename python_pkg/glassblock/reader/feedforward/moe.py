"""Mixtures of experts: a router, its experts, and what every token goes through beside them.

Where the experts are is in `experts`, how the router chooses is in `routing`. Here a branch's result is taken apart
into what depends on the experts and what does not, which is the shared expert, whether or not it is a module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps

from glassblock.ir import Block, Fact, FeedForward, MixtureOfExperts, Port, Role, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.ports import output_port
from glassblock.reader.branches.recognise import Recognised, Recogniser
from glassblock.reader.feedforward.dense import feed_forward
from glassblock.reader.feedforward.experts import Experts, find_experts
from glassblock.reader.feedforward.routing import Routing, find_routing
from glassblock.reader.operations.params import count, count_in
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Call, Op


@dataclass(frozen=True, slots=True)
class Shared:
    """What every token goes through.

    Attributes
    ----------
    value
        What it makes.
    ops
        Its operations.
    spec
        What it is.
    call
        Its module, where one is it.
    """

    value: int
    ops: tuple[Op, ...]
    spec: FeedForward
    call: Call | None


def recognise_experts(branch: Branch) -> Recognised | None:
    """Recognise a mixture of experts."""
    experts = find_experts(branch)
    routing = find_routing(branch, experts) if experts is not None else None
    if experts is None or routing is None or (not routing.choices and not _weighted(routing)):
        return None
    work = frozenset(op.index for op in experts.ops)
    terms = _terms(branch, work)
    routed = {term for term in terms if _uses(branch, term, work)}
    shared = _shared(branch, experts, [term for term in terms if term not in routed])
    spec = _spec(branch, experts, routing, _shared_width(branch.graph, shared))
    ports, notes = _ports(branch, experts, routing)
    return Recognised("moe", "moe", spec, ports, _parts(branch, experts, routing, shared), notes)


def with_experts(recogniser: Recogniser) -> Recogniser:
    """Return a recogniser that also sees experts within what it recognises: heads that are routed (JetMoE)."""

    @wraps(recogniser)
    def recognise(branch: Branch) -> Recognised | None:
        found = recogniser(branch)
        experts = find_experts(branch) if found is not None else None
        routing = find_routing(branch, experts) if experts is not None else None
        if found is None or experts is None or routing is None or not routing.choices:
            return found
        spec = _spec(branch, experts, routing, observed(0, "every expert is routed"))
        cls = type(branch.graph.modules[experts.path]).__name__
        part = Block("experts", "moe", experts.path, cls, experts.params, spec)
        return replace(found, parts=(*found.parts, part))

    return recognise


def _spec(branch: Branch, experts: Experts, routing: Routing, shared: Fact[int]) -> MixtureOfExperts:
    groups = routing.groups() or (None, None)
    zero = routing.width - experts.total if not (routing.choices and routing.choices[0].by_expert) else 0
    return MixtureOfExperts(
        experts=observed(experts.total, f"{experts.path} holds {experts.total}"),
        top_k=routing.top_k(),
        hidden=experts.inner.hidden,
        gated=experts.inner.gated,
        activation=experts.inner.activation,
        router=routing.function(),
        shared_hidden=shared,
        choice=routing.chooser(),
        groups=groups[0],
        groups_kept=groups[1],
        zero_experts=observed(zero, f"the router chooses among {routing.width}"),
        bias_correction=routing.bias(),
        normalised=routing.normalised(),
        scale=routing.scale(_after_experts(branch, experts)),
    )


def _weighted(routing: Routing) -> bool:
    """Whether the logits of a router without a choice become weights that sum to one."""
    return routing.function().value == "softmax"


def _terms(branch: Branch, work: frozenset[int]) -> list[int]:
    """Take a branch's result apart into the terms of its last sums, through norms and factors."""
    graph, found, queue = branch.graph, [], [branch.inner]
    while queue:
        value = graph.same(queue.pop())
        site, op = branch.norms.get(value), graph.producer(value)
        scaled = graph.scaling(op) if op is not None else None
        if site is not None:
            queue.append(site.input)
        elif op is None or op.index < branch.start:
            continue
        elif scaled is not None:
            queue.append(scaled[0])
        elif op.name == "add" and len({graph.size(v) for v in op.inputs}) == 1 == len(op.inputs) - 1:
            queue += op.inputs
        elif op.name == "mul" and len(with_experts := [v for v in op.inputs if _uses(branch, v, work)]) == 1:
            queue += with_experts
        else:
            found.append(value)
    return found


def _cone(branch: Branch, value: int) -> tuple[Op, ...]:
    return branch.graph.cone(value, branch.stream.states, branch.stream.call.first).ops


def _uses(branch: Branch, value: int, work: frozenset[int]) -> bool:
    """Whether experts, whose operations are given, took part in a value."""
    return any(op.index in work for op in _cone(branch, value))


def _shared(branch: Branch, experts: Experts, terms: list[int]) -> list[Shared]:
    """Find the experts that every token goes through: terms of the sum without routed experts."""
    found = []
    for value in terms:
        ops = _cone(branch, value)
        heavy = [op for op in ops if branch.graph.heavy(op)]
        spec = feed_forward(branch.graph, ops) if len(heavy) > 1 else None
        if spec is not None:
            found.append(Shared(value, ops, spec, _own_call(branch, experts, spec, ops)))
    return sorted(found, key=lambda one: one.ops[0].index)


def _own_call(branch: Branch, experts: Experts, spec: FeedForward, ops: tuple[Op, ...]) -> Call | None:
    """Return the outermost module within the block that is the shared expert and nothing else."""
    graph, block = branch.graph, branch.call or branch.stream.call
    mine = {op.index for op in ops}
    for call in graph.calls[block.index + 1 :]:
        inside = block.index in call.parents and not experts.path.startswith(f"{call.path}.")
        span = graph.span(call) if inside else []
        if not any(graph.heavy(op) for op in span) or not all(op.index in mine for op in span if graph.heavy(op)):
            continue
        own = feed_forward(graph, span)
        if own is not None and own.hidden.value == spec.hidden.value:
            return call
    return None


def _shared_width(graph: Graph, shared: list[Shared]) -> Fact[int]:
    if not shared:
        return observed(0, "every expert is routed")
    side_by_side = [_stacked(graph, one) for one in shared]
    several = f"{sum(side_by_side)} of them: " if sum(side_by_side) > 1 else ""
    width = sum(one.spec.hidden.value * times for one, times in zip(shared, side_by_side, strict=True))
    return observed(width, f"{several}{shared[0].spec.hidden.where}")


def _stacked(graph: Graph, shared: Shared) -> int:
    """Return how many shared experts one parameter holds, all of which run in one batched product."""
    last = [read for op in shared.ops if (read := graph.projection(op)) is not None][-1]
    shape = graph.shape(last[1])
    return shape[0] if len(shape) > 2 else 1


def _after_experts(branch: Branch, experts: Experts) -> list[Op]:
    """Operations on what the experts made, to the end of the outermost module around them within the layer."""
    graph, last = branch.graph, experts.ops[-1]
    end = max((call.last for call in _around(branch, experts)), default=branch.ops[-1].index + 1)
    found, known = [], set(last.outputs)
    for op in branch.ops:
        if last.index < op.index < end and any(v in known for v in op.inputs) and not graph.heavy(op):
            known.update(op.outputs)
            found.append(op)
    return found


def _ports(branch: Branch, experts: Experts, routing: Routing) -> tuple[tuple[Port, ...], tuple[str, ...]]:
    ports, notes, router = [], [], routing.call()
    if router is not None:
        ports.append(Port("router", router.path, "output"))
    else:
        notes.append("the routing cannot be tapped: the router is not a module of its own")
    fed = experts_call(branch, experts)
    if not experts.stacked:
        ports.append(Port("expert_modules", experts.path, "input"))
    elif fed is not None:
        ports.append(Port("experts", fed.path, "input"))
    else:
        notes.append(
            "experts cannot be ablated one by one: their module is not called with hidden states, indices and weights"
        )
    return tuple(ports), tuple(notes)


def experts_call(branch: Branch, experts: Experts) -> Call | None:
    """Return the call of the module that does the experts' work given hidden states, indices and weights."""
    return next((call for call in _around(branch, experts) if _called_with_routing(branch.graph, call)), None)


def _around(branch: Branch, experts: Experts) -> list[Call]:
    """The calls around the experts' work, innermost first, within the layer."""
    graph, layer = branch.graph, branch.stream.call.index
    return [graph.calls[index] for index in reversed(experts.call.parents) if index > layer]


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


def _parts(branch: Branch, experts: Experts, routing: Routing, shared: list[Shared]) -> tuple[Block, ...]:
    graph, router, logits = branch.graph, routing.call(), routing.logits

    def block(address: str, path: str, spec: FeedForward | None, ports: tuple[Port, ...], params: int) -> Block:
        role: Role = "router" if address == "router" else "mlp"
        return Block(address, role, path, graph.class_of(path), params, spec, ports)

    parts = []
    if logits is not None:
        path = router.path if router else ""
        ports = (Port("router", path, "output"),) if path else ()
        parts.append(block("router", path, None, ports, count_in(graph, path, [logits])))
    parts.append(block("experts", experts.path, experts.inner, (), experts.params))
    for number, one in enumerate(shared):
        out = output_port(graph, one.value, branch.call or branch.stream.call)
        path = one.call.path if one.call else ""
        name = f"shared{number + 1 if number else ''}"
        parts.append(block(name, path, one.spec, (out,) if out else (), count_in(graph, path, one.ops)))
    return (*parts, *_unvisited(branch, experts))


def _unvisited(branch: Branch, experts: Experts) -> list[Block]:
    """Find modules of the block that no token of the traced kind goes through: experts for another modality."""
    graph, touched = branch.graph, _touched(branch.graph)
    found: list[Block] = []
    for name, module in graph.modules[branch.path].named_modules() if branch.path else ():
        path = f"{branch.path}.{name}"
        above = [experts.path, *(block.path for block in found)]
        if not name or path in touched or any(f"{path}.".startswith(f"{other}.") for other in above):
            continue
        if params := count(module.parameters()):
            note = "no token of the kind that was traced goes through it"
            address = f"unvisited{len(found) + 1 if found else ''}"
            found.append(Block(address, "moe", path, type(module).__name__, params, notes=(note,)))
    return found


def _touched(graph: Graph) -> set[str]:
    """Return the paths of all modules that ran, or whose parameters were used, or in which one is."""
    touched = {call.path for call in graph.calls}
    touched |= {graph.values[v].name.rpartition(".")[0] for op in graph.ops for v in op.inputs if graph.values[v].name}
    return {".".join(path.split(".")[:at]) for path in touched for at in range(1, path.count(".") + 2)}
