"""Numbers that tell parts of one kind apart: ``attn``, ``attn2``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from glassblock.ir import Block


def numbered(names: Iterable[str]) -> list[str]:
    """Return names of which each comes once: the second of a kind is number 2."""
    taken: Counter[str] = Counter()
    found = []
    for name in names:
        taken[name] += 1
        found.append(name if taken[name] == 1 else f"{name}{taken[name]}")
    return found


def numbered_blocks(blocks: Iterable[Block]) -> list[Block]:
    """Return blocks whose addresses are told apart by number."""
    blocks = list(blocks)
    names = numbered(block.address for block in blocks)
    return [replace(block, address=name) for block, name in zip(blocks, names, strict=True)]
