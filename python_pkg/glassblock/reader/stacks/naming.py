"""Names of stacks and the addresses that follow from them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, pairwise

from glassblock.ir import Block, Edge, Group, Layer, Stack
from glassblock.reader.branches.numbering import numbered_blocks

_HINTS = (
    ("vision", "vision"),
    ("visual", "vision"),
    ("image", "vision"),
    ("audio", "audio"),
    ("speech", "audio"),
    ("acoustic", "audio"),
    ("qformer", "qformer"),
    ("text", "text"),
    ("language", "text"),
    ("encoder", "enc"),
    ("decoder", "dec"),
)
"""What the path of a container says about it, where a model has several: the first word that is not taken."""


def named_stacks(stacks: Sequence[Stack], edges: Sequence[Edge] = ()) -> tuple[tuple[Stack, ...], tuple[Edge, ...]]:
    """Give stacks their names and their layers the addresses that follow.

    Parameters
    ----------
    stacks
        Stacks that are named after the module path of their container, the main one last.
    edges
        What goes from one of them into another, by the same names.

    Returns
    -------
    stacks, edges
        The same ones: a stack alone has no name, several are ``enc``, ``dec``, ``stage1`` or what fits.
    """
    names = {stack.name: name for stack, name in zip(stacks, _names(stacks, edges), strict=True)}
    renamed = [
        replace(
            stack,
            name=names[stack.name],
            groups=tuple(_moved(group, names[stack.name], names) for group in stack.groups),
            inputs=tuple(_prefixed(block, names[stack.name]) for block in stack.inputs),
            outputs=tuple(_prefixed(block, names[stack.name]) for block in stack.outputs),
        )
        for stack in stacks
    ]
    kept = [edge for edge in edges if edge.source in names]
    projectors = iter(numbered_blocks(block for edge in kept for block in edge.via))
    return tuple(renamed), tuple(
        replace(
            edge,
            source=names[edge.source],
            target=names.get(edge.target, edge.target),
            via=tuple(next(projectors) for _ in edge.via),
        )
        for edge in kept
    )


def _names(stacks: Sequence[Stack], edges: Sequence[Edge]) -> list[str]:
    if len(stacks) == 1:
        return [""]
    stages = _stages(stacks, edges)
    taken: list[str] = []
    for number, stack in enumerate(stacks):
        hints = list(dict.fromkeys(short for word, short in _HINTS if word in stack.name.lower()))
        free = [hint for hint in hints if hint not in taken]
        taken.append(stages.get(stack.name) or (free[0] if free else f"{(hints or ['stack'])[0]}{number}"))
    return taken


def _stages(stacks: Sequence[Stack], edges: Sequence[Edge]) -> dict[str, str]:
    """Name the stages of a model that has some: stacks whose paths differ in a number only, each fed by the last."""
    alike: dict[str, list[str]] = defaultdict(list)
    for stack in stacks:
        alike[re.sub(r"\d+", "*", stack.name)].append(stack.name)
    fed = {(edge.source, edge.target) for edge in edges if edge.kind == "stream"}
    lists = [names for names in alike.values() if len(names) > 1 and fed.issuperset(pairwise(names))]
    return {name: f"stage{number}" for name, number in zip(lists[0], count(1), strict=False)} if len(lists) == 1 else {}


def _prefixed(block: Block, stack: str) -> Block:
    return replace(block, address=f"{stack}.{block.address}") if stack else block


def _moved(group: Group, stack: str, names: dict[str, str]) -> Group:
    """Return a group with the addresses of its stack and the names of the stacks that it looks at."""
    template = replace(
        group.template,
        branches=tuple(
            b if b.context is None else replace(b, context=names.get(b.context)) for b in group.template.branches
        ),
    )
    old = template.address
    return replace(group, template=_renamed(template, old, f"{stack}.{old}") if stack else template)


def _renamed(layer: Layer, old: str, new: str) -> Layer:
    def name(text: str) -> str:
        return new + text[len(old) :]

    def block(one: Block) -> Block:
        return replace(one, address=name(one.address), parts=tuple(map(block, one.parts)))

    return replace(
        layer,
        address=new,
        blocks=tuple(map(block, layer.blocks)),
        branches=tuple(branch.renamed(name) for branch in layer.branches),
        entry_norm=None if layer.entry_norm is None else name(layer.entry_norm),
    )
