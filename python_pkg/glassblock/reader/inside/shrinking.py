"""Fewer steps where there are more than a person takes in: unknown scans and modules within the block are one each."""

from __future__ import annotations

from glassblock.ir import Block
from glassblock.reader.inside.draft import Draft, Home, word
from glassblock.reader.inside.folding import in_order

MOST = 30
"""Steps that a person takes in."""
_ANCHORS = ("linear", "norm", "rotary", "scores", "softmax", "convolution", "recurrence", "route", "experts")
_FEWEST = 4
"""Steps of a module that is worth being one."""


def scans(draft: Draft, block: Block) -> None:
    """Let what a mixer does once for each token, after the same matrices, be one step."""
    if block.role != "mixer" or len(draft.homes) <= MOST:
        return
    for group in _after_the_same(draft):
        work = [index for home in group for index in home.ops if not draft.moves(draft.graph.ops[index])]
        if len(work) > 2 * draft.graph.recording.tokens:
            _one(draft, group, "recurrence", "recurrence")


def parts(draft: Draft, block: Block) -> None:
    """Let modules that do a part of the block's work be one step each, the largest first."""
    graph = draft.graph
    while len(draft.homes) > MOST:
        inside = {
            call.index: [home for home in draft.homes if home.ops <= set(range(call.first, call.last))]
            for call in graph.calls[1:]
        }
        fits = {index: homes for index, homes in inside.items() if _FEWEST <= len(homes) < len(draft.homes) / 2}
        if not fits:
            return
        index = max(fits, key=lambda index: len(fits[index]))
        path = graph.calls[index].path
        _one(draft, fits[index], "other", word(path), path)


def rest(draft: Draft, block: Block) -> None:
    """Let neighbours that come after the same matrices be one."""
    if len(draft.homes) > MOST:
        for group in _after_the_same(draft):
            last = group[-1]
            _one(draft, group, "other", last.name)


def _one(draft: Draft, group: list[Home], op: str, name: str, path: str = "") -> None:
    first, *others = group
    for other in others:
        draft.join(other, first)
    first.op, first.name, first.path = op, name, path  # type: ignore[assignment]  # a kind of step


def _after_the_same(draft: Draft) -> list[list[Home]]:
    """Return steps that hand to each other and depend on the same matrices; of the others none."""
    made: dict[int, frozenset[int]] = {}
    behind: dict[int, frozenset[int]] = {}
    group: dict[int, list[Home]] = {}
    for home in in_order(draft):
        before = draft.before(home)
        above = frozenset[int]().union(*(made[key] for key in before))
        behind[id(home)] = above
        made[id(home)] = above | {id(home)} if home.op in _ANCHORS else above
        if home.op in _ANCHORS:
            continue
        joined = [home]
        for key in before & group.keys():
            if behind[key] == above and group[key] is not joined:
                joined += [other for other in group[key] if other not in joined]
        for other in joined:
            group[id(other)] = joined
    found = {id(one): one for one in group.values() if len(one) > 1}
    return [sorted(one, key=lambda home: home.first) for one in found.values()]
