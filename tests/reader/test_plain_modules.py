"""Transformers in plain PyTorch: no transformers library, no names to go by."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from tiny_models import PlainTransformer
from torch import nn
from torch.nn import functional

from glassblock.diagram import Diagram
from glassblock.ir import Attention, FeedForward, MixtureOfExperts
from glassblock.reader import read_model

WIDTH, HEADS = 32, 4


class FusedAttention(nn.Module):
    """One projection for q, k and v, torch's fused kernel, as in nanoGPT."""

    def __init__(self, *, causal: bool = True) -> None:
        super().__init__()
        self.causal = causal
        self.into = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = stream.shape
        q, k, v = (part.view(batch, tokens, HEADS, -1).transpose(1, 2) for part in self.into(stream).split(width, -1))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        result: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return result


class FusedLayer(nn.Module):
    def __init__(self, *, causal: bool = True, scale: float = 1.0) -> None:
        super().__init__()
        self.attention = FusedAttention(causal=causal)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 64), nn.GELU(), nn.Linear(64, WIDTH), nn.Dropout(0.1))
        self.scale = scale

    def scaled(self, update: torch.Tensor) -> torch.Tensor:
        return update if self.scale == 1 else self.scale * update

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = stream + self.scaled(self.attention(functional.rms_norm(stream, (WIDTH,))))
        return stream + self.scaled(self.feed(functional.rms_norm(stream, (WIDTH,))))


class Nano(nn.Module):
    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.layers = nn.ModuleList([FusedLayer(**settings) for _ in range(3)])
        self.head = nn.Linear(WIDTH, 50, bias=False)
        self.head.weight = self.table.weight

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        stream = self.table(idx)
        for layer in self.layers:
            stream = layer(stream)
        logits: torch.Tensor = self.head(functional.rms_norm(stream, (WIDTH,)))
        return logits


class Torch(nn.Module):
    """torch's own encoder layers, post-norm, with a causal mask and learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.positions = nn.Parameter(torch.zeros(64, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        tokens = ids.shape[1]
        mask = torch.full((tokens, tokens), float("-inf"), device=ids.device).triu(1)
        stream: torch.Tensor = self.encoder(self.table(ids) + self.positions[:tokens], mask=mask)
        return stream


class Expert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 24)
        self.down = nn.Linear(24, WIDTH)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.gelu(self.up(hidden)))
        return result


class ListedExperts(nn.Module):
    """Experts that are modules, each run on the tokens that chose it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, 5, bias=False)
        self.experts = nn.ModuleList([Expert() for _ in range(5)])

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        flat = stream.view(-1, stream.shape[-1])
        weights, chosen = self.gate(flat).softmax(-1).topk(2, dim=-1)
        out = torch.zeros_like(flat)
        for index, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == index)
            out.index_add_(0, token, expert(flat[token]) * weights[token, slot, None])
        return out.view(stream.shape)


class MoeLayer(FusedLayer):
    def __init__(self) -> None:
        super().__init__()
        self.feed = ListedExperts()  # type: ignore[assignment]


class Moe(Nano):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([MoeLayer() for _ in range(2)])


def test_experts_in_a_list() -> None:
    architecture = read_model(Moe())
    block = architecture.block("L1.moe")
    assert isinstance(block.spec, MixtureOfExperts)
    facts = (block.spec.experts, block.spec.top_k, block.spec.hidden, block.spec.gated)
    assert [fact.value for fact in facts] == [5, 2, 24, False]
    assert (block.spec.router.value, block.spec.activation.value) == ("softmax", "gelu")
    ports = {port.name: (port.path, port.side) for port in block.ports}
    assert ports["expert_modules"] == ("layers.1.feed.experts", "input")
    assert ports["router"] == ("layers.1.feed.gate", "output")
    assert [part.address for part in block.parts] == ["L1.moe.router", "L1.moe.experts"]
    one = 2 * WIDTH * 24 + 24 + WIDTH
    assert architecture.params.total - architecture.params.active == 2 * (5 - 2) * one


def test_a_layer_without_an_attention_module() -> None:
    block = read_model(PlainTransformer()).block("L1.attn")
    assert block.path == ""
    assert block.params == 4 * (WIDTH * WIDTH + WIDTH)
    assert [(port.name, port.path, port.side) for port in block.ports] == [
        ("in", "blocks.block1.norm_a", "input"),
        ("out", "blocks.block1.o", "output"),
        ("z", "blocks.block1.o", "input"),
    ]


def test_a_fused_projection_and_a_fused_kernel() -> None:
    architecture = read_model(Nano())
    spec = architecture.block("L0.attn").spec
    assert isinstance(spec, Attention)
    assert (spec.heads.value, spec.head_dim.value, spec.causal.value) == (4, 8, True)
    assert spec.causal.where == "is_causal of the operation"
    assert spec.scale is not None
    assert spec.scale.value == pytest.approx(8**-0.5)
    assert architecture.block("L0.attn").port("z") is not None
    assert architecture.block("unembed").spec.tied.value is True


