"""Names of stacks and the addresses that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from glassblock.ir import Block, Branch, Group, Layer, Stack

_HINTS = (
    ("vision", "vision"),
    ("visual", "vision"),
    ("audio", "audio"),
    ("speech", "audio"),
    ("encoder", "enc"),
    ("decoder", "dec"),
    ("text", "text"),
    ("language", "text"),
)
"""What the path of a container says about it, where a model has several."""


def named_stacks(stacks: Sequence[Stack]) -> tuple[Stack, ...]:
    """Give stacks their names and their layers the addresses that follow.

    Parameters
    ----------
    stacks
        Stacks that are named after the module path of their container.

    Returns
    -------
    tuple
        The same stacks: one alone has no name, several are ``enc`` and ``dec`` or what fits.
    """
    if len(stacks) == 1:
        return (replace(stacks[0], name=""),)
    taken: list[str] = []
    for number, stack in enumerate(stacks):
        hint = next((short for word, short in _HINTS if word in stack.name.lower()), f"stack{number}")
        taken.append(hint if hint not in taken else f"{hint}{number}")
    return tuple(
        replace(stack, name=name, groups=tuple(_moved(group, name) for group in stack.groups))
        for stack, name in zip(stacks, taken, strict=True)
    )


def _moved(group: Group, stack: str) -> Group:
    old = group.template.address
    return replace(group, template=_renamed(group.template, old, f"{stack}.{old}"))


def _renamed(layer: Layer, old: str, new: str) -> Layer:
    def name(text: str) -> str:
        return new + text[len(old) :]

    def maybe(text: str | None) -> str | None:
        return None if text is None else name(text)

    def block(one: Block) -> Block:
        return replace(one, address=name(one.address), parts=tuple(map(block, one.parts)))

    def edge(one: Branch) -> Branch:
        return replace(
            one,
            block=name(one.block),
            pre_norm=maybe(one.pre_norm),
            post_norm=maybe(one.post_norm),
            stream_norm=maybe(one.stream_norm),
        )

    return replace(
        layer,
        address=new,
        blocks=tuple(map(block, layer.blocks)),
        branches=tuple(map(edge, layer.branches)),
    )
