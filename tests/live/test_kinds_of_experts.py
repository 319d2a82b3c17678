"""What is done to an expert, against a mixture that is computed by hand from the router and the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hands import IDS, OTHER, by_hand, decode, only, padded, prefill, seen_by_hand
from tiny_models import WIDTH, tiny
from torch import Tensor
from torch.nn.functional import linear, silu

import glassblock as gb

Change = Callable[[Tensor, Tensor, range], tuple[Tensor, Tensor]]
"""Changes the outputs, (batch, tokens, experts, channels), and the weights, (batch, tokens, experts)."""
WIDE = torch.linspace(-1, 1, WIDTH)


def outputs(experts: Any, x: Tensor) -> Tensor:
    """Return what every expert makes of every token."""
    made = []
    for up, down in zip(experts.gate_up_proj, experts.down_proj, strict=True):
        gate, value = linear(x, up).chunk(2, -1)
        made.append(linear(silu(gate) * value, down))
    return torch.stack(made, -2)


def weights(router: Any, x: Tensor) -> Tensor:
    """Return the weight of every expert at every token: of the best two, summing to one."""
    probabilities = linear(x, router.weight).softmax(-1)
    best, which = probabilities.topk(2, -1)
    return torch.zeros_like(probabilities).scatter(-1, which, best / best.sum(-1, keepdim=True))


@contextmanager
def mixture(model: Any, layer: int, change: Change) -> Iterator[None]:
    """Put a mixture computed by hand in the place of a layer's own."""
    block = model.model.layers[layer].mlp
    given: list[Tensor] = []
    handle = block.register_forward_pre_hook(lambda _, args: given.append(args[0]))

    def compute(_: Tensor, positions: range) -> Tensor:
        x = given[-1]
        made, shares = change(outputs(block.experts, x), weights(block.gate, x), positions)
        return (made * shares.unsqueeze(-1)).sum(-2)

    try:
        with by_hand(block, compute):
            yield
    finally:
        handle.remove()


def with_expert(made: Tensor, expert: int, new: Tensor) -> Tensor:
    """Return the outputs with one expert's replaced."""
    return torch.cat((made[..., :expert, :], new.unsqueeze(-2), made[..., expert + 1 :, :]), -2)


def zeroed(made: Tensor, shares: Tensor, _: range) -> tuple[Tensor, Tensor]:
    return with_expert(made, 2, torch.zeros_like(made[..., 2, :])), shares


def renormalised(made: Tensor, shares: Tensor, _: range) -> tuple[Tensor, Tensor]:
    rest = shares * (torch.arange(4) != 2)
    return made, rest * (shares.sum(-1, keepdim=True) / rest.sum(-1, keepdim=True))


def scaled(made: Tensor, shares: Tensor, _: range) -> tuple[Tensor, Tensor]:
    return with_expert(made, 2, 1.7 * made[..., 2, :]), shares


def steered(made: Tensor, shares: Tensor, _: range) -> tuple[Tensor, Tensor]:
    return with_expert(made, 2, made[..., 2, :] + WIDE), shares


CHANGES: dict[str, tuple[Any, Change]] = {
    "zero": ("zero", zeroed),
    "renormalise": (gb.Zero(renormalise=True), renormalised),
    "scale": (gb.Scale(1.7), scaled),
    "add": (gb.Add(WIDE), steered),
}


