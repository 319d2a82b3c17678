"""The kinds by their names, and the sentences of all of them as the table of the docs."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from glassblock.errors import InterventionError
from glassblock.live.kinds.changing import Add, Noise, Scale
from glassblock.live.kinds.kind import Kind, TargetKind
from glassblock.live.kinds.replacing import Freeze, Mean, Resample, Zero
from glassblock.live.kinds.rerouting import Cut, Skip

KINDS: dict[str, type[Kind]] = {
    kind.name: kind for kind in (Zero, Mean, Resample, Freeze, Noise, Scale, Add, Skip, Cut)
}
"""Every kind, by the name that stands for it."""

PLAIN: tuple[Kind, ...] = (Zero(), Mean(), Noise(), Freeze(), Skip())
"""Kinds that a name alone says enough of: their settings have defaults."""

_EXAMPLES: tuple[Kind, ...] = (
    Zero(),
    Zero(renormalise=True),
    Mean(),
    Mean(by_position=True),
    Resample(prompt="some other text"),
    Resample(row=1),
    Freeze(),
    Noise(size=2),
    Scale(factor=0.5),
    Add(vector=(1.0, 0.0), factor=3),
    Skip(),
    Cut(from_tokens=[0, 1], to_tokens=-1),
)
TARGETS: tuple[TargetKind, ...] = get_args(TargetKind)
"""Every kind of target."""
_ADDRESSES: dict[TargetKind, str] = {
    "layer": "L3",
    "block": "L3.attn",
    "head": "L3.attn.H7",
    "kv": "L3.attn.KV1",
    "expert": "L3.moe.E5",
    "neuron": "L3.mlp.N17",
    "tap": "L3.attn.q",
}
_NOT_TOGETHER = {
    (Mean(by_position=True), "expert"),
    *((Zero(renormalise=True), target) for target in _ADDRESSES if target != "expert"),
}


def kind_of(how: Any) -> Kind:
    """Return a kind, given as one or by the name of one whose settings have defaults.

    Raises
    ------
    InterventionError
        If there is none of that name, with the nearest one; or if it has to be told more.
    """
    if isinstance(how, Kind):
        return how
    if isinstance(how, type) and issubclass(how, Kind):
        how = how.name
    plain = next((kind for kind in PLAIN if kind.name == how), None)
    if plain is not None:
        return plain
    if how in KINDS:
        raise InterventionError(f"{how!r} needs settings: {_HOW_TO[how]}.")
    near = difflib.get_close_matches(str(how).lower(), KINDS, 1, 0.5)
    hint = f" Nearest: {near[0]}." if near else ""
    raise InterventionError(f"expected how to be a kind or one of {', '.join(KINDS)}, got {how!r}.{hint}")


_HOW_TO = {
    "resample": "how=gb.Resample(prompt='some other text') or how=gb.Resample(row=1)",
    "scale": "how=gb.Scale(0.5)",
    "add": "how=gb.Add(vector), with as many numbers as the target has channels",
    "cut": "how=gb.Cut(from_tokens=[0, 1], to_tokens=-1)",
}


def how_in_python(kind: Kind) -> str:
    """Return what a person would write for ``how=``: a name where that says enough."""
    return f'"{kind.name}"' if kind in PLAIN else kind.python


def table() -> str:
    """Return the sentences of all kinds as a table in Markdown, for the docs."""
    rows = ["| kind | of | what it does |", "|---|---|---|"]
    for kind in _EXAMPLES:
        told: set[str] = set()
        for target, address in _ADDRESSES.items():
            if target not in kind.targets or (kind, target) in _NOT_TOGETHER:
                continue
            name = "" if told else f"`{kind.python}`"
            sentence = kind.words(target, address)
            told.add(sentence)
            rows.append(f"| {name} | {target} | {sentence} |")
    return "\n".join(rows)