def test_norms_without_modules_are_drawn_and_said_to_be_untappable() -> None:
    architecture = read_model(Nano())
    layer = next(architecture.layers())
    assert [branch.pre_norm for branch in layer.branches] == ["L0.norm1", "L0.norm2"]
    assert architecture.block("L0.norm1").notes == ("no module of its own, so it cannot be tapped",)
    assert "its input cannot be tapped" in architecture.block("L0.mlp").notes[0]


def test_attention_that_looks_both_ways() -> None:
    spec = read_model(Nano(causal=False)).block("L0.attn").spec
    assert isinstance(spec, Attention)
    assert spec.causal.value is False


def test_scaled_updates() -> None:
    layer = next(read_model(Nano(scale=0.25)).layers())
    assert [branch.scale and branch.scale.value for branch in layer.branches] == [0.25, 0.25]
    assert [branch.scale for branch in next(read_model(Nano()).layers()).branches] == [None, None]


class Subtracting(FusedLayer):
    """Takes its updates away from the stream, one by an operator and one by a factor."""

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        stream = stream - self.attention(stream)
        return torch.add(stream, self.feed(stream), alpha=-2)


def test_updates_that_are_taken_away() -> None:
    model = Nano()
    model.layers = nn.ModuleList([Subtracting() for _ in range(2)])
    layer = next(read_model(model).layers())
    assert [branch.scale and branch.scale.value for branch in layer.branches] == [-1, -2]


class PastCalls(Nano):
    """Calls the ``forward`` of its layers itself, past `nn.Module.__call__`."""

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        stream = self.table(idx)
        for layer in self.layers:
            stream = layer.forward(stream)
        logits: torch.Tensor = self.head(functional.rms_norm(stream, (WIDTH,)))
        return logits


def test_layers_whose_forward_is_called_itself() -> None:
    model = PastCalls()
    seen, usual = read_model(model), read_model(Nano())
    assert seen.trace == usual.trace
    assert seen.stacks == usual.stacks
    assert all("forward" not in vars(layer) for layer in model.layers)


def test_torch_encoder_layers() -> None:
    architecture = read_model(Torch())
    block, layer = architecture.block("L0.attn"), next(architecture.layers())
    assert isinstance(block.spec, Attention)
    assert (block.spec.heads.value, block.spec.causal.value) == (4, True)
    assert block.port("z") is None
    assert "nn.MultiheadAttention" in block.notes[0]
    assert [branch.stream_norm for branch in layer.branches] == ["L0.norm1", "L0.norm2"]
    assert [branch.pre_norm for branch in layer.branches] == [None, None]
    feed = architecture.block("L1.mlp").spec
    assert isinstance(feed, FeedForward)
    assert (feed.hidden.value, feed.activation.value) == (64, "relu")
    assert architecture.block("pos_embed").params == 64 * WIDTH


@pytest.mark.parametrize(
    "inputs",
    [
        torch.zeros(1, 5, dtype=torch.long),
        (torch.zeros(2, 5, dtype=torch.long),),
        {"idx": torch.zeros(2, 9, dtype=torch.long)},
    ],
)
def test_example_inputs(inputs: Any) -> None:
    assert read_model(Nano(), inputs=inputs).stacks[0].n_layers == 3


def test_a_model_of_one_layer() -> None:
    assert read_model(PlainTransformer(layers=1)).stacks[0].n_layers == 1


def test_plain_modules_need_no_transformers() -> None:
    program = (
        "import sys; sys.modules['transformers'] = None\n"
        "from tiny_models import PlainTransformer\n"
        "from glassblock.reader import read_model\n"
        "print(read_model(PlainTransformer()).block('L0.attn').heads)"
    )
    done = subprocess.run(  # noqa: S603  # the program is the one above
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert done.stdout.strip() == "4", done.stderr


def test_layers_in_the_model_itself_look_at_nothing_else() -> None:
    model = nn.Sequential(nn.Embedding(50, WIDTH), *[FusedLayer() for _ in range(3)], nn.Linear(WIDTH, 50))
    found = read_model(model)
    assert {branch.context for layer in found.layers() for branch in layer.branches} == {None}
    assert Diagram(found).cache(7, "float32").total == 3 * 2 * WIDTH * 7 * 4


def test_one_layer_that_stands_in_the_list_several_times_is_several_layers() -> None:
    model = Nano()
    model.layers = nn.ModuleList([FusedLayer()] * 4)
    found = read_model(model)
    assert found.trace.rung == "meta"
    assert len(list(found.layers())) == 4
    assert found.params.total == sum(p.numel() for p in model.parameters())
    assert Diagram(found).cache(1, "float32").total == 4 * 2 * WIDTH * 4
