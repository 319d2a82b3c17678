"""The facts of a block as text: all of them, by name, and the few that people say in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

from glassblock.ir import (
    Architecture,
    Attention,
    Edge,
    Embedding,
    Fact,
    FeedForward,
    Mixer,
    MixtureOfExperts,
    Norm,
    Spec,
    Stack,
    Unembedding,
)

_WORDS = {
    "kv_heads": "key/value heads",
    "v_head_dim": "value head dim",
    "rope_dims": "rotated dims",
    "rope_theta": "rotation base",
    "rope_scaling": "rotation scaling",
    "qk_norm": "query/key norm",
    "out_gate": "output gate",
    "q_rank": "query latent",
    "kv_rank": "key/value latent",
    "shared_kv": "keys and values of layer",
    "conv": "convolution width",
    "conv_channels": "convolution channels",
    "top_k": "chosen per token",
    "shared_hidden": "shared expert hidden",
    "bias_correction": "bias for choosing",
    "eps": "epsilon",
}
"""What a fact is called, where its field's name is not what people say."""

_WHOLE = 1000
"""From here on a number is written out, with commas: a rotation base of 10,000,000."""
_SHOWN = 4
"""Runs of layers that are written out before the rest is counted."""


def facts_of(spec: Spec | None) -> tuple[tuple[str, Fact[Any] | None], ...]:
    """Return the facts of a spec by the names that people give them; None where one does not apply."""
    if spec is None:
        return ()
    return tuple((_WORDS.get(f.name, f.name.replace("_", " ")), getattr(spec, f.name)) for f in fields(spec))


def text(fact: Fact[Any] | None) -> str:
    """Return the value of a fact as people write it; assumed ones end in a question mark."""
    if fact is None:
        return "none"
    return value_text(fact.value) + (" ?" if fact.source == "assumed" else "")


def value_text(value: Any) -> str:
    """Return a value as people write it: ``yes``, ``4,096``, ``0.125``, ``16 x 128``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.6g}"
    if isinstance(value, tuple):
        return " x ".join(value_text(item) for item in value)
    return str(value)


def ranges(indices: Sequence[int], shown: int = _SHOWN) -> str:
    """Return indices of layers as runs: ``L0-L2, L5``; runs that repeat by their step: ``L0, L2 ... L34``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    words = [f"L{run[0]}" if len(run) == 1 else f"L{run[0]}-L{run[-1]}" for run in runs]
    if len(runs) > 3 and len({b[0] - a[0] for a, b in pairwise(runs)}) == 1 == len(set(map(len, runs))):
        return f"{words[0]}, {words[1]} ... {words[-1]}"
    more = len(words) - shown
    return ", ".join(words[:shown]) + (f" and {more} more" if more > 0 else "")


def predicted(architecture: Architecture) -> dict[str, int]:
    """Return how many logits there are at a place, by what they are of: of classes and the like they are outputs."""
    if architecture.vocabulary is None:
        return {}
    below = (*architecture.inputs, *(block for stack in architecture.stacks for block in stack.inputs))
    tokens = any(isinstance(block.spec, Embedding) and block.spec.of.value == "tokens" for block in below)
    return {"vocabulary" if tokens else "outputs": architecture.vocabulary}


def leaving(stack: Stack, edge: Edge) -> str:
    """Say after which layers of a stack an edge leaves it, where that is not the last one alone."""
    usual = edge.leaves in ((), (stack.n_layers - 1,))
    return "" if usual else f"after {ranges(edge.leaves, len(edge.leaves))}"


def entering(edge: Edge) -> str:
    """Say before which layers of its target an edge joins the stream, where that is not below the first."""
    return f"before {ranges(edge.enters, len(edge.enters))}" if edge.enters else ""


def summary(spec: Spec | None) -> tuple[str, ...]:
    """Return what people say of a block in a line, the most telling first: ``GQA``, ``32 heads``, ``window 4,096``."""
    if spec is None:
        return ()
    return tuple(word for word in (spec.label, *_PHRASES[type(spec)](spec)) if word)


