"""What a model costs to keep and to run: bytes, FLOPs and cache, which follow from its shapes.

A multiply-add is two FLOPs. A token is multiplied by learned matrices (`Block.weights`, read from the traced forward
pass) and mixed with what came before: softmax attention looks at every key in sight, a state is decayed, written to and
read. Norms, activations and rotations are left out, as is usual: they are some tenths of a percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from glassblock.errors import SourceError
from glassblock.ir.architecture import Architecture
from glassblock.ir.layer import Stack
from glassblock.ir.sources import fixed_length, looks_at
from glassblock.ir.specs import Attention, Mixer

BITS = {
    "float64": 64,
    "float32": 32,
    "bfloat16": 16,
    "float16": 16,
    "float8": 8,
    "int8": 8,
    "int4": 4,
}
"""Bits of a number by the name of its dtype."""


@dataclass(frozen=True, slots=True)
class Flops:
    """Floating-point operations for one token.

    ``matrices`` are those with learned matrices, ``mixing`` those of the token with the ones before it. ``left_out``
    names the stacks that are looked at and whose length neither the model nor the caller gave: what looking at them
    costs is not counted. Of a model that could not be traced nothing is counted, and all its stacks are named.
    """

    matrices: int
    mixing: int
    left_out: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Both together."""
        return self.matrices + self.mixing


@dataclass(frozen=True, slots=True)
class Cache:
    """Bytes that decoding keeps for one text.

    Attributes
    ----------
    growing
        For each further token, once every window is full.
    state
        Whatever the length: states of mixers and their short convolutions.
    total
        At the length that was asked for: windows as far as they are filled, what cross-attention looks at, and the
        states.
    left_out
        Stacks that are looked at and whose length neither the model nor the caller gave: their keys and values are not
        counted. Of a model that could not be traced nothing is counted, and all its stacks are named.
    """

    growing: int
    state: int
    total: int
    left_out: tuple[str, ...] = ()


def weight_bytes(architecture: Architecture, dtype: str = "bfloat16") -> int:
    """Return the bytes of all parameters at a dtype.

    Parameters
    ----------
    architecture
        What the model is.
    dtype
        One of `BITS`.

    Raises
    ------
    SourceError
        If the dtype is not known.
    """
    return _bytes(architecture.params.total, dtype)


def flops_per_token(
    architecture: Architecture, context: int = 1, *, source: int | None = None, stack: str | None = None
) -> Flops:
    """Count the operations that one token costs.

    Parameters
    ----------
    architecture
        What the model is.
    context
        Tokens in sight, itself included: the position of the token, counted from 1.
    source
        Tokens of the other stack that cross-attention looks at. Where not given, as many as the model fixes
        (`fixed_length`).
    stack
        Name of the stack the token runs through; the main one, with its unembedding, where not given.

    Returns
    -------
    Flops
        Two for each multiply-add.

    Raises
    ------
    SourceError
        If there is no stack of that name, or a number of tokens is negative.
    """
    _check_lengths(context, source)
    through = architecture.stacks[-1] if stack is None else _stack(architecture, stack)
    matrices, mixing = sum(block.weights for blocks in architecture.around(through) for block in blocks), 0
    lengths = _lengths(architecture, through, source)
    for group in through.groups:
        looks = looks_at(group)
        for block in group.template.blocks:
            seen = (lengths[looks[block.address]] or 0) if block.address in looks else context
            matrices += len(group.layers) * block.weights
            mixing += len(group.layers) * _mixing(block.spec, seen)
    return Flops(2 * matrices, mixing, _left_out(architecture, lengths))


def cache(architecture: Architecture, context: int, dtype: str = "bfloat16", *, source: int | None = None) -> Cache:
    """Count the bytes that decoding keeps for one text.

    Keys and values as they are stored: before they are repeated for several query heads; of latent attention (MLA) the
    latent and the rotated part. A window keeps what the next token may look back on. Layers that use another layer's
    keys and values keep none, and neither does attention that is not causal.

    Parameters
    ----------
    architecture
        What the model is.
    context
        Tokens that were read.
    dtype
        One of `BITS`.
    source
        Tokens of the other stack that cross-attention looks at. Where not given, as many as the model fixes
        (`fixed_length`).

    Raises
    ------
    SourceError
        If the dtype is not known, or a number of tokens is negative.
    """
    _check_lengths(context, source)
    growing = state = total = 0
    lengths = _lengths(architecture, architecture.stacks[-1], source)
    for group in architecture.stacks[-1].groups:
        looks = looks_at(group)
        for block in group.template.blocks:
            spec, copies = block.spec, len(group.layers)
            if isinstance(spec, Attention):
                width = _kept_width(spec)
                if block.address in looks:
                    total += copies * width * (lengths[looks[block.address]] or 0)
                elif spec.causal.value:
                    total += copies * width * min(context, _kept_tokens(spec) or context)
                    growing += 0 if _kept_tokens(spec) else copies * width
            elif isinstance(spec, Mixer):
                state += copies * _state_size(spec)
    kept = (_bytes(growing, dtype), _bytes(state, dtype), _bytes(total + state, dtype))
    return Cache(*kept, _left_out(architecture, lengths))


