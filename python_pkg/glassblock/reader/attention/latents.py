"""Latent bottlenecks: queries, or keys and values, that are projected down before they are projected up (MLA)."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.trail import trail
from glassblock.reader.tracing.graph import SLICES, argument
from glassblock.reader.tracing.record import Op


@dataclass(frozen=True, slots=True)
class Latents:
    """The widths of the bottlenecks, None where there is none, and which of them are normalised."""

    q: Fact[int] | None
    kv: Fact[int] | None
    norm: Fact[str] | None


def latents(branch: Branch, queries: int, values: int) -> Latents:
    """Find the latents that queries and values come from."""
    q, q_norm = _latent(branch, queries, "q")
    kv, kv_norm = _latent(branch, values, "k and v")
    if q is None and kv is None:
        return Latents(None, None, None)
    normed = [name for name, found in (("q", q_norm), ("kv", kv_norm)) if found]
    where = ", ".join(found for found in (q_norm, kv_norm) if found) or "no norm between the two projections"
    return Latents(q, kv, observed(" and ".join(normed) or "none", where))


def _latent(branch: Branch, value: int, what: str) -> tuple[Fact[int] | None, str]:
    """Return the width of what a projection reads, where another one made it, and the norm between them."""
    graph = branch.graph
    projections = [op for op in trail(branch, value).projections if not op.name.startswith("conv")]
    if len(projections) < 2:
        return None, ""
    read = graph.projection(projections[0])
    assert read is not None
    # What is read may be two versions of the latent side by side, and what is made may be split.
    width = min(graph.shape(read[0])[-1], graph.shape(projections[1].outputs[0])[-1])
    made = f"{graph.path_of(projections[0])} makes {what} of {width} channels"
    return observed(width, made), _norm(branch, read[0])


def _norm(branch: Branch, latent: int) -> str:
    ops = branch.back(latent).ops
    made = [latent, branch.graph.same(latent), *(v for op in ops for v in op.outputs)]
    site = next((branch.norms[v] for v in made if v in branch.norms), None)
    return "" if site is None else site.path or f"{site.spec.function.value} norm over {site.width} channels"


@dataclass(frozen=True, slots=True)
class Latent:
    """A part of the channels of a value, from one to before another (None: to the end)."""

    value: int
    first: int = 0
    last: int | None = None


def latent_values(branch: Branch, queries: int, keys: int, values: int) -> dict[str, Latent]:
    """Find the latents as their projections make them, before norms and rotation.

    Returns
    -------
    dict of str to Latent
        ``q_latent``, ``kv_latent``; and ``k_pe``, the keys that are projected beside the latent, for all heads.
    """
    found = {"q_latent": _made(branch, queries), "kv_latent": _made(branch, values)}
    latent, whole = found["kv_latent"], trail(branch, values).projections
    if latent is not None and len(whole) > 1:
        made, width = whole[1].outputs[0], _width(branch, latent)
        rest = branch.graph.shape(made)[-1] - width
        cone = branch.back(keys)
        if rest and made in cone.edge:
            first = 0 if latent.first else width
            found["k_pe"] = Latent(made, first, first + rest)
    return {name: latent for name, latent in found.items() if latent is not None}


def _width(branch: Branch, latent: Latent) -> int:
    return (latent.last or branch.graph.shape(latent.value)[-1]) - latent.first


def _made(branch: Branch, value: int) -> Latent | None:
    """Return the part of what the first of two projections made that the second one reads."""
    graph, path = branch.graph, trail(branch, value)
    projections = [op for op in path.projections if not op.name.startswith("conv")]
    read = graph.projection(projections[0]) if len(projections) > 1 else None
    if read is None:
        return None
    made = projections[1].outputs[0]
    between = path.ops[path.ops.index(projections[0]) + 1 : path.ops.index(projections[1])]
    cuts = [op for op in between if op.name in SLICES and graph.shape(op.inputs[0])[-1] == graph.shape(made)[-1]]
    kept = graph.shape(read[0])[-1]
    whole = graph.shape(made)[-1]
    if kept == whole:
        return Latent(made)
    cut = next((op for op in reversed(cuts) if any(graph.shape(v)[-1] == kept for v in op.outputs)), None)
    first = _first(branch, cut, [*between, projections[0]]) if cut is not None else None
    return Latent(made, first, first + kept) if first is not None else None


def _first(branch: Branch, cut: Op, later: list[Op]) -> int | None:
    """Return at which channel the part begins that goes on."""
    graph, read = branch.graph, {v for op in later for v in op.inputs}
    if cut.name == "getitem":
        index = argument(cut, 1, "idx")
        piece = index[-1] if isinstance(index, tuple) else index
        return (piece.start or 0) % graph.shape(cut.inputs[0])[-1] if isinstance(piece, slice) else None
    at = next((at for at, v in enumerate(cut.outputs) if v in read), None)
    return None if at is None else sum(graph.shape(v)[-1] for v in cut.outputs[:at])
