"""The table of taps: what each is called, on what it is, what it means and of which shape it is.

`docs/taps.md` is written from it (``python tools/make_taps.py``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from glassblock.ir import Role

BLOCKS: tuple[Role, ...] = ("attention", "mlp", "moe", "mixer", "norm", "embedding", "unembedding", "router", "other")
BRANCHES: tuple[Role, ...] = ("attention", "mlp", "moe", "mixer", "other")

STREAM = "batch x tokens x channels"
_HEADS = "batch x tokens x heads x channels"
_KV = "batch x tokens x key/value heads x channels"
_CACHED = "batch x keys x key/value heads x channels"
_KEY_HEADS = "batch x tokens x key heads x channels"
_VALUE_HEADS = "batch x tokens x value heads x channels"
_ANY_KEYS = "batch x tokens [x key heads] x channels"
_ANY_VALUES = "batch x tokens [x value heads] x channels"
_EACH = "batch x tokens x value heads"
_KEPT = "batch x keys x channels"
_WEIGHTS = "batch x heads x tokens x keys"


@dataclass(frozen=True, slots=True)
class Tap:
    """A kind of tap.

    Attributes
    ----------
    name
        After the last point of an address.
    on
        What has it: roles of blocks, ``layer`` or ``expert``.
    means
        What it is, in words.
    shape
        Its shape, in words.
    example
        What stands before its name in the docs.
    """

    name: str
    on: tuple[str, ...]
    means: str
    shape: str
    example: str


def _taps(example: str, on: tuple[str, ...], *rows: tuple[str, str, str]) -> tuple[Tap, ...]:
    return tuple(Tap(name, on, means, shape, example) for name, means, shape in rows)


TAPS: tuple[Tap, ...] = (
    *_taps(
        "L3",
        ("layer",),
        ("in", "the residual stream that the layer is given", STREAM),
        ("mid", "the residual stream as its second branch reads it", STREAM),
        ("mid2", "the residual stream as its third branch reads it", STREAM),
        ("out", "the residual stream after the layer", STREAM),
    ),
    *_taps(
        "L3.attn",
        BLOCKS,
        ("in", "what its module is given: of a branch with a norm before it the normed stream", STREAM),
        ("out", "what it puts out; of a branch what is added to the stream, after a norm behind it", STREAM),
        ("raw", "what its module returns, before a norm behind it", STREAM),
    ),
    *_taps("L3.attn", BRANCHES, ("stream", "the residual stream as the branch reads it, before any norm", STREAM)),
    *_taps(
        "L3.attn",
        ("attention",),
        ("q_stream", "the stream before the norm, for each head once", _HEADS),
        ("k_stream", "the stream before the norm, for each key/value head once", _KV),
        ("v_stream", "likewise", _KV),
        ("q_input", "what queries are made of, for each head its own", _HEADS),
        ("k_input", "what keys are made of, for each key/value head its own", _KV),
        ("v_input", "what values are made of, for each key/value head its own", _KV),
        ("q", "queries as their projection makes them, before norms and rotation", _HEADS),
        ("k", "keys as their projection makes them", _KV),
        ("q_normed", "queries after a norm over each of them", _HEADS),
        ("k_normed", "keys after a norm over each of them", _KV),
        ("q_rot", "queries as they meet the keys", _HEADS),
        ("k_rot", "keys as they meet the queries, those of the cache included", _CACHED),
        ("v", "values, those of the cache included", _CACHED),
        ("scores", "what goes into the softmax: scaled, masked, with biases", _WEIGHTS),
        ("pattern", "what the values are weighed by; where there are sinks a row adds up to less than one", _WEIGHTS),
        ("z", "the weighted sums of values, before single heads are ablated and before an output gate", _HEADS),
        ("z_gated", "what goes into the output projection: behind an output gate, where there is one", _HEADS),
        ("result", "what each head adds to the stream: its part of the output projection, without bias", _HEADS),
        ("gate", "what goes into the function of an output gate", _HEADS),
        ("gate_post", "what an output gate multiplies by", _HEADS),
        ("q_latent", "the bottleneck that queries are made of (latent attention), after its norm", STREAM),
        (
            "kv_latent",
            "the one that keys and values are made of, after its norm, where it is kept for all keys",
            _KEPT,
        ),
        ("k_pe", "the rotated part of the keys that all heads share, before rotation", STREAM),
    ),
    *_taps(
        "L3.mlp",
        ("mlp", "moe", "other"),
        ("pre", "what goes into the activation function", "batch x tokens x neurons"),
        ("pre_linear", "what the activated half is multiplied by, in a gated MLP", "batch x tokens x neurons"),
        ("post", "what goes into the down projection", "batch x tokens x neurons"),
    ),
    *_taps(
        "L3.moe",
        ("moe",),
        ("router_logits", "what the router makes of each token", "batch·tokens x experts"),
        ("weights", "what the outputs of the chosen experts are multiplied by", "batch·tokens x chosen"),
        ("indices", "the chosen experts", "batch·tokens x chosen"),
        ("load", "how many tokens went to each expert", "experts"),
        ("expert_in", "what the experts are given", "batch·tokens x channels"),
        ("shared_gate", "what goes into the gate of a shared expert", "batch·tokens x 1"),
    ),
    *_taps(
        "L3.mixer",
        ("mixer",),
        ("conv_in", "what a short convolution is given", STREAM),
        ("conv_out", "what a short convolution makes that is all that mixes tokens (LFM2)", STREAM),
        ("q_conv_in", "queries before the convolution", _KEY_HEADS),
        ("k_conv_in", "keys before the convolution", _KEY_HEADS),
        ("v_conv_in", "values before the convolution", _VALUE_HEADS),
        ("q", "queries as the recurrence is given them: after the convolution, before it normalises them", _KEY_HEADS),
        ("k", "keys as the recurrence is given them", _ANY_KEYS),
        ("v", "what is written into the state, which goes through linearly", _ANY_VALUES),
        ("x", "what a state space is given: of Mamba also what its step, B and C are made of", _ANY_VALUES),
        ("B", "in which direction of the state a token is written", "batch x tokens [x groups] x state"),
        ("C", "in which direction of the state a token reads", "batch x tokens [x groups] x state"),
        ("dt_logit", "the step of a state space before its bias and softplus", _EACH),
        ("dt", "the step after its softplus and bounds", _EACH),
        ("beta_logit", "how strongly a token is written (delta rule), before the sigmoid", _EACH),
        ("beta", "how strongly a token is written, as it is used", _EACH),
        ("log_decay", "the logarithm of what the state is multiplied by; negative", f"{_EACH} [x channels]"),
        ("recurrence_out", "what is read of the state, with a skip (D) and before norm and gate", _ANY_VALUES),
        ("gate", "what goes into the function of the output gate", _ANY_VALUES),
        ("state", "the state after the last token", "batch x value heads [x key channels] [x channels]"),
    ),
    *_taps(
        "L3.moe.E5",
        ("expert",),
        ("in", "the tokens that went to it, in their order", "its tokens x channels"),
        ("out", "what it makes of them, before its weight", "its tokens x channels"),
    ),
)


def taps_on(what: str) -> dict[str, Tap]:
    """Return the taps that a block of a role, a ``layer`` or an ``expert`` has in principle, by name."""
    return {tap.name: tap for tap in TAPS if what in tap.on}


def tap_names() -> set[str]:
    """Return the names of all taps."""
    return {tap.name for tap in TAPS}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the name that was perhaps meant, empty where there is none."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f" Nearest: {near[0]}." if near else ""
