"""Feed-forward blocks of each kind, written by hand: what they are is known because they were made so."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from kinds import WIDTH, Model, told
from torch import nn
from torch.nn import functional

from glassblock.ir import FeedForward
from glassblock.reader import read_model

HIDDEN = 40
Function = Callable[[torch.Tensor], torch.Tensor]


def by_hand(function: Function) -> type[nn.Module]:
    """Make a block of two projections with a function between them."""

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

        def forward(self, stream: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.down(function(self.up(stream)))
            return result

    return Plain


def gelu_by_hand(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


def gelu_tanh_by_hand(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


FUNCTIONS: dict[str, Function] = {
    "relu": functional.relu,
    "relu squared": lambda x: functional.relu(x).square(),
    "relu squared by a power": lambda x: torch.pow(functional.relu(x), 2),
    "relu squared by itself": lambda x: (half := functional.relu(x)) * half,
    "gelu": functional.gelu,
    "gelu by hand": gelu_by_hand,
    "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu tanh by hand": gelu_tanh_by_hand,
    "quick gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": functional.silu,
    "silu by hand": lambda x: x * torch.sigmoid(x),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "mish": functional.mish,
    "elu": functional.elu,
    "leaky relu": functional.leaky_relu,
    "silu, clamped at 7": lambda x: functional.silu(x.clamp(max=7.0)),
    "silu, softcapped at 5": lambda x: 5 * torch.tanh(x / 5) * torch.sigmoid(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    spec = read_model(Model(feed=by_hand(FUNCTIONS[name]))).block("L1.mlp").spec
    assert isinstance(spec, FeedForward)
    expected = name.partition(" by ")[0]
    assert told(spec, "hidden", "gated", "activation") == {"hidden": HIDDEN, "gated": False, "activation": expected}


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(WIDTH, HIDDEN), nn.Linear(WIDTH, HIDDEN)
        self.down = nn.Linear(HIDDEN, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.silu(self.gate(stream)) * self.up(stream))
        return result


class Fused(nn.Module):
    """Gate and value from one projection, the bound of gpt-oss on both, one added to the value."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.down = nn.Linear(WIDTH, 2 * HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        both = self.both(stream)
        gate, up = both[..., ::2].clamp(max=7.0), both[..., 1::2].clamp(min=-7.0, max=7.0)
        result: torch.Tensor = self.down((up + 1) * (gate * torch.sigmoid(gate * 1.702)))
        return result


class Glu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both, self.down = nn.Linear(WIDTH, 2 * HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.glu(self.both(stream), dim=-1))
        return result


class Bilinear(Gated):
    """A product of two projections without any function."""

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(self.gate(stream) * self.up(stream))
        return result


class Maxout(nn.Module):
    """The largest of two pieces (Goodfellow et al., 2013, arXiv:1302.4389)."""

    def __init__(self) -> None:
        super().__init__()
        self.both, self.down = nn.Linear(WIDTH, 2 * HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        pieces = self.both(stream).unflatten(-1, (2, HIDDEN))
        result: torch.Tensor = self.down(pieces.max(-2).values)
        return result


class Thin(nn.Module):
    """Each matrix is two of rank 5."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Sequential(nn.Linear(WIDTH, 5, bias=False), nn.Linear(5, HIDDEN))
        self.down = nn.Sequential(nn.Linear(HIDDEN, 5, bias=False), nn.Linear(5, WIDTH))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.gelu(self.up(stream)))
        return result


class Normed(nn.Module):
    """A norm between the function and the projection back."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.norm, self.down = nn.Linear(WIDTH, HIDDEN), nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(self.norm(functional.gelu(self.up(stream))))
        return result


class Convolved(nn.Module):
    """Projections written as convolutions of width one."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Conv1d(WIDTH, HIDDEN, 1), nn.Conv1d(HIDDEN, WIDTH, 1)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.gelu(self.up(stream.transpose(1, 2))))
        return result.transpose(1, 2)


class Neighbours(nn.Module):
    """SegFormer's: a depthwise convolution over three tokens between the projections."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.conv = nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1, groups=HIDDEN)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        hidden = self.conv(self.up(stream).transpose(1, 2)).transpose(1, 2)
        result: torch.Tensor = self.down(functional.gelu(hidden))
        return result


class Transposed(nn.Module):
    """Matrices that are multiplied from the right, as GPT-2 keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Parameter(torch.zeros(WIDTH, HIDDEN)), nn.Parameter(torch.zeros(HIDDEN, WIDTH))
        self.bias = nn.Parameter(torch.zeros(HIDDEN))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        hidden = torch.addmm(self.bias, stream.flatten(0, 1), self.up)
        return (functional.gelu(hidden) @ self.down).view_as(stream)


KINDS: list[tuple[type[nn.Module], bool, str]] = [
    (Gated, True, "silu"),
    (Fused, True, "quick gelu, clamped at 7"),
    (Glu, True, "sigmoid"),
    (Bilinear, True, "none"),
    (Maxout, False, "maxout"),
    (Thin, False, "gelu"),
    (Normed, False, "gelu"),
    (Convolved, False, "gelu"),
    (Neighbours, False, "gelu"),
    (Transposed, False, "gelu"),
]


@pytest.mark.parametrize(("feed", "gated", "activation"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_kinds(feed: type[nn.Module], gated: bool, activation: str) -> None:  # a parameter of the test
    block = read_model(Model(feed=feed)).block("L0.mlp")
    assert isinstance(block.spec, FeedForward)
    seen = told(block.spec, "hidden", "gated", "activation")
    assert seen == {"hidden": HIDDEN, "gated": gated, "activation": activation}
    assert block.params == sum(parameter.numel() for parameter in feed().parameters())


def test_images_go_through_convolutions_of_width_one() -> None:
    """Two dimensions of patches, as many channels as the stream has."""

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Conv2d(WIDTH, HIDDEN, 1), nn.Conv2d(HIDDEN, WIDTH, 1)

        def forward(self, stream: torch.Tensor) -> torch.Tensor:
            picture = stream.transpose(1, 2).unflatten(-1, (2, 4))
            result: torch.Tensor = self.down(functional.relu(self.up(picture)))
            return result.flatten(-2).transpose(1, 2)

    ids = torch.zeros(1, 8, dtype=torch.long)
    spec = read_model(Model(feed=Flat), inputs=ids).block("L0.mlp").spec
    assert isinstance(spec, FeedForward)
    assert told(spec, "hidden", "gated", "activation") == {"hidden": HIDDEN, "gated": False, "activation": "relu"}


def test_a_linear_map_of_low_rank_is_no_feed_forward_block() -> None:
    block = read_model(Model(feed=by_hand(lambda x: x * 2))).block("L0.linear")
    assert block.role == "projector"
    assert isinstance(block.spec, FeedForward)
    assert told(block.spec, "hidden", "activation") == {"hidden": HIDDEN, "activation": "none"}
