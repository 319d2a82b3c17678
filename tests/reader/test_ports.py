"""Ports hold on a running model: what passes there is what the architecture says passes there.

Everything is checked with plain torch hooks on a real tiny model, layer by layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from tiny_models import CONFIGS, logits, text, tiny
from torch import nn

from glassblock.ir import Architecture, Attention, Block, Branch, Layer, Mixer, Port
from glassblock.reader import read_model

NAMES = [*CONFIGS, "plain"]
WITH_EXPERTS = ["mixtral", "deepseek_v3", "qwen3_next", "jamba", "gpt_oss"]


@cache
def pair(name: str) -> tuple[Any, Architecture]:
    model = tiny(name)
    return model, read_model(model)


@contextmanager
def watched(model: nn.Module, ports: dict[str, Port]) -> Iterator[dict[str, torch.Tensor]]:
    """Collect copies of what passes at some ports."""
    seen: dict[str, torch.Tensor] = {}
    handles = []

    def hook(name: str, side: str) -> Callable[..., None]:
        def before(_module: nn.Module, args: Any, kwargs: Any) -> None:
            seen[name] = first(args, kwargs).detach().clone()

        def after(_module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            seen[name] = (output[0] if isinstance(output, tuple) else output).detach().clone()

        return before if side == "input" else after

    for name, port in ports.items():
        module = model.get_submodule(port.path)
        register = module.register_forward_pre_hook if port.side == "input" else module.register_forward_hook
        handles.append(register(hook(name, port.side), with_kwargs=True))
    yield seen
    for handle in handles:
        handle.remove()


def first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    found = [v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor)]
    return found[0]


def streams(model: nn.Module, layer: Layer) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Run a text and return what passed at the ports of a layer, and the layer's input and output."""
    ports = {
        f"{block.address}:{port.name}": port
        for block in layer.blocks
        for port in block.ports
        if port.name in ("in", "out")
    }
    ports |= {"before": Port("in", layer.path, "input"), "after": Port("out", layer.path, "output")}
    with watched(model, ports) as seen:
        logits(model)
    return seen, seen["before"], seen["after"]


def states(layer: Layer, seen: dict[str, torch.Tensor], start: torch.Tensor) -> list[torch.Tensor]:
    """The stream after each addition, from the updates and the stated order and scales."""
    found = [start]
    for number in sorted({branch.add for branch in layer.branches}):
        terms = [branch for branch in layer.branches if branch.add == number and branch.feeds is None]
        found.append(found[-1] + sum(scaled(branch, seen) for branch in terms))
    return found


def scaled(branch: Branch, seen: dict[str, torch.Tensor]) -> torch.Tensor:
    factor = branch.scale.value if branch.scale else 1.0
    return seen[f"{branch.block}:out"] * factor


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_returns_its_input_and_the_updates(name: str) -> None:
    model, architecture = pair(name)
    for layer in architecture.layers():
        seen, before, after = streams(model, layer)
        torch.testing.assert_close(states(layer, seen, before)[-1], after)


@pytest.mark.parametrize("name", NAMES)
def test_a_block_reads_the_stream_as_stated(name: str) -> None:
    model, architecture = pair(name)
    for layer in architecture.layers():
        seen, before, _ = streams(model, layer)
        stream = states(layer, seen, before)
        for branch in layer.branches:
            given = [stream[branch.reads]] if branch.reads is not None else []
            given += [seen[f"{other.block}:out"] for other in layer.branches if other.feeds == branch.block]
            torch.testing.assert_close(seen[f"{branch.block}:in"], sum(given[1:], start=given[0]))


def heads_of(architecture: Architecture) -> list[Block]:
    return [block for block in architecture.blocks() if block.heads]


@pytest.mark.parametrize("name", NAMES)
def test_every_block_with_heads_has_them_side_by_side(name: str) -> None:
    _, architecture = pair(name)
    blocks = heads_of(architecture)
    assert blocks or name == "jamba"
    for block in blocks:
        assert block.port("z") is not None, block.notes


