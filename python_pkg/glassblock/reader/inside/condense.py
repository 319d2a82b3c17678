"""From the operations of a block to steps and wires.

First regions are found that are one step because of what they are together, then everything else becomes a step of its
own; what only scales or shifts goes to its neighbour, and steps that need each other are made one. So the graph has no
circle whatever the recording was.
"""

from __future__ import annotations

import torch

from glassblock.ir import Block, Inside
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Place, Places
from glassblock.reader.inside.draft import Draft
from glassblock.reader.inside.folding import alike, cuts, fold, sums, untangle
from glassblock.reader.inside.part import part_of
from glassblock.reader.inside.regions import REGIONS
from glassblock.reader.inside.shrinking import parts, rest, scans
from glassblock.reader.inside.singles import functions, modules, singles
from glassblock.reader.inside.written import Writer
from glassblock.reader.insides import places

_UNKNOWN = (LookupError, ValueError, TypeError, AttributeError, AssertionError)


def inside_of(cut: Branch, block: Block, held: frozenset[int]) -> Inside | None:
    """Condense the operations of a block.

    Parameters
    ----------
    cut
        The branch.
    block
        What it was recognised as.
    held
        Identities of the parameters that are counted in it.

    Returns
    -------
    Inside or None
        None where it was not understood, or where nothing flows from what it reads to what it makes.
    """
    try:
        return _condensed(cut, block, held)
    except _UNKNOWN:
        return None  # one block that is not understood must not cost the whole diagram


def _condensed(cut: Branch, block: Block, held: frozenset[int]) -> Inside | None:
    source = cut.pre_norm.output if cut.pre_norm is not None else cut.read
    draft = Draft(part_of(cut, source))
    taps = _taps(draft, block)
    _tap(draft, taps)
    for region in REGIONS:
        region(draft, block, taps)
    for step in (modules, functions, singles, cuts, fold, sums, alike, untangle):
        step(draft)
    for fewer in (scans, parts, rest):
        fewer(draft, block)
        untangle(draft)
    return Writer(draft, cut, block, held).inside()


def _tap(draft: Draft, taps: Places) -> None:
    """Note which values are taps, and of which a tap is a part only."""
    for name, place in taps.items():
        if isinstance(place, Place):
            draft.tapped.setdefault(draft.graph.same(place.value), []).append(name)
            if _is_part(place, torch.empty(draft.graph.shape(place.value), device="meta")):
                draft.partly.add(name)


def _is_part(place: Place, whole: torch.Tensor) -> bool:
    """Whether a tap has fewer numbers than the tensor that it is seen in; one that cannot be looked at has all."""
    try:
        return place.view(whole).numel() < whole.numel()
    except (RuntimeError, IndexError):
        return False


def _taps(draft: Draft, block: Block) -> Places:
    """Find the taps of a block in its recording; none where its recogniser does not know this form."""
    part = draft.part
    try:
        return places(part.graph, part.source, part.output, block)
    except _UNKNOWN:
        return {}
