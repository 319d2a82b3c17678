"""Layers for tests of what single blocks are read as: a stream, a mixer and a feed-forward block, all plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

WIDTH = 24
Make = Callable[[], nn.Module]


class Attention(nn.Module):
    """Two heads of softmax attention."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.into(stream).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        result: torch.Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return result


class Dense(nn.Module):
    """Two projections and a GELU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 40), nn.Linear(40, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.gelu(self.up(stream)))
        return result


class ListedExperts(nn.Module):
    """Experts in a list; each token goes to the best two."""

    def __init__(self, total: int = 6) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, total, bias=False)
        self.experts = nn.ModuleList([Dense() for _ in range(total)])

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(stream).softmax(-1).topk(2)
        total = torch.zeros_like(stream)
        for at, expert in enumerate(self.experts):
            total = total + (weights * (chosen == at)).sum(-1, keepdim=True) * expert(stream)
        return total


class Layer(nn.Module):
    def __init__(self, mixer: Make, feed: Make) -> None:
        super().__init__()
        self.norm_a, self.norm_b = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mixer, self.feed = mixer(), feed()

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = stream + self.mixer(self.norm_a(stream))
        result: torch.Tensor = stream + self.feed(self.norm_b(stream))
        return result


class Model(nn.Module):
    """Two layers of a mixer and a feed-forward block."""

    def __init__(self, mixer: Make = Attention, feed: Make = Dense) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.layers = nn.ModuleList([Layer(mixer, feed) for _ in range(2)])
        self.head = nn.Linear(WIDTH, 50, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        stream = self.table(ids)
        for layer in self.layers:
            stream = layer(stream)
        logits: torch.Tensor = self.head(stream)
        return logits


def told(spec: Any, *names: str) -> dict[str, Any]:
    """Return the values of some facts of a spec."""
    facts = {name: getattr(spec, name) for name in names}
    return {name: None if fact is None else fact.value for name, fact in facts.items()}
