"""Mixtures of experts of each kind, written by hand: what they are is known because they were made so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kinds import WIDTH, Dense, Layer, Model, told
from torch import nn
from torch.nn import functional

from glassblock.ir import Attention, MixtureOfExperts
from glassblock.reader import read, read_model

EXPERTS, HIDDEN = 6, 10
ONE = 2 * HIDDEN * WIDTH + HIDDEN * WIDTH
"""Parameters of one gated expert without biases."""


class Stacked(nn.Module):
    """Six gated experts in one parameter; each token's matrices are looked up."""

    def __init__(self, rows: int = EXPERTS) -> None:
        super().__init__()
        self.into = nn.Parameter(torch.zeros(rows, WIDTH, 2 * HIDDEN))
        self.back = nn.Parameter(torch.zeros(EXPERTS, HIDDEN, WIDTH))

    def forward(self, hidden: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        out = torch.zeros_like(hidden)
        for slot in range(chosen.shape[1]):
            which = chosen[:, slot].clamp(max=EXPERTS - 1)
            gate, up = (hidden[:, None] @ self.into[which])[:, 0].chunk(2, -1)
            made = ((functional.silu(gate) * up)[:, None] @ self.back[which])[:, 0]
            out = out + made * weights[:, slot, None]
        return out


class Softmax(nn.Module):
    """Softmax over all experts, then the best two, as they are."""

    width, takes = EXPERTS, 2

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, self.width, bias=False)
        self.experts = Stacked()

    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights, chosen = self.gate(hidden).softmax(-1).topk(self.takes, -1)
        return chosen, weights

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        hidden = stream.flatten(0, 1)
        result: torch.Tensor = self.experts(hidden, *self.route(hidden)).view_as(stream)
        return result


