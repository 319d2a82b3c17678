"""Where the parts of a bundled model are, and how to take one out with plain torch hooks.

This is deliberately apart from the rest of Glassblock: the product's own ablations are tested
against the numbers that come out of here, so nothing here may share code with them. It knows the
three classes of the demo and nothing else.

Every ablation happens in one of three places: at the input of an output projection (a head is a
slice of it), at the output of a block, or at the routing weights of the experts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Mode = Literal["zero", "mean"]

_LAYERS = ("transformer.h", "model.layers")
_PROJECTIONS = {
    "attn.c_proj": ("attn", "num_attention_heads"),
    "self_attn.o_proj": ("attn", "num_attention_heads"),
    "linear_attn.out_proj": ("mixer", "linear_num_value_heads"),
}
"""Output projection of a token mixer -> the block's name in an address, and the config's word for its heads."""


@dataclass(frozen=True)
class Part:
    """One thing that can be ablated.

    Parameters
    ----------
    address
        Its short name: ``L1.attn``, ``L1.attn.H2``, ``L0.mlp``, ``L2.moe.E3``, ``L0.mixer.H1``.
    module
        Where the hook goes: an output projection, an MLP, or the experts.
    head
        For a head, its slice of the projection's input; else None.
    expert
        For an expert, its number; else None.
    """

    address: str
    module: nn.Module
    head: slice | None = None
    expert: int | None = None

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The ablations that are defined for it: an expert has no mean of its own."""
        return ("zero",) if self.expert is not None else ("zero", "mean")


def _layers(model: PreTrainedModel) -> nn.ModuleList:
    for path in _LAYERS:
        try:
            found = model.get_submodule(path)
        except AttributeError:
            continue
        if isinstance(found, nn.ModuleList):
            return found
    raise ValueError(f"{type(model).__name__} is not one of the demo's classes: no {_LAYERS}")


def projections(model: PreTrainedModel) -> Iterator[tuple[str, nn.Module, int]]:
    """Yield the address, the output projection and the number of heads of every token mixer."""
    for index, layer in enumerate(_layers(model)):
        present = dict(layer.named_modules())
        for path, (name, heads) in _PROJECTIONS.items():
            if path in present:
                yield f"L{index}.{name}", present[path], getattr(model.config, heads)


def _feed_forwards(model: PreTrainedModel) -> Iterator[tuple[str, nn.Module, nn.Module | None]]:
    """Yield the address, the block and, where there are any, the experts of every MLP or MoE."""
    for index, layer in enumerate(_layers(model)):
        block = layer.get_submodule("mlp")
        experts = dict(block.named_children()).get("experts")
        yield f"L{index}.{'moe' if experts is not None else 'mlp'}", block, experts


def parts(model: PreTrainedModel) -> list[Part]:
    """List everything that can be ablated on its own: blocks, then heads or experts, by layer."""
    found: list[Part] = []
    for address, projection, heads in projections(model):
        width = model.config.hidden_size // heads
        found.append(Part(address, projection))
        found += [Part(f"{address}.H{h}", projection, head=slice(h * width, (h + 1) * width)) for h in range(heads)]
    for address, block, experts in _feed_forwards(model):
        found.append(Part(address, block))
        if experts is not None:
            count = model.config.num_local_experts
            found += [Part(f"{address}.E{e}", experts, expert=e) for e in range(count)]
    return sorted(found, key=lambda part: part.address.split(".")[0])


class _Mean:
    """A running mean over tokens."""

    def __init__(self) -> None:
        self.total = torch.zeros(())
        self.tokens = 0

    def add(self, activation: torch.Tensor) -> None:
        flat = activation.detach().reshape(-1, activation.shape[-1])
        self.total = self.total + flat.sum(0)
        self.tokens += len(flat)


@torch.inference_mode()
def reference_means(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Measure what mean ablation puts in place of each part, by address.

    Parameters
    ----------
    prompts
        Run one at a time, so that no padding is averaged. ``<bos>`` counts as a token.

    Returns
    -------
    dict
        For a head, the mean of its slice of the projection's input, shape ``(head_width,)``; for
        a block the mean of its output, shape ``(width,)``.
    """
    means: dict[str, _Mean] = {}

    def watch(part: Part) -> Callable[..., None]:
        mean = means.setdefault(part.address, _Mean())

        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
            mean.add(output if part.head is None else inputs[0][..., part.head])

        return hook

    with ExitStack() as stack:
        for part in parts(model):
            if "mean" in part.modes:
                handle = part.module.register_forward_hook(watch(part))
                stack.callback(handle.remove)
        for prompt in prompts:
            model(input_ids=tokenizer(prompt, return_tensors="pt")["input_ids"], use_cache=False)
    return {address: mean.total / mean.tokens for address, mean in means.items()}


@contextmanager
def ablated(part: Part, value: torch.Tensor | float) -> Iterator[None]:
    """Take one part out while the block runs.

    Parameters
    ----------
    value
        What stands in its place: 0.0, or its entry of `reference_means`. For an expert it is the
        routing weight, and only 0.0 makes sense; the other experts' weights stay as they were.
    """

    def head_hook(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        edited = inputs[0].clone()
        edited[..., part.head] = value
        return (edited, *inputs[1:])

    def expert_hook(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, indices, weights = inputs
        return hidden, indices, weights.masked_fill(indices == part.expert, 0.0)

    def block_hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(output) + value

    if part.head is not None:
        handle = part.module.register_forward_pre_hook(head_hook)
    elif part.expert is not None:
        handle = part.module.register_forward_pre_hook(expert_hook)
    else:
        handle = part.module.register_forward_hook(block_hook)
    try:
        yield
    finally:
        handle.remove()
