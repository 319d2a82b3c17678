"""Latent bottlenecks: queries, or keys and values, that are projected down before they are projected up (MLA)."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch
from glassblock.reader.graph import Cone
from glassblock.reader.record import Op


@dataclass(frozen=True, slots=True)
class Latents:
    """The widths of the bottlenecks, None where there is none, and which of them are normalised."""

    q: Fact[int] | None
    kv: Fact[int] | None
    norm: Fact[str] | None


def latents(branch: Branch, queries: Cone, values: Cone) -> Latents:
    """Find the latents that queries and values come from."""
    q, q_normed = _latent(branch, queries, "q")
    kv, kv_normed = _latent(branch, values, "k and v")
    if q is None and kv is None:
        return Latents(None, None, None)
    normed = [name for name, found in (("q", q_normed), ("kv", kv_normed)) if found]
    where = ", ".join(found for found in (q_normed, kv_normed) if found) or "no norm between the two projections"
    return Latents(q, kv, observed(" and ".join(normed) or "none", where))


def _latent(branch: Branch, cone: Cone, what: str) -> tuple[Fact[int] | None, str]:
    """Return the width of what a projection reads, where another one made it, and the norm between them."""
    graph = branch.graph
    for value in cone.edge:
        op = graph.producer(value)
        read = graph.projection(op) if op is not None else None
        if op is None or read is None or op.index < branch.stream.call.first:
            continue
        before = branch.back(read[0])
        if any(_projected(branch, v) for v in before.edge):
            width = graph.shape(read[0])[-1]
            made = f"{graph.path_of(op)} makes {what} of {width} channels"
            return observed(width, made), _norm(branch, read[0], before.ops)
    return None, ""


def _norm(branch: Branch, latent: int, ops: tuple[Op, ...]) -> str:
    made = {latent, branch.graph.same(latent), *(v for op in ops for v in op.outputs)}
    site = next((branch.norms[v] for v in made if v in branch.norms), None)
    return "" if site is None else site.path or f"{site.spec.function.value} norm over {site.width} channels"


def _projected(branch: Branch, value: int) -> bool:
    op = branch.graph.producer(value)
    inside = op is not None and op.index >= branch.stream.call.first
    return inside and value not in branch.stream.states