class Grouped(Softmax):
    """DeepSeek-V3: sigmoids, a bias for choosing alone, two of three groups, normalised, times 2.5."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Buffer(torch.zeros(EXPERTS))

    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self.gate(hidden).sigmoid()
        choose = scores + self.bias
        best = choose.view(-1, 3, EXPERTS // 3).topk(2, -1)[0].sum(-1).topk(2, -1)[1]
        kept = torch.zeros_like(choose[:, :3]).scatter_(1, best, 1)
        kept = kept[..., None].expand(-1, 3, EXPERTS // 3).reshape(-1, EXPERTS)
        chosen = choose.masked_fill(~kept.bool(), float("-inf")).topk(self.takes, -1)[1]
        weights = scores.gather(1, chosen)
        return chosen, 2.5 * weights / (weights.sum(-1, keepdim=True) + 1e-20)


class AfterChoice(Softmax):
    takes = 3

    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        best, chosen = self.gate(hidden).topk(self.takes, -1)
        return chosen, best.softmax(-1)


class Switch(Softmax):
    """The one best expert, by argmax."""

    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self.gate(hidden).softmax(-1)
        return scores.argmax(-1, keepdim=True), scores.max(-1, keepdim=True).values


class RootSoftplus(Softmax):
    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights, chosen = functional.softplus(self.gate(hidden)).sqrt().topk(self.takes, -1)
        return chosen, weights / weights.sum(-1, keepdim=True)


class Zeros(Softmax):
    """Eight choices of which the last two are no experts; the parameter has rows for them nevertheless."""

    width = 8

    def __init__(self) -> None:
        super().__init__()
        self.experts = Stacked(rows=8)


class Hash(Softmax):
    """A table says for each place which experts see it; the router only weighs them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Buffer(torch.zeros(64, 2, dtype=torch.long))

    def route(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = self.table[torch.arange(hidden.shape[0], device=hidden.device)]
        return chosen, self.gate(hidden).softmax(-1).gather(1, chosen)


class Beside(Softmax):
    """A gated shared expert of 14 channels, and another of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 14), nn.Linear(14, WIDTH)
        self.small = nn.Sequential(nn.Linear(WIDTH, 4), nn.ReLU(), nn.Linear(4, WIDTH))
        self.open = nn.Linear(WIDTH, 1)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        shared = self.open(stream).sigmoid() * self.down(functional.gelu(self.up(stream)))
        result: torch.Tensor = super().forward(stream) + shared + self.small(stream)
        return result


NORMAL = {
    "experts": EXPERTS,
    "top_k": 2,
    "hidden": HIDDEN,
    "gated": True,
    "activation": "silu",
    "router": "softmax",
    "shared_hidden": 0,
    "choice": "token",
    "groups": None,
    "groups_kept": None,
    "zero_experts": 0,
    "bias_correction": False,
    "normalised": False,
    "scale": None,
}
DEEPSEEK = {"groups": 3, "groups_kept": 2, "bias_correction": True, "normalised": True, "scale": 2.5}
KINDS: list[tuple[type[nn.Module], dict[str, Any]]] = [
    (Softmax, {}),
    (Grouped, {"router": "sigmoid", **DEEPSEEK}),
    (AfterChoice, {"router": "softmax of the top k", "top_k": 3, "normalised": True}),
    (Switch, {"top_k": 1}),
    (RootSoftplus, {"router": "sqrt softplus", "normalised": True}),
    (Zeros, {"zero_experts": 2}),
    (Hash, {}),
    (Beside, {"shared_hidden": 14 + 4}),
]


@pytest.mark.parametrize(("feed", "expected"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_kinds(feed: type[nn.Module], expected: dict[str, Any]) -> None:
    architecture = read_model(Model(feed=feed))
    block = architecture.block("L1.moe")
    assert isinstance(block.spec, MixtureOfExperts)
    assert told(block.spec, *NORMAL) == {**NORMAL, **expected}
    port = block.port("experts")
    assert port is not None
    assert (port.path, port.side) == ("layers.1.feed.experts", "input")


@pytest.mark.parametrize(("feed", "idle"), [(Softmax, 4 * ONE), (AfterChoice, 3 * ONE), (Switch, 5 * ONE)])
def test_experts_that_a_token_does_not_visit_are_idle(feed: type[nn.Module], idle: int) -> None:
    params = read_model(Model(feed=feed)).params
    assert params.total - params.active == 2 * idle


def test_rows_for_choices_that_are_no_experts_are_idle() -> None:
    params = read_model(Model(feed=Zeros)).params
    assert params.total - params.active == 2 * (4 * ONE + 2 * 2 * HIDDEN * WIDTH)


def test_shared_experts_without_a_module_of_their_own() -> None:
    parts = {part.address: part for part in read_model(Model(feed=Beside)).block("L0.moe").parts}
    assert list(parts) == ["L0.moe.router", "L0.moe.experts", "L0.moe.shared", "L0.moe.shared2"]
    small = next(part for part in parts.values() if part.path == "layers.0.feed.small")
    assert small.params == 2 * 4 * WIDTH + 4 + WIDTH
    assert parts["L0.moe.experts"].params == EXPERTS * ONE


class Choosy(nn.Module):
    """Expert choice: each of six experts takes its best two tokens (Zhou et al., 2022, arXiv:2202.09368)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.into = nn.Parameter(torch.zeros(EXPERTS, WIDTH, HIDDEN))
        self.back = nn.Parameter(torch.zeros(EXPERTS, HIDDEN, WIDTH))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        hidden = stream.flatten(0, 1)
        weights, tokens = self.gate(hidden).softmax(-1).t().topk(2, -1)
        made = functional.relu(hidden[tokens] @ self.into) @ self.back
        out = torch.zeros_like(hidden).index_add(0, tokens.flatten(), (made * weights[..., None]).flatten(0, 1))
        return out.view_as(stream)


def test_experts_that_choose_their_tokens() -> None:
    spec = read_model(Model(feed=Choosy)).block("L0.moe").spec
    assert isinstance(spec, MixtureOfExperts)
    seen = told(spec, "experts", "choice", "top_k", "hidden", "gated", "router", "zero_experts")
    assert seen == dict(zip(seen, (EXPERTS, "expert", 2, HIDDEN, False, "softmax", 0), strict=True))
    assert "each expert takes 2 of 7 tokens" in spec.top_k.where


class Soft(Choosy):
    """Soft MoE: every expert sees means of all tokens, two slots each (Puigcerver et al., 2023, arXiv:2308.00951)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS * 2, bias=False)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        scores = self.gate(stream)
        slots = (scores.softmax(1).transpose(1, 2) @ stream).unflatten(1, (EXPERTS, 2))
        made = functional.relu(slots @ self.into) @ self.back
        result: torch.Tensor = scores.softmax(-1) @ made.flatten(1, 2)
        return result


def test_experts_that_all_see_means_of_all_tokens() -> None:
    architecture = read_model(Model(feed=Soft))
    spec = architecture.block("L0.moe").spec
    assert isinstance(spec, MixtureOfExperts)
    assert told(spec, "experts", "top_k", "hidden", "router") == {
        "experts": EXPERTS,
        "top_k": EXPERTS,
        "hidden": HIDDEN,
        "router": "softmax",
    }
    assert architecture.params.active == architecture.params.total


class Listed(nn.Module):
    """Experts in a list, two of which do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, 5, bias=False)
        self.experts = nn.ModuleList([*(Dense() for _ in range(3)), nn.Identity(), nn.Identity()])

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.gate(stream).softmax(-1).topk(2, -1)
        out = torch.zeros_like(stream)
        for index, expert in enumerate(self.experts):
            share = (weights * (chosen == index)).sum(-1, keepdim=True)
            out = out + expert(stream) * share
        return out


