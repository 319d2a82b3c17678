"""Oracles for what changes which way values go: skipped layers, and edges of attention that are cut."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from matrix.cells import CannotApplyError
from matrix.oracles import HEAD, Scene, Trials
from matrix.zoo import Place, call, logits
from torch import Tensor, nn

import glassblock as gb
from glassblock.live import Session

FROM, TO = [1, 2], 4
"""Tokens from the fifth on do not look at the second and third."""


def skip(scene: Scene) -> Trials:
    """By a hook on the layer that returns the stream which the layer was given."""
    if scene.case.layers:
        yield "L0", partial(_skip, scene)


def _skip(scene: Scene, session: Session) -> None:
    session.ablate("L0", how="skip")
    layer = next(scene.twin.get_submodule(scene.case.layers).children())
    handle = layer.register_forward_hook(_given, with_kwargs=True)
    try:
        expected = scene.plain()
    finally:
        handle.remove()
    scene.agrees(expected)


def _given(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    stream = args[0] if args else kwargs["hidden_states"]
    if isinstance(output, Tensor):
        return stream
    kind: Any = type(output)
    return kind([stream, *output[1:]])


def cut(scene: Scene) -> Trials:
    """By the mask that the copy's own eager attention is given, with more of it hidden."""
    for place in scene.case.places:
        if place.address.rpartition(".")[2].startswith(("attn", "cross")) and place.takes:
            yield place.address, partial(_cut, scene, place, None)
            if place.heads:
                yield f"{place.address}.H{HEAD}", partial(_cut, scene, place, HEAD)


def _cut(scene: Scene, place: Place, head: int | None, session: Session) -> None:
    if scene.case.inputs == "plain":
        raise CannotApplyError("its attention takes no mask that could be edited by hand")
    eager = scene.case.make("eager" if scene.case.chosen else None)
    eager.load_state_dict(scene.twin.state_dict())
    off = (logits(call(eager, scene.prompt)) - scene.plain()).abs().max().item()
    if off > 1e-3:
        raise CannotApplyError(f"its own eager attention is another function: logits differ by {off:.1e}")
    session.ablate(place.address if head is None else f"{place.address}.H{head}", how=gb.Cut(FROM, slice(TO, None)))
    with _masked(eager, place.attends or place.takes.rpartition(".")[0], scene.case.heads, head) as found:
        expected = logits(call(eager, scene.prompt))
    if not found:
        raise CannotApplyError("its attention is given no mask that could be edited by hand")
    scene.agrees(expected)


@contextmanager
def _masked(model: Any, path: str, heads: int, head: int | None) -> Any:
    """Hide more in the mask of one attention; yields a list that has an entry once a mask was seen."""
    found: list[bool] = []

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = next((name for name in ("attention_mask", "mask") if isinstance(kwargs.get(name), Tensor)), None)
        if name is not None and kwargs[name].ndim == 4:
            found.append(True)
            return args, {**kwargs, name: _hidden(kwargs[name], heads, head)}
        if "attention_mask" in kwargs and kwargs["attention_mask"] is None:  # everything sees everything
            found.append(True)
            stream = next(x for x in (*args, *kwargs.values()) if isinstance(x, Tensor) and x.ndim == 3)
            seen = kwargs.get("key_value_states")
            keys = (stream if seen is None else seen).shape[1]
            nothing = stream.new_zeros(stream.shape[0], heads, stream.shape[1], keys)
            return args, {**kwargs, "attention_mask": _hidden(nothing, heads, head)}
        where = next((i for i, x in enumerate(args) if isinstance(x, Tensor) and x.ndim == 4), None)
        if where is None:
            return None
        found.append(True)
        return (*args[:where], _hidden(args[where], heads, head), *args[where + 1 :]), kwargs

    module = model.get_submodule(path)
    handle = module.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


def _hidden(mask: Tensor, heads: int, head: int | None) -> Tensor:
    """Return a mask that hides the edges, too, with the value by which it hides the last token from the first."""
    edited = mask.expand(-1, heads, -1, -1).clone()
    hides = edited[0, 0, 0, -1]
    if edited.eq(hides).all():  # an encoder's: ones say what is seen, or zeros are added to scores
        hides = torch.zeros_like(hides) if edited.all() else torch.full_like(hides, torch.finfo(mask.dtype).min)
    at = slice(None) if head is None else slice(head, head + 1)
    for token in FROM:
        edited[:, at, TO:, token] = hides
    return edited
