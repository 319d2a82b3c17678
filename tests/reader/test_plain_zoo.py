"""Whole models that nobody has seen: how layers are kept, called and connected. Numbers are known by construction."""

from __future__ import annotations

import pytest
import torch
from kinds import WIDTH, Attention, Dense, Layer, Model
from torch import nn
from torch.nn import functional

from glassblock.errors import ModelError
from glassblock.ir import Architecture
from glassblock.ir import Layer as Read
from glassblock.reader import read_model


def blocks(layer: Read) -> list[str]:
    return [branch.block[len(layer.address) + 1 :] for branch in layer.branches]


def layers(architecture: Architecture) -> list[list[str]]:
    return [blocks(layer) for layer in architecture.layers()]


class InADictionary(Model):
    """Layers under names, called in the order of a list of those names."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({name: Layer(Attention, Dense) for name in ("lower", "middle", "upper")})

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        stream = self.table(ids)
        for name in ("lower", "middle", "upper"):
            stream = self.layers[name](stream)
        logits: torch.Tensor = self.head(stream)
        return logits


def test_layers_in_a_dictionary() -> None:
    architecture = read_model(InADictionary())
    assert layers(architecture) == [["attn", "mlp"]] * 3
    assert [layer.path for layer in architecture.layers()] == ["layers.lower", "layers.middle", "layers.upper"]


class Stage(nn.Module):
    """The middle of a pipeline: neither embedding nor head, hidden states in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.table = None
        self.layers = nn.ModuleList([Layer(Attention, Dense) for _ in range(2)])
        self.head = None

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            hidden = layer(hidden)
        return hidden


def test_a_stage_of_a_pipeline_is_read_from_hidden_states() -> None:
    model = Stage()
    architecture = read_model(model, inputs=torch.zeros(1, 5, WIDTH))
    assert layers(architecture) == [["attn", "mlp"]] * 2
    assert (architecture.inputs, architecture.vocabulary) == ((), None)
    assert architecture.params.total == sum(p.numel() for p in model.parameters())
    assert architecture.params.embedding == 0


class Tied(Model):
    def __init__(self) -> None:
        super().__init__()
        self.head.weight = self.table.weight


def test_tied_weights_count_once() -> None:
    tied, untied = read_model(Tied()).params, read_model(Model()).params
    assert untied.total - tied.total == 50 * WIDTH
    assert (tied.lookup, untied.lookup) == (0, 50 * WIDTH)


class Cross(nn.Module):
    """Queries from the stream, keys and values from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, stream: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        parts = (self.q(stream), *self.kv(other).chunk(2, -1))
        q, k, v = (part.unflatten(-1, (3, -1)).transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        result: torch.Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return result


class Looking(Layer):
    """A layer that looks at another stack after its own attention."""

    def __init__(self) -> None:
        super().__init__(Attention, Dense)
        self.norm_c, self.cross = nn.LayerNorm(WIDTH), Cross()

    def forward(self, stream: torch.Tensor, other: torch.Tensor | None = None) -> torch.Tensor:
        stream = stream + self.mixer(self.norm_a(stream))
        if other is not None:
            stream = stream + self.cross(self.norm_c(stream), other)
        result: torch.Tensor = stream + self.feed(self.norm_b(stream))
        return result


class LooksNowAndThen(nn.Module):
    """An encoder, and a decoder that looks at it after every second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.encoder = nn.ModuleList([Layer(Attention, Dense) for _ in range(2)])
        self.decoder = nn.ModuleList([Looking() if at % 2 else Layer(Attention, Dense) for at in range(4)])
        self.head = nn.Linear(WIDTH, 50)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        other = stream = self.table(ids)
        for layer in self.encoder:
            other = layer(other)
        for at, layer in enumerate(self.decoder):
            stream = layer(stream, other) if at % 2 else layer(stream)
        logits: torch.Tensor = self.head(stream)
        return logits


def test_cross_attention_in_every_second_layer() -> None:
    architecture = read_model(LooksNowAndThen())
    encoder, decoder = architecture.stacks
    assert (encoder.name, decoder.name) == ("enc", "dec")
    assert [blocks(layer) for layer in decoder.layers()] == [["attn", "mlp"], ["attn", "cross", "mlp"]] * 2
    (edge,) = architecture.edges
    assert (edge.source, edge.target, edge.kind) == ("enc", "dec", "cross-attention")
    assert architecture.block("dec.L1.cross").heads == 3


class Again(Model):
    """Two layers that the stream goes through three times."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        stream = self.table(ids)
        for _ in range(3):
            for layer in self.layers:
                stream = layer(stream)
        logits: torch.Tensor = self.head(stream)
        return logits


def test_layers_that_run_again_are_layers_each_time() -> None:
    model = Again()
    architecture = read_model(model)
    assert [layer.path for layer in architecture.layers()] == ["layers.0", "layers.1"] * 3
    assert architecture.params.total == sum(p.numel() for p in model.parameters())
    attention = architecture.block("L4.attn")
    assert attention.shared is not None
    assert attention.shared.value == 3


class Mixture(nn.Module):
    """Four experts of which each token visits one."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, 4, bias=False)
        self.experts = nn.ModuleList([Dense() for _ in range(4)])

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(stream).softmax(-1).topk(1)
        outputs = torch.stack([expert(stream) for expert in self.experts], -2)
        picked = outputs.gather(-2, chosen[..., None].expand(*chosen.shape, WIDTH)).squeeze(-2)
        result: torch.Tensor = picked * weights
        return result


class NowAndThen(Model):
    """A mixture in every second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(Attention, Mixture if at % 2 else Dense) for at in range(4)])


def test_a_mixture_in_every_second_layer() -> None:
    model = NowAndThen()
    architecture = read_model(model)
    assert layers(architecture) == [["attn", "mlp"], ["attn", "moe"]] * 2
    expert = sum(p.numel() for p in Dense().parameters())
    assert architecture.params.total - architecture.params.active == 2 * 3 * expert


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_torchs_own_transformer(*, norm_first: bool, batch_first: bool) -> None:
    model = nn.Transformer(
        WIDTH, 4, 2, 3, 40, batch_first=batch_first, norm_first=norm_first, activation="gelu", dropout=0.0
    )
    text = torch.zeros(1, 5, WIDTH) if batch_first else torch.zeros(5, 1, WIDTH)
    architecture = read_model(model, inputs={"src": text, "tgt": text})
    encoder, decoder = architecture.stacks
    assert [(s.name, s.n_layers) for s in architecture.stacks] == [("enc", 2), ("dec", 3)]
    assert blocks(encoder.layer(0)) == ["attn", "mlp"]
    assert blocks(decoder.layer(2)) == ["attn", "cross", "mlp"]
    assert all((branch.pre_norm is not None) is norm_first for branch in decoder.layer(0).branches)
    assert all((branch.stream_norm is None) is norm_first for branch in decoder.layer(0).branches)


class Raises(Model):
    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        message = f"out of order with {tuple(ids.shape)}"
        raise RuntimeError(message)


def test_a_model_whose_forward_raises_is_drawn_from_its_modules_and_says_so() -> None:
    architecture = read_model(Raises())
    assert architecture.trace.rung == "tree"
    assert any("out of order" in note for note in architecture.trace.notes)
    assert architecture.params.total == sum(p.numel() for p in Raises().parameters())


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), torch.zeros(1, 8)),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)), torch.zeros(1, 3, 16, 16)),
    ],
)
def test_what_is_no_transformer_is_refused_with_a_remedy(model: nn.Module, inputs: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"expected a transformer.*Pass the transformer itself"):
        read_model(model, inputs=inputs)
