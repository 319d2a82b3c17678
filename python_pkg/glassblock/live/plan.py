"""A plan: interventions, looked up by tap, so that a hook asks one dictionary and does no thinking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.ir import Architecture, parse
from glassblock.live.edits import split_heads
from glassblock.live.interventions import Intervention, Interventions
from glassblock.live.means import Means


@dataclass(frozen=True, slots=True)
class Plan:
    """What to put where. A value of None stands for zeros, a tensor (channels,) for a mean.

    Attributes
    ----------
    outputs
        By address of a block, or of an expert that is a module.
    heads
        By address of a block, then by head.
    experts
        By address of a block: routed experts whose weight becomes zero.
    expert_means
        By address of a block, then by expert: what it answers instead of its output.
    """

    outputs: Mapping[str, Tensor | None] = field(default_factory=dict)
    heads: Mapping[str, Mapping[int, Tensor | None]] = field(default_factory=dict)
    experts: Mapping[str, set[int]] = field(default_factory=dict)
    expert_means: Mapping[str, Mapping[int, Tensor]] = field(default_factory=dict)


def plan(architecture: Architecture, interventions: Interventions, means: Means | None) -> Plan:
    """Prepare a set of interventions.

    Raises
    ------
    InterventionError
        If a mean is asked for that was not taken: no reference prompt reached that part.
    """
    outputs: dict[str, Tensor | None] = {}
    heads: dict[str, dict[int, Tensor | None]] = defaultdict(dict)
    experts: dict[str, set[int]] = defaultdict(set)
    expert_means: dict[str, dict[int, Tensor]] = defaultdict(dict)
    for item in interventions:
        where = parse(item.address)
        assert where is not None
        if where.layer is not None and not where.part:
            layer = next(layer for layer in architecture.layers() if layer.address == item.address)
            for branch in layer.branches:
                outputs[branch.block] = _mean(item, branch.block, means)
        elif where.indexed is None:
            outputs[item.address] = _mean(item, item.address, means)
        elif where.indexed[0] == "H":
            mean = _mean(item, f"{where.block}.z", means)
            count = architecture.block(where.block).heads
            heads[where.block][where.indexed[1]] = None if mean is None else split_heads(mean, count)[where.indexed[1]]
        elif architecture.block(where.block).port("experts") is None:
            outputs[item.address] = _mean(item, item.address, means)
        else:
            experts[where.block].add(where.indexed[1])
            mean = _mean(item, item.address, means)
            if mean is not None:
                expert_means[where.block][where.indexed[1]] = mean
    return Plan(outputs, heads, experts, expert_means)


def _mean(item: Intervention, key: str, means: Means | None) -> Tensor | None:
    if item.how == "zero":
        return None
    if means is None or key not in means:
        raise InterventionError(
            f"expected reference prompts that reach {item.address}, got none, so it has no mean."
            " Pass more reference prompts to attach(..., reference=[...]), or use how='zero'."
        )
    return means.of(key)
