"""Which blocks use the same parameters: layers that run again, blocks of several layers, copies with tied weights.

Each parameter is counted in the first block that holds it, from the input to the output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from torch import nn

from glassblock.ir import Architecture, Block, Group, Stack, from_module
from glassblock.ir.layer import placed
from glassblock.reader.operations.params import held

_Held = dict[int, int]
"""How many numbers each parameter has, by its identity."""


def with_sharing(model: nn.Module, architecture: Architecture) -> Architecture:
    """Say of blocks how many use the same parameters, and how many of theirs no block before them holds."""
    stacks = _shared_in_layers(model, architecture.stacks)
    met: set[int] = set()
    towers = [replace(s, inputs=_ends(model, s.inputs, met), outputs=_ends(model, s.outputs, met)) for s in stacks[:-1]]
    return replace(
        architecture,
        stacks=(*towers, *stacks[-1:]),
        inputs=_ends(model, architecture.inputs, met),
        outputs=_ends(model, architecture.outputs, met),
        edges=tuple(replace(edge, via=_ends(model, edge.via, met)) for edge in architecture.edges),
    )


def _ends(model: nn.Module, blocks: Iterable[Block], met: set[int]) -> tuple[Block, ...]:
    found = []
    for block in blocks:
        own = held(model, block.path) if block.path else {}
        new = sum(size for key, size in own.items() if key not in met)
        met.update(own)
        found.append(replace(block, unique=new) if own and new < block.params else block)
    return tuple(found)


def _shared_in_layers(model: nn.Module, stacks: Sequence[Stack]) -> list[Stack]:
    if not _shares(model, stacks):
        return list(stacks)
    copies = {id(block): list(_copies(model, group, block)) for group, block in _every(stacks)}
    uses = Counter(frozenset(own) for every in copies.values() for own in every if own)
    met: set[int] = set()

    def said(group: Group, block: Block) -> Block:
        every = copies[id(block)]
        times = max((uses[frozenset(own)] for own in every if own), default=1)
        shared = from_module(times, "the same parameters in all of them") if times > 1 else None
        new = {key: size for own in every for key, size in own.items() if key not in met}
        met.update(new)
        count = sum(new.values())
        less = any(every) and count < block.params * len(group.layers)
        return replace(block, shared=shared, unique=count if less else None)

    def marked(group: Group) -> Group:
        blocks = tuple(said(group, block) for block in group.template.blocks)
        return replace(group, template=replace(group.template, blocks=blocks))

    return [replace(stack, groups=tuple(map(marked, stack.groups))) for stack in stacks]


def _every(stacks: Sequence[Stack]) -> Iterator[tuple[Group, Block]]:
    return ((group, block) for stack in stacks for group in stack.groups for block in group.template.blocks)


def _shares(model: nn.Module, stacks: Sequence[Stack]) -> bool:
    """Whether two layers hold the same parameter, or a layer's block is not in it."""
    layers = [path for stack in stacks for group in stack.groups for path in group.paths]
    if len(set(layers)) < len(layers):
        return True
    if any(block.path and not block.path.startswith(group.template.path) for group, block in _every(stacks)):
        return True
    met: set[int] = set()
    for path in layers:
        own = held(model, path)
        if not met.isdisjoint(own):
            return True
        met.update(own)
    return False


def _copies(model: nn.Module, group: Group, block: Block) -> Iterator[_Held]:
    """Go through the copies of a block in the layers of its group, each with the parameters that it holds.

    What is another block's is left out: a norm within its module. Without a module it is what the others leave.
    """
    top = group.template.path
    here = block.path or top
    others = [one.path for one in group.template.blocks if one.path.startswith(f"{here}.")]
    for path in group.paths:
        taken = {key for other in others for key in held(model, placed(other, top, path))}
        yield {key: size for key, size in held(model, placed(here, top, path)).items() if key not in taken}
