"""Oracles for interventions: the same thing done by hand, on a copy of the model that Glassblock never saw.

Zero is done to the weights. The other kinds are hooks on the modules whose output the modeling code adds to the stream
(`Place`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from matrix.cells import CannotApplyError
from matrix.zoo import Case, Place, call, logits
from torch import Tensor, nn

import glassblock as gb
from glassblock.live import Session

Trial = Callable[[Session], None]
Trials = Iterator[tuple[str, Trial]]
HEAD, KV, NEURON, EXPERT = 1, 1, 3, 0


class Scene:
    """A case, its model under test, and an untouched copy.

    Parameters
    ----------
    case
        The architecture.
    model
        The model that a session will be attached to; not yet.
    """

    def __init__(self, case: Case, model: nn.Module) -> None:
        self.case, self.model = case, model
        self.twin = copy.deepcopy(model)
        self.prompt = case.prompt()
        self.reference = references(case)

    def logits(self) -> Tensor:
        """Return the logits of the model under test."""
        return logits(call(self.model, self.prompt))

    def plain(self) -> Tensor:
        """Return those of the copy."""
        return logits(call(self.twin, self.prompt))

    @contextmanager
    def adding(self, place: Place, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Edit by hand what a place adds to the stream."""
        handle = self.twin.get_submodule(place.adds).register_forward_hook(lambda _, __, out: _replaced(out, edit))
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def taking(self, place: Place, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Edit by hand what goes into the last projection of a place."""
        module = self.twin.get_submodule(place.takes)
        handle = module.register_forward_pre_hook(lambda _, args: (edit(args[0]), *args[1:]))
        try:
            yield
        finally:
            handle.remove()

    def read(self, path: str, side: str, prompt: Any) -> Tensor:
        """Return what a module of the copy returns (``output``) or takes (``input``) on a prompt."""
        seen: list[Tensor] = []
        module = self.twin.get_submodule(path)
        handle = (
            module.register_forward_hook(lambda _, __, out: seen.append(_first(out).clone()))
            if side == "output"
            else module.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
        )
        try:
            call(self.twin, prompt)
        finally:
            handle.remove()
        return seen[0]

    def seen(self, path: str) -> Tensor:
        """Return what a module of the model under test returns, after what was done to it."""
        kept: list[Tensor] = []
        hook = self.model.get_submodule(path).register_forward_hook(lambda _, __, out: kept.append(_first(out).clone()))
        try:
            self.logits()
        finally:
            hook.remove()
        return kept[0]

    def references(self) -> list[dict[str, Any]]:
        """Return the reference prompts as what a model takes."""
        return [{"input_ids": each} if isinstance(each, Tensor) else each for each in self.reference]

    def others(self) -> dict[str, Any]:
        """Return a prompt of the same shape that says something else."""
        return {name: x.flip(0) if x.is_floating_point() else (x + 5) % 43 + 3 for name, x in self.prompt.items()}

    def agrees(self, expected: Tensor, *, changed: bool = True, prompt: dict[str, Any] | None = None) -> None:
        """Raise unless the model under test says what the oracle says, and something else than untouched."""
        prompt = self.prompt if prompt is None else prompt
        found = logits(call(self.model, prompt))
        scale = expected.abs().max().clamp_min(1e-6)
        off = ((found - expected).abs().max() / scale).item()
        assert off < 1e-5, f"{off:.1e} off the oracle, relative"
        if changed:
            assert not torch.equal(found, logits(call(self.twin, prompt))), "nothing changed"


def references(case: Case) -> list[Any]:
    """Return two prompts for means."""
    if case.inputs in ("tokens", "plain"):
        generator = torch.Generator().manual_seed(11)
        return [torch.randint(3, 50, (1, length), generator=generator) for length in (12, 9)]
    first, second = case.prompt(), case.prompt()
    return [first, {name: tensor.flip(0) for name, tensor in second.items()}]


def _first(output: Any) -> Tensor:
    found: Tensor = output if isinstance(output, Tensor) else output[0]
    return found


def _replaced(output: Any, edit: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(output, Tensor):
        return edit(output)
    kind: Any = type(output)
    return kind([edit(output[0]), *output[1:]])  # one model returns a list


def spread(middle: Tensor, x: Tensor) -> Tensor:
    """Return a tensor of its own with the same at every position: a model may write into it."""
    return middle.to(x.dtype).expand_as(x).clone()


def in_head(count: int, head: int, edit: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return an edit of one head among those that stand side by side."""

    def whole(x: Tensor) -> Tensor:
        parts = x.unflatten(-1, (count, -1)).clone()
        parts[..., head, :] = edit(parts[..., head, :])
        together: Tensor = parts.flatten(-2)
        return together

    return whole


# ---- the kinds


def zero(scene: Scene) -> Trials:
    """By weight surgery: an output projection without weights, a head's columns without weights, an expert without."""
    for place in scene.case.places:
        yield place.address, partial(_zero_block, scene, place)
        if place.heads:
            yield f"{place.address}.H{HEAD}", partial(_zero_head, scene, place)
            if 1 < (scene.case.kv_heads or 0) < place.heads and place.address.rpartition(".")[2] == "attn":
                yield f"{place.address}.KV{KV}", partial(_zero_kv, scene, place)
        elif place.address.endswith(".mlp") and place.takes:
            yield f"{place.address}.N{NEURON}", partial(_zero_neuron, scene, place)
        if place.experts:
            yield f"{place.address}.E{EXPERT}", partial(_zero_expert, scene, place)
            yield f"{place.address}.E{EXPERT}, renormalised", partial(_zero_renormalised, scene, place)
            yield f"{place.address}.E{EXPERT}, halved", partial(_half_expert, scene, place)
    if scene.case.layers:
        yield "L0", partial(_zero_layer, scene)


def _zero_block(scene: Scene, place: Place, session: Session) -> None:
    session.ablate(place.address)
    if place.takes:
        with surgery(scene.twin, place.takes) as module:
            for parameter in module.parameters(recurse=False):
                parameter.zero_()
            expected = scene.plain()
    else:
        with scene.adding(place, torch.zeros_like):
            expected = scene.plain()
    scene.agrees(expected)


def _zero_head(scene: Scene, place: Place, session: Session) -> None:
    session.ablate(f"{place.address}.H{HEAD}")
    with surgery(scene.twin, place.takes) as module:
        columns(module).unflatten(-1, (place.heads, -1))[:, HEAD].zero_()
        expected = scene.plain()
    scene.agrees(expected)


def _zero_kv(scene: Scene, place: Place, session: Session) -> None:
    groups = scene.case.kv_heads
    assert groups is not None
    session.ablate(f"{place.address}.KV{KV}")
    with surgery(scene.twin, place.takes) as module:
        columns(module).unflatten(-1, (groups, -1))[:, KV].zero_()
        expected = scene.plain()
    scene.agrees(expected)


def _zero_neuron(scene: Scene, place: Place, session: Session) -> None:
    if "mlp.post" in scene.case.without:
        raise CannotApplyError(scene.case.without["mlp.post"])
    session.ablate(f"{place.address}.N{NEURON}")
    with surgery(scene.twin, place.takes) as module:
        columns(module)[:, NEURON].zero_()
        expected = scene.plain()
    scene.agrees(expected, changed=False)  # it may be asleep


def _zero_renormalised(scene: Scene, place: Place, session: Session) -> None:
    session.ablate(f"{place.address}.E{EXPERT}", how=gb.Zero(renormalise=True))

    def before(_: nn.Module, args: tuple[Any, ...]) -> Any:
        if len(args) != 3 or args[1].shape != args[2].shape:
            raise CannotApplyError("its experts are not given indices and weights side by side")
        hidden, indices, weights = args
        kept = weights.masked_fill(indices == EXPERT, 0)
        return hidden, indices, kept * weights.sum(-1, keepdim=True) / kept.sum(-1, keepdim=True)

    handle = scene.twin.get_submodule(place.experts).register_forward_pre_hook(before)
    try:
        expected = scene.plain()
    finally:
        handle.remove()
    scene.agrees(expected, changed=False)


def _half_expert(scene: Scene, place: Place, session: Session) -> None:
    session.ablate(f"{place.address}.E{EXPERT}", how=gb.Scale(0.5))
    with surgery(scene.twin, place.experts) as module:
        last = [p for name, p in module.named_parameters(recurse=False) if name.startswith("down_proj")]
        if not last:
            raise CannotApplyError("its experts have no down projection in one parameter")
        for parameter in last:
            parameter[EXPERT].mul_(0.5)
        expected = scene.plain()
    scene.agrees(expected, changed=False)


def columns(module: Any) -> Tensor:
    """Return the weight of a projection as (out, in): Conv1D has it transposed."""
    weight: Tensor = module.weight if isinstance(module, nn.Linear) else module.weight.t()
    return weight


def _zero_expert(scene: Scene, place: Place, session: Session) -> None:
    session.ablate(f"{place.address}.E{EXPERT}")
    with surgery(scene.twin, place.experts) as module:
        for parameter in module.parameters(recurse=False):
            parameter[EXPERT].zero_()
        expected = scene.plain()
    scene.agrees(expected, changed=False)  # it may be that nobody goes there


def _zero_layer(scene: Scene, session: Session) -> None:
    owned = [place for place in scene.case.places if place.address.startswith("L0.")]
    branches = session.architecture.stacks[-1].layer(0).branches
    if len(owned) != len(branches):
        raise CannotApplyError("no oracle was written for every branch of the layer")
    session.ablate("L0")
    with ExitStack() as stack:
        for place in owned:
            stack.enter_context(scene.adding(place, torch.zeros_like))
        expected = scene.plain()
    scene.agrees(expected)


@contextmanager
def surgery(model: nn.Module, path: str) -> Iterator[Any]:
    """Let weights of a module be changed, and put them back."""
    module = model.get_submodule(path)
    kept = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    with torch.no_grad():
        try:
            yield module
        finally:
            for name, parameter in module.named_parameters():
                parameter.copy_(kept[name])