@pytest.mark.parametrize("forward", [prefill, decode, padded])
@pytest.mark.parametrize("kind", CHANGES)
def test_expert(kind: str, forward: Any) -> None:
    model = tiny("mixtral")
    how, change = CHANGES[kind]
    before = forward(model)
    with mixture(model, 1, lambda made, shares, _: (made, shares)):
        torch.testing.assert_close(forward(model), before, rtol=1e-4, atol=1e-5)
    with mixture(model, 1, change):
        expected = forward(model)
    with gb.attach(model) as session:
        session.ablate("L1.moe.E2", how=how)
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)
        session.restore()
        assert torch.equal(forward(model), before)
    assert not torch.allclose(expected, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("forward", [prefill, decode])
@pytest.mark.parametrize("kind", CHANGES)
def test_expert_at_some_positions(kind: str, forward: Any) -> None:
    model = tiny("mixtral")
    how, change = CHANGES[kind]

    def there(made: Tensor, shares: Tensor, positions: range) -> tuple[Tensor, Tensor]:
        new, changed = change(made, shares, positions)
        at = torch.tensor([position in {0, 4, 5, 12, 14} for position in positions])[:, None]
        return torch.where(at[..., None], new, made), torch.where(at, changed, shares)

    with mixture(model, 1, there):
        expected = forward(model)
    with gb.attach(model) as session:
        session.ablate("L1.moe.E2", how=how, positions=[0, 4, 5, 12, 14])
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)


def test_expert_is_its_mean_over_the_tokens_routed_to_it() -> None:
    model = tiny("mixtral")
    block = model.model.layers[1].mlp
    routed = []
    for ids in (IDS[:1, :5], OTHER):
        x = seen_by_hand(model, block, ids, into=True)
        chosen = weights(block.gate, x)[..., 2] > 0
        routed.append(outputs(block.experts, x)[..., 2, :][chosen])
    mean = torch.cat(routed).mean(0)
    change: Change = lambda made, shares, _: (with_expert(made, 2, mean.expand_as(made[..., 2, :])), shares)  # noqa: E731
    with mixture(model, 1, change):
        expected = prefill(model)
    with gb.attach(model, reference=[IDS[:1, :5], OTHER]) as session:
        session.ablate("L1.moe.E2", how="mean")
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


def test_edits_of_experts_compose_in_their_order() -> None:
    model = tiny("mixtral")

    def change(made: Tensor, shares: Tensor, _: range) -> tuple[Tensor, Tensor]:
        new = with_expert(made, 2, 3 * (made[..., 2, :] + WIDE))
        return with_expert(new, 0, torch.zeros_like(made[..., 0, :])), shares

    with mixture(model, 1, change):
        expected = prefill(model)
    with gb.attach(model) as session:
        session.ablate("L1.moe.E2", how=gb.Add(WIDE))
        session.ablate("L1.moe.E0")
        session.ablate("L1.moe.E2", how=gb.Scale(3))
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("forward", [prefill, decode, padded])
def test_weights_of_the_chosen_experts_scale_what_the_mixture_puts_out(forward: Any) -> None:
    model = tiny("mixtral")
    with by_hand(model.model.layers[1].mlp, only(lambda x, _: 0.25 * x, 2, 3, 13)):
        expected = forward(model)
    with gb.attach(model) as session:
        session.ablate("L1.moe.weights", how=gb.Scale(0.25), positions=[2, 3, 13])
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)


def test_logits_of_a_router_are_those_of_another_row() -> None:
    """The first row's tokens are routed as the second's are; each expert still sees their own values."""
    model = tiny("mixtral")
    change: Change = lambda made, shares, _: (made, shares[1:2].expand_as(shares))  # noqa: E731
    with mixture(model, 1, change):
        expected = prefill(model)
    with gb.attach(model) as session:
        session.ablate("L1.moe.router_logits", how=gb.Resample(row=1))
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


def test_router_follows_its_mean_over_the_reference_prompts() -> None:
    model = tiny("mixtral")
    block = model.model.layers[1].mlp
    given = [seen_by_hand(model, block, ids, into=True)[0] for ids in (IDS[:1, :5], OTHER)]
    mean = torch.cat([linear(x, block.gate.weight) for x in given]).mean(0)
    best, which = mean.softmax(-1).topk(2)
    share = torch.zeros(4).scatter(0, which, best / best.sum())
    with mixture(model, 1, lambda made, shares, _: (made, share.expand_as(shares))):
        expected = prefill(model)
    with gb.attach(model, reference=[IDS[:1, :5], OTHER]) as session:
        session.ablate("L1.moe.router_logits", how="mean")
        torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)
