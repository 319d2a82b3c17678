"""The same edits by hand: hooks on modules that are named here, and nothing of Glassblock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from tiny_models import VOCABULARY, WIDTH
from torch import Tensor, nn

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))
OTHER = torch.randint(3, VOCABULARY, (1, 7), generator=torch.Generator().manual_seed(5))
PADDED = torch.ones_like(IDS).index_put_((torch.tensor(0), torch.arange(5)), torch.tensor(0))
HEADS = 4
ByHand = Callable[[Tensor, range], Tensor]
"""What is done to (batch, tokens, channels), told the positions of the tokens."""


@dataclass(frozen=True)
class Names:
    """What modules are called in one model: ``{}`` stands for the layer."""

    layer: str
    mlp: str
    attention: str
    heads: str
    neurons: str


NAMES = {
    "gpt2": Names(
        "transformer.h.{}",
        "transformer.h.{}.mlp",
        "transformer.h.{}.attn",
        "transformer.h.{}.attn.c_proj",
        "transformer.h.{}.mlp.c_proj",
    ),
    "llama": Names(
        "model.layers.{}",
        "model.layers.{}.mlp",
        "model.layers.{}.self_attn",
        "model.layers.{}.self_attn.o_proj",
        "model.layers.{}.mlp.down_proj",
    ),
    "olmo2": Names(  # its norms stand after the blocks: what is added is what they make
        "model.layers.{}",
        "model.layers.{}.post_feedforward_layernorm",
        "model.layers.{}.post_attention_layernorm",
        "model.layers.{}.self_attn.o_proj",
        "model.layers.{}.mlp.down_proj",
    ),
    "falcon": Names(
        "transformer.h.{}",
        "transformer.h.{}.mlp",
        "transformer.h.{}.self_attention",
        "transformer.h.{}.self_attention.dense",
        "transformer.h.{}.mlp.dense_4h_to_h",
    ),
    "mixtral": Names(
        "model.layers.{}",
        "model.layers.{}.mlp",
        "model.layers.{}.self_attn",
        "model.layers.{}.self_attn.o_proj",
        "",
    ),
}


def t5() -> Any:
    """Return a tiny encoder-decoder with random weights."""
    import transformers

    torch.manual_seed(0)
    settings = transformers.AutoConfig.for_model(
        "t5",
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_decoder_layers=3,
        num_heads=HEADS,
        decoder_start_token_id=0,
    )
    auto: Any = transformers.AutoModelForSeq2SeqLM
    return auto.from_config(settings).eval()


def first_of(output: Any) -> Tensor:
    """Return the tensor that a module puts out, alone or in front."""
    tensor: Tensor = output if isinstance(output, Tensor) else output[0]
    return tensor


def with_first(output: Any, new: Tensor) -> Any:
    """Return an output of the same form with another tensor in front."""
    return new if isinstance(output, Tensor) else type(output)((new, *output[1:]))


@contextmanager
def by_hand(module: nn.Module, edit: ByHand, *, into: bool = False, prompt: int = IDS.shape[1]) -> Iterator[None]:
    """Edit what a module puts out, or with ``into`` what goes in; a pass over the whole prompt begins a sequence."""
    seen = 0

    def positions(x: Tensor) -> range:
        nonlocal seen
        start = 0 if x.shape[1] == prompt else seen
        seen = start + x.shape[1]
        return range(start, seen)

    def before(_: nn.Module, args: tuple[Any, ...]) -> Any:
        return (edit(args[0], positions(args[0])), *args[1:])

    def after(_: nn.Module, __: Any, output: Any) -> Any:
        x = first_of(output)
        return with_first(output, edit(x, positions(x)))

    handle = module.register_forward_pre_hook(before) if into else module.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def seen_by_hand(model: nn.Module, module: nn.Module, ids: Tensor, *, into: bool = False) -> Tensor:
    """Return what a module puts out, or takes in, on some ids."""
    seen: list[Tensor] = []
    if into:
        handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
    else:
        handle = module.register_forward_hook(lambda _, __, out: seen.append(first_of(out).detach().clone()))
    call(model, ids)
    handle.remove()
    return seen[0]


def call(model: nn.Module, ids: Tensor, **inputs: Any) -> Tensor:
    """Return logits."""
    with torch.no_grad():
        out = model(ids, **inputs)
    logits: Tensor = out.logits if hasattr(out, "logits") else out
    return logits


def prefill(model: nn.Module) -> Tensor:
    """Return logits of a batch of two."""
    return call(model, IDS)


def padded(model: nn.Module) -> Tensor:
    """Return logits of a batch whose first row is padded on its left, where there is something."""
    logits = call(model, IDS, attention_mask=PADDED)
    return logits[PADDED.bool()]


def decode(model: Any) -> Tensor:
    """Return logits of a prompt and of the four tokens after it, one at a time with a cache."""
    with torch.no_grad():
        out = model(IDS, use_cache=True)
        logits = [out.logits]
        for token in range(4):
            ids = torch.full((IDS.shape[0], 1), 11 + token)
            out = model(ids, past_key_values=out.past_key_values, use_cache=True)
            logits.append(out.logits)
    return torch.cat(logits, dim=1)


def only(edit: ByHand, *wanted: int) -> ByHand:
    """Return an edit at some positions alone."""

    def edited(x: Tensor, positions: range) -> Tensor:
        new = edit(x, positions)
        rows = [new[:, at] if position in wanted else x[:, at] for at, position in enumerate(positions)]
        return torch.stack(rows, 1)

    return edited


def of_slice(edit: ByHand, start: int, stop: int) -> ByHand:
    """Return an edit of some channels alone."""

    def edited(x: Tensor, positions: range) -> Tensor:
        return torch.cat((x[..., :start], edit(x[..., start:stop], positions), x[..., stop:]), -1)

    return edited