@pytest.mark.parametrize("name", NAMES)
def test_zeroing_a_head_at_z_is_zeroing_its_weights_in_the_output_projection(name: str) -> None:
    model, architecture = pair(name)
    for block in heads_of(architecture):
        port, spec = block.port("z"), block.spec
        assert port is not None
        assert isinstance(spec, Attention | Mixer)
        assert spec.v_head_dim is not None
        width = spec.v_head_dim.value
        head = slice((block.heads - 1) * width, block.heads * width)
        projection = model.get_submodule(port.path)

        def zero(_module: nn.Module, args: tuple[torch.Tensor], head: slice = head) -> tuple[torch.Tensor]:
            edited = args[0].clone()
            assert edited.shape[-1] == head.stop
            edited[..., head] = 0
            return (edited,)

        # A weight that several layers share is zeroed for all of them.
        alike = [one for one in model.modules() if getattr(one, "weight", None) is projection.weight]
        handles = [one.register_forward_pre_hook(zero) for one in alike]
        ablated = logits(model)
        for handle in handles:
            handle.remove()
        # GPT-2 keeps its projections as (in, out), nn.Linear as (out, in).
        transposed = type(projection).__name__ == "Conv1D"
        with zeroed(projection.weight, (head,) if transposed else (slice(None), head)):
            expected = logits(model)
        torch.testing.assert_close(ablated, expected)
        assert not torch.allclose(ablated, logits(model))


@contextmanager
def zeroed(weight: torch.Tensor, where: Any) -> Iterator[None]:
    kept = weight.detach().clone()
    with torch.no_grad():
        weight[where] = 0
    yield
    with torch.no_grad():
        weight.copy_(kept)


@pytest.mark.parametrize("name", WITH_EXPERTS)
def test_zeroing_the_routing_weight_of_an_expert_is_zeroing_its_parameters(name: str) -> None:
    model, architecture = pair(name)
    blocks = [block for block in architecture.blocks() if block.experts]
    assert blocks
    for block in blocks:
        port = block.port("experts")
        assert port is not None
        experts = model.get_submodule(port.path)

        def mute(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            hidden, indices, weights = args
            return hidden, indices, torch.where(indices == 1, 0.0, weights)

        handle = experts.register_forward_pre_hook(mute)
        muted = logits(model)
        handle.remove()
        down = [p for n, p in experts.named_parameters() if n.startswith("down_proj")]
        with zeroed(down[0], 1), zeroed(down[-1], 1):
            torch.testing.assert_close(muted, logits(model))


@pytest.mark.parametrize("name", WITH_EXPERTS)
def test_the_router_returns_the_experts_that_each_token_goes_to(name: str) -> None:
    model, architecture = pair(name)
    routed = [block for block in architecture.blocks() if block.experts]
    assert routed
    for block in routed:
        port, top_k = block.port("router"), block.spec.top_k.value
        assert port is not None
        seen: list[Any] = []
        handle = model.get_submodule(port.path).register_forward_hook(
            lambda _m, _a, output, seen=seen: seen.append(output)
        )
        logits(model)
        handle.remove()
        found = [t for t in seen[0] if t.dtype == torch.long]
        assert [tuple(t.shape) for t in found] == [(text().numel(), top_k)]
        assert found[0].max() < block.experts


@pytest.mark.parametrize("name", NAMES)
def test_the_stream_enters_from_the_embeddings_and_leaves_through_the_final_norm(name: str) -> None:
    model, architecture = pair(name)
    layers = list(architecture.layers())
    ports = {f"{b.address}:{p.name}": p for b in (*architecture.inputs, *architecture.outputs) for p in b.ports}
    ports |= {"first": Port("in", layers[0].path, "input"), "last": Port("out", layers[-1].path, "output")}
    with watched(model, ports) as seen:
        out = logits(model)
    embedded = [seen[f"{block.address}:out"] for block in architecture.inputs]
    torch.testing.assert_close(sum(embedded[1:], embedded[0]), seen["first"])
    torch.testing.assert_close(seen["norm:in"], seen["last"])
    torch.testing.assert_close(seen["unembed:in"], seen["norm:out"])
    if name not in ("gemma2", "cohere"):  # their logits are capped and scaled afterwards
        torch.testing.assert_close(seen["unembed:out"], out)
