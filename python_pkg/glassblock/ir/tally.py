"""Parameters by block: what each part of the model holds, and which share of the whole that is.

The rows add up to the total exactly. Blocks of layers that are alike are one row; a parameter that several blocks use
(a tied unembedding, a shared layer) counts in the first of them; what belongs to no block is the last row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from glassblock.ir.architecture import Architecture
from glassblock.ir.block import Block, Role
from glassblock.ir.specs import Unembedding


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
    rows, left, seen = [], everything, set[str]()
    for block, paths in _blocks(architecture):
        new = 0 if _is_tied(block) else sum(path not in seen for path in dict.fromkeys(paths))
        seen.update(path for path in paths if path)
        # Never more than is left: parameters shared in ways that no block tells are not counted twice.
        total = min(new * block.params, left)
        left -= total
        rows.append(
            Share(block.address, block.role, len(paths), block.params, total, total / everything if everything else 0.0)
        )
    if left:
        rows.append(Share("", "other", 1, left, left, left / everything))
    return tuple(rows)


def _is_tied(block: Block) -> bool:
    return isinstance(block.spec, Unembedding) and block.spec.tied.value


def _blocks(architecture: Architecture) -> Iterator[tuple[Block, tuple[str, ...]]]:
    """Go through the blocks, folded, each with the module paths of all its copies."""
    for stack in architecture.stacks:
        main = stack is architecture.stacks[-1]
        inputs, outputs = (architecture.inputs, architecture.outputs) if main else (stack.inputs, stack.outputs)
        yield from ((block, (block.path,)) for block in inputs)
        for group in stack.groups:
            for block in group.template.blocks:
                inside = block.path[len(group.template.path) :]
                within = block.path.startswith(group.template.path)
                yield block, tuple(path + inside if within and block.path else block.path for path in group.paths)
        yield from ((block, (block.path,)) for block in outputs)
        leaving = (edge for edge in architecture.edges if edge.source == stack.name)
        yield from ((block, (block.path,)) for edge in leaving for block in edge.via)
