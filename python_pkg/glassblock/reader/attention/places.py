"""Where the taps of an attention are, in a recording of one call of its module.

Tensors are looked at as (batch, tokens, heads, channels), scores and pattern as (batch, heads, tokens, keys), what is
not yet split into heads as (batch, tokens, channels).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import torch

from glassblock.reader.attention.axes import BATCH, CHANNELS, HEADS, TOKENS, count, in_product, look, pieces
from glassblock.reader.attention.gates import gate_of
from glassblock.reader.attention.latents import Latent, latent_values
from glassblock.reader.attention.values import AttentionValues, values_of
from glassblock.reader.attention.ways import Counted, Way, same_behind, same_onward, way_of
from glassblock.reader.attention.written import in_letters
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Missing, Place, Places, View
from glassblock.reader.branches.recognise import output_projection
from glassblock.reader.branches.trail import trail
from glassblock.reader.branches.views import as_it_is, cut, heads_first, in_heads, then, tokens_first
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.operations.norms import NormSite, norm_sites
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Shape

KEPT = Missing("its kernel keeps scores and pattern to itself")
"""They can be computed from what the kernel is given."""
_LAID_OUT = Missing("its heads lie in no order that can be looked at without a copy")
_BY_PARTS = "its {} is not made by one projection, for all heads"
_BEFORE = "its {} was made in an earlier pass, and kept"
_IN_PARTS = Missing("its values are weighed in several parts, one after the other")
_SEVERAL = Missing("it has several softmaxes, of different scores")
_AT_ODDS = Missing("how its heads and tokens lie in it was not understood")
_TURNS = ("transpose", "permute", "swapaxes", "movedim")
_BY_HEAD, _BY_TOKEN = 4, 3
"""Dimensions: text, head, token, channel; or text, token, channel."""


def attention_places(graph: Graph, source: int, output: int) -> Places:
    """Find the taps of an attention.

    Parameters
    ----------
    graph
        The recording of its module.
    source, output
        The value that the module was given, and the one that it returned.

    Returns
    -------
    Places
        Empty where no softmax over tokens was seen.
    """
    branch = whole_branch(graph, source, output)
    values = values_of(branch)
    if values is None:
        return {}
    at = _Look(branch, values)
    found = {**at.heads(), **at.weights(), **at.normed(), **at.gate(), **at.latents()}
    return _agreeing(graph, found, at.sizes)


class _Look:
    """One attention, looked at."""

    def __init__(self, branch: Branch, values: AttentionValues) -> None:
        self.branch, self.values, self.graph = branch, values, branch.graph
        shape = self.graph.shape(branch.read)
        tokens = prod(shape[1:-1] if len(shape) > 2 else shape[:1])  # an image's lie in rows and columns
        self.q, self.z = (self._counted(value, tokens) for value in (values.q, values.mixed))
        self.k, self.v = self._counted(values.k, turned=not values.kernels), self._counted(values.v)
        self.ways = {name: way_of(branch, *each) for name, each in (("q", self.q), ("k", self.k)) if each is not None}
        letters = in_letters(self.graph, values.q, values.v)  # with which tokens may come before texts
        self.sizes = {BATCH: branch.batch, TOKENS: tokens}
        if letters is not None:
            self.sizes = {what: count(letters, what) for what in self.sizes}

    def _counted(self, value: int, tokens: int | None = None, *, turned: bool = False) -> Counted | None:
        axes = in_letters(self.graph, value, self.values.v)
        axes = axes or in_product(self.graph.shape(value), self.branch.batch, tokens, turned=turned)
        return None if axes is None else (value, axes)

    def heads(self) -> Places:
        """Queries, keys, values and what is made of them."""
        graph, parts = self.graph, self.values.parts > 1
        q, k, v = (
            _best(same_behind(graph, *each), shared=parts) if each else None for each in (self.q, self.k, self.v)
        )
        z = _best(same_onward(graph, *self.z)) if self.z else None
        return {
            "q": self._made("q"),
            "k": self._made("k"),
            "q_rot": _SEVERAL if self.values.several else _place(q),
            "k_rot": _SEVERAL if self.values.several else self._once(k),
            "v": _IN_PARTS if parts else self._once(v),
            "z": _IN_PARTS if parts else _place(z),
        }

    def weights(self) -> Places:
        """Scores and pattern."""
        scores, pattern = self.values.scores, self.values.pattern
        if self.values.kernels or scores is None or pattern is None:
            missing = KEPT if self.values.kernels else Missing("what its values are weighed by was not seen")
            return {"scores": missing, "pattern": missing}
        if self.values.several:
            return dict.fromkeys(("scores", "pattern"), _SEVERAL)
        keys = [self.graph.shape(v)[-1] for v in (scores, pattern)]
        views = [heads_first(self.graph.shape(v), self.branch.batch) for v in (scores, pattern)]
        again = [tuple(v for v in made if v is not None) for made in zip(*self.values.again, strict=True)] or [(), ()]
        # A sink among the scores has no key.
        sinks = cut(keys[1] - keys[0]) if keys[0] > keys[1] else as_it_is
        return {
            "scores": _LAID_OUT if views[0] is None else Place(scores, then(views[0], sinks), again=again[0]),
            "pattern": _LAID_OUT if views[1] is None else Place(pattern, views[1], again=again[1]),
        }

    def normed(self) -> Places:
        """Queries and keys right after a norm over each of them."""
        norms, places = norm_sites(self.graph), dict[str, Place | Missing]()
        for name, way in self.ways.items():
            site = _norm_on(way, norms)
            if site is not None:
                axes = way.values.get(site.output)
                places[f"{name}_normed"] = _place(None if axes is None else (site.output, axes))
        return places

    def gate(self) -> Places:
        """What decides how much of each head's output goes on, before and after its function."""
        branch, graph = self.branch, self.graph
        found = gate_of(branch, self.values.mixed, output_projection(branch, self.values.mixed))
        if found is None or any(graph.product(op) is not None for op in branch.back(found[0]).ops):
            return {}  # what is made of the scores is a sink
        return {name: self._gate(value) for name, value in zip(("gate", "gate_post"), found, strict=True)}

    def latents(self) -> Places:
        """The bottlenecks of latent attention, after their norms, and the part of the keys that all heads share."""
        found = latent_values(self.branch, self.values.q, self.values.k, self.values.v)
        placed = {name: self._latent(latent) for name, latent in found.items()}
        return {name: place for name, place in placed.items() if place is not None}

    def _made(self, name: str) -> Place | Missing:
        """Look at queries or keys as their projection made them."""
        way = self.ways.get(name)
        if way is None:
            return _LAID_OUT
        if not way.projected and way.end in self.graph.remembered:
            return Missing(_BEFORE.format(name))
        axes = way.values[next(iter(way.values))]
        made = way.made(self.graph, count(axes, CHANNELS))
        if made is None:
            return Missing(_BY_PARTS.format(name))
        more = count(made[1], HEADS) > count(axes, HEADS) or (
            name == "q" and count(made[1], HEADS) < count(axes, HEADS)
        )
        return Missing(f"its projection makes more than its {name}") if more else _place(made)

    def _once(self, found: Counted | None) -> Place | Missing:
        """Look at keys or values, of which each head may be there as often as it is asked."""
        place = _place(found)
        if found is None or self.k is None or "k" not in self.ways or isinstance(place, Missing):
            return place
        heads = count(self.k[1], HEADS) // self.ways["k"].copies(self.graph)
        times, view = count(found[1], HEADS) // heads, place.view
        views = [then(view, _each(times, at)) for at in range(times)] if times > 1 else [view]
        return Place(place.value, views[0], tuple(views[1:]))

    def _of_projection(self, value: int, channels: int) -> Place | Missing:
        """Look at a value between a projection and a product: it was turned on its way, or not yet."""
        shape, batch = self.graph.shape(value), self.branch.batch
        turns = sum(op.name in _TURNS for op in trail(self.branch, value).since_projection())
        view = tokens_first(shape, batch) if turns % 2 else in_heads(shape, batch, channels)
        return _LAID_OUT if view is None else Place(value, view)

    def _gate(self, value: int) -> Place | Missing:
        """Look at a gate, of which each head may have one number."""
        shape, heads = self.graph.shape(value), count(self.q[1], HEADS) if self.q else self.values.heads
        one_each = len(shape) == _BY_TOKEN and shape[-1] == heads
        if one_each:
            return Place(value, lambda x: x.unsqueeze(-1))
        channels = shape[-1] // heads if len(shape) == _BY_TOKEN else shape[-1]
        return self._of_projection(value, channels) if channels else _LAID_OUT

    def _latent(self, latent: Latent) -> Place | None:
        shape, part = self.graph.shape(latent.value), cut(latent.last, latent.first)
        if len(shape) == _BY_HEAD and 1 in shape[1:3]:  # as one head
            axis = shape.index(1, 1)
            return Place(latent.value, then(lambda x: x.select(axis, 0), part))
        return Place(latent.value, part) if len(shape) == _BY_TOKEN else None


