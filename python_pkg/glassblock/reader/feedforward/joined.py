"""A feed-forward block that shares the output projection of an attention (Flux, parallel layers of ViT-22B).

Both are made of the same input, lie side by side in the channels, and one matrix brings them back to the stream. So
they are one branch with one update, of which the feed-forward block is a part.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from glassblock.ir import Block, FeedForward, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import Recognised, Recogniser
from glassblock.reader.feedforward.activations import activation_of
from glassblock.reader.operations.params import count_in
from glassblock.reader.tracing.graph import show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS


def with_feed_forward(recogniser: Recogniser) -> Recogniser:
    """Return a recogniser that also sees what is joined with an attention before it is projected back."""

    @wraps(recogniser)
    def recognise(branch: Branch) -> Recognised | None:
        found = recogniser(branch)
        part = _joined(branch) if found is not None else None
        return found if found is None or part is None else replace(found, parts=(*found.parts, part))

    return recognise


def _joined(branch: Branch) -> Block | None:
    graph, projections = branch.graph, branch.projections()
    read = graph.projection(projections[-1]) if projections else None
    cat = graph.producer(graph.same(read[0])) if read is not None else None
    if cat is None or cat.name not in JOINS or len(cat.inputs) != 2:
        return None
    if sum(graph.shape(v)[-1] for v in cat.inputs) != graph.shape(cat.outputs[0])[-1]:
        return None  # along the tokens
    for value in cat.inputs:
        ops = [op for op in branch.ops if op in graph.cone(value, branch.stream.states, branch.start).ops]
        if not any(_mixes(branch, op) for op in ops) and (name := activation_of(ops)) is not None:
            return _block(branch, value, ops, name)
    return None


def _mixes(branch: Branch, op: Op) -> bool:
    return branch.graph.product(op) is not None or op.name.startswith("scaled_dot")


def _block(branch: Branch, value: int, ops: list[Op], activation: str) -> Block:
    graph, hidden = branch.graph, branch.graph.shape(value)[-1]
    made = sum(graph.shape(op.outputs[0])[-1] for op in ops if graph.projection(op) is not None)
    spec = FeedForward(
        hidden=observed(hidden, f"{show(graph.shape(value))} beside what the heads made"),
        gated=observed(value=made > hidden, where=f"{made} channels are made for {hidden}"),
        activation=observed(activation, "before it is joined with what the heads made"),
    )
    note = "it shares its output projection with the attention"
    return Block("mlp", "mlp", "", "", count_in(graph, "", ops), spec, notes=(note,))
