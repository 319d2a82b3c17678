"""Sequence mixers of each kind, written by hand: what they are is known because they were made so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kinds import WIDTH, Model, told
from mixers import HEADS, INNER, KEYS, STATES, VALUES, ChannelDelta, GatedDelta, Heads, Recurrent, Selective
from torch import nn
from torch.nn import functional

from glassblock.ir import Mixer
from glassblock.reader import read_model


class Summing(Recurrent):
    corrected = False


class GatedLinear(Recurrent):
    decays, corrected = HEADS * KEYS, False


class Retention(Heads):
    """The parallel form: scores fade by a power of the distance, for each head its own."""

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        q, k, v = self.heads(stream)
        places = torch.arange(stream.shape[1], device=stream.device)
        apart = (places[:, None] - places).clamp(min=0)
        gammas = 1 - torch.exp2(-5.0 - torch.arange(HEADS, device=stream.device))
        fading = torch.pow(gammas[:, None, None], apart).tril()
        return self.joined((q @ k.transpose(-1, -2) * fading) @ v)


class Kernel(Heads):
    """Linear attention that looks both ways: keys and values are summed over all tokens first."""

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        q, k, v = self.heads(stream)
        q, k = functional.elu(q) + 1, functional.elu(k) + 1
        return self.joined(q @ (k.transpose(-1, -2) @ v))


class SigmoidAttention(Heads):
    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        q, k, v = self.heads(stream)
        return self.joined(torch.sigmoid(q @ k.transpose(-1, -2)).tril() @ v)


class Fixed(Selective):
    """S4D: the same, and it fades alike whatever the text."""

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        x, b = self.into(stream).chunk(2, -1)[0], self.parts.weight[0, :STATES]
        fade = torch.exp(-self.a.exp())
        state = torch.zeros(stream.shape[0], INNER, STATES, device=stream.device)
        rows = []
        for t in range(stream.shape[1]):
            state = fade * state + x[:, t, :, None] * b
            rows.append(state.sum(-1))
        result: torch.Tensor = self.out(torch.stack(rows, 1))
        return result


class Heady(nn.Module):
    """Mamba-2 token by token: 6 heads of 5 channels, a state of 8 in 2 groups, one step for each head."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 30 + 2 * 2 * 8 + 6), nn.Linear(30, WIDTH)
        self.a = nn.Parameter(torch.zeros(6))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        x, b, c, step = self.into(stream).split([30, 16, 16, 6], -1)
        x, b, c = x.unflatten(-1, (6, 5)), b.unflatten(-1, (2, 8)), c.unflatten(-1, (2, 8))
        b, c = b.repeat_interleave(3, dim=2), c.repeat_interleave(3, dim=2)
        step = functional.softplus(step)
        fade = torch.exp(-self.a.exp() * step)
        state = torch.zeros(stream.shape[0], 6, 5, 8, device=stream.device)
        rows = []
        for t in range(stream.shape[1]):
            write = (step[:, t, :, None] * x[:, t])[..., None] * b[:, t, :, None]
            state = state * fade[:, t, :, None, None] + write
            rows.append(torch.einsum("bhpn,bhn->bhp", state, c[:, t]))
        result: torch.Tensor = self.out(torch.stack(rows, 1).flatten(-2))
        return result


class Griffin(nn.Module):
    """A gated linear recurrence with one number for each of 30 channels, as in RG-LRU."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.gate, self.out = nn.Linear(WIDTH, INNER), nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.fade = nn.Linear(INNER, INNER)
        self.a = nn.Parameter(torch.zeros(INNER))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        x = self.into(stream)
        fade = torch.exp(-8 * torch.sigmoid(self.fade(x)) * functional.softplus(self.a))
        write = torch.sqrt(1 - fade**2) * x
        state, rows = torch.zeros_like(x[:, 0]), []
        for t in range(stream.shape[1]):
            state = fade[:, t] * state + write[:, t]
            rows.append(state)
        result: torch.Tensor = self.out(torch.stack(rows, 1) * functional.gelu(self.gate(stream)))
        return result


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = nn.LSTM(WIDTH, INNER, batch_first=True), nn.Linear(INNER, WIDTH)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.out(self.cell(stream)[0])
        return result


class Short(nn.Module):
    """A convolution over three tokens between two gates that are plain projections (LFM2)."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.conv = nn.Conv1d(WIDTH, WIDTH, 3, groups=WIDTH, padding=2)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        b, c, x = self.into(stream).transpose(1, 2).chunk(3, 1)
        mixed = c * self.conv(b * x)[..., : stream.shape[1]]
        result: torch.Tensor = self.out(mixed.transpose(1, 2))
        return result


