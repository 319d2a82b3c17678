"""Effective attention against the recurrence itself: with other values, by its formula, by its derivative."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from matrix.zoo import Case, case
from torch import Tensor

import glassblock as gb
from glassblock.errors import AddressError, TapError
from glassblock.live import Session
from glassblock.live.inside import Captured
from glassblock.reader.branches.place import LinearMap

MIXERS = ["qwen3_next", "olmo_hybrid", "kimi_linear", "mamba", "mamba2", "falcon_mamba", "jamba", "zamba2", "bamba"]
MIXERS += ["falcon_h1", "granitemoehybrid", "rwkv", "recurrent_gemma", "minimax", "lfm2"]


def mixer_of(session: Session) -> str:
    """Return the address of the first mixer."""
    return next(block.address for block in session.architecture.blocks() if block.role == "mixer")


def captured(session: Session, address: str, chosen: Case) -> tuple[Captured, LinearMap]:
    """Return a call of a mixer, and what goes through it linearly."""
    with session._engine.inside.capturing(address) as calls:
        session.run(chosen.prompt())
    linear = calls[-1].linear
    assert linear is not None
    return calls[-1], linear


def in_heads(x: Tensor) -> Tensor:
    return x if x.ndim == 4 else x.unsqueeze(-1)


def product(matrix: Tensor, v: Tensor) -> Tensor:
    """Return what a matrix makes of values, (batch, tokens, heads, channels), in float64."""
    if matrix.shape[1] == v.shape[2] and v.shape[3] > 1:
        return torch.einsum("bhts,bshc->bthc", matrix.double(), v.double())
    return torch.einsum("bcts,bsc->btc", matrix.double(), v.double().flatten(2)).view_as(v)


@pytest.mark.parametrize("name", MIXERS)
def test_it_makes_of_other_values_what_the_recurrence_makes_of_them(name: str) -> None:
    """The recurrence is given values that have nothing to do with the text: the matrix holds for them, too."""
    chosen = case(name)
    with gb.attach(chosen.make(None)) as session:
        address = mixer_of(session)
        matrix = session.effective_attention(address, prompt=chosen.prompt())
        call, linear = captured(session, address, chosen)
        other = torch.randn(call.again(linear.v)[linear.v].shape, generator=torch.Generator().manual_seed(1))
        out = in_heads(call.again(linear.out, changes={linear.v: lambda x: other.to(x.dtype)})[linear.out]).double()
    error = (product(matrix, in_heads(other)) - out).norm() / out.norm()
    assert error < 1e-5
    assert not matrix.triu(1).any()  # a token is made of none that comes after it


@pytest.mark.parametrize("name", MIXERS)
def test_logits_and_cache_are_untouched(name: str) -> None:
    chosen = case(name)
    model = chosen.make(None)
    with gb.attach(model) as session:
        before = _logits(session, chosen)
        session.effective_attention(mixer_of(session))
        after = _logits(session, chosen)
    assert torch.equal(after, before)


def _logits(session: Session, chosen: Case) -> Tensor:
    logits = session.run(chosen.prompt()).logits
    assert logits is not None
    return logits


def test_the_delta_rule_by_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """S = exp(g) S; S += k (beta (v - k S)); o = q S (arXiv:2412.06464), token by token in float64 on a basis."""
    chosen = case("qwen3_next")
    model = chosen.make(None)
    module = sys.modules[type(model).__module__]
    kernel: Any = module.torch_chunk_gated_delta_rule
    given: list[tuple[Any, ...]] = []

    def spy(q: Tensor, k: Tensor, v: Tensor, *, g: Tensor, beta: Tensor, **options: Any) -> Any:
        given.append((q, k, g, beta))
        return kernel(q, k, v, g=g, beta=beta, **options)

    with gb.attach(model) as session:
        address = mixer_of(session)
        matrix = session.effective_attention(address, prompt=chosen.prompt())
        monkeypatch.setattr(module, "torch_chunk_gated_delta_rule", spy)
        session.run(chosen.prompt())
    q, k, g, beta = (x.double() for x in given[0])
    q, k = (x / (x.pow(2).sum(-1, keepdim=True) + 1e-6).sqrt() for x in (q, k))
    q, k = (x.repeat_interleave(g.shape[-1] // x.shape[2], 2) for x in (q, k))
    batch, tokens, heads, channels = q.shape
    state = torch.zeros(batch, heads, channels, tokens, dtype=torch.float64)
    rows = []
    for t in range(tokens):
        state = state * g[:, t, :, None, None].exp()
        column = torch.zeros(tokens, dtype=torch.float64).index_fill(0, torch.tensor(t), 1.0)
        written = beta[:, t, :, None] * (column - torch.einsum("bhc,bhcs->bhs", k[:, t], state))
        state = state + k[:, t, :, :, None] * written[:, :, None]
        rows.append(torch.einsum("bhc,bhcs->bhs", q[:, t], state) * channels**-0.5)
    assert torch.allclose(matrix.double(), torch.stack(rows, 2), atol=1e-6)


def test_more_tokens_than_channels_and_than_a_chunk() -> None:
    model = case("qwen3_next").make(None)
    model.config.max_position_embeddings = 512
    ids = torch.randint(3, 50, (1, 150), generator=torch.Generator().manual_seed(0))
    with gb.attach(model) as session:
        address = mixer_of(session)
        matrix = session.effective_attention(address, prompt=ids)
        read = session.cache(f"{address}.v", f"{address}.recurrence_out", prompt=ids)
    v, out = read.values()
    assert matrix.shape == (1, v.shape[2], 150, 150)
    assert (product(matrix, v) - out).norm() / out.norm() < 1e-5


def test_what_it_cannot_do_is_said() -> None:
    chosen = case("qwen3_next")
    with gb.attach(chosen.make(None)) as session:
        address = mixer_of(session)
        with pytest.raises(TapError, match=r"matrix of at most .* GB, got .* for 12 tokens"):
            session.effective_attention(address, prompt=chosen.prompt(), limit=1000)
        attention = next(block.address for block in session.architecture.blocks() if block.role == "attention")
        with pytest.raises(TapError, match="linear in its values"):
            session.effective_attention(attention, prompt=chosen.prompt())
        with pytest.raises(AddressError, match="L9"):
            session.effective_attention("L9.mixer", prompt=chosen.prompt())
