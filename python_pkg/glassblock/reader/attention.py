"""Softmax attention: its heads, its dimensions and everything done to q, k and the scores.

Attention is recognised by what it computes: a product of two activations, a softmax over it, and a
second product with the result. Or by a call of torch's own attention, which is the same in one step.
"""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Attention, Fact, Port, observed
from glassblock.reader import masks
from glassblock.reader.branch import Branch
from glassblock.reader.graph import REPEATS, Cone, Graph, argument, numbers, show
from glassblock.reader.recognise import Recognised, output_projection, z_port
from glassblock.reader.record import Op
from glassblock.reader.rope import rope_dims

_FUSED = "scaled_dot_product_attention"
_GATES = ("sigmoid", "silu", "tanh", "gelu", "relu", "softplus")


@dataclass(frozen=True, slots=True)
class Core:
    """The attention proper.

    Attributes
    ----------
    op
        The operation with the softmax.
    q, k, v
        What goes into the products, as it goes in.
    mixed
        The weighted sum of values.
    steps
        The operations from the first product to the softmax.
    heads, keys
        How many heads, and how many tokens they look at.
    """

    op: Op
    q: int
    k: int
    v: int
    mixed: int
    steps: tuple[Op, ...]
    heads: int
    keys: int


def recognise_attention(branch: Branch) -> Recognised | None:
    """Recognise softmax attention."""
    core = _core(branch)
    if core is None:
        return None
    graph = branch.graph
    q_cone, k_cone, v_cone = (branch.back(v) for v in (core.q, core.k, core.v))
    head_dim, v_head_dim = graph.shape(core.q)[-1], graph.shape(core.v)[-1]
    width = observed(head_dim, f"q of {core.op.name}: {show(graph.shape(core.q))}")
    projection = output_projection(branch, core.mixed)
    port, why = z_port(branch, projection, core.heads, v_head_dim)
    spec = Attention(
        heads=observed(core.heads, f"q of {core.op.name}: {show(graph.shape(core.q))}"),
        kv_heads=_kv_heads(branch, core, (k_cone, v_cone), (head_dim, v_head_dim)),
        head_dim=width,
        v_head_dim=observed(v_head_dim, f"v of {core.op.name}: {show(graph.shape(core.v))}"),
        causal=masks.causal(branch, core.op, core.steps),
        rope_dims=rope_dims(graph, q_cone),
        qk_norm=_qk_norm(branch, q_cone, head_dim),
        sinks=_sinks(graph, core),
        out_gate=out_gate(branch, core.mixed, projection),
        window=masks.window(branch, core.op, core.steps),
        softcap=_softcap(core),
        scale=_scale(branch, core, (q_cone, k_cone)),
        q_rank=_rank(branch, q_cone, "q"),
        kv_rank=_rank(branch, v_cone, "k and v"),
    )
    part = "attn" if _reads_stream(branch, core) else "cross"
    ports: tuple[Port, ...] = (port,) if port else ()
    return Recognised("attention", part, spec, ports, notes=(why,) if why else ())


def _core(branch: Branch) -> Core | None:
    for op in branch.ops:
        if op.name == _FUSED:
            return _fused_core(branch, op)
        if op.name == "softmax":
            found = _written_core(branch, op)
            if found is not None:
                return found
    return None


def _fused_core(branch: Branch, op: Op) -> Core:
    q, k, v = (ref.value for ref in (argument(op, i, n) for i, n in enumerate(("query", "key", "value"))))
    shape = branch.graph.shape(q)
    heads = shape[-3] if len(shape) > 3 else shape[0] // branch.batch
    return Core(op, q, k, v, op.outputs[0], (op,), heads, branch.graph.shape(k)[-2])


def _written_core(branch: Branch, op: Op) -> Core | None:
    graph = branch.graph
    steps = _to_product(graph, op.inputs[0], branch.stream.call.first)
    after = _next_product(branch, op.outputs[0])
    if steps is None or after is None:
        return None
    factors, scores = graph.product(steps[0]), graph.shape(steps[0].outputs[0])
    mixing = graph.product(after)
    assert factors is not None
    assert mixing is not None
    leading = graph.size(steps[0].outputs[0]) // (scores[-1] * scores[-2])
    pattern_first = _made_from(graph, mixing[0], op)
    return Core(
        op,
        factors[0],
        _upright(graph, factors[1]),
        mixing[1] if pattern_first else mixing[0],
        after.outputs[0],
        steps,
        leading // branch.batch,
        scores[-1],
    )


def _upright(graph: Graph, keys: int) -> int:
    """Return the keys before they were transposed for the product, tokens x channels."""
    op = graph.producer(keys)
    turned = op is not None and op.name in ("transpose", "swapaxes", "permute", "T", "mT")
    return op.inputs[0] if op is not None and turned else keys


def _to_product(graph: Graph, value: int, first: int) -> tuple[Op, ...] | None:
    """Return the operations back from a value to the product of two activations, product first."""
    op = graph.producer(value)
    if op is None or op.index < first or op.name == "softmax":
        return None
    if graph.product(op) is not None:
        return (op,)
    if graph.heavy(op):
        return None
    for source in op.inputs:
        found = _to_product(graph, source, first)
        if found is not None:
            return (*found, op)
    return None


def _next_product(branch: Branch, value: int) -> Op | None:
    queue, seen = [value], {value}
    while queue:
        for op in branch.graph.consumers[queue.pop(0)]:
            if branch.graph.product(op) is not None:
                return op
            if not branch.graph.heavy(op) and op.index <= branch.ops[-1].index:
                queue += [v for v in op.outputs if v not in seen]
                seen.update(op.outputs)
    return None


