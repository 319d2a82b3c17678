"""Addresses: the short names of blocks.

``[stack.]L<layer>[.<part>[.<sub>]]`` or the name of a block outside the layers (``embed``, ``unembed``).
The grammar is here and nowhere else; whether an address exists is the Architecture's to say.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATTERN = re.compile(
    r"^(?:(?P<stack>[a-z][a-z0-9_]*)\.)?L(?P<layer>\d+)"
    r"(?:\.(?P<part>[a-z][a-z0-9_]*)(?:\.(?P<sub>[a-z][a-z0-9_]*|(?:H|KV|E|N)\d+))?)?$"
)
_SUB = re.compile(r"^(H|KV|E|N)(\d+)$")
_OUTSIDE = re.compile(r"^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?$")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address.

    Attributes
    ----------
    stack
        Name of the stack, empty for a decoder-only model.
    layer
        Index of the layer, None for a block outside the layers.
    part
        The block within the layer (``attn``), or the name of a block outside the layers.
    sub
        What lies within the block: ``H3``, ``E17``, ``shared``. Empty for the block itself.
    """

    stack: str
    layer: int | None
    part: str
    sub: str

    @property
    def block(self) -> str:
        """The address without its sub-part."""
        return str(Address(self.stack, self.layer, self.part, ""))

    @property
    def indexed(self) -> tuple[str, int] | None:
        """The sub-part as a kind and an index, ``("H", 3)``; None where it is no such thing."""
        match = _SUB.match(self.sub)
        return (match[1], int(match[2])) if match else None

    def __str__(self) -> str:
        """Return the address as people write it."""
        layer = "" if self.layer is None else f"L{self.layer}"
        return ".".join(word for word in (self.stack, layer, self.part, self.sub) if word)


def parse(text: str) -> Address | None:
    """Parse an address.

    Parameters
    ----------
    text
        For example ``L3.attn.H7``, ``enc.L0.mlp``, ``embed``.

    Returns
    -------
    Address or None
        None where the text does not follow the grammar, a module path for example.
    """
    match = _PATTERN.match(text)
    if match:
        return Address(match["stack"] or "", int(match["layer"]), match["part"] or "", match["sub"] or "")
    if _OUTSIDE.match(text):
        stack, _, part = text.rpartition(".")
        return Address(stack, None, part, "")
    return None


def nearest(text: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Return the known addresses that look most like the text, best first.

    Parameters
    ----------
    text
        What was asked for.
    known
        What exists.
    n
        How many to return at most.
    """
    by_lower = {name.lower(): name for name in known}
    return [by_lower[hit] for hit in difflib.get_close_matches(text.lower(), by_lower, n=n, cutoff=0.4)]