class Long(nn.Module):
    """A convolution as long as the text, by way of its spectrum (Hyena)."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.filter = nn.Parameter(torch.zeros(WIDTH, 64))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        x, gate = self.into(stream).transpose(1, 2).chunk(2, 1)
        spectrum = torch.fft.rfft(x, n=64) * torch.fft.rfft(self.filter, n=64)
        mixed = torch.fft.irfft(spectrum, n=64)[..., : stream.shape[1]] * gate
        result: torch.Tensor = self.out(mixed.transpose(1, 2))
        return result


class Fourier(nn.Module):
    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = torch.fft.fftn(stream, dim=(1, 2)).real
        return mixed


class Pool(nn.Module):
    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool1d(stream.transpose(1, 2), 3, 1, 1).transpose(1, 2) - stream


class Places(nn.Module):
    """MLP-Mixer: the matrix runs over 8 places."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 20), nn.Linear(20, 8)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.down(functional.gelu(self.up(stream.transpose(1, 2)))).transpose(1, 2)
        return result


# family, variant, decay, (heads, key/value heads, channels of a key, of a value), state, convolution, output gate
NONE = (None, None, None, None)
IN_HEADS, STATE = (HEADS, HEADS, KEYS, VALUES), (HEADS, KEYS, VALUES)
KINDS: list[tuple[type[nn.Module], tuple[Any, ...]]] = [
    (Recurrent, ("delta rule", "DeltaNet", "none", IN_HEADS, STATE, None, False)),
    (GatedDelta, ("delta rule", "GatedDeltaNet", "per head", IN_HEADS, STATE, None, False)),
    (ChannelDelta, ("delta rule", "KDA", "per channel", IN_HEADS, STATE, None, False)),
    (Summing, ("linear attention", "linear attention", "none", IN_HEADS, STATE, None, False)),
    (GatedLinear, ("linear attention", "gated linear attention", "per channel", IN_HEADS, STATE, None, False)),
    (Retention, ("linear attention", "retention", "fixed", IN_HEADS, STATE, None, False)),
    (Kernel, ("linear attention", "linear attention", "none", IN_HEADS, STATE, None, False)),
    (SigmoidAttention, ("attention without softmax", "sigmoid attention", "none", IN_HEADS, None, None, False)),
    (Selective, ("state space", "Mamba", "per channel and state", (None, None, 5, None), (30, 5), 4, True)),
    (Fixed, ("state space", "S4D", "fixed", (None, None, 5, None), (30, 5), None, False)),
    (Heady, ("state space", "Mamba-2", "per head", (6, 2, 8, 5), (6, 5, 8), None, False)),
    (Griffin, ("recurrence", "RG-LRU", "per channel", NONE, (30,), None, True)),
    (Cell, ("recurrence", "LSTM", "per channel", NONE, (2, 30), None, False)),
    (Short, ("convolution", "short convolution", "none", NONE, None, 3, True)),
    (Long, ("convolution", "long convolution", "none", NONE, None, None, True)),
    (Fourier, ("fourier", "fourier transform", "none", NONE, None, None, False)),
    (Pool, ("pooling", "average pooling", "none", NONE, None, None, False)),
    (Places, ("token mixing", "MLP-Mixer", "none", NONE, None, None, False)),
]


@pytest.mark.parametrize(("mixer", "expected"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_kinds(mixer: type[nn.Module], expected: tuple[Any, ...]) -> None:
    ids = torch.zeros(1, 8, dtype=torch.long)
    block = read_model(Model(mixer=mixer), inputs=ids if mixer is Places else None).block("L1.mixer")
    assert isinstance(block.spec, Mixer)
    dims = told(block.spec, "heads", "kv_heads", "head_dim", "v_head_dim")
    rest = told(block.spec, "family", "variant", "decay", "state", "conv", "out_gate")
    seen = (rest["family"], rest["variant"], rest["decay"], tuple(dims.values()))
    assert (*seen, rest["state"], rest["conv"], rest["out_gate"]) == expected


@pytest.mark.parametrize("mixer", [Recurrent, Retention, Kernel, Heady])
def test_heads_can_be_tapped(mixer: type[nn.Module]) -> None:
    port = read_model(Model(mixer=mixer)).block("L0.mixer").port("z")
    assert port is not None
    assert (port.path, port.side) == ("layers.0.mixer.out", "input")


def test_the_evidence_is_said() -> None:
    spec = read_model(Model(mixer=ChannelDelta)).block("L0.mixer").spec
    assert isinstance(spec, Mixer)
    assert spec.decay is not None
    assert (spec.decay.source, spec.decay.where.rpartition(": ")[2]) == ("observed", "12 factors for a token")
    assert spec.family.where == "what is written into the state is made from what it held"