def test_experts_in_a_list_of_which_some_do_nothing() -> None:
    architecture = read_model(Model(feed=Listed))
    block = architecture.block("L0.moe")
    assert isinstance(block.spec, MixtureOfExperts)
    assert told(block.spec, "experts", "zero_experts", "top_k", "hidden") == {
        "experts": 3,
        "zero_experts": 2,
        "top_k": 2,
        "hidden": 40,
    }
    one = 2 * 40 * WIDTH + 40 + WIDTH
    assert architecture.params.total - architecture.params.active == 2 * one


class Crowd(nn.Module):
    """Many experts in a list, their outputs added one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, 300, bias=False)
        self.experts = nn.ModuleList([Dense() for _ in range(300)])

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.gate(stream).softmax(-1).topk(2, -1)
        out = torch.zeros_like(stream)
        for index, expert in enumerate(self.experts):
            out = out + expert(stream) * (weights * (chosen == index)).sum(-1, keepdim=True)
        return out


def test_a_long_sum_of_experts() -> None:
    spec = read_model(Model(feed=Crowd)).block("L1.moe").spec
    assert isinstance(spec, MixtureOfExperts)
    assert told(spec, "experts", "top_k", "shared_hidden") == {"experts": 300, "top_k": 2, "shared_hidden": 0}


class TwoMixtures(Layer):
    """A layer with two mixtures, each with a router of its own."""

    def __init__(self) -> None:
        super().__init__(Dense, Softmax)
        self.second = AfterChoice()

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = super().forward(stream)
        result: torch.Tensor = stream + self.second(stream)
        return result


def test_two_routers_in_one_layer() -> None:
    model = Model()
    model.layers[1] = TwoMixtures()
    architecture = read_model(model)
    specs = [architecture.block(f"L1.{part}").spec for part in ("moe", "moe2")]
    assert [spec.top_k.value for spec in specs if isinstance(spec, MixtureOfExperts)] == [2, 3]


TINY = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "pad_token_id": 0}


def test_retrieved_rows_are_experts() -> None:
    """DogeCDMoE: 64 rows in two tables, the best 3 of 8 x 8 sums of keys, beside a gated feed-forward block."""
    settings = {"intermediate_size": 44, "num_key_value_heads": 2, "is_moe": True, "num_experts": 64}
    architecture = read({"model_type": "doge", **TINY, **settings, "num_experts_per_tok": 3})
    spec = architecture.block("L0.moe").spec
    assert isinstance(spec, MixtureOfExperts)
    seen = told(spec, "experts", "top_k", "hidden", "router", "shared_hidden", "groups")
    assert list(seen.values()) == [64, 3, 1, "softmax of the top k", 44, None]
    assert architecture.params.total - architecture.params.active == 2 * (64 - 3) * 2 * 32


def test_heads_that_are_routed() -> None:
    """JetMoeAttention: queries and outputs of 2 of 4 experts, each of 2 heads of 8; keys and values are everybody's."""
    settings = {"kv_channels": 8, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
    sizes = {key: value for key, value in TINY.items() if key != "num_attention_heads"}
    architecture = read({"model_type": "jetmoe", **sizes, **settings, "intermediate_size": 44})
    attention = architecture.block("L0.attn")
    assert isinstance(attention.spec, Attention)
    routed = next(part for part in attention.parts if part.role == "moe")
    assert isinstance(routed.spec, MixtureOfExperts)
    assert told(routed.spec, "experts", "top_k", "hidden") == {"experts": 4, "top_k": 2, "hidden": 16}
    assert [address for address in architecture.addresses() if address.startswith("L1.attn.")] == [
        *(f"L1.attn.H{head}" for head in range(4)),
        "L1.attn.experts",
    ]
    head, feed = 2 * 16 * 32, 3 * 44 * 32
    assert architecture.params.total - architecture.params.active == 2 * 2 * (head + feed)
