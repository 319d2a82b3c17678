"""Fewer steps: what only scales goes to its neighbour, a sum of sums is one, cuts that lead apart are shown."""

from __future__ import annotations

from glassblock.reader.inside.draft import CUTS, Draft, Home
from glassblock.reader.inside.singles import weak
from glassblock.reader.tracing.record import Op

_SEVERAL = 2
_TAKES_NOTHING = ("experts", "route")


def cuts(draft: Draft) -> None:
    """Let a cut of one value into pieces be a step."""
    graph = draft.graph
    groups: dict[int, list[Op]] = {}
    for op in graph.ops:
        if op.index not in draft.home and op.name in CUTS and draft.flows(op) and draft.moves(op):
            moved = next(v for v in graph.carried(op) if draft.live[v])
            if graph.size(op.outputs[0]) < graph.size(moved):
                groups.setdefault(_root(draft, moved), []).append(op)
    for ops in reversed(groups.values()):
        pieces = [v for op in ops for v in op.outputs if graph.consumers[v] or v == draft.part.output]
        if len(pieces) > 1:
            home = Home("split", "split", ops={op.index for op in ops})
            draft.homes.append(home)
            draft.home.update(dict.fromkeys(home.ops, home))
            reached = [tuple(sorted({id(h) for h in draft.readers([v])})) for v in pieces]
            named = sum(graph.same(v) in draft.tapped for v in pieces)
            if max(named, len({one for one in reached if one})) < _SEVERAL:
                draft.leave(home)


def _root(draft: Draft, value: int) -> int:
    graph = draft.graph
    while (before := graph.behind(value)) is not None:
        op = graph.producer(value)
        if op is None or op.index in draft.home:
            break
        value = before
    return value


def fold(draft: Draft) -> None:
    """Let what only scales or shifts be part of the one step that reads it, or else of the one that made it."""
    for home in sorted(draft.homes, key=lambda home: -home.first):
        if not weak(draft, home):
            continue
        made = draft.made(home)
        if any(draft.graph.same(v) in draft.tapped for v in made):
            continue
        readers = {id(reader): reader for reader in draft.readers(made)}
        ends = draft.part.output in {same for v in made for same in _onward(draft, v)}
        reader = next(iter(readers.values()), None)
        if len(readers) == 1 and not ends and reader is not None and reader.op not in _TAKES_NOTHING:
            draft.join(home, reader)
            continue
        maker = _only_maker(draft, home)
        if maker is not None and maker.op not in (*_TAKES_NOTHING, "split"):
            draft.join(home, maker)


def _onward(draft: Draft, value: int) -> set[int]:
    return {value, *(v for op in draft.graph.onward([value], draft.moves) if draft.moves(op) for v in op.outputs)}


def _only_maker(draft: Draft, home: Home) -> Home | None:
    """Return the step whose result goes into this one and nowhere else."""
    makers = {
        id(maker): maker for v in draft.inputs(home) for maker, made in draft.makers(v) if maker and draft.live[made]
    }
    if len(makers) != 1:
        return None
    maker = next(iter(makers.values()))
    return maker if all(reader is home for reader in draft.readers(draft.made(maker))) else None


def sums(draft: Draft) -> None:
    """Let a sum or a join that goes into another one alone be part of it."""
    for home in sorted(draft.homes, key=lambda home: -home.first):
        if home.op not in ("add", "join"):
            continue
        readers = {id(reader): reader for reader in draft.readers(draft.made(home))}
        reader = next(iter(readers.values()), None)
        if (
            len(readers) == 1
            and reader is not None
            and reader.op == home.op
            and draft.part.output not in draft.made(home)
        ):
            draft.join(home, reader)


def alike(draft: Draft) -> None:
    """Let products with parts of one matrix, that read and make the same, be one step: one for each expert."""
    groups: dict[tuple[object, ...], list[Home]] = {}
    for home in draft.homes:
        if home.op == "linear":
            readers = frozenset(map(id, draft.readers(draft.made(home))))
            groups.setdefault((home.name, home.path, frozenset(draft.before(home)), readers), []).append(home)
    for first, *others in groups.values():
        for other in others:
            draft.join(other, first)


def untangle(draft: Draft) -> None:
    """Let steps that need each other be one: a step is something that runs at once."""
    while tangle := _tangle(draft):
        kept = next((home for home in tangle if home.op in ("recurrence", "experts")), tangle[0])
        for home in tangle:
            if home is not kept:
                draft.join(home, kept)


def _tangle(draft: Draft) -> list[Home]:
    """Return steps that depend on each other, in the order in which they ran; none where there is no circle."""
    before = {id(home): draft.before(home) for home in draft.homes}
    waiting = set(before)
    while ready := {key for key in waiting if before[key].isdisjoint(waiting)}:
        waiting -= ready
    above = {key: _above(before, key) & waiting for key in waiting}
    circle = next((key for key in sorted(waiting, key=[*before].index) if key in above[key]), None)
    if circle is None:
        return []
    found = [home for home in draft.homes if id(home) in above[circle] and circle in above[id(home)]]
    return sorted(found, key=lambda home: home.first)


def _above(before: dict[int, set[int]], key: int) -> set[int]:
    found, queue = set[int](), [key]
    while queue:
        new = before[queue.pop()] - found
        found |= new
        queue += new
    return found


def in_order(draft: Draft) -> list[Home]:
    """Return the steps in an order in which each comes after those that it reads, otherwise as they ran."""
    waiting = sorted(draft.homes, key=lambda home: max(home.ops))
    before = {id(home): draft.before(home) for home in waiting}
    done: set[int] = set()
    found: list[Home] = []
    while waiting:
        ready = next((home for home in waiting if before[id(home)] <= done), waiting[0])
        waiting.remove(ready)
        found.append(ready)
        done.add(id(ready))
    return found
