"""Taps inside an attention: what it computes on the way, seen in a pass of the model itself.

Nothing is put in the place of the model's code, and no kernel is changed: the operations of the block are recorded
while it runs (`glassblock.reader.tracing.watch`), and the reader says which of their tensors are the queries, the keys
and so on. So it works for any architecture whose attention the reader knows, in prefill and with a cache, and logits
stay bit-identical. Scores and pattern that a kernel keeps to itself are computed from what it was given, and compared
with what it returned before they are handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import TapError
from glassblock.ir import Architecture, Attention, Block
from glassblock.reader.attention.values import AttentionValues, Projected, attention_values
from glassblock.reader.tracing.graph import argument
from glassblock.reader.tracing.record import Op, Ref
from glassblock.reader.tracing.watch import Watched, watched

ATTENTION_TAPS = ("q", "k", "q_rot", "k_rot", "v", "scores", "pattern", "z")
"""Shapes: q, q_rot, z (batch, tokens, heads, channels); k (batch, tokens, key/value heads, channels); k_rot, v (batch,
keys, key/value heads, channels); scores, pattern (batch, heads, tokens, keys). All keys are there,
also those of the cache; q and k are as their projections make them, before norms and rotation."""

_CLOSE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}
"""How far, relative to the largest number, what is computed again may be from what the kernel returned."""


@dataclass(slots=True)
class Inside:
    """Collects taps of some blocks in one pass.

    Parameters
    ----------
    model, architecture
        The model, and what it is.
    wanted
        For the address of each block the names of its taps.
    """

    model: nn.Module
    architecture: Architecture
    wanted: dict[str, set[str]]
    found: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the blocks in the passes that this thread makes while the context is entered."""
        turns: dict[str, list[Block]] = {}
        for block in (block for layer in self.architecture.layers() for block in layer.blocks):
            if block.path:
                turns.setdefault(block.path, []).append(block)
        with ExitStack() as stack:
            for path, blocks in turns.items():
                if any(block.address in self.wanted for block in blocks):
                    calls = iter(blocks)  # a module that several layers share is called once for each
                    stack.enter_context(watched(self.model.get_submodule(path), partial(self._seen, calls)))
            yield

    def _seen(self, blocks: Iterator[Block], call: Watched) -> None:
        block = next(blocks, None)
        if block is None or block.address not in self.wanted:
            return
        try:
            taken = attention_tensors(call, block, self.wanted[block.address])
        except TapError as error:
            self.errors[block.address] = str(error)
        except Exception as error:  # noqa: BLE001  # whatever goes wrong in looking must not stop the model
            self.errors[block.address] = f"it could not be read: {type(error).__name__}: {error}"
        else:
            self.found.update(((block.address, name), tensor) for name, tensor in taken.items())


def attention_tensors(call: Watched, block: Block, wanted: Collection[str]) -> dict[str, Tensor]:
    """Return tensors of an attention from one recorded call of its module.

    Parameters
    ----------
    call
        The call.
    block
        The attention.
    wanted
        Which of `ATTENTION_TAPS`.

    Returns
    -------
    dict of str to Tensor
        Copies, in the shapes of `ATTENTION_TAPS`.

    Raises
    ------
    TapError
        If its softmax over tokens is not to be seen, or what is computed again is not what the kernel returned.
    """
    values = attention_values(call.graph, call.source, call.output)
    if values is None:
        raise TapError("no softmax over tokens was seen in its pass")
    batch = call.graph.shape(call.source)[0] if len(call.graph.shape(call.source)) > 2 else 1

    def by_head(value: int) -> Tensor:
        return _by_head(call.tensor(value), batch)

    parts: dict[str, Callable[[], Tensor]] = {  # what is not asked for is not looked at: it may have been written over
        "q": lambda: _made(call, values.q_made, by_head, "q"),
        "k": lambda: _made(call, values.k_made, by_head, "k"),
        "q_rot": lambda: by_head(values.q),
        "k_rot": lambda: _unrepeated(by_head(values.k), block),
        "v": lambda: _unrepeated(by_head(values.v), block),
        "z": lambda: by_head(values.mixed),
    }
    taken = {name: parts[name]().transpose(1, 2) for name in wanted if name in parts}
    if not {"scores", "pattern"}.isdisjoint(wanted):
        taken["scores"], taken["pattern"] = _weights(call, values, by_head, block)
    return {name: taken[name].detach().clone() for name in wanted}


def _made(call: Watched, made: Projected | None, by_head: Callable[[int], Tensor], name: str) -> Tensor:
    if made is None:
        raise TapError(f"its {name} is not made by one projection, for all heads")
    if made.by_head:
        return by_head(made.value)
    x, (batch, tokens) = call.tensor(made.value), call.graph.shape(made.value)[:2]
    return x.reshape(batch, tokens, -1, made.channels).transpose(1, 2)


def _by_head(x: Tensor, batch: int) -> Tensor:
    """Return (batch, heads, tokens, channels), whatever of the first two is folded."""
    return x.reshape(batch, -1, *x.shape[-2:])


def _unrepeated(x: Tensor, block: Block) -> Tensor:
    """Return each key/value head once, where a kernel wanted it as often as there are queries to it."""
    spec = block.spec
    heads = spec.kv_heads.value if isinstance(spec, Attention) and spec.kv_heads is not None else x.shape[1]
    if x.shape[1] == heads or x.shape[1] % heads:
        return x
    grouped = x.reshape(x.shape[0], heads, -1, *x.shape[2:])
    return grouped[:, :, 0] if torch.equal(grouped, grouped[:, :, :1].expand_as(grouped)) else x


def _weights(
    call: Watched, values: AttentionValues, by_head: Callable[[int], Tensor], block: Block
) -> tuple[Tensor, Tensor]:
    if values.kernel is None:
        if values.scores is None or values.pattern is None:
            raise TapError("what its values are weighed by was not seen")
        scores, pattern = by_head(values.scores), by_head(values.pattern)
        return scores[..., : pattern.shape[-1]], pattern  # a sink among the scores has no key
    q, z = by_head(values.q), by_head(values.mixed)
    k, v = (_repeated(_unrepeated(by_head(x), block), q) for x in (values.k, values.v))
    scores = _scores(call, values.kernel, q, k)
    pattern = scores.softmax(-1, dtype=torch.float32).nan_to_num()  # a row that sees nothing is zeros in torch's kernel
    again = pattern @ v.float()
    off = (again - z.float()).abs().max() / z.abs().max().clamp_min(1e-30)
    if off > _CLOSE.get(z.dtype, 1e-4):
        raise TapError(f"the pattern that its kernel was asked for does not make what it returned ({off:.1e} off)")
    return scores, pattern.to(q.dtype)


def _repeated(x: Tensor, q: Tensor) -> Tensor:
    return x.repeat_interleave(q.shape[1] // x.shape[1], 1)


def _scores(call: Watched, kernel: Op, q: Tensor, k: Tensor) -> Tensor:
    """Return the scores that torch's kernel computes, by the formula in its documentation."""
    scale = argument(kernel, 6, "scale")
    scores: Tensor = (q.float() @ k.float().transpose(-1, -2)) * (q.shape[-1] ** -0.5 if scale is None else scale)
    mask: Any = argument(kernel, 3, "attn_mask")
    if argument(kernel, 5, "is_causal"):
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril().logical_not()
        return scores.masked_fill(hidden, float("-inf"))
    if isinstance(mask, Ref):
        mask = call.tensor(mask.value)
    if mask is None:
        return scores
    met: Tensor = scores.masked_fill(mask.logical_not(), float("-inf")) if mask.dtype == torch.bool else scores + mask
    return met
