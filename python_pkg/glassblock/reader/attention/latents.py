"""Latent bottlenecks: queries, or keys and values, that are projected down before they are projected up (MLA)."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.trail import trail
from glassblock.reader.tracing.graph import argument
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import SLICES


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
    """Find the latents as they are projected up, after their norms.

    Returns
    -------
    dict of str to Latent
        ``q_latent``, ``kv_latent``; and ``k_pe``, the keys that are projected beside the latent for all heads, before
        their rotation.
    """
    reads = {"q_latent": _read(branch, queries), "kv_latent": _read(branch, values)}
    found = {name: Latent(value) for name, value in reads.items() if value is not None}
    beside = _beside(branch, keys, values) if "kv_latent" in found else None
    return found if beside is None else {**found, "k_pe": beside}


def _read(branch: Branch, value: int) -> int | None:
    """Return what a projection reads, where another one made it."""
    projections = [op for op in trail(branch, value).projections if not op.name.startswith("conv")]
    read = branch.graph.projection(projections[0]) if len(projections) > 1 else None
    return None if read is None else read[0]


def _beside(branch: Branch, keys: int, values: int) -> Latent | None:
    """Return the part of what makes the latent that is not the latent, where keys are made of it."""
    graph, path = branch.graph, trail(branch, values)
    up, down = path.projections[:2]
    read, made = graph.projection(up), down.outputs[0]
    assert read is not None
    whole, kept = graph.shape(made)[-1], graph.shape(read[0])[-1]
    if kept >= whole or made not in branch.back(keys).edge:
        return None
    between = path.ops[path.ops.index(up) + 1 : path.ops.index(down)]
    cuts = [op for op in between if op.name in SLICES and graph.shape(op.inputs[0])[-1] == whole]
    first = _first(branch, cuts[-1], [*between, up]) if cuts else None
    if first is None:
        return None
    return Latent(made, 0, whole - kept) if first else Latent(made, kept, whole)


def _first(branch: Branch, cut: Op, later: list[Op]) -> int | None:
    """Return at which channel the part begins that goes on."""
    graph, read = branch.graph, {v for op in later for v in op.inputs}
    if cut.name == "getitem":
        index = argument(cut, 1, "idx")
        piece = index[-1] if isinstance(index, tuple) else index
        return (piece.start or 0) % graph.shape(cut.inputs[0])[-1] if isinstance(piece, slice) else None
    at = next((at for at, v in enumerate(cut.outputs) if v in read), None)
    return None if at is None else sum(graph.shape(v)[-1] for v in cut.outputs[:at])