def _place(found: Counted | None) -> Place | Missing:
    view = None if found is None else look(found[1])
    return _LAID_OUT if found is None or view is None else Place(found[0], view)


def _best(values: Iterable[Counted], *, shared: bool = False) -> Counted | None:
    """Return the first of values with the same numbers whose heads are in one piece, and as few as there are.

    Where several products share them it is the last: the nearest to where they were made.
    """
    seen = [each for each in values if look(each[1]) is not None]
    seen = seen[::-1] if shared else seen
    return min(seen, key=lambda each: (count(each[1], HEADS), pieces(each[1], HEADS) > 1), default=None)


def _each(times: int, at: int) -> View:
    """Return a view of every so many heads."""
    return lambda x: x[:, :, at::times]


def _norm_on(way: Way, norms: dict[int, NormSite]) -> NormSite | None:
    """Return the norm of all of a value between its projection and the product; one that is a part of it is none."""
    for op in way.ops:
        for made in op.outputs:
            site = norms.get(made)
            if site is not None and site.spec.function.value != "batch":
                return site
    return None


_SHAPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("q", "q_rot", "z", "q_normed"), ("batch", "tokens", "heads", "")),
    **dict.fromkeys(("k", "k_normed"), ("batch", "", "key/value heads", "")),
    **dict.fromkeys(("k_rot", "v"), ("batch", "keys", "key/value heads", "")),
    **dict.fromkeys(("scores", "pattern"), ("batch", "heads", "tokens", "keys")),
    **dict.fromkeys(("gate", "gate_post"), ("batch", "tokens", "", "")),
    **dict.fromkeys(("q_latent", "kv_latent"), ("batch", "", "")),
    "k_pe": ("batch", "", ""),
}
"""The documented shape; what has a name is the same in all."""


