"""What all sequence mixers have: heads, a state from token to token, a short convolution, a gate."""

from __future__ import annotations

from glassblock.ir import Fact, Mixer, observed
from glassblock.reader.branch import Branch
from glassblock.reader.gates import out_gate
from glassblock.reader.graph import REPEATS, Graph, show
from glassblock.reader.recognise import Recognised, flattenings, z_port
from glassblock.reader.record import Op

_READS = ("mul", "matmul", "einsum", "cat", "add", "baddbmm", "addcmul")
_ZEROS = ("zeros", "zeros_like", "new_zeros")


def read_mixer(branch: Branch, family: Fact[str]) -> Recognised:
    """Read the numbers of a mixer whose family is known."""
    graph = branch.graph
    projection = branch.projections()[-1]
    read = graph.projection(projection)
    assert read is not None
    pairs = flattenings(branch, read[0])
    heads, width = pairs[0] if pairs else (0, 0)
    state = _state(branch, heads)
    keys = _key_width(state, width) if heads else None
    port, why = (
        z_port(branch, projection, heads, width)
        if heads
        else (None, "it has no heads: every channel has a state of its own")
    )
    conv = _conv(branch)
    shapes = f"{heads} x {width} before {graph.path_of(projection) or projection.name}"
    spec = Mixer(
        family=family,
        out_gate=out_gate(branch, _mixed(branch), projection),
        heads=observed(heads, shapes) if heads else None,
        kv_heads=_kv_heads(branch, heads, keys) if heads else None,
        head_dim=observed(keys, "the other side of the state") if keys else None,
        v_head_dim=observed(width, shapes) if heads else None,
        state=state,
        conv=conv[0] if conv else None,
        conv_channels=conv[1] if conv else None,
    )
    return Recognised("mixer", "mixer", spec, (port,) if port else (), notes=(why,) if why else ())


def padded_lengths(branch: Branch) -> set[int]:
    """Lengths that the text has within the branch: its own, and what it is padded to."""
    graph, lengths = branch.graph, {branch.graph.recording.tokens}
    for op in branch.ops:
        if op.name == "pad":
            before, after = graph.shape(op.inputs[0]), graph.shape(op.outputs[0])
            lengths |= {b for a, b in zip(before, after, strict=False) if a in lengths and b > a}
    return lengths


def repeated_in_loop(branch: Branch) -> list[Op]:
    """Additions to something that has no tokens, at least one for each token, building on each other.

    The last token's may be missing: what it leaves to the next is not used.
    """
    graph, tokens = branch.graph, branch.graph.recording.tokens
    by_place: dict[tuple[object, ...], list[Op]] = {}
    for op in branch.ops:
        if op.name in ("add", "addcmul", "baddbmm") and tokens not in graph.shape(op.outputs[0]):
            by_place.setdefault((op.call, op.name, graph.shape(op.outputs[0])), []).append(op)
    for ops in by_place.values():
        before = graph.cone(ops[-1].outputs[0], first=ops[0].index).ops
        chain = [op for op in before if op in ops]
        if len(chain) >= tokens - 1:
            return chain
    return []


def _state(branch: Branch, heads: int) -> Fact[tuple[int, ...]] | None:
    """Return the shape of what a token leaves to the next: it starts as zeros that are computed with."""
    graph = branch.graph
    for op in branch.ops:
        if op.name not in _ZEROS or not _is_read(graph, op.outputs[0]):
            continue
        shape = graph.shape(op.outputs[0])
        inner = shape[-3:] if heads and len(shape) > 3 else shape[1:]
        if len(inner) > 1:
            return observed(tuple(inner), f"starts as zeros of {show(shape)}")
    return None


def _is_read(graph: Graph, value: int) -> bool:
    """Whether a value is computed with, and not only written into."""
    for op in graph.consumers[value]:
        if op.name in _READS:
            return True
        if graph.behind(op.outputs[0]) == value and _is_read(graph, op.outputs[0]):
            return True
    return False


def _key_width(state: Fact[tuple[int, ...]] | None, width: int) -> int | None:
    if state is None or len(state.value) < 3:
        return None
    one, other = state.value[-2:]
    return one if other == width else other


def _kv_heads(branch: Branch, heads: int, keys: int | None) -> Fact[int]:
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


def _mixed(branch: Branch) -> int:
    """Return what the mixing itself made: the last product of activations, or the convolution."""
    graph = branch.graph
    for op in reversed(branch.ops):
        if graph.product(op) is not None or graph.depthwise(op) is not None:
            return op.outputs[0]
    return branch.ops[0].outputs[0]


def _conv(branch: Branch) -> tuple[Fact[int], Fact[int]] | None:
    """Return the width of the short convolution, and how many channels go through all of them together."""
    graph = branch.graph
    convolutions = [op for op in branch.ops if graph.depthwise(op) is not None]
    if not convolutions:
        return None
    weights = [graph.shape(op.inputs[1]) for op in convolutions]
    where = f"depthwise conv1d with {', '.join(map(show, weights))}"
    return observed(weights[0][-1], where), observed(sum(shape[0] for shape in weights), where)
