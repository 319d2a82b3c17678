"""Regions: operations of a block that are one step because of what they are together.

Asked in this order, each takes what none before it took: norms, experts and their routing, the parts of an attention,
rotations, recurrences.
"""

from __future__ import annotations

from collections.abc import Callable

from glassblock.ir import Block, MixtureOfExperts
from glassblock.reader.attention.core import FUSED, attention_cores
from glassblock.reader.attention.rope import turned_by
from glassblock.reader.branches.place import Place, Places
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.inside.draft import Draft, Home, word
from glassblock.reader.operations.norms import NormSite, norm_sites
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS

Region = Callable[[Draft, Block, Places], None]

CHOICES = frozenset({"topk", "argmax", "sort", "argsort", "kthvalue"})
_SCORING = frozenset("softmax sigmoid softplus relu sqrt tanh".split())
_GLUE = frozenset("mul div add sub index_add index_add_ scatter_add sum where masked_fill zeros_like clone".split())
_TURNING = JOINS | frozenset("stack hstack neg view_as_complex view_as_real flatten mul add sub real imag".split())
_ENDS = ("recurrence_out", "state", "gate", "gate_post", "conv_in", "conv_out", "z")
_FEWEST = 3


def norms(draft: Draft, block: Block, places: Places) -> None:
    """Each normalisation is a step."""
    graph = draft.graph
    for site in norm_sites(graph).values():
        ops = graph.ops[site.first : site.last]
        if not site.path:
            ops = list(graph.cone(site.output, {site.input}, site.first).ops)
        draft.settle(Home("norm", _norm_name(site), site.path), ops)


def _norm_name(site: NormSite) -> str:
    return word(site.path) if site.path else f"{site.spec.function.value} norm"


def experts(draft: Draft, block: Block, places: Places) -> None:
    """What the routed experts do, weighted and summed, is one step, and how they are chosen another."""
    path = next((part.path for part in block.parts if part.address.endswith("experts")), "")
    if block.role != "moe" or not path or path == block.path:
        return
    graph, inside = draft.graph, f"{path}."
    work = {op.index for op in graph.ops if _within(draft, op, inside)}
    if not work:
        return
    work |= draft.above(work) & draft.below(work)
    logits = _logits(draft, block, work)
    routed = draft.below({logits.index}) if logits is not None else set()
    work |= _weighting(draft, work, routed)
    choosing = (draft.above(work) & routed) - work
    draft.settle(Home("experts", word(path), path), (graph.ops[index] for index in sorted(work)), whole=True)
    _choice(draft, block, sorted(choosing))


def _within(draft: Draft, op: Op, inside: str) -> bool:
    graph = draft.graph
    held = any(graph.values[v].name.startswith(inside) for v in op.inputs if graph.values[v].trained)
    return held or f"{graph.path_of(op)}.".startswith(inside)


def _logits(draft: Draft, block: Block, work: set[int]) -> Op | None:
    """Return the projection to one number for each expert, which experts may read or be weighed by."""
    graph, spec = draft.graph, block.spec
    total = spec.experts.value if isinstance(spec, MixtureOfExperts) else 0
    more = spec.zero_experts.value if isinstance(spec, MixtureOfExperts) and spec.zero_experts is not None else 0
    fits = [
        op
        for op in graph.ops
        if op.index not in work and graph.projection(op) is not None and draft.flows(op)
        if graph.shape(op.outputs[0])[-1] in (total, total + more)
    ]
    before = draft.above(work)
    return next((op for op in reversed(fits) if op.index in before), fits[0] if fits else None)


def _weighting(draft: Draft, work: set[int], routed: set[int]) -> set[int]:
    """Return what only weighs and adds up what experts made."""
    graph, taken = draft.graph, set(work)
    for op in graph.ops:
        if op.index in taken or op.index in draft.home or not (op.name in _GLUE or draft.moves(op)):
            continue
        made = [graph.producer(v) for v in graph.carried(op) if draft.live[v]]
        from_work = any(m is not None and m.index in taken for m in made)
        known = all(m is not None and (m.index in taken or m.index in routed) for m in made)
        if from_work and known and not any(graph.values[v].trained for v in op.inputs):
            taken.add(op.index)
    return taken - work


def _choice(draft: Draft, block: Block, between: list[int]) -> None:
    """Make steps of what is between the router's logits and the experts: a function, and the choice."""
    graph = draft.graph
    ops = [graph.ops[index] for index in between if index not in draft.home]
    chosen = [op.index for op in ops if op.name in CHOICES]
    after = draft.below(chosen) | set(chosen)
    scoring = next((op for op in ops if op.name in _SCORING and op.index not in after and chosen), None)
    if scoring is not None:
        draft.settle(Home("softmax" if scoring.name == "softmax" else "activation", scoring.name), [scoring])
    rest = [op for op in ops if op is not scoring]
    spec = block.spec
    taken = spec.top_k.value if isinstance(spec, MixtureOfExperts) else 0
    draft.settle(Home("route", f"top {taken}" if chosen else "weights"), rest, whole=True)


