"""Softmax attention: its heads, its dimensions and everything done to q, k and the scores.

Every number is a shape or an argument of an operation between the projections and the output: nothing
is divided out of a configuration, in which heads and widths may be stated and not used.
"""

from __future__ import annotations

from glassblock.ir import Attention, Fact, assumed, observed
from glassblock.reader.attention.core import Core, attention_core
from glassblock.reader.attention.gates import out_gate
from glassblock.reader.attention.heads import count_heads, count_kv_heads
from glassblock.reader.attention.latents import latents
from glassblock.reader.attention.masks import sight
from glassblock.reader.attention.position_bias import what_meets
from glassblock.reader.attention.rope import rotation
from glassblock.reader.attention.scale import scale, softcap
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import Recognised, output_projection, z_port
from glassblock.reader.branches.trail import trail
from glassblock.reader.tracing.graph import Graph, argument, show
from glassblock.reader.tracing.values import JOINS, Cone

_CUTS = ("split", "tensor_split", "chunk", "split_with_sizes")
"""Operations that cut a text into pieces."""


def recognise_attention(branch: Branch) -> Recognised | None:
    """Recognise softmax attention."""
    core = attention_core(branch)
    if core is None:
        return None
    graph = branch.graph
    q_cone = branch.back(core.q)
    head_dim, v_head_dim = graph.shape(core.q)[-1], graph.shape(core.v)[-1]
    projection = output_projection(branch, core.mixed)
    heads = count_heads(branch, core.q, v_head_dim, projection, core.heads)
    met = what_meets(branch, core, heads)
    seen = sight(branch, met.masks, stated=argument(core.op, 5, "is_causal") is True)
    turned = rotation(graph, q_cone)
    latent = latents(branch, core.q, core.v)
    of_q, of_v = (f"{name} of {core.op.name}: {show(graph.shape(v))}" for name, v in (("q", core.q), ("v", core.v)))
    kv_heads = count_kv_heads(branch, core, heads)
    port, why = z_port(branch, projection, heads, v_head_dim)
    shared = _shared_kv(branch, core)
    part = "attn" if shared is not None or _reads_stream(branch, core) else "cross"
    spec = Attention(
        heads=observed(heads, of_q),
        kv_heads=kv_heads or observed(heads, of_q),
        head_dim=observed(head_dim, of_q),
        v_head_dim=observed(v_head_dim, of_v),
        causal=_across(seen.causal) if part == "cross" else seen.causal,
        rope_dims=turned.dims,
        qk_norm=_qk_norm(branch, q_cone, head_dim),
        sinks=_sinks(graph, core),
        out_gate=out_gate(branch, core.mixed, projection),
        window=seen.window,
        softcap=softcap(core),
        scale=scale(branch, core),
        q_rank=latent.q,
        kv_rank=latent.kv,
        latent_norm=latent.norm,
        chunk=seen.chunk or (None if seen.window else _pieces(branch, core, heads)),
        position_bias=met.bias,
        rope_theta=turned.theta,
        rope_scaling=turned.scaling,
        prefix=seen.prefix,
        shared_kv=shared,
    )
    return Recognised("attention", part, spec, (port,) if port else (), notes=(*met.notes, *((why,) if why else ())))


def _across(causal: Fact[bool]) -> Fact[bool]:
    """Keys of another stack have no place before or after the queries, where nothing was seen that says otherwise."""
    return assumed(value=False, where=causal.where) if causal.source == "assumed" else causal


def _pieces(branch: Branch, core: Core, heads: int) -> Fact[int] | None:
    """Return how many tokens lie in a piece where the text, or an image, was cut into such before the product."""
    if core.heads > heads and core.heads % heads == 0:
        return observed(core.keys, f"{core.heads // heads} pieces of {core.keys} tokens, attended to one by one")
    graph = branch.graph
    for op in trail(branch, core.q).since_projection():
        whole, parts = graph.shape(op.inputs[0]), [graph.shape(v) for v in op.outputs]
        if op.name not in _CUTS or len(parts) < 2 or parts[0][-1] != whole[-1]:
            continue
        if core.keys in parts[0] and core.keys != graph.recording.tokens:
            return observed(core.keys, f"{len(parts)} pieces of {core.keys} tokens, cut by {op.name}")
    return None


def _qk_norm(branch: Branch, queries: Cone, head_dim: int) -> Fact[str]:
    for op in queries.ops:
        for value in op.outputs:
            site = branch.norms.get(value)
            if site is not None and site.spec.function.value != "batch":  # which is a part of the projection
                kind = "per head" if site.width == head_dim else "whole"
                return observed(kind, f"{site.path or op.name} over {site.width} channels")
    return observed("none", "no norm between the query projection and the attention")


def _sinks(graph: Graph, core: Core) -> Fact[bool]:
    for op in core.steps:
        if op.name in JOINS and any(graph.shape(v)[-1] == 1 and graph.learned[v] for v in op.inputs):
            return observed(value=True, where="a learned column joins the scores before the softmax")
    return observed(value=False, where="nothing joins the scores before the softmax")


def _shared_kv(branch: Branch, core: Core) -> Fact[int] | None:
    """Return the layer whose keys and values are used, where another one of the same stack made both."""
    trails = [trail(branch, value) for value in (core.k, core.v)]
    makers = [None if path.projections else _maker(branch, path.end) for path in trails]
    if makers[0] is None or makers[0] != makers[1]:
        return None
    return observed(makers[0], f"keys and values come from layer {makers[0]}")


def _maker(branch: Branch, value: int) -> int | None:
    """Return the index of the other layer of the stack in which a value was made."""
    graph, mine = branch.graph, branch.stream.call
    op = graph.producer(value)
    if value in branch.stream.states or value in mine.inputs[:1] or op is None or op.call is None:
        return None
    stack = mine.path.rpartition(".")[0]
    paths = dict.fromkeys(call.path for call in graph.calls if call.path.rpartition(".")[0] == stack)
    layers = {path: index for index, path in enumerate(paths)}
    outer = (graph.calls[index].path for index in graph.calls[op.call].parents)
    return next((layers[path] for path in outer if path in layers and path != mine.path), None)


def _reads_stream(branch: Branch, core: Core) -> bool:
    """Whether keys come from the layer's own stream; if not, this is cross-attention.

    They do not where they are made of something else that the layer was given: of another stack, or of the model's own
    input as it came.
    """
    graph, call = branch.graph, branch.stream.call
    cone = graph.cone(core.k, branch.stream.states, call.first)
    if branch.read in cone.edge or any(v in branch.stream.states for v in cone.edge):
        return True
    others = {v for v in call.inputs if v not in branch.stream.states and graph.learned[v]}
    path = trail(branch, core.k)
    return not (cone.edge & others) and not (path.projections and path.end in call.inputs)
