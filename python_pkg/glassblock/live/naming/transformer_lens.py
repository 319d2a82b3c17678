"""TransformerLens's names of taps, in ours: what people have in their notebooks.

They name blocks by what they are in GPT-2 (``blocks.3.attn``, ``blocks.3.mlp``), whatever the model calls them, and so
do we: ``attn`` is the first attention of a layer, ``cross_attn`` the one that looks at another stack, ``linear_attn``
and ``mixer`` its mixer, ``mlp`` its feed-forward or its mixture of experts.
"""

from __future__ import annotations

import re

from glassblock.errors import TapError
from glassblock.ir import Architecture, Block, Layer
from glassblock.live.naming.table import nearest

OF_LAYER = {
    "hook_in": "in",
    "hook_resid_pre": "in",
    "hook_resid_mid": "mid",
    "hook_resid_mid2": "mid2",
    "hook_out": "out",
    "hook_resid_post": "out",
}
"""Theirs after ``blocks.3``, and our taps of the layer."""

OF_BRANCH = {
    "hook_attn_in": ("attn", "stream"),
    "hook_mlp_in": ("mlp", "stream"),
    "hook_attn_out": ("attn", "out"),
    "hook_cross_attn_out": ("cross_attn", "out"),
    "hook_mlp_out": ("mlp", "out"),
    "hook_q_input": ("attn", "q_stream"),
    "hook_k_input": ("attn", "k_stream"),
    "hook_v_input": ("attn", "v_stream"),
}
"""Theirs after ``blocks.3``, which block of the layer they mean, and our tap of it."""

OF_BLOCK = {
    "hook_in": "in",
    "hook_out": "raw",
    "hook_linear_attn_in": "in",
    "hook_linear_attn_out": "raw",
    "hook_ssm_out": "raw",
    "hook_q_input": "q_stream",
    "hook_k_input": "k_stream",
    "hook_v_input": "v_stream",
    "hook_q": "q",
    "hook_k": "k",
    "hook_q_normed": "q_normed",
    "hook_k_normed": "k_normed",
    "q_norm.hook_out": "q_normed",
    "k_norm.hook_out": "k_normed",
    "hook_rot_q": "q_rot",
    "hook_rot_k": "k_rot",
    "hook_v": "v",
    "hook_attn_scores": "scores",
    "hook_pattern": "pattern",
    "hook_q_latent": "q_latent",
    "hook_kv_latent": "kv_latent",
    "hook_z": "z_gated",
    "hook_result": "result",
    "hook_q_gate": "gate",
    "hook_pre": "pre",
    "hook_pre_linear": "pre_linear",
    "hook_post": "post",
    "out.hook_in": "post",
    "hook_router_logits": "router_logits",
    "hook_expert_indices": "indices",
    "gate.hook_expert_indices": "indices",
    "shared_expert_gate.hook_out": "shared_gate",
}
"""Theirs within a block, and ours."""

OF_MIXER = {
    "hook_q_pre_conv": "q_conv_in",
    "hook_k_pre_conv": "k_conv_in",
    "hook_v_pre_conv": "v_conv_in",
    "hook_beta_logit": "beta_logit",
    "hook_beta": "beta",
    "hook_ssm_write": "beta",
    "hook_log_decay": "log_decay",
    "hook_ssm_dt": "dt",
    "hook_ssm_decay": "log_decay",
    "hook_ssm_C": "q",
    "hook_ssm_B": "k",
    "hook_q": "q",
    "hook_k": "k",
    "hook_v": "v",
    "hook_recurrence_out": "recurrence_out",
    "hook_gate_input": "gate",
    "hook_ssm_state": "state",
}
"""Theirs within a mixer, and ours."""

OF_NORM = {"hook_in": "in", "hook_out": "out"}
"""Theirs of a norm, and ours."""

AROUND = {
    "hook_embed": ("embed", "out"),
    "embed.hook_out": ("embed", "out"),
    "hook_pos_embed": ("pos_embed", "out"),
    "pos_embed.hook_out": ("pos_embed", "out"),
    "token_type_embed.hook_out": ("type_embed", "out"),
    "embed_ln.hook_in": ("embed_norm", "in"),
    "embed_ln.hook_out": ("embed_norm", "out"),
    "ln_final.hook_in": ("norm", "in"),
    "ln_final.hook_out": ("norm", "out"),
    "encoder_ln_final.hook_in": ("enc.norm", "in"),
    "encoder_ln_final.hook_out": ("enc.norm", "out"),
    "decoder_ln_final.hook_in": ("norm", "in"),
    "decoder_ln_final.hook_out": ("norm", "out"),
    "unembed.hook_in": ("unembed", "in"),
    "unembed.hook_out": ("unembed", "out"),
    "hook_unembed": ("unembed", "out"),
}
"""Theirs outside of layers, and the addresses and taps that they mean."""

