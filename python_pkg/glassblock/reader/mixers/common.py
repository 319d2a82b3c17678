"""What all sequence mixers have: heads, a state from token to token, a short convolution, a gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from glassblock.ir import Fact, Mixer, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import Recognised, flattenings, z_port
from glassblock.reader.mixers.decay import decay_of
from glassblock.reader.mixers.gate import output_gate
from glassblock.reader.mixers.state import State, find_state
from glassblock.reader.tracing.graph import Graph, argument, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS, REPEATS


@dataclass(frozen=True, slots=True)
class Claim:
    """What a family says of a mixer: that it is one of it, by which evidence, and what the field calls this kind.

    ``stateless`` says that tokens look back at all others instead of a state. ``state`` and ``decay`` are given where
    the operation itself says them.
    """

    family: Fact[str]
    variant: str | None = None
    stateless: bool = False
    state: Fact[tuple[int, ...]] | None = None
    decay: Fact[str] | None = None


@dataclass
class Mixing:
    """A branch that may be a mixer, and what is read of it once and used by all families."""

    branch: Branch

    @property
    def graph(self) -> Graph:
        """The recording."""
        return self.branch.graph

    @cached_property
    def projection(self) -> Op | None:
        """The multiplication that takes what was mixed back to the stream."""
        return next(reversed(self.branch.projections()), None)

    @cached_property
    def width(self) -> int:
        """How many channels go into the output projection, or come out where there is none."""
        read = self.graph.projection(self.projection) if self.projection is not None else None
        return self.graph.shape(read[0] if read else self.branch.inner)[-1]

    @cached_property
    def state(self) -> State | None:
        """What a token leaves to the next."""
        return find_state(self.branch)

    @cached_property
    def products(self) -> list[Op]:
        """Products of two activations, in the order of execution."""
        return [op for op in self.branch.ops if self.graph.product(op) is not None]

    @cached_property
    def dims(self) -> tuple[int, int, int]:
        """Heads, channels of a key and of a value; no heads where every channel is on its own."""
        if self.state is not None:
            return _of_state(self.state, self.width)
        read = self.graph.projection(self.projection) if self.projection is not None else None
        pairs = flattenings(self.branch, read[0]) if read is not None and self.products else []
        return (pairs[0][0], self._keys(), pairs[0][1]) if pairs else (0, 0, 0)

    def _keys(self) -> int:
        """Return how many channels a key has, by the first product: q with k, or k with v summed over the tokens."""
        factors = self.graph.product(self.products[0])
        left = self.graph.shape(factors[0]) if factors is not None else (0, 0)
        return left[-2] if left[-1] == self.graph.recording.tokens else left[-1]

    @cached_property
    def decay(self) -> Fact[str]:
        """How the state forgets."""
        return decay_of(self.branch, self.state, self.dims[0])

    @cached_property
    def convolution(self) -> tuple[int, int, str] | None:
        """Width and channels of the convolution along the tokens, and the evidence."""
        for op in self.branch.ops:
            width = self.graph.depthwise(op)
            if width is not None:
                weight = self.graph.shape(op.inputs[1])
                return width, weight[0], f"depthwise {op.name} with {show(weight)}"
        return None

    @cached_property
    def shifted(self) -> bool:
        """Whether every token is laid beside the one before it (RWKV's token shift)."""
        tokens = self.graph.recording.tokens
        for op in self.branch.ops:
            pad = argument(op, 1, "pad") if op.name == "pad" else None
            if pad is not None and tuple(pad)[-2:] == (1, -1):
                return True
            if op.name == "roll" and argument(op, 1, "shifts") in (1, (1,)):
                return True
            pieces = [self.graph.shape(v)[1:2] for v in op.inputs] if op.name in JOINS else []
            if pieces == [(1,), (tokens - 1,)]:
                return True
        return False


Family = Callable[[Mixing], Claim | None]


def _of_state(state: State, width: int) -> tuple[int, int, int]:
    """Return heads, channels of a key and of a value for a state whose values become `width` channels.

    A vector for each channel (Mamba) has keys as long as the vector. Several such states side by side are heads.
    """
    match state.shape:
        case (heads, keys, values):
            return (heads, values, keys) if heads * keys == width != heads * values else (heads, keys, values)
        case (_, keys):
            return (state.alike if state.alike > 1 else 0, keys, 0)
        case _:
            return (0, 0, 0)


def read_mixer(mixing: Mixing, claim: Claim) -> Recognised:
    """Read the numbers of a mixer whose family is known."""
    branch, projection = mixing.branch, mixing.projection
    heads, keys, values = mixing.dims
    values = values or (mixing.width // heads if heads else 0)
    port, why = None, "it has no heads: every channel is mixed on its own"
    if heads:
        port, why = z_port(branch, projection, heads, values)
    shapes = f"{heads} heads of {keys} x {values}" if heads else f"the state is {keys} for each channel"
    conv, decay = mixing.convolution, claim.decay or mixing.decay
    state = None if claim.stateless else claim.state or _state(mixing)
    spec = Mixer(
        family=claim.family,
        out_gate=output_gate(branch, projection),
        heads=observed(heads, shapes) if heads else None,
        kv_heads=_kv_heads(branch, heads, keys) if heads else None,
        head_dim=observed(keys, shapes) if keys else None,
        v_head_dim=observed(values, shapes) if heads else None,
        state=state,
        conv=observed(conv[0], conv[2]) if conv else None,
        conv_channels=observed(conv[1], conv[2]) if conv else None,
        variant=Fact(claim.variant, "observed", f"{claim.family.value}, decay {decay.value}")
        if claim.variant
        else None,
        decay=decay,
    )
    return Recognised("mixer", "mixer", spec, (port,) if port else (), notes=(why,) if why else ())


def _state(mixing: Mixing) -> Fact[tuple[int, ...]] | None:
    state, (heads, keys, values) = mixing.state, mixing.dims
    if state is not None:
        several = (state.alike,) if state.alike > 1 else ()
        start = show(mixing.graph.shape(state.value))
        return observed((*several, *state.shape), f"starts as {f'{state.alike} times ' if several else ''}{start}")
    return observed((heads, keys, values), "the products of all keys and values, summed") if heads else None


def _kv_heads(branch: Branch, heads: int, keys: int) -> Fact[int]:
    """Count the heads of keys and queries, before each is repeated for several heads of values."""
    graph = branch.graph
    for op in branch.ops:
        if op.name not in REPEATS or not graph.learned[op.inputs[0]]:
            continue
        before, after = graph.shape(op.inputs[0]), graph.shape(op.outputs[0])
        if len(after) > 2 and after[-1] == keys and heads in after and before[-1] == keys:
            axis = after.index(heads)
            if len(before) == len(after) and before[axis] < heads:
                return observed(before[axis], f"{op.name}: {show(before)} to {show(after)}")
    return observed(heads, "keys are not repeated")


def padded_lengths(branch: Branch) -> set[int]:
    """Lengths that the text has within the branch: its own, and what it is padded to."""
    graph, lengths = branch.graph, {branch.graph.recording.tokens}
    for op in branch.ops:
        if op.name == "pad":
            before, after = graph.shape(op.inputs[0]), graph.shape(op.outputs[0])
            lengths |= {b for a, b in zip(before, after, strict=False) if a in lengths and b > a}
    return lengths
