"""Oracles by hand-written hooks: each kind as a formula on what a block adds, or on the slice of one head.

A formula is given what reads the same values of the untouched copy on any prompt, and returns the kind to ask for, what
it shall do to the values, and the positions at which.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from matrix.cells import CannotApplyError
from matrix.oracles import HEAD, Scene, Trials, in_head, spread
from matrix.zoo import BATCH, Place, call, logits
from torch import Tensor

import glassblock as gb
from glassblock.live import Session

Read = Callable[[Any], Tensor]
Edit = Callable[[Tensor], Tensor]
Formula = Callable[[Scene, Read], tuple[Any, Edit, Any]]


def by_hook(scene: Scene, formulas: tuple[Formula, ...]) -> Trials:
    """Try formulas on every place of a case, and on a head of it."""
    for formula in formulas:
        for place in scene.case.places:
            yield f"{formula.__name__} {place.address}", partial(_trial, scene, place, formula, of_head=False)
            if place.heads:
                name = f"{formula.__name__} {place.address}.H{HEAD}"
                yield name, partial(_trial, scene, place, formula, of_head=True)


def _trial(scene: Scene, place: Place, formula: Formula, session: Session, *, of_head: bool) -> None:
    def read(prompt: Any) -> Tensor:
        batch = len(next(iter(prompt.values())))
        if not of_head:
            return rows(scene.read(place.adds, "output", prompt), batch)
        of_all: Tensor = rows(scene.read(place.takes, "input", prompt), batch).unflatten(-1, (place.heads, -1))
        return of_all[..., HEAD, :]

    how, edit, positions = formula(scene, read)
    if how == "freeze":
        session.run(scene.prompt)
    session.ablate(f"{place.address}.H{HEAD}" if of_head else place.address, how=how, positions=positions)
    prompt = scene.others() if how == "freeze" else scene.prompt
    made = in_rows(in_head(place.heads, HEAD, edit) if of_head else edit)
    with scene.taking(place, made) if of_head else scene.adding(place, made):
        expected = logits(call(scene.twin, prompt))
    scene.agrees(expected, prompt=prompt)


def rows(x: Tensor, batch: int = BATCH) -> Tensor:
    """Return (batch, tokens, channels): a few models put the tokens of all rows in one axis."""
    return x if x.ndim == 3 else x.reshape(batch, -1, x.shape[-1])


def in_rows(edit: Edit) -> Edit:
    """Return an edit that is given (batch, tokens, channels)."""
    return lambda x: edit(rows(x)).reshape(x.shape)


def at(positions: list[int], edit: Edit) -> Edit:
    """Return an edit at some positions only."""

    def some(x: Tensor) -> Tensor:
        new = x.clone()
        new[:, positions] = edit(x)[:, positions]
        return new

    return some


# ---- formulas


def mean(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """The mean in float64 over all tokens of the reference prompts, at every position."""
    every = [read(prompt).double() for prompt in scene.references()]
    middle = torch.cat([x.reshape(-1, x.shape[-1]) for x in every]).mean(0)
    return "mean", lambda x: spread(middle, x), None


def mean_by_position(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """At each position the mean of the reference prompts that have it."""
    every = [read(prompt).double() for prompt in scene.references()]
    longest = max(x.shape[1] for x in every)
    middle = torch.stack([torch.cat([x[:, p] for x in every if x.shape[1] > p]).mean(0) for p in range(longest)])
    return gb.Mean(by_position=True), lambda x: spread(middle[: x.shape[1]], x), None


def resample(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """The values on another prompt, which is shorter: positions beyond it keep their own."""
    if not isinstance(scene.reference[0], Tensor):
        raise CannotApplyError("resampling from a prompt takes token ids, and this takes more")
    other = scene.reference[1]
    values = read({"input_ids": other})[0]

    def edit(x: Tensor) -> Tensor:
        return torch.cat([values.expand(x.shape[0], *values.shape), x[:, len(values) :]], 1)

    return gb.Resample(prompt=other), edit, None


def resample_row(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """The values of the second row, in both."""
    return gb.Resample(row=1), lambda x: x[1:2].expand_as(x).clone(), None


def freeze(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """The values of the clean run of the last prompt, while another prompt runs."""
    values = read(scene.prompt)
    return "freeze", partial(_as, values), None


def scale(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """Half of it."""
    return gb.Scale(0.5), lambda x: 0.5 * x, None


def scale_at(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """Three times as much at the second and the last token."""
    return gb.Scale(3), at([1, -1], lambda x: 3 * x), [1, -1]


def add(scene: Scene, read: Read) -> tuple[Any, Edit, Any]:
    """A vector, twice."""
    width = read(scene.prompt).shape[-1]
    vector = torch.randn(width, generator=torch.Generator().manual_seed(5))
    return gb.Add(vector, factor=2), lambda x: x + 2 * vector, None


HOOKED: dict[str, tuple[Formula, ...]] = {
    "mean": (mean, mean_by_position),
    "resample": (resample, resample_row),
    "freeze": (freeze,),
    "scale": (scale, scale_at),
    "add": (add,),
}
"""Formulas by the kind of intervention."""


def noise(scene: Scene) -> Trials:
    """By what it is said to be: of the size of each token's own spread, equal in each row, another by another seed."""
    for place in scene.case.places:
        yield place.address, partial(_noise, scene, place)


def _noise(scene: Scene, place: Place, session: Session) -> None:
    clean = rows(scene.read(place.adds, "output", scene.prompt))
    port = session.architecture.block(place.address).port("out")
    assert port is not None
    relative: dict[int, Tensor] = {}
    for seed in (0, 0, 1):
        session.ablate(place.address, how=gb.Noise(size=0.5, seed=seed))
        noisy = rows(scene.seen(port.path))
        with scene.adding(place, partial(_as, noisy)):
            expected = scene.plain()
        scene.agrees(expected)
        added = (noisy - clean) / clean.std(-1, unbiased=False, keepdim=True)
        if seed in relative:
            assert torch.equal(added, relative[seed]), "the same seed makes other noise"
        relative[seed] = added
        session.restore()
    first = relative[0]
    assert torch.allclose(first[0], first[1], atol=1e-3), "rows get other noise"
    assert not torch.allclose(first, relative[1], atol=1e-3), "another seed makes the same noise"
    size = first.std().item()
    assert 0.4 < size < 0.6, f"noise of size {size:.2f} and not 0.5"


def _as(other: Tensor, x: Tensor) -> Tensor:
    return other.reshape(x.shape).clone()
