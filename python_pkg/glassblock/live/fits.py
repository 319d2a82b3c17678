"""Whether interventions fit a prompt: what they say of positions and rows, before the model is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.ir import Architecture, Attention
from glassblock.live.interventions import Intervention, Interventions
from glassblock.live.kinds import Cut, Resample, cut_off
from glassblock.live.positions import Positions
from glassblock.live.targets import is_cross


def check_fits(
    architecture: Architecture, interventions: Interventions, inputs: Mapping[str, Any], room: int = 0
) -> None:
    """Refuse interventions that speak of positions or rows which a prompt does not have.

    Parameters
    ----------
    architecture
        Says which stack reads what.
    interventions
        What is to be in force.
    inputs
        The model's keyword arguments.
    room
        Tokens that are to be generated after the prompt.

    Raises
    ------
    InterventionError
        With the length of the prompt.
    """
    for item in interventions:
        ids = _ids(architecture, item, inputs)
        if ids is not None:
            _check(item, int(ids.shape[-1]) + room, len(ids.reshape(-1, ids.shape[-1])))
            if isinstance(item.kind, Cut):
                _check_cut(architecture, item, item.kind, int(ids.shape[-1]) + room)


def _ids(architecture: Architecture, item: Intervention, inputs: Mapping[str, Any]) -> Tensor | None:
    """Return the ids whose columns are an intervention's positions, None where that is not known."""
    own = item.target.in_main(architecture)
    if own and len(architecture.stacks) > 1 and "decoder_input_ids" in inputs:
        ids = inputs["decoder_input_ids"]
    elif own or (len(architecture.stacks) == 2 and "decoder_input_ids" in inputs):
        ids = inputs.get("input_ids")
    else:
        ids = None
    return ids if isinstance(ids, Tensor) else None


def _check(item: Intervention, length: int, rows: int) -> None:
    _check_within("positions", item, item.positions, length)
    if isinstance(item.kind, Resample) and item.kind.row is not None and not -rows <= item.kind.row < rows:
        raise InterventionError(
            f"expected a row of the batch to resample {item.address} from, of which there are {rows}, got row"
            f" {item.kind.row}. Run a batch that has it, or restore the intervention."
        )


def _check_cut(architecture: Architecture, item: Intervention, cut: Cut, length: int) -> None:
    _check_within("to_tokens", item, cut.to_tokens, length)
    block = item.target.block
    assert block is not None
    if is_cross(architecture, block.address):
        return
    _check_within("from_tokens", item, cut.from_tokens, length)
    causal = not isinstance(block.spec, Attention) or block.spec.causal.value
    alone = cut_off(cut, length, causal=causal)
    if alone is not None:
        raise InterventionError(
            f"expected a cut that leaves each token something to look at, but {item} leaves nothing to the one at"
            f" position {alone}. Leave it out of to_tokens, or leave it a token to look at."
        )


def _check_within(name: str, item: Intervention, positions: Positions, length: int) -> None:
    beyond = positions.reaching_beyond(length)
    if beyond:
        raise InterventionError(
            f"expected {name} of {item.address} within the {length} tokens of the prompt, got"
            f" {', '.join(map(str, beyond))}. Run a longer prompt, or restore the intervention."
        )
