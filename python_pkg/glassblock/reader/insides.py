"""The insides of blocks: where the taps of a block are, in a recording of one call of its module."""

from __future__ import annotations

from collections.abc import Callable

from glassblock.ir import Block, Mixer
from glassblock.reader.attention.places import attention_places
from glassblock.reader.branches.place import LinearMap, Place, Places
from glassblock.reader.feedforward.moe_places import mixture_places
from glassblock.reader.feedforward.places import feed_forward_places
from glassblock.reader.mixers.places import mixer_places
from glassblock.reader.tracing.graph import Graph

Recogniser = Callable[[Graph, int, int], Places]

_OF_ROLE: dict[str, Recogniser] = {
    "attention": attention_places,
    "mlp": feed_forward_places,
    "moe": mixture_places,
    "mixer": mixer_places,
}


def places(graph: Graph, source: int, output: int, block: Block) -> Places:
    """Find the taps of a block.

    Parameters
    ----------
    graph
        The recording of a call of its module, in prefill or with a cache.
    source, output
        The value that the module was given, and the one that it returned.
    block
        What it is.

    Returns
    -------
    Places
        By name. Empty where nothing was recognised; a tap that this block has no use for is not among them. What was
        made outside of the call, such as keys that a cache holds, has no operation (``graph.producer(value) is None``).
    """
    recogniser = _OF_ROLE.get(block.role)
    return {} if recogniser is None else recogniser(graph, source, output)


def linear_map(block: Block, found: Places) -> LinearMap | None:
    """Return what goes through a mixer linearly, by its places; None where nothing that was found does."""
    if not isinstance(block.spec, Mixer):
        return None
    for v, out in (("v", "recurrence_out"), ("x", "recurrence_out"), ("conv_in", "conv_out")):
        if v == "x" and "v" in found:  # step and directions of Mamba are made of x
            continue
        if isinstance(found.get(v), Place) and isinstance(found.get(out), Place):
            return LinearMap(v, out, block.spec.heads is not None)
    return None
