"""Sequence mixers of a few kinds, written by hand."""

from __future__ import annotations

import torch
from kinds import WIDTH
from torch import nn
from torch.nn import functional

HEADS, KEYS, VALUES = 3, 4, 10
STATES, INNER = 5, 30


class Heads(nn.Module):
    """Queries, keys and values in heads, and a projection back."""

    decays: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(WIDTH, HEADS * KEYS), nn.Linear(WIDTH, HEADS * KEYS)
        self.v, self.out = nn.Linear(WIDTH, HEADS * VALUES), nn.Linear(HEADS * VALUES, WIDTH)
        self.beta = nn.Linear(WIDTH, HEADS)
        self.fade = nn.Linear(WIDTH, max(1, self.decays))

    def heads(self, stream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        q, k, v = (part(stream).unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        return q, k, v

    def joined(self, mixed: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return result


class Recurrent(Heads):
    """One token after the other: a state for each head, which may fade and may be corrected."""

    corrected = True

    def decay(self, stream: torch.Tensor) -> torch.Tensor | None:
        if not self.decays:
            return None
        fade = functional.logsigmoid(self.fade(stream)).unflatten(-1, (HEADS, -1)).transpose(1, 2)  # type: ignore[no-untyped-call]
        decay: torch.Tensor = fade[..., None].exp()
        return decay

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        q, k, v = self.heads(stream)
        decay = self.decay(stream)
        beta = self.beta(stream).sigmoid().transpose(1, 2)[..., None]
        state = torch.zeros(stream.shape[0], HEADS, KEYS, VALUES, device=stream.device)
        rows = []
        for t in range(stream.shape[1]):
            if decay is not None:
                state = state * decay[:, :, t]
            write = v[:, :, t]
            if self.corrected:
                write = beta[:, :, t] * (write - (state * k[:, :, t, :, None]).sum(-2))
            state = state + k[:, :, t, :, None] * write[:, :, None]
            rows.append((state * q[:, :, t, :, None]).sum(-2))
        return self.joined(torch.stack(rows, dim=2))


class GatedDelta(Recurrent):
    decays = HEADS


class ChannelDelta(Recurrent):
    decays = HEADS * KEYS


class Selective(nn.Module):
    """Mamba: each of 30 channels has a vector of 5 numbers; the step comes from the input through 6 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(WIDTH, 2 * INNER), nn.Linear(INNER, WIDTH)
        self.conv = nn.Conv1d(INNER, INNER, 4, groups=INNER, padding=3)
        self.parts, self.step = nn.Linear(INNER, 6 + 2 * STATES), nn.Linear(6, INNER)
        self.a = nn.Parameter(torch.zeros(INNER, STATES))

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        x, gate = self.into(stream).chunk(2, -1)
        x = functional.silu(self.conv(x.transpose(1, 2))[..., : stream.shape[1]].transpose(1, 2))
        low, b, c = self.parts(x).split([6, STATES, STATES], -1)
        step = functional.softplus(self.step(low))
        fade = torch.exp(step[..., None] * -self.a.exp())
        write = (step * x)[..., None] * b[:, :, None]
        state = torch.zeros(stream.shape[0], INNER, STATES, device=stream.device)
        rows = []
        for t in range(stream.shape[1]):
            state = fade[:, t] * state + write[:, t]
            rows.append((state @ c[:, t, :, None])[..., 0])
        result: torch.Tensor = self.out(torch.stack(rows, 1) * functional.silu(gate))
        return result
