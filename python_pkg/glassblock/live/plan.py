"""A plan: interventions, looked up by tap, so that a hook asks one dictionary and does no thinking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.ir import Architecture, Block
from glassblock.live.edits import Edit, Moment, Part
from glassblock.live.expert_edits import ExpertEdits
from glassblock.live.interventions import Intervention, Interventions
from glassblock.live.kinds import Cut, Supply, Want, Zero
from glassblock.live.materials import Materials, Need
from glassblock.live.targets import Target, is_cross


class Change(Protocol):
    """What is called with a tensor at a tap, in its documented shape, and returns what shall stand in its place."""

    def __call__(self, x: Tensor, moment: Moment) -> Tensor:
        """Return the tensor changed, or the same object."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do where. Edits of one tap stand in the order in which they are to act.

    Attributes
    ----------
    taps
        By the key of a tap at a port: a block's address for its output (of an expert that is a module, likewise), with
        ``.z`` for its heads, (batch, tokens, heads, channels), a layer's with `` stream`` for the stream after it and
        with `` in`` for what it is given.
    experts
        By address of a block: what is done to its stacked experts.
    inside
        By address of a block, then by the name of a tap inside of it, as in docs/taps.md and in the shape stated there.
    skipped
        Keys of the taps at which the stream that a skipped layer is given has to be kept.
    """

    taps: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)
    experts: Mapping[str, tuple[ExpertEdits, ...]] = field(default_factory=dict)
    inside: Mapping[str, Mapping[str, tuple[Change, ...]]] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Site:
    """One place at which an intervention edits a tensor.

    Attributes
    ----------
    key
        Of the tap, or of the expert.
    block
        Address of the block.
    tap
        Name of a tap inside the block, or ``expert`` for one of its stacked experts; empty at a port.
    part
        To which part of the tensor.
    groups
        Into how many equal parts the channels of the values at this key are divided; 1 where there is no part.
    """

    key: str
    block: str = ""
    tap: str = ""
    part: Part | None = None
    groups: int = 1

    @property
    def inside(self) -> bool:
        """Whether it is at no port."""
        return self.tap not in ("", "expert")


def plan(architecture: Architecture, interventions: Interventions, materials: Materials) -> Plan:
    """Prepare a set of interventions.

    Raises
    ------
    InterventionError
        If values are asked for that are not there: no reference prompt reached that part.
    """
    taps: dict[str, list[Edit]] = defaultdict(list)
    inside: dict[str, dict[str, list[Edit]]] = defaultdict(lambda: defaultdict(list))
    experts: dict[str, dict[int, list[Edit]]] = defaultdict(lambda: defaultdict(list))
    for item in interventions:
        for site in sites(item):
            edit = _edit(architecture, item, site, materials)
            if site.tap == "expert":
                experts[site.block][item.target.index].append(edit)
            elif site.tap:
                inside[site.block][site.tap].append(edit)
            else:
                taps[site.key].append(edit)
    return Plan(
        taps={key: tuple(edits) for key, edits in taps.items()},
        experts={block: tuple(_expert(at, edits) for at, edits in of.items()) for block, of in experts.items()},
        inside={block: {tap: tuple(edits) for tap, edits in of.items()} for block, of in inside.items()},
        skipped=frozenset(f"{item.address} entry" for item in interventions if item.how == "skip"),
    )


def _expert(expert: int, edits: list[Edit]) -> ExpertEdits:
    return ExpertEdits(expert, tuple(edits), renormalise=any(edit.kind == Zero(renormalise=True) for edit in edits))


def _edit(architecture: Architecture, item: Intervention, site: Site, materials: Materials) -> Edit:
    want = item.kind.want
    return Edit(
        item.kind,
        item.address,
        item.positions,
        site.part,
        "weights" if isinstance(item.kind, Cut) else item.target.along or "tokens",
        None if want is None else _supply(item, site, materials, want),
        cached=item.target.in_main(architecture),
        crossed=bool(site.tap) and is_cross(architecture, site.block),
    )


def _supply(item: Intervention, site: Site, materials: Materials, want: Want) -> Supply:
    found = materials.supply(want, site.key)
    if found is None:
        raise InterventionError(
            f"expected reference prompts that reach {item.address}, got none, so it has no {item.how}."
            " Pass more reference prompts to attach(..., reference=[...]), or use how='zero'."
            if want.of in ("mean", "means")
            else f"expected a run that reaches {item.address}, got none, so there is nothing to {item.how} it with."
        )
    return found if site.part is None else found.part(site.groups, site.part.start, site.part.length)


def sites(item: Intervention) -> Iterator[Site]:
    """Go through the places at which an intervention edits tensors."""
    target = item.target
    if target.kind == "layer":
        assert target.layer is not None
        if item.how in ("skip", "add", "noise"):
            yield Site(f"{target.address} stream")
        else:
            yield from (Site(branch.block) for branch in target.layer.branches)
        return
    block = target.block
    if block is None:
        assert target.layer is not None
        yield Site(f"{target.layer.address} {'stream' if target.tap == 'out' else 'in'}")
        return
    if isinstance(item.kind, Cut):
        yield Site(f"{block.address}.scores", block.address, "scores", _heads(block, target))
    elif target.kind in ("head", "kv"):
        yield Site(f"{block.address}.z", part=_heads(block, target), groups=block.heads)
    elif target.kind == "neuron":
        part = Part(2, target.index)
        yield Site(f"{block.address}.post", block.address, "post", part, block.neurons)
    elif target.kind == "expert":
        yield Site(target.address, block.address, "expert" if block.port("experts") else "")
    elif target.kind == "tap" and not target.port:
        yield Site(target.address, block.address, target.tap)
    else:
        yield Site(target.address if target.tap == "z" else block.address)


def _heads(block: Block, target: Target) -> Part | None:
    if target.kind == "kv":
        group = block.heads // block.kv_heads
        return Part(2, target.index * group, group)
    return Part(2, target.index) if target.kind == "head" else None


def insides(interventions: Interventions) -> dict[tuple[str, str], list[Intervention]]:
    """Return the interventions that edit taps inside of blocks, by the block's address and the tap's name."""
    found: dict[tuple[str, str], list[Intervention]] = defaultdict(list)
    for item in interventions:
        for site in sites(item):
            if site.inside:
                found[site.block, site.tap].append(item)
    return dict(found)


def needs(interventions: Interventions) -> dict[Need, set[str]]:
    """Return which values interventions need of other passes: for each need the keys of the taps."""
    found: dict[Need, set[str]] = defaultdict(set)
    for item in interventions:
        if item.kind.want is not None:
            for site in sites(item):
                found[Need(item.kind.want, site.inside)].add(site.key)
    return dict(found)
