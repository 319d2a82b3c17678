"""Where the taps of an attention are, in a recording of one call of its module.

Tensors are looked at as (batch, tokens, heads, channels), scores and pattern as (batch, heads, tokens, keys), what is
not yet split into heads as (batch, tokens, channels).
"""

from __future__ import annotations

from glassblock.reader.attention.gates import gate_of
from glassblock.reader.attention.latents import Latent, latent_values
from glassblock.reader.attention.values import TURNS, AttentionValues, Projected, values_of
from glassblock.reader.attention.written import in_letters
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Missing, Place, Places, View
from glassblock.reader.branches.recognise import output_projection
from glassblock.reader.branches.trail import trail
from glassblock.reader.branches.views import as_it_is, cut, heads_first, in_heads, then, tokens_first
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.operations.norms import NormSite, norm_sites
from glassblock.reader.tracing.graph import LAYOUT, REPEATS, SLICES, Graph, alike

ATTENTION = "q k v q_normed k_normed q_rot k_rot scores pattern z gate gate_post q_latent kv_latent k_pe".split()
"""All taps of attentions; one that this attention has no use for is not among its places."""

KEPT = Missing("its kernel keeps scores and pattern to itself")
"""They can be computed from what the kernel is given."""
_LAID_OUT = Missing("its heads lie in no order that can be looked at without a copy")
_BY_PARTS = "its {} is not made by one projection, for all heads"
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
    look = _Look(branch, values)
    return {**look.heads(), **look.weights(), **look.normed(), **look.gate(), **look.latents()}


class _Look:
    """One attention, looked at."""

    def __init__(self, branch: Branch, values: AttentionValues) -> None:
        self.branch, self.values, self.graph = branch, values, branch.graph

    def heads(self) -> Places:
        """Queries, keys, values and what is made of them."""
        values = self.values
        return {
            "q": self._made(values.q_made, "q"),
            "k": self._made(values.k_made, "k"),
            "q_rot": self._in_product(values.q, asks=True),
            "k_rot": self._in_product(unrepeated(self.graph, values.k)),
            "v": self._in_product(unrepeated(self.graph, values.v)),
            "z": self._in_product(values.mixed, asks=True),
        }

    def weights(self) -> Places:
        """Scores and pattern."""
        scores, pattern = self.values.scores, self.values.pattern
        if self.values.kernel is not None or scores is None or pattern is None:
            missing = KEPT if self.values.kernel is not None else Missing("what its values are weighed by was not seen")
            return {"scores": missing, "pattern": missing}
        keys = [self.graph.shape(v)[-1] for v in (scores, pattern)]
        views = [heads_first(self.graph.shape(v), self.branch.batch) for v in (scores, pattern)]
        # A sink among the scores has no key.
        sinks = cut(keys[1] - keys[0]) if keys[0] > keys[1] else as_it_is
        return {
            "scores": _place(scores, views[0] and then(views[0], sinks)),
            "pattern": _place(pattern, views[1]),
        }

    def normed(self) -> Places:
        """Queries and keys right after a norm over each of them."""
        norms = norm_sites(self.graph)
        sites = {"q_normed": _norm_on(self.branch, self.values.q, norms)}
        sites["k_normed"] = _norm_on(self.branch, self.values.k, norms)
        channels = {"q_normed": self.values.q, "k_normed": self.values.k}
        return {
            name: self._of_projection(site.output, self.graph.shape(channels[name])[-1])
            for name, site in sites.items()
            if site is not None
        }

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

    def _made(self, made: Projected | None, name: str) -> Place | Missing:
        if made is None:
            return Missing(_BY_PARTS.format(name))
        if name == "q" and self.graph.size(made.value) != self.graph.size(self.values.q):
            return Missing("its projection makes more than these queries")
        core = self.values.q if name == "q" else self.values.k
        as_met = in_letters(self.graph, core, self.values.v)
        if as_met is not None and self.graph.shape(core) == self.graph.shape(made.value):
            return Place(made.value, as_met)
        return self._split(made.value, made.channels, by_head=made.by_head)

    def _in_product(self, value: int, *, asks: bool = False) -> Place | Missing:
        """Look at what meets in a product; of what asks, or is answered, there is one for each token."""
        if (view := in_letters(self.graph, value, self.values.v)) is not None:
            return Place(value, view)
        tokens = self.graph.recording.tokens
        if asks and self.graph.shape(value)[-2] != tokens == 1:  # a kernel may see heads that share a key as its tokens
            fitting = (v for v in alike(self.graph, value) if self.graph.shape(v)[2:-1] == (tokens,))
            value = next(fitting, value)
        return _place(value, tokens_first(self.graph.shape(value), self.branch.batch))

    def _of_projection(self, value: int, channels: int) -> Place | Missing:
        """Look at a value between a projection and a product: it was turned on its way, or not yet."""
        turns = sum(op.name in TURNS for op in trail(self.branch, value).since_projection())
        return self._split(value, channels, by_head=turns % 2 == 1)

    def _split(self, value: int, channels: int, *, by_head: bool) -> Place | Missing:
        """Look at what is split into heads, or not yet; where it shows which dimension is the tokens', that counts."""
        shape, batch, tokens = self.graph.shape(value), self.branch.batch, self.graph.recording.tokens
        if len(shape) == _BY_HEAD and (shape[1] == tokens) != (shape[2] == tokens):
            by_head = shape[2] == tokens
        elif len(shape) == _BY_TOKEN and shape[1] == tokens and shape[0] == batch:
            by_head = False
        return _place(value, tokens_first(shape, batch) if by_head else in_heads(shape, batch, channels))

    def _gate(self, value: int) -> Place | Missing:
        """Look at a gate, of which each head may have one number."""
        shape, heads = self.graph.shape(value), self.values.heads
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


def _place(value: int, view: View | None) -> Place | Missing:
    return _LAID_OUT if view is None else Place(value, view)


def unrepeated(graph: Graph, value: int) -> int:
    """Go back from what goes into a product to where each key/value head was there once."""
    best = value
    while (op := graph.producer(value)) is not None and op.inputs:
        same = op.name in LAYOUT | SLICES and graph.size(op.inputs[0]) == graph.size(value)
        if not same and op.name not in REPEATS:
            break
        value = op.inputs[0]
        laid_out = graph.shape(value)[-1] == graph.shape(best)[-1] and len(graph.shape(value)) <= _BY_HEAD
        if graph.size(value) < graph.size(best) and laid_out:
            best = value
    return best


def _norm_on(branch: Branch, value: int, norms: dict[int, NormSite]) -> NormSite | None:
    """Return the norm of all of a value between its projection and the product; one that is a part of it is none."""
    for op in trail(branch, value).since_projection():
        for made in op.outputs:
            site = norms.get(made)
            if site is not None and site.spec.function.value != "batch":
                return site
    return None