def attention(draft: Draft, block: Block, places: Places) -> None:
    """Scores, their softmax and what is mixed by it; one step where a kernel did all of it."""
    graph, part = draft.graph, draft.part
    cores = [*attention_cores(whole_branch(graph, part.source, part.output))]
    products = {op.index for op in graph.ops if graph.product(op) is not None}
    scored = draft.below(products) | products
    for core in cores:
        if core.op.name == FUSED:
            draft.settle(Home("mix", "scaled dot-product attention"), [core.op])
            continue
        before = _until_products(draft, core.op, scored)
        mixing = graph.producer(core.mixed)
        draft.settle(Home("softmax", "softmax"), [core.op])
        draft.settle(Home("scores", "scores"), before)
        if mixing is not None:
            draft.settle(Home("mix", "mix"), [mixing])


def _until_products(draft: Draft, softmax: Op, scored: set[int]) -> list[Op]:
    """Return what is between products of activations and the softmax, those products included."""
    graph, found = draft.graph, []
    queue, met = [*graph.carried(softmax)], set[int]()
    while queue:
        op = graph.producer(queue.pop())
        if op is None or op.index in met or op.index not in scored:
            continue
        met.add(op.index)
        found.append(op)
        if graph.product(op) is None:
            queue += graph.carried(op)
    return found


def rotations(draft: Draft, block: Block, places: Places) -> None:
    """Each rotation by angles that positions alone decide is a step, with what it leaves as it was."""
    graph = draft.graph
    for ends in _turned_together(draft):
        ops = {op.index: op for end in ends for op in _turning(draft, end)}
        starts = {origin for op in ops.values() for v in op.inputs if (origin := _start(draft, v, ops)) is not None}
        home = draft.settle(Home("rotary", "rotary"), [ops[index] for index in sorted(ops)])
        if home is None:
            continue
        for op in graph.onward([v for end in ends for v in end.outputs], draft.moves):
            whole = op.name in _TURNING - {"mul", "add", "sub"} and draft.free(op)
            origins = {_start(draft, v, {index: graph.ops[index] for index in home.ops}) for v in op.inputs}
            if whole and origins - {None} <= starts:
                home.ops.add(op.index)
                draft.home[op.index] = home


def _turned_together(draft: Draft) -> list[list[Op]]:
    """Return the additions that end rotations; those of which the results are joined are of one rotation."""
    graph = draft.graph
    ends = [op for op in graph.ops if draft.free(op) and turned_by(graph, op)]
    groups: list[list[Op]] = []
    of: dict[int, list[Op]] = {}
    for end in ends:
        joins = (op for op in graph.onward(end.outputs, draft.moves) if op.name in JOINS | {"stack", "hstack"})
        join = next(joins, None)
        key = -end.index - 1 if join is None else join.index
        if key not in of:
            of[key] = []
            groups.append(of[key])
        of[key].append(end)
    return groups


def _turning(draft: Draft, end: Op) -> list[Op]:
    """Return what makes a rotated value of an activation."""
    graph, found, queue, met = draft.graph, [end], [*end.inputs], set[int]()
    while queue:
        op = graph.producer(queue.pop())
        if op is None or op.index in met or not draft.flows(op):
            continue
        met.add(op.index)
        if draft.moves(op):
            queue += graph.carried(op)
        elif draft.free(op) and op.name in _TURNING and not (op.name in ("add", "sub") or graph.product(op)):
            if op.name == "mul" and sum(draft.live[v] for v in op.inputs) > 1:
                continue
            found.append(op)
            queue += graph.carried(op)
    return found


def _start(draft: Draft, value: int, ops: dict[int, Op]) -> int | None:
    """Return the value that another one was cut out of or laid out from; None within some operations."""
    *_, last = draft.back(value)
    op = draft.graph.producer(last)
    inside = op is not None and op.index in ops
    return None if inside or not draft.live[value] else last


def recurrences(draft: Draft, block: Block, places: Places) -> None:
    """What is between the taps that go into a state and what comes out of it is one step."""
    out = places.get("recurrence_out")
    if block.role != "mixer" or not isinstance(out, Place):
        return
    graph = draft.graph
    stepped = isinstance(places.get("dt"), Place)
    names = [n for n in places if n not in _ENDS and not n.endswith(("_logit", "_conv_in"))]
    names = [n for n in names if not (n == "log_decay" and stepped)]
    stops: set[int] = set()
    for name in names:
        place = places[name]
        if isinstance(place, Place):
            stops |= {place.value, graph.same(place.value)}
    region = graph.cone(out.value, stops, at=lambda op: op.index in draft.home or graph.projection(op) is not None)
    work = [op for op in region.ops if draft.free(op)]
    if len(work) >= _FEWEST:
        kept = isinstance(places.get("state"), Place)
        home = Home("recurrence", "recurrence") if kept else Home("mix", "mix")
        draft.settle(home, region.ops, whole=True)


REGIONS: tuple[Region, ...] = (norms, experts, attention, rotations, recurrences)