_BLOCK = re.compile(r"(?P<side>encoder_|decoder_)?blocks\.(?P<layer>\d+)\.(?P<rest>.+)")
_NORM = re.compile(r"ln(?P<branch>\d)(?P<post>_post)?\.(?P<hook>\w+)")
_PART = re.compile(r"(?P<part>attn|self_attn|cross_attn|linear_attn|mamba|mixer|ssm|mlp|moe)\.(?P<hook>.+)")
_CROSS = "cross_attn"
_MIXERS = ("linear_attn", "mamba", "mixer", "ssm")


def is_theirs(name: str) -> bool:
    """Whether a name is one of TransformerLens's."""
    return name in AROUND or name.rpartition(".")[2].startswith("hook_")


def ours(architecture: Architecture, name: str) -> str:
    """Return our name for what TransformerLens calls so.

    Raises
    ------
    TapError
        If it has none here, with the nearest one that has.
    """
    if name in AROUND:
        if name == "hook_embed" and any(block.address == "embed_norm" for block in architecture.inputs):
            raise _other(name, "the embedding behind its norm", "embed.out or embed_norm.out")
        return ".".join(AROUND[name])
    found = _BLOCK.fullmatch(name)
    if found is None:
        raise TapError(f"expected one of TransformerLens's names, got {name!r}.{nearest(name, AROUND)}")
    layer = _layer(architecture, found["side"] or "", int(found["layer"]), name)
    rest = found["rest"]
    if rest in ("hook_resid_mid", "hook_attn_out") and any(branch.stream_norm for branch in layer.branches):
        raise _other(name, "what is behind the norm", f"{layer.address}.mid, or the out of its attention")
    if rest in OF_LAYER:
        return f"{layer.address}.{OF_LAYER[rest]}"
    if rest in OF_BRANCH:
        part, tap = OF_BRANCH[rest]
        return f"{_block(layer, part, name).address}.{tap}"
    if rest.endswith((".hook_normalized", ".hook_scale")):
        raise TapError(
            f"TransformerLens's {name!r} is inside of a norm, which has no taps here. Read what goes in and comes out:"
            f" {name.rpartition('.')[0]}.hook_in and .hook_out."
        )
    norm, inside = _NORM.fullmatch(rest), _PART.fullmatch(rest)
    if norm is not None and norm["hook"] in OF_NORM:
        return f"{_norm(layer, int(norm['branch']), norm['post'] is not None, name)}.{OF_NORM[norm['hook']]}"
    if inside is not None:
        return _within(_block(layer, inside["part"], name), inside["hook"], name)
    raise _unknown(name, [*OF_LAYER, *OF_BRANCH])


def _within(block: Block, hook: str, name: str) -> str:
    known = {**OF_BLOCK, **OF_MIXER} if block.role == "mixer" else OF_BLOCK
    if block.role == "moe" and hook == "gate.hook_out":
        return f"{block.address}.router_logits"
    if block.role == "mlp" and hook == "gate.hook_out":
        return f"{block.address}.pre"
    if hook not in known:
        raise _unknown(name, known)
    return f"{block.address}.{known[hook]}"


def _unknown(name: str, known: list[str] | dict[str, str]) -> TapError:
    last = name.rpartition(".")[2]
    return TapError(f"expected one of TransformerLens's names that has a tap here, got {name!r}.{nearest(last, known)}")


def _other(name: str, theirs: str, ours: str) -> TapError:
    """Say that a name means something else in TransformerLens than what it seems to say."""
    return TapError(f"in a model like this one TransformerLens's {name!r} is {theirs}. Read {ours}.")


def _layer(architecture: Architecture, side: str, index: int, name: str) -> Layer:
    stack = architecture.stacks[0 if side == "encoder_" else -1]
    if index >= stack.n_layers:
        raise TapError(f"expected a layer below {stack.n_layers}, got {name!r}.")
    return stack.layer(index)


def _block(layer: Layer, part: str, name: str) -> Block:
    context = {branch.block for branch in layer.branches if branch.context is not None}
    for block in layer.blocks:
        crossing = block.address in context
        if part == _CROSS and crossing:
            return block
        if part in ("attn", "self_attn") and block.role == "attention" and not crossing:
            return block
        if (part in _MIXERS and block.role == "mixer") or (part in ("mlp", "moe") and block.role in ("mlp", "moe")):
            return block
    raise TapError(f"expected a layer with what {part} means, got {name!r}: {layer.address} has none.")


def _norm(layer: Layer, branch: int, post: bool, name: str) -> str:
    """Return the norm before or behind a branch; in a post-norm layer the one that the stream goes through."""
    branches = layer.branches
    found = None
    if branch <= len(branches):
        at = branches[branch - 1]
        found = at.post_norm if post else at.pre_norm or at.stream_norm
    if found is None:
        raise TapError(f"expected a norm of {layer.address}, got {name!r}: it has no such one.")
    return found
