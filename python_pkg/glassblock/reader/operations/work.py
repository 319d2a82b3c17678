"""Multiply-adds with learned matrices, counted from the shapes of the operations that ran.

A matrix counts as often as one token meets it: twice where a layer calls it twice, top-k times for an expert. Which
experts ran while tracing is made up, so theirs is counted from their parameters: each chosen expert once.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from glassblock.ir import Block, MixtureOfExperts
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op


def multiply_adds(graph: Graph, ops: Iterable[Op], places: int, block: Block | None = None) -> int:
    """Count the multiply-adds of a block for one token.

    Parameters
    ----------
    graph
        The recording.
    ops
        The block's operations.
    places
        How many tokens went through it.
    block
        The block, where it may hold experts.
    """
    experts = _experts(block)
    holder = f"{experts.path}." if experts is not None else None
    total = sum(
        _of_op(graph, op, places)
        for op in ops
        if holder is None or not any(graph.weights[value].startswith(holder) for value in op.inputs)
    )
    return total + (_of_experts(graph, block, experts) if block is not None and experts is not None else 0)


def _of_op(graph: Graph, op: Op, places: int) -> int:
    """Multiply-adds of one operation with a learned matrix, for one token."""
    if op.name.startswith("conv") and len(op.inputs) > 1 and graph.weights[op.inputs[1]]:
        # Each place of the output meets the whole kernel; padding makes some places more than there are tokens.
        channels = graph.shape(op.inputs[1])[0] or 1
        return round(graph.size(op.outputs[0]) / (channels * places)) * graph.size(op.inputs[1])
    if op.name == "multi_head_attention_forward":  # torch's own: its projections are in the call, each met once
        matrices = {value for value in op.inputs if graph.weights[value] and len(graph.shape(value)) == 2}
        return sum(graph.size(value) for value in matrices)
    read = graph.projection(op)
    if read is None:
        return 0
    # Keys and values of another stack are made for each of its tokens: an operation counts by the places that it reads.
    contracted = _contracted(graph, op, *read)
    return graph.size(op.outputs[0]) * contracted // max(graph.size(read[0]) // max(contracted, 1), 1)


def _contracted(graph: Graph, op: Op, activation: int, weight: int) -> int:
    """How many products are summed for one number of the result."""
    equation = next((a for a in op.args if isinstance(a, str)), None)
    if op.name == "einsum" and equation is not None and "->" in equation and "." not in equation:
        inputs, output = equation.replace(" ", "").split("->")
        sizes = {
            letter: size
            for letters, value in zip(inputs.split(","), op.inputs, strict=False)
            for letter, size in zip(letters, graph.shape(value), strict=False)
        }
        return prod(size for letter, size in sizes.items() if letter not in output)
    weight_first = op.name != "linear" and op.inputs[-2:] == (weight, activation)
    return graph.shape(activation)[-2 if weight_first else -1]


def _experts(block: Block | None) -> Block | None:
    if block is None or not isinstance(block.spec, MixtureOfExperts):
        return None
    return next((part for part in block.parts if part.address.endswith(".experts") and part.path), None)


def _of_experts(graph: Graph, block: Block, experts: Block) -> int:
    assert isinstance(block.spec, MixtureOfExperts)
    held = list(graph.modules[experts.path].parameters())
    matrices = [p for p in held if p.ndim > 2] or [p for p in held if p.ndim == 2]
    size: int = sum(p.numel() for p in matrices)
    return size // block.spec.experts.value * block.spec.top_k.value
