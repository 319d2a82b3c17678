"""Parameters by block: what each part of the model holds, and which share of the whole that is.

The rows add up to the total exactly. Blocks of layers that are alike are one row; a parameter that several blocks use
(a tied unembedding, a shared layer) counts in the first of them; what belongs to no block is the last row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from glassblock.ir.architecture import Architecture
from glassblock.ir.block import Block, Role


@dataclass(frozen=True, slots=True)
class Share:
    """The parameters of one block, or of the same block in layers that are alike.

    Attributes
    ----------
    address
        Of the first of them; empty for what belongs to no block.
    role
        What it is for.
    copies
        In how many layers it stands.
    each
        Parameters of one.
    total
        Parameters of all of them that no row before has counted.
    share
        ``total`` as a fraction of the model's.
    """

    address: str
    role: Role
    copies: int
    each: int
    total: int
    share: float


def by_block(architecture: Architecture) -> tuple[Share, ...]:
    """Return the parameters of each kind of block, from the input to the output.

    Parameters
    ----------
    architecture
        What the model is.

    Returns
    -------
    tuple of Share
        Their totals add up to ``architecture.params.total``.
    """
    everything = architecture.params.total
    rows, left = [], everything
    for block, copies, held in _blocks(architecture):
        total = min(held, left)  # what is tied in ways that no block tells is not counted twice
        left -= total
        share = total / everything if everything else 0.0
        rows.append(Share(block.address, block.role, copies, block.params, total, share))
    if left:
        rows.append(Share("", "other", 1, left, left, left / everything))
    return tuple(rows)


def _blocks(architecture: Architecture) -> Iterator[tuple[Block, int, int]]:
    """Go through the blocks, folded, each with how many copies it has and what they hold that none before does."""
    for stack in architecture.stacks:
        inputs, outputs = architecture.around(stack)
        yield from ((block, 1, block.held) for block in inputs)
        for group in stack.groups:
            yield from ((block, len(group.layers), group.held(block)) for block in group.template.blocks)
        yield from ((block, 1, block.held) for block in outputs)
        leaving = (edge for edge in architecture.edges if edge.source == stack.name)
        yield from ((block, 1, block.held) for edge in leaving for block in edge.via)
