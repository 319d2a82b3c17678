"""Edges between stacks: cross-attention from an encoder, a projector from one tower to another.

Edges within a layer are its `Branch`es, and from layer to layer there is the stream. What is left is what
connects one stream with another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glassblock.ir.block import Block
from glassblock.ir.facts import Source
from glassblock.ir.inside import Shape

EdgeKind = Literal["cross-attention", "stream", "merge"]


@dataclass(frozen=True, slots=True)
class Edge:
    """What goes from one stack into another.

    Attributes
    ----------
    source
        Name of the stack it comes from.
    target
        Name of the stack it goes to.
    kind
        ``cross-attention``: its layers look at it (`Branch.context` says which ones). ``stream``: it becomes the
        stream. ``merge``: it takes the place of some of the tokens, joins them or is added to them.
    via
        Blocks on the way: a projector, a pooler.
    shape
        Shape of what arrives.
    evidence
        Whether this was seen in the forward pass or assumed.
    leaves
        Indices of the layers of the source whose outputs it is made of: the last one's, an earlier one's, or those of
        several that are joined. Empty where that was not seen.
    enters
        Indices of the layers of the target before which it joins their stream. Empty where it is below the first one,
        or is looked at.
    """

    source: str
    target: str
    kind: EdgeKind
    via: tuple[Block, ...] = ()
    shape: Shape = ()
    evidence: Source = "observed"
    leaves: tuple[int, ...] = ()
    enters: tuple[int, ...] = ()
