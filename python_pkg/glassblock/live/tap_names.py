"""Names of taps: an address and what of it is meant, or the name that TransformerLens gives the same thing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from torch import Tensor

from glassblock.errors import TapError
from glassblock.ir import Architecture, Block
from glassblock.live.inside import Inside

ATTENTION_TAPS = ("q", "k", "q_rot", "k_rot", "v", "scores", "pattern", "z")

TRANSFORMER_LENS = {
    "hook_q": "q",
    "hook_k": "k",
    "hook_rot_q": "q_rot",
    "hook_rot_k": "k_rot",
    "hook_v": "v",
    "hook_attn_scores": "scores",
    "hook_pattern": "pattern",
    "hook_z": "z",
}
"""TransformerLens's names within ``blocks.3.attn``, and ours."""
_THEIRS = re.compile(r"blocks\.(\d+)\.attn\.(\w+)")


def tap_of(architecture: Architecture, name: str) -> tuple[Block, str]:
    """Return the block and the tap that a name means.

    Parameters
    ----------
    architecture
        What the model is.
    name
        ``L3.attn.pattern``, or ``blocks.3.attn.hook_pattern`` for the first attention of layer 3 of the main stack.

    Raises
    ------
    TapError
        If it is no tap, with the nearest one, or the block cannot offer it, with the reason.
    AddressError
        If the block is nothing in this model.
    """
    theirs = _THEIRS.fullmatch(name)
    if theirs is not None:
        address, tap = _attention_of(architecture, int(theirs[1]), name), TRANSFORMER_LENS.get(theirs[2], theirs[2])
    else:
        address, _, tap = name.rpartition(".")
    if tap not in ATTENTION_TAPS:
        known = [*ATTENTION_TAPS, *TRANSFORMER_LENS]
        near = difflib.get_close_matches(tap, known, 1)
        hint = f" Nearest: {near[0]}." if near else ""
        raise TapError(f"expected a tap of an attention ({', '.join(ATTENTION_TAPS)}), got {name!r}.{hint}")
    block = architecture.block(address)
    if block.role != "attention":
        raise TapError(f"expected an attention, got {name!r}: {block.address} is a block of the kind {block.role}.")
    if not block.path:
        raise TapError(f"{block.address} is not the work of a module of its own, so its inside cannot be watched.")
    return block, tap


def read_inside(
    inside: Inside, architecture: Architecture, names: Iterable[str], run: Callable[[], None]
) -> dict[str, Tensor]:
    """Return what names mean, from one pass.

    Parameters
    ----------
    inside
        The insides of the model's blocks.
    architecture
        What it is.
    names
        As for `tap_of`.
    run
        Makes the pass, in this thread.

    Raises
    ------
    TapError, AddressError
        As for `tap_of`; or if what was asked for was not to be seen in the pass.
    """
    asked = {name: tap_of(architecture, name) for name in names}
    wanted: dict[str, set[str]] = {}
    for block, tap in asked.values():
        wanted.setdefault(block.address, set()).add(tap)
    with inside.reading(wanted) as found:
        run()
    for address in wanted:
        if address in found.errors:
            raise TapError(f"{address} offers no such tap: {found.errors[address]}.")
        if not any(seen == address for seen, _ in found.tensors):
            raise TapError(f"{address} did not run on this prompt.")
    return {name: found.tensors[block.address, tap] for name, (block, tap) in asked.items()}


def _attention_of(architecture: Architecture, layer: int, name: str) -> str:
    stack = architecture.stacks[-1]
    if layer >= stack.n_layers:
        raise TapError(f"expected a layer below {stack.n_layers}, got {name!r}.")
    blocks = stack.layer(layer).blocks
    found = next((block.address for block in blocks if block.role == "attention"), None)
    if found is None:
        raise TapError(f"expected a layer with an attention, got {name!r}: layer {layer} has none.")
    return found
