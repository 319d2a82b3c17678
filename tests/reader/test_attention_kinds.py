"""Each kind of attention in a small module written by hand: its numbers are known because they stand in the code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig

from glassblock.ir import Attention, Fact, Stack
from glassblock.reader import read, read_model

WIDTH, HEADS, KV, SIZE = 24, 6, 3, 5
"""Channels of the stream, query heads, key/value heads, channels of a head."""

Tensor = torch.Tensor
Mask = Callable[[int], Tensor]


class Block(nn.Module):
    """A pre-norm layer around an attention."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.norm_a, self.norm_b = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = attention
        self.up, self.down = nn.Linear(WIDTH, 40), nn.Linear(40, WIDTH)

    def forward(self, stream: Tensor) -> Tensor:
        stream = stream + self.attention(self.norm_a(stream))
        result: Tensor = stream + self.down(functional.gelu(self.up(self.norm_b(stream))))
        return result


class Model(nn.Module):
    """Two such layers between a table and a head."""

    def __init__(self, attention: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.layers = nn.ModuleList([Block(attention()) for _ in range(2)])
        self.head = nn.Linear(WIDTH, 50)

    def forward(self, ids: Tensor) -> Tensor:
        stream = self.table(ids)
        for layer in self.layers:
            stream = layer(stream)
        result: Tensor = self.head(stream)
        return result


def spec_of(attention: Callable[[], nn.Module], part: str = "attn") -> Attention:
    spec = read_model(Model(attention)).block(f"L1.{part}").spec
    assert isinstance(spec, Attention)
    return spec


def value(spec: Attention, name: str) -> Any:
    fact = getattr(spec, name)
    return None if fact is None else fact.value


class Base(nn.Module):
    """Attention in steps that subclasses replace; as it stands: all to all, nothing special."""

    heads, kv, size, v_size = HEADS, HEADS, SIZE, SIZE

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Linear(WIDTH, self.heads * self.size, bias=False)
        self.k = nn.Linear(WIDTH, self.kv * self.size, bias=False)
        self.v = nn.Linear(WIDTH, self.kv * self.v_size, bias=False)
        self.o = nn.Linear(self.heads * self.v_size, WIDTH, bias=False)

    def split(self, x: Tensor, heads: int) -> Tensor:
        result: Tensor = x.unflatten(-1, (heads, -1)).transpose(1, 2)
        return result

    def queries(self, x: Tensor) -> Tensor:
        return self.split(self.q(x), self.heads)

    def keys(self, x: Tensor) -> Tensor:
        return self.split(self.k(x), self.kv)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return q @ k.transpose(-1, -2) / math.sqrt(self.size)

    def hidden(self, scores: Tensor) -> Tensor:
        return scores

    def gated(self, z: Tensor, x: Tensor) -> Tensor:
        return z

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.queries(x), self.keys(x), self.split(self.v(x), self.kv)
        groups = self.heads // self.kv
        if groups > 1:
            k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        mixed = self.hidden(self.scores(q, k)).softmax(-1) @ v
        result: Tensor = self.o(self.gated(mixed.transpose(1, 2).flatten(2), x))
        return result


def positions(x: Tensor) -> tuple[Tensor, Tensor]:
    place = torch.arange(x.shape[-1], device=x.device)
    return place[:, None], place[None, :]


def masked(allowed: Callable[[Tensor, Tensor], Tensor]) -> type[Base]:
    """Attention under a mask that is written as a condition on the positions of query and key."""

    class Masked(Base):
        def hidden(self, scores: Tensor) -> Tensor:
            return scores.masked_fill(~allowed(*positions(scores)), float("-inf"))

    return Masked


def test_plain_attention() -> None:
    spec = spec_of(Base)
    names = ("heads", "kv_heads", "head_dim", "v_head_dim", "causal", "window", "chunk", "position_bias", "rope_dims")
    assert [value(spec, name) for name in names] == [HEADS, HEADS, SIZE, SIZE, False, None, None, "none", 0]
    assert value(spec, "scale") == pytest.approx(SIZE**-0.5)
    assert spec.label == "MHA"


class Grouped(Base):
    kv, v_size = KV, 7


class OneKey(Base):
    kv = 1

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.queries(x), self.keys(x), self.split(self.v(x), 1)
        result: Tensor = self.o((self.scores(q, k).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return result


@pytest.mark.parametrize(("attention", "kv", "v_size", "label"), [(Grouped, KV, 7, "GQA"), (OneKey, 1, SIZE, "MQA")])
def test_key_value_heads_are_counted_before_they_are_repeated(
    attention: type[Base], kv: int, v_size: int, label: str
) -> None:
    spec = spec_of(attention)
    assert [value(spec, name) for name in ("heads", "kv_heads", "v_head_dim")] == [HEADS, kv, v_size]
    assert spec.label == label


class Einsum(Base):
    """Heads stay behind the tokens, as einsum likes it."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (HEADS, -1)) for part in (self.q(x), self.k(x), self.v(x)))
        pattern = (torch.einsum("bqhd,bkhd->bhqk", q, k) * 0.3).softmax(-1)
        result: Tensor = self.o(torch.einsum("bhqk,bkhd->bqhd", pattern, v).flatten(2))
        return result


class Baddbmm(Base):
    """Heads and texts in one dimension; the mask is added and the scale multiplied by one kernel."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.split(part, HEADS).flatten(0, 1) for part in (self.q(x), self.k(x), self.v(x)))
        tokens = x.shape[1]
        mask = torch.full((tokens, tokens), float("-inf"), device=x.device).triu(1)
        scores = torch.baddbmm(mask.expand(q.shape[0], -1, -1), q, k.transpose(1, 2), alpha=0.3)
        mixed = torch.bmm(scores.softmax(-1), v).unflatten(0, (x.shape[0], HEADS))
        result: Tensor = self.o(mixed.transpose(1, 2).flatten(2))
        return result


class Fused(Base):
    """torch's own kernel, told that it is causal and by how much to scale."""

    kv = KV

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.queries(x), self.keys(x), self.split(self.v(x), self.kv)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3, enable_gqa=True)
        result: Tensor = self.o(mixed.transpose(1, 2).flatten(2))
        return result


class TokensFirst(Base):
    """Sequences as fairseq has them: tokens, texts, channels."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(0, 1)
        tokens, texts, _ = y.shape
        q, k, v = (
            part.reshape(tokens, texts * HEADS, -1).transpose(0, 1) for part in (self.q(y) * 0.3, self.k(y), self.v(y))
        )
        mixed = torch.bmm(torch.bmm(q, k.transpose(1, 2)).softmax(-1), v).transpose(0, 1).reshape(tokens, texts, -1)
        result: Tensor = self.o(mixed).transpose(0, 1)
        return result


@pytest.mark.parametrize(
    ("attention", "kv", "causal"),
    [(Einsum, HEADS, False), (Baddbmm, HEADS, True), (Fused, KV, True), (TokensFirst, HEADS, False)],
)
def test_the_spelling_makes_no_difference(attention: type[Base], kv: int, causal: bool) -> None:
    spec = spec_of(attention)
    assert [value(spec, name) for name in ("heads", "kv_heads", "head_dim", "causal")] == [HEADS, kv, SIZE, causal]
    assert value(spec, "scale") == pytest.approx(0.3)


@pytest.mark.parametrize("attention", [Base, Grouped, OneKey, Einsum, Baddbmm, Fused, TokensFirst])
def test_heads_lie_side_by_side_at_z(attention: type[Base]) -> None:
    port = read_model(Model(attention)).block("L1.attn").port("z")
    assert port is not None
    assert (port.path, port.side) == ("layers.1.attention.o", "input")


MASKS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], dict[str, Any]]] = {
    "key is not later": (lambda q, k: k <= q, {"causal": True, "window": None}),
    "distance is not negative": (lambda q, k: q - k >= 0, {"causal": True, "window": None}),
    "four tokens back": (lambda q, k: (k <= q) & (k > q - 4), {"causal": True, "window": 4}),
    "three tokens back besides itself": (lambda q, k: (k <= q) & (q - k <= 3), {"causal": True, "window": 4}),
    "less than four apart": (lambda q, k: (q - k).abs() < 4, {"causal": False, "window": 4}),
    "pieces of four": (lambda q, k: (k <= q) & (q // 4 == k // 4), {"causal": True, "chunk": 4, "window": None}),
    "nothing is hidden": (lambda q, k: (q >= 0) & (k >= 0), {"causal": False, "window": None, "chunk": None}),
    "a prefix sees itself": (lambda q, k: (k <= q) | ((k < 3) & (q < 3) & (q // 3 == k // 3)), {"prefix": True}),
    "causal, so no prefix": (lambda q, k: k <= q, {"prefix": False}),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_read_from_how_they_compare_positions(name: str) -> None:
    allowed, expected = MASKS[name]
    spec = spec_of(masked(allowed))
    assert {key: value(spec, key) for key in expected} == expected


class Triangles(Base):
    """A window between two triangles, added as minus infinity."""

    def hidden(self, scores: Tensor) -> Tensor:
        ones = torch.ones(scores.shape[-2:], device=scores.device)
        seen = ones.tril() * ones.triu(-3)
        return scores + torch.zeros_like(seen).masked_fill(seen == 0, float("-inf"))


def test_a_window_between_triangles() -> None:
    spec = spec_of(Triangles)
    assert (value(spec, "causal"), value(spec, "window")) == (True, 4)


class Padded(Base):
    """Hides what every query has hidden: padding."""

    def hidden(self, scores: Tensor) -> Tensor:
        kept = torch.ones(scores.shape[0], scores.shape[-1], device=scores.device)
        return scores + (1 - kept[:, None, None, :]) * -1e4


def test_padding_is_no_direction() -> None:
    fact = spec_of(Padded).causal
    assert (fact.value, fact.source, fact.where) == (False, "observed", "the mask is the same for every query")


class Sinks(Base):
    """gpt-oss: a learned logit for each head joins the softmax and is dropped again."""

    join = staticmethod(torch.cat)

    def __init__(self) -> None:
        super().__init__()
        self.sink = nn.Parameter(torch.zeros(HEADS))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.queries(x), self.keys(x), self.split(self.v(x), HEADS)
        scores = self.scores(q, k)
        sink = self.sink.view(1, -1, 1, 1).expand(scores.shape[0], -1, scores.shape[2], 1)
        pattern = self.join([scores, sink], -1).softmax(-1)[..., :-1]
        result: Tensor = self.o((pattern @ v).transpose(1, 2).flatten(2))
        return result


class SinksInOtherWords(Sinks):
    """By another of the three names that torch has for the same operation."""

    join = staticmethod(torch.concatenate)


class Softcap(Base):
    def hidden(self, scores: Tensor) -> Tensor:
        return torch.tanh(scores / 20.0) * 20.0


class Gated(Base):
    """A gate for each channel, or for each head alone."""

    per_head = False

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, HEADS if self.per_head else HEADS * SIZE)

    def gated(self, z: Tensor, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        if self.per_head:
            result: Tensor = (z.unflatten(-1, (HEADS, SIZE)) * gate.unsqueeze(-1)).flatten(2)
            return result
        return z * gate


class GatedByHead(Gated):
    per_head = True


def test_sinks_softcap_and_gates() -> None:
    assert value(spec_of(Sinks), "sinks") is True
    assert value(spec_of(SinksInOtherWords), "sinks") is True
    assert value(spec_of(Base), "sinks") is False
    capped = spec_of(Softcap)
    assert value(capped, "softcap") == 20.0
    assert value(capped, "scale") == pytest.approx(SIZE**-0.5)
    assert [value(spec_of(kind), "out_gate") for kind in (Base, Gated, GatedByHead)] == [False, True, True]


class NormedByHead(Base):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(SIZE)

    def queries(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(super().queries(x))
        return result

    def keys(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(super().keys(x))
        return result


class NormedWhole(Base):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(HEADS * SIZE)

    def queries(self, x: Tensor) -> Tensor:
        return self.split(self.norm(self.q(x)), HEADS)


class UnitLength(Base):
    """Queries and keys of length one, without a weight, and a scale of its own."""

    def queries(self, x: Tensor) -> Tensor:
        return functional.normalize(super().queries(x), dim=-1)

    def keys(self, x: Tensor) -> Tensor:
        return functional.normalize(super().keys(x), dim=-1)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return q @ k.transpose(-1, -2) * 10.0


def test_norms_of_queries() -> None:
    kinds = (Base, NormedByHead, NormedWhole, UnitLength)
    assert [value(spec_of(kind), "qk_norm") for kind in kinds] == ["none", "per head", "whole", "per head"]
    assert value(spec_of(UnitLength), "scale") == pytest.approx(10.0)


class Rotated(Base):
    """The first four of eight channels are rotated; the frequencies are made in the forward pass."""

    size = v_size = 8
    base = 5000.0

    def rotated(self, x: Tensor) -> Tensor:
        turn, rest = x[..., :4], x[..., 4:]
        frequencies = 1.0 / self.base ** (torch.arange(0, 4, 2, device=x.device) / 4)
        angles = torch.arange(x.shape[-2], device=x.device)[:, None] * frequencies
        angles = torch.cat([angles, angles], -1)
        half = torch.cat([-turn[..., 2:], turn[..., :2]], -1)
        return torch.cat([turn * angles.cos() + half * angles.sin(), rest], -1)

    def queries(self, x: Tensor) -> Tensor:
        return self.rotated(super().queries(x))

    def keys(self, x: Tensor) -> Tensor:
        return self.rotated(super().keys(x))


def test_rotation() -> None:
    spec = spec_of(Rotated)
    assert [value(spec, name) for name in ("rope_dims", "rope_theta", "rope_scaling")] == [4, 5000.0, "none"]
    assert spec.rope_theta is not None
    assert spec.rope_theta.source == "observed"
    still = spec_of(Base)
    assert (still.rope_theta, still.rope_scaling) == (None, None)


class Alibi(Base):
    def hidden(self, scores: Tensor) -> Tensor:
        slopes = 2.0 ** -torch.arange(1, HEADS + 1, device=scores.device)
        query, key = positions(scores)
        return (scores + slopes[:, None, None] * (key - query)).masked_fill(key > query, float("-inf"))


class Relative(Base):
    """T5: a table of biases by distance, for each head."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Embedding(32, HEADS)

    def hidden(self, scores: Tensor) -> Tensor:
        query, key = positions(scores)
        near = (query - key) < 16
        bucket = torch.where(near, query - key, torch.full_like(query - key, 31)).clamp(0, 31)
        result: Tensor = (scores + self.bias(bucket).permute(2, 0, 1)).masked_fill(key > query, float("-inf"))
        return result


class RelativeKeys(Base):
    """Transformer-XL: queries also meet keys that were made of distances."""

    def __init__(self) -> None:
        super().__init__()
        self.far = nn.Linear(WIDTH, HEADS * SIZE)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        distance = torch.arange(k.shape[-2], device=k.device)[:, None] / torch.arange(1, WIDTH + 1, device=k.device)
        far = self.far(distance.sin()).unflatten(-1, (HEADS, -1)).transpose(0, 1)
        result: Tensor = (q @ k.transpose(-1, -2) + q @ far.transpose(-1, -2)) / math.sqrt(SIZE)
        return result


@pytest.mark.parametrize(
    ("attention", "bias", "causal"),
    [(Alibi, "alibi", True), (Relative, "relative", True), (RelativeKeys, "relative", False), (Base, "none", False)],
)
def test_what_is_added_by_distance(attention: type[Base], bias: str, causal: bool) -> None:
    spec = spec_of(attention)
    assert (value(spec, "position_bias"), value(spec, "causal")) == (bias, causal)
    assert value(spec, "window") is None


class Latent(Base):
    """DeepSeek-V2 without rotation: queries from a latent of 9, keys and values from a normalised one of 11."""

    def __init__(self) -> None:
        super().__init__()
        self.q_down, self.kv_down, self.norm = nn.Linear(WIDTH, 9), nn.Linear(WIDTH, 11), nn.RMSNorm(11)
        self.q, self.kv_up = nn.Linear(9, HEADS * SIZE), nn.Linear(11, HEADS * (SIZE + 7))
        self.o = nn.Linear(HEADS * 7, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q = self.split(self.q(self.q_down(x)), HEADS)
        k, v = self.split(self.kv_up(self.norm(self.kv_down(x))), HEADS).split([SIZE, 7], -1)
        result: Tensor = self.o((self.scores(q, k).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return result


def test_latents() -> None:
    spec = spec_of(Latent)
    names = ("q_rank", "kv_rank", "latent_norm", "heads", "kv_heads", "head_dim", "v_head_dim")
    assert [value(spec, name) for name in names] == [9, 11, "kv", HEADS, HEADS, SIZE, 7]
    assert spec.label == "MLA"
    assert value(spec_of(Base), "latent_norm") is None


class Windows(Base):
    """Swin: the text is cut into pieces, and each looks at itself alone. The last one is filled up."""

    piece = 4

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.shape[1]
        padded = functional.pad(x, (0, 0, 0, -tokens % self.piece))
        pieces = padded.view(-1, self.piece, WIDTH)
        mixed: Tensor = super().forward(pieces).view(x.shape[0], -1, WIDTH)
        return mixed[:, :tokens]


def test_attention_within_pieces() -> None:
    spec = spec_of(Windows)
    names = ("heads", "kv_heads", "head_dim", "causal", "chunk", "window")
    assert [value(spec, name) for name in names] == [HEADS, HEADS, SIZE, False, 4, None]


class SharedModel(nn.Module):
    """The upper layer makes no keys and values and takes those of the lower one."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, WIDTH)
        self.layers = nn.ModuleList([SharedLayer(makes=True), SharedLayer(makes=False)])
        self.head = nn.Linear(WIDTH, 50)

    def forward(self, ids: Tensor) -> Tensor:
        stream, kept = self.table(ids), None
        for layer in self.layers:
            stream, kept = layer(stream, kept)
        result: Tensor = self.head(stream)
        return result


class SharedLayer(nn.Module):
    def __init__(self, *, makes: bool) -> None:
        super().__init__()
        self.norm_a, self.norm_b = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.q, self.o = nn.Linear(WIDTH, HEADS * SIZE), nn.Linear(HEADS * SIZE, WIDTH)
        self.kv = nn.Linear(WIDTH, 2 * KV * SIZE) if makes else None
        self.up, self.down = nn.Linear(WIDTH, 40), nn.Linear(40, WIDTH)

    def forward(self, stream: Tensor, kept: Any) -> tuple[Tensor, Any]:
        x = self.norm_a(stream)
        if self.kv is not None:
            kept = tuple(t.unflatten(-1, (KV, -1)).transpose(1, 2) for t in self.kv(x).chunk(2, -1))
        k, v = (t.repeat_interleave(HEADS // KV, 1) for t in kept)
        q = self.q(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        mixed = ((q @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).flatten(2)
        stream = stream + self.o(mixed)
        return stream + self.down(functional.gelu(self.up(self.norm_b(stream)))), kept


def test_keys_and_values_of_another_layer() -> None:
    architecture = read_model(SharedModel())
    makes, takes = (architecture.block(f"L{index}.attn").spec for index in range(2))
    assert isinstance(makes, Attention)
    assert isinstance(takes, Attention)
    assert (makes.shared_kv, value(takes, "shared_kv")) == (None, 0)
    assert (value(makes, "kv_heads"), value(takes, "kv_heads")) == (KV, KV)


def test_torch_multi_head_attention() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(WIDTH, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            mask = torch.full((x.shape[1], x.shape[1]), float("-inf"), device=x.device).triu(1)
            mixed: Tensor = self.inner(x, x, x, attn_mask=mask, need_weights=False)[0]
            return mixed

    spec = spec_of(Own)
    assert [value(spec, name) for name in ("heads", "head_dim", "causal", "position_bias")] == [4, 6, True, "none"]


def test_every_fact_says_where_it_is_from() -> None:
    for kind in (Base, Grouped, Rotated, Latent, Alibi, Sinks, Windows):
        spec = spec_of(kind)
        for field in fields(Attention):
            fact = getattr(spec, field.name)
            assert fact is None or fact.where, field.name
        always = ("causal", "qk_norm", "sinks", "out_gate", "position_bias", "prefix", "scale")
        assert all(getattr(spec, name) is not None for name in always)


def test_a_window_on_both_sides_that_is_wider_than_the_traced_text_is_seen() -> None:
    # masking_utils.sliding_window_bidirectional_overlay: |q - k| <= sliding_window, and the token itself.
    config = AutoConfig.for_model("t5gemma")
    encoder, decoder = read(config).stacks
    windows = [_window_of(encoder, kind) for kind in range(2)]
    assert [fact.value for fact in windows if fact] == [config.encoder.sliding_window + 1]
    assert [fact.source for fact in windows if fact] == ["observed"]
    causal = [fact for kind in range(2) if (fact := _window_of(decoder, kind))]
    assert [fact.value for fact in causal] == [config.decoder.sliding_window]


def test_a_window_on_both_sides_that_no_mask_shows_is_marked() -> None:
    # modeling_t5gemma2.sliding_window_mask_function is mapped over positions one by one: no comparison of whole axes.
    windows = [_window_of(read(AutoConfig.for_model("t5gemma2")).stacks[0], kind) for kind in range(2)]
    assert [fact.source for fact in windows if fact] == ["assumed"]


def _window_of(stack: Stack, kind: int) -> Fact[int] | None:
    spec = next(block.spec for block in stack.groups[kind].template.blocks if block.role == "attention")
    assert isinstance(spec, Attention)
    return spec.window
