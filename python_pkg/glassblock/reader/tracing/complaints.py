"""What a model says of inputs that it refused, and what that teaches about better ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from math import isqrt

from glassblock.reader.tracing.wishes import TOKENS, Wish, kinds_of

_MANY = 1 << 16
"""More places than any image has in a text."""
PAIR = re.compile(r"too many values to unpack \(expected 2\)")
MASKED = re.compile(r"shape of the mask .* does not match the shape of the indexed tensor")
_GIVEN = re.compile(r"NoneType|unpack|do not match|required positional|(must|have to) specify|broadcast|same reduction")
ABOUT_SHAPES = re.compile(
    r"unpack|[Dd]imension|[Ee]xpected|size|shape|reduction|broadcast|channels|indices|index|mono|multiple"
)
"""Words of complaints about shapes."""


def about_inputs(complaint: str) -> bool:
    """Whether a complaint is about what a model got, so that no other rung will hear another one."""
    return _GIVEN.search(complaint) is not None


def needed_room(complaint: str, width: int, rooms: Mapping[str, int]) -> dict[str, list[int]]:
    """Read how many places in the text a model expected for what its towers returned.

    Some say how many vectors there are, some how many numbers: there are two readings, to be tried in this order. Where
    the words do not say whether it is an image's places, how many there were does.
    """
    count = re.search(r"features:? (\d+)", complaint)
    if count is None:
        return {}
    said = int(count[1])
    readings = [n for n in (said, said // width if said % width == 0 else 0) if 0 < n < _MANY]
    there = re.search(r"tokens:? (\d+)", complaint)
    named = ["audio"] if re.search(r"audio|sound|speech", complaint.lower()) else []
    counted = [kind for kind, room in rooms.items() if there is not None and room == int(there[1])]
    return {(named or (counted if len(counted) == 1 else ["image"]))[0]: readings}


def learnt(wish: Wish, complaint: str) -> Wish | None:
    """Read of a complaint what a length or a number of things has to be."""
    if (found := re.search(r"must be (?:a )?5D .*?\(batch_size, (\d)", complaint)) and not wish.pieces:
        return replace(wish, pieces=int(found[1]))
    if (found := re.search(r"at dimension 0\), but got split_sizes=\[(\d+)\]", complaint)) and not wish.pieces:
        return replace(wish, pieces=int(found[1]))
    if (found := re.search(r"patches (\d+) not found.*?\[(\d+)", complaint)) and wish.scale == 1:
        return replace(wish, scale=isqrt(int(found[2])) / isqrt(int(found[1])))
    if (found := re.search(r"multiple of .*?(\d\d+)", complaint)) and wish.step == 1:
        return replace(wish, step=int(found[1]))
    several = rf"shape '\[1, (\d+), -1\]' is invalid for input of size {TOKENS}$|length (\d+) at -1!.*\[1, {TOKENS}\]"
    if (found := re.search(several, complaint)) and not wish.books:
        return replace(wish, books=int(found[1] or found[2]))
    if found := re.search(r"of length (\d+) at -2!.*broadcastable to \[[\d, ]*?(\d+), \d+\]", complaint):
        expected, got = int(found[1]), int(found[2])
        if "audio" in kinds_of(wish.names) and expected % got == 0:
            return replace(wish, frames=wish.frames * expected // got)
        if "audio" not in kinds_of(wish.names) and wish.scale == 1 and isqrt(expected) ** 2 == expected:
            return replace(wish, scale=isqrt(expected) / isqrt(got)) if isqrt(got) ** 2 == got else None
    if "audio" not in kinds_of(wish.names):
        return None
    found = re.search(r"of length (\d+),", complaint)
    return replace(wish, frames=int(found[1])) if found and int(found[1]) != wish.frames else None


def widths(complaint: str) -> tuple[int, int] | None:
    """Read of which width something was, and of which it was expected to be."""
    for pattern, order in (
        (r"got \[\d+, (\d+)\] X \[(\d+),", 1),
        (r"length (\d+) at -1!.*broadcastable to \[[\d, ]*?(\d+)\]", -1),
        (r"mask torch.Size\(\[1, (\d+)\]\).*indexed tensor torch.Size\(\[1, (?!.*\b\1\b)(\d+), \d+\]\)", 1),
        (r"normalized_shape=\[(\d+)\].*got input of size ?(?:torch.Size\()?\[[\d, ]*?(\d+)\]", -1),
    ):
        if found := re.search(pattern, complaint):
            was, expected = (int(found[1]), int(found[2]))[::order]
            return was, expected
    return None