def _agreeing(graph: Graph, found: Places, known: dict[str, int]) -> Places:
    """Take back taps whose shapes, as their views show them, are not what is documented or contradict each other."""
    shapes = {name: _seen(graph, place) for name, place in found.items() if isinstance(place, Place)}
    sizes: dict[str, set[int]] = {axis: {size} for axis, size in known.items()}
    for name, shape in shapes.items():
        for axis, size in zip(_SHAPES[name], shape, strict=False):
            sizes.setdefault(axis, set()).add(size)
    odd = {axis for axis, every in sizes.items() if axis and len(every) > 1 and axis not in known}

    def fits(name: str, shape: Shape) -> bool:
        axes = _SHAPES[name]
        right = all(known.get(axis, size) == size for axis, size in zip(axes, shape, strict=False))
        return len(axes) == len(shape) and right and odd.isdisjoint(axes)

    return {
        name: place if name not in shapes or fits(name, shapes[name]) else _AT_ODDS for name, place in found.items()
    }


def _seen(graph: Graph, place: Place) -> Shape:
    """Return the shape in which a place is looked at; an empty one where there is no such view."""
    try:
        return tuple(place.view(torch.empty(graph.shape(place.value), device="meta")).shape)
    except (RuntimeError, IndexError):
        return ()
