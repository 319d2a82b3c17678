"""Softmax attention: its heads, its dimensions and everything done to q, k and the scores.

Every number is a shape or an argument of an operation between the projections and the output: nothing
is divided out of a configuration, in which heads and widths may be stated and not used.
"""

from __future__ import annotations

from glassblock.ir import Attention, Fact, Port, observed
from glassblock.reader import masks
from glassblock.reader.attention_core import FUSED, Core, attention_core
from glassblock.reader.branch import Branch
from glassblock.reader.gates import out_gate
from glassblock.reader.graph import REPEATS, Cone, Graph, numbers, show
from glassblock.reader.recognise import Recognised, output_projection, z_port
from glassblock.reader.rope import rope_dims


def recognise_attention(branch: Branch) -> Recognised | None:
    """Recognise softmax attention."""
    core = attention_core(branch)
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
    if core.op.name == FUSED:
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