def _made_from(graph: Graph, value: int, op: Op) -> bool:
    cone = graph.cone(value, first=op.index)
    return op in cone.ops


def _kv_heads(branch: Branch, core: Core, cones: tuple[Cone, Cone], dims: tuple[int, int]) -> Fact[int]:
    """Count key/value heads before they are repeated for the query heads."""
    graph, tokens = branch.graph, branch.batch * core.keys
    for cone, dim in zip(cones, dims, strict=True):
        for op in cone.ops:
            if op.name not in REPEATS or graph.shape(op.outputs[0])[-1] != dim:
                continue
            before, after = graph.size(op.inputs[0]), graph.size(op.outputs[0])
            if graph.learned[op.inputs[0]] and before < after:
                shapes = f"{show(graph.shape(op.inputs[0]))} to {show(graph.shape(op.outputs[0]))}"
                return observed(before // (tokens * dim), f"{op.name} of k: {shapes}")
    heads = graph.size(core.k) // (tokens * dims[0])
    return observed(heads, f"k of {core.op.name}: {show(graph.shape(core.k))}")


def _qk_norm(branch: Branch, queries: Cone, head_dim: int) -> Fact[str]:
    for op in queries.ops:
        for value in op.outputs:
            site = branch.norms.get(value)
            if site is not None:
                kind = "per head" if site.width == head_dim else "whole"
                return observed(kind, f"{site.path or op.name} over {site.width} channels")
    return observed("none", "no norm between the query projection and the attention")


def _sinks(graph: Graph, core: Core) -> Fact[bool]:
    for op in core.steps:
        if op.name in ("cat", "concat") and any(graph.shape(v)[-1] == 1 and graph.learned[v] for v in op.inputs):
            return observed(value=True, where="a learned column joins the scores before the softmax")
    return observed(value=False, where="nothing joins the scores before the softmax")


def _softcap(core: Core) -> Fact[float] | None:
    names = [op.name for op in core.steps]
    if "tanh" not in names:
        return None
    factors = [numbers(op)[0] for op in core.steps[names.index("tanh") :] if op.name == "mul" and numbers(op)]
    return observed(factors[0], "tanh of the scores, multiplied back") if factors else None


def _scale(branch: Branch, core: Core, cones: tuple[Cone, Cone]) -> Fact[float]:
    """Multiply what the scores are scaled by: queries and keys before the product, scores after it."""
    graph, before = branch.graph, 1.0
    for op in (op for cone in cones for op in cone.ops):
        scaled = graph.scaling(op)
        if scaled is not None and scaled[1] is not None and graph.learned[scaled[0]]:
            before *= scaled[1]
    if core.op.name == _FUSED:
        given = core.op.kwargs.get("scale")
        if isinstance(given, int | float):
            return observed(before * given, f"scale of {core.op.name}")
        return observed(before * graph.shape(core.q)[-1] ** -0.5, f"the default of {core.op.name}")
    scale, cap = before, _softcap(core)
    for op in core.steps[1:]:
        scaled = graph.scaling(op)
        if op.name == "tanh":
            break
        if scaled is not None and scaled[1] is not None:
            scale *= scaled[1]
    if cap is not None:
        scale *= cap.value
    baddbmm = core.steps[0].kwargs.get("alpha")
    if isinstance(baddbmm, int | float):
        scale *= float(baddbmm)
    where = "multiplied into the scores" if before == 1 else "multiplied into q, k and the scores"
    return observed(scale, where)


def _rank(branch: Branch, cone: Cone, what: str) -> Fact[int] | None:
    """Return the width of the latent that a projection reads, where another projection made it."""
    graph = branch.graph
    for value in cone.edge:
        op = graph.producer(value)
        read = graph.projection(op) if op is not None else None
        if op is None or read is None or op.index < branch.stream.call.first:
            continue
        before = branch.back(read[0])
        if any(_projected(branch, v) for v in before.edge):
            width = graph.shape(read[0])[-1]
            return observed(width, f"{graph.path_of(op)} makes {what} of {width} channels")
    return None


def _projected(branch: Branch, value: int) -> bool:
    op = branch.graph.producer(value)
    inside = op is not None and op.index >= branch.stream.call.first
    return inside and value not in branch.stream.states


def _reads_stream(branch: Branch, core: Core) -> bool:
    """Whether keys come from the layer's own stream; if not, this is cross-attention."""
    graph, call = branch.graph, branch.stream.call
    cone = graph.cone(core.k, branch.stream.states, call.first)
    others = [v for v in call.inputs if v not in branch.stream.states and graph.learned[v]]
    return any(v in branch.stream.states for v in cone.edge) or not (cone.edge & set(others))


def out_gate(branch: Branch, mixed: int, projection: Op | None) -> Fact[bool]:
    """Whether the output is multiplied by another activation before it is projected."""
    graph = branch.graph
    last = projection.index if projection is not None else branch.ops[-1].index
    later = set()
    queue = [mixed]
    while queue:
        for op in graph.consumers[queue.pop()]:
            if op.index < last and op.index not in later:
                later.add(op.index)
                queue += op.outputs
    for index in sorted(later):
        op = graph.ops[index]
        gates = [v for v in op.inputs if v != mixed and not _after(graph, v, later)]
        for value in gates if op.name == "mul" and len(op.inputs) == 2 else ():
            made = graph.producer(graph.same(value))
            if made is not None and made.name in _GATES:
                where = f"multiplied by a {made.name} before the output projection"
                return observed(value=True, where=where)
    return observed(value=False, where="nothing gates the output before it is projected")


def _after(graph: Graph, value: int, later: set[int]) -> bool:
    op = graph.values[value].op
    return op is not None and op in later