def crossing_bytes(architecture: Architecture, dtype: str = "bfloat16") -> dict[str, int]:
    """Return for each stack that the main one looks at the bytes that decoding keeps for one token of it.

    Parameters
    ----------
    architecture
        What the model is.
    dtype
        One of `BITS`.
    """
    kept: dict[str, int] = {}
    for group in architecture.stacks[-1].groups:
        looks = looks_at(group)
        for block in group.template.blocks:
            if block.address in looks and isinstance(block.spec, Attention):
                name = looks[block.address]
                kept[name] = kept.get(name, 0) + len(group.layers) * _kept_width(block.spec)
    return {name: _bytes(width, dtype) for name, width in kept.items()}


def _lengths(architecture: Architecture, stack: Stack, source: int | None) -> dict[str, int | None]:
    """Return for each stack that the layers of one look at how many tokens that is; None where nobody says so."""
    looked_at = dict.fromkeys(name for group in stack.groups for name in looks_at(group).values())
    return {n: fixed_length(architecture, n, stack.name) if source is None else source for n in looked_at}


def _left_out(architecture: Architecture, lengths: dict[str, int | None]) -> tuple[str, ...]:
    """Name the stacks that are not counted: of unknown length, or never seen running."""
    if architecture.trace.rung == "tree":
        return tuple(stack.name or "main" for stack in architecture.stacks)
    return tuple(name for name, length in lengths.items() if length is None)


def _check_lengths(context: int, source: int | None) -> None:
    if context < 0 or (source or 0) < 0:
        raise SourceError(f"expected numbers of tokens, 0 or more, got context={context} and source={source}.")


def _stack(architecture: Architecture, name: str) -> Stack:
    found = next((stack for stack in architecture.stacks if stack.name == name), None)
    if found is None:
        names = ", ".join(repr(stack.name) for stack in architecture.stacks)
        raise SourceError(f"expected the name of a stack of {architecture.name}, got {name!r}. It has {names}.")
    return found


def _mixing(spec: object, seen: int) -> int:
    """FLOPs of mixing one token with those in sight."""
    if isinstance(spec, Attention):
        limits = [fact.value for fact in (spec.window, spec.chunk) if fact is not None]
        return 2 * spec.heads.value * (spec.head_dim.value + spec.v_head_dim.value) * min([seen, *limits])
    if isinstance(spec, Mixer) and spec.state is not None:
        # Written to and read once each; the delta rule reads it once more, to erase what the key held.
        passes = 3 if spec.family.value == "delta rule" else 2
        decays = 0 if spec.decay is None or spec.decay.value == "none" else 1
        return (2 * passes + decays) * prod(spec.state.value)
    return 0


def _kept_width(spec: Attention) -> int:
    if spec.shared_kv is not None:
        return 0
    if spec.kv_rank is not None:
        return spec.kv_rank.value + spec.rope_dims.value
    return spec.kv_heads.value * (spec.head_dim.value + spec.v_head_dim.value)


def _kept_tokens(spec: Attention) -> int | None:
    """How many tokens are kept at most: those that the next one may still look back on."""
    if spec.window is not None:
        return spec.window.value - 1
    return spec.chunk.value if spec.chunk is not None else None


def _state_size(spec: Mixer) -> int:
    state = prod(spec.state.value) if spec.state is not None else 0
    if spec.conv is not None and spec.conv_channels is not None:
        state += spec.conv.value * spec.conv_channels.value
    return state


def _bytes(numbers: int, dtype: str) -> int:
    bits = BITS.get(dtype)
    if bits is None:
        raise SourceError(f"expected a dtype of {', '.join(BITS)}, got {dtype!r}. Pass one of those.")
    return -(-numbers * bits // 8)
