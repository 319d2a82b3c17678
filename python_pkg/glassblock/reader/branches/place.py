"""Places: which tensor of a recording is a tap, and how it is looked at in the shape that the docs give.

A recogniser of insides says, for one recorded call of a block's module, where each tap of that block is. The live
engine reads there and writes there, in later calls of the same kind; it needs to know nothing else about the block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

View = Callable[[Tensor], Tensor]
"""Looks at a tensor in another shape: transposes, splits and slices. It never copies, so it can be written through, and
it knows no batch and no number of tokens or keys: ``x.unflatten(0, (-1, heads))``, since the next call has others."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tap that is a tensor of the recording, or a part of one.

    Attributes
    ----------
    value
        Its number in the recording.
    view
        From the tensor as the model has it to the tap in its documented shape.
    also
        Views of the same numbers where the tensor has them more than once (keys that were repeated for each query
        before they were kept): an edit is written there too.
    again
        Further values with the same numbers, made once more: an edit is written there too.
    """

    value: int
    view: View
    also: tuple[View, ...] = ()
    again: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A tap that this block has in principle and does not offer.

    Attributes
    ----------
    reason
        Why, as the rest of the sentence "L3.attn offers no such tap: …".
    """

    reason: str


Places = dict[str, Place | Missing]
"""By name of the tap: ``q``, ``beta``, ``router_logits``."""


@dataclass(frozen=True, slots=True)
class LinearMap:
    """What goes through a mixer linearly: ``out`` is a map of ``v``, plus what does not depend on ``v``.

    Attributes
    ----------
    v, out
        Names of taps. Nothing else that the map is made of depends on ``v`` at its place.
    shared
        Whether all channels of a head have the same map from tokens to tokens; else each channel has its own.
    """

    v: str
    out: str
    shared: bool