def _said(fact: Fact[Any] | None, words: str, silent: Any = None) -> str:
    """Return words with the fact in them; nothing where it does not apply or is what is usual."""
    if fact is None or fact.value in (silent, None, "none", False):
        return ""
    mark = " ?" if fact.source == "assumed" else ""
    return words.format(value_text(fact.value)) + mark


def _attention(spec: Attention) -> Iterator[str]:
    own = spec.kv_heads.value != spec.heads.value and spec.kv_rank is None
    yield f"{spec.heads.value} heads x {spec.head_dim.value}" + (f", {spec.kv_heads.value} key/value" if own else "")
    yield "" if spec.v_head_dim.value == spec.head_dim.value else f"values x {spec.v_head_dim.value}"
    yield _said(spec.q_rank, "q latent {}")
    yield _said(spec.kv_rank, "kv latent {}")
    yield "" if spec.causal.value else f"bidirectional{' ?' if spec.causal.source == 'assumed' else ''}"
    yield _said(spec.prefix, "prefix")
    yield _said(spec.window, "window {}")
    yield _said(spec.chunk, "chunks of {}")
    yield _rotation(spec)
    yield _said(spec.position_bias, "{} bias")
    yield _said(spec.qk_norm, "QK norm {}")
    yield _said(spec.softcap, "softcap {}")
    yield _said(spec.sinks, "sinks")
    yield _said(spec.out_gate, "output gate")
    yield _said(spec.shared_kv, "keys and values of L{}")


def _rotation(spec: Attention) -> str:
    if not spec.rope_dims.value:
        return ""
    part = "" if spec.rope_dims.value == spec.head_dim.value else f" {spec.rope_dims.value} dims"
    scaled = "" if spec.rope_scaling is None or spec.rope_scaling.value == "none" else f" ({spec.rope_scaling.value})"
    return f"RoPE{part}{scaled}"


def _mixer(spec: Mixer) -> Iterator[str]:
    if spec.heads is not None and spec.v_head_dim is not None:
        yield f"{spec.heads.value} heads x {spec.v_head_dim.value}"
    if spec.kv_heads is not None and spec.head_dim is not None:
        yield f"keys {spec.kv_heads.value} x {spec.head_dim.value}"
    yield _said(spec.state, "state {}")
    yield _said(spec.decay, "decay {}")
    yield _said(spec.conv, "convolution {}")
    yield _said(spec.out_gate, "output gate")


def _feed_forward(spec: FeedForward) -> Iterator[str]:
    yield _said(spec.hidden, "hidden {}")


def _experts(spec: MixtureOfExperts) -> Iterator[str]:
    yield _said(spec.router, "{}")
    yield _said(spec.hidden, "hidden {}")
    yield f"{'gated ' if spec.gated.value else ''}{spec.activation.value}"
    yield _said(spec.shared_hidden, "shared {}", 0)
    if spec.groups is not None and spec.groups_kept is not None:
        yield f"{spec.groups_kept.value} of {spec.groups.value} groups"
    yield _said(spec.zero_experts, "{} zero experts", 0)
    yield _said(spec.bias_correction, "bias for choosing")
    yield "experts choose tokens" if spec.choice is not None and spec.choice.value == "expert" else ""


def _norm(spec: Norm) -> Iterator[str]:
    yield _said(spec.eps, "epsilon {}")


def _table(spec: Embedding | Unembedding) -> Iterator[str]:
    yield f"{spec.rows.value:,} x {spec.width.value:,}"
    if isinstance(spec, Embedding):
        yield _said(spec.scale, "times {}")
    else:
        yield _said(spec.softcap, "softcap {}")


_PHRASES: dict[type, Callable[[Any], Iterator[str]]] = {
    Attention: _attention,
    Mixer: _mixer,
    FeedForward: _feed_forward,
    MixtureOfExperts: _experts,
    Norm: _norm,
    Embedding: _table,
    Unembedding: _table,
}
