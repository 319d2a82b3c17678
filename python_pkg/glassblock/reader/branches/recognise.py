"""What a branch was recognised as. A new kind of block is a new recogniser and its entry in `layers/roles.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import prod

from glassblock.ir import Block, Port, Role, Spec
from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.record import Op, Shape


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a branch is.

    Attributes
    ----------
    role
        What it is for.
    part
        What it is called in an address: ``attn``, ``mixer``, ``mlp``.
    spec
        Its numbers.
    ports
        Ports particular to its kind.
    parts
        Blocks within it; their addresses are relative to it (``router``).
    notes
        What could not be understood or tapped.
    """

    role: Role
    part: str
    spec: Spec | None = None
    ports: tuple[Port, ...] = ()
    parts: tuple[Block, ...] = ()
    notes: tuple[str, ...] = field(default=())


Recogniser = Callable[[Branch], Recognised | None]


def recognise(branch: Branch, recognisers: Iterable[Recogniser]) -> Recognised:
    """Return what the first recogniser that knows the branch says, or ``other``."""
    problems: list[str] = []
    for recogniser in recognisers:
        try:
            found = recogniser(branch)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            # One part that is not understood must not cost the whole diagram.
            problems.append(f"{recogniser.__module__.rpartition('.')[2]}: {error!r}")
            continue
        if found is not None:
            return found
    work = ", ".join(dict.fromkeys(op.name for op in branch.ops if branch.graph.heavy(op)))
    return Recognised("other", "other", notes=(f"not recognised; its operations are {work}", *problems))


def output_projection(branch: Branch, mixed: int) -> Op | None:
    """Return the first projection that a value reaches, through gates and norms but no other work."""
    graph, end = branch.graph, branch.ops[-1].index
    reached = graph.onward([mixed], lambda op: op.index <= end and not graph.heavy(op))
    return next((op for op in reached if op.index <= end and graph.projection(op) is not None), None)


def z_port(branch: Branch, projection: Op | None, heads: int, width: int) -> tuple[Port | None, str]:
    """Return the port where the outputs of all heads lie side by side, or why there is none.

    Parameters
    ----------
    branch
        The branch.
    projection
        The operation that projects them back to the stream.
    heads, width
        How many heads, and channels of each.
    """
    graph = branch.graph
    if projection is None or projection.call is None:
        return None, "heads cannot be tapped: no output projection was seen"
    read = graph.projection(projection)
    call = graph.calls[projection.call]
    assert read is not None
    if graph.times_called[call.path] != 1:
        return None, f"heads cannot be tapped: {call.path} is called more than once"
    if not call.inputs or graph.same(call.inputs[0]) != graph.same(read[0]):
        return None, "heads cannot be tapped: the output projection is not a module of its own"
    if graph.shape(call.inputs[0])[-1] != heads * width or not side_by_side(branch, read[0], heads, width):
        return None, "heads cannot be tapped: they do not lie side by side before the projection"
    return Port("z", call.path, "input"), ""


def side_by_side(branch: Branch, value: int, heads: int, width: int) -> bool:
    """Whether the last dimension of a value is heads x width, head by head."""
    return heads == 1 or any(found == (heads, width) for found in flattenings(branch, value))


def flattenings(branch: Branch, value: int) -> list[tuple[int, int]]:
    """Pairs of dimensions that were joined into the last one of a value on its way, last first.

    Follows the largest input through gates; a norm counts as one step, since it may group channels
    for its own purposes.
    """
    graph, found = branch.graph, []
    width = graph.shape(value)[-1]
    for _ in range(60):
        site = branch.norms.get(value)
        op = graph.producer(value)
        if site is not None:
            before = site.input
        elif op is None or op.index < branch.stream.call.first or graph.heavy(op) or not op.inputs:
            break
        else:
            learned = [v for v in op.inputs if graph.learned[v] and not graph.weights[v]]
            before = max(learned or op.inputs, key=graph.size)
        joined = _joined(graph.shape(before), graph.shape(value))
        if graph.shape(value)[-1] == width and min(joined) > 1:
            found.append(joined)
        value = before
    return found


def _joined(before: Shape, after: Shape) -> tuple[int, int]:
    """Return the two dimensions that make the last one; ones if it was as it is.

    Where all tokens and heads had been one dimension, heads are what is missing.
    """
    width = after[-1]
    if len(before) < 2 or prod(before) != prod(after):
        return (1, 1)
    if before[-1] * before[-2] == width:
        return (before[-2], before[-1])
    flat = len(before) == 2 < len(after)
    return (width // before[-1], before[-1]) if flat and width % before[-1] == 0 else (1, 1)
