"""Taps: where a tensor is read and edited, made from the ports of an Architecture.

A tap knows three things about its tensor: how an intervention edits it, what of it goes into a frame, and
what of it goes to a collector. It knows nothing of hooks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from glassblock.ir import Architecture, Block, Branch, Layer, Side
from glassblock.live.edits import Moment, applied, split_heads
from glassblock.live.expert_edits import ExpertEdits, dense_weights
from glassblock.live.layout import Layout
from glassblock.live.means import Collector
from glassblock.live.plan import Plan
from glassblock.live.recorder import Recorder


class Tap(Protocol):
    """A tap on one tensor."""

    @property
    def key(self) -> str:
        """Address, for messages."""

    def edit(self, x: Tensor, plan: Plan, moment: Moment) -> Tensor:
        """Return the tensor as the plan wants it; the same object where it wants nothing."""

    def observe(self, x: Tensor, recorder: Recorder | None, collector: Collector | None) -> None:
        """Hand the tensor on to what is being collected."""


@dataclass(frozen=True, slots=True)
class StreamTap:
    """The residual stream as a branch reads it."""

    key: str
    update_row: int

    def edit(self, x: Tensor, plan: Plan, moment: Moment) -> Tensor:
        """Return the tensor unchanged."""
        return x

    def observe(self, x: Tensor, recorder: Recorder | None, collector: Collector | None) -> None:
        """Keep it, to compare the update with."""
        if recorder:
            recorder.stream(self.update_row, x)


@dataclass(frozen=True, slots=True)
class EntryTap:
    """The residual stream as a layer that is skipped is given it."""

    key: str

    def edit(self, x: Tensor, plan: Plan, moment: Moment) -> Tensor:
        """Return the tensor unchanged; keep it where the layer is skipped."""
        if self.key in plan.skipped:
            moment.kept[self.key] = x.clone()  # the model may write over its own
        return x

    def observe(self, x: Tensor, recorder: Recorder | None, collector: Collector | None) -> None:
        """Take no notice."""


@dataclass(frozen=True, slots=True)
class BlockTap:
    """What a block puts out: a branch's update, an embedding, the stream after a layer, one expert's output."""

    key: str
    row: int | None
    update_row: int | None = None
    scale: float = 1.0

    def edit(self, x: Tensor, plan: Plan, moment: Moment) -> Tensor:
        """Edit it."""
        edits = plan.taps.get(self.key)
        return applied(edits, x, moment) if edits else x

    def observe(self, x: Tensor, recorder: Recorder | None, collector: Collector | None) -> None:
        """Describe it, and compare it with the stream that its branch read."""
        if collector:
            collector.add(self.key, x)
        if recorder and self.row is not None:
            recorder.block(self.row, x)
        if recorder and self.update_row is not None:
            recorder.update(self.update_row, x, self.scale)


@dataclass(frozen=True, slots=True)
class HeadsTap:
    """The outputs of all heads side by side, on their way into the output projection."""

    key: str
    row: int
    heads: int

    def edit(self, x: Tensor, plan: Plan, moment: Moment) -> Tensor:
        """Edit the slices of the heads that are intervened upon."""
        edits = plan.taps.get(self.key)
        if not edits:
            return x
        split = split_heads(moment.order.of(x), self.heads)
        return moment.order.back(applied(edits, split, moment).flatten(2), x)

    def observe(self, x: Tensor, recorder: Recorder | None, collector: Collector | None) -> None:
        """Describe each head."""
        if collector:
            collector.add(self.key, x)
        if recorder:
            recorder.heads(self.row, x, self.heads)


@dataclass(frozen=True, slots=True)
class Routing:
    """What goes into stacked experts: hidden states (tokens, channels), indices (tokens, k), weights."""

    hidden: Tensor
    indices: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class ExpertsTap:
    """The call of experts that are stacked in one parameter.

    An expert is taken out through its routing weight, which for zero is the same as zeroing its parameters.
    """

    key: str
    row: int
    experts: int

    def routing(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Routing | None:
        """Find the three tensors of the call, by their types and order."""
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        floats = [x for x in tensors if x.is_floating_point()]
        whole = [x for x in tensors if not x.is_floating_point() and x.dtype != torch.bool]
        if len(floats) != 2 or len(whole) != 1 or whole[0].ndim != 2:
            return None
        return Routing(hidden=floats[0], indices=whole[0], weights=floats[1])

    def edit(self, module: nn.Module, routed: Routing, plan: Plan, moment: Moment) -> tuple[Tensor, Tensor | None]:
        """Return the weights as the plan wants them, and what edited experts answer in the place of their output."""
        edits = plan.experts.get(self.key)
        if not edits:
            return routed.weights, None
        weights = routed.weights
        for one in edits:
            if one.by_weight:
                weights = one.weights(weights, routed.indices, moment)
        others = [one for one in edits if not one.by_weight]
        if not others:
            return weights, None
        share = dense_weights(weights, routed.indices, self.experts)
        for one in others:
            weights = one.dropped(weights, routed.indices)
        return weights, self._answers(module, routed, others, share, moment)

    def _answers(
        self, module: nn.Module, routed: Routing, edits: list[ExpertEdits], share: Tensor, moment: Moment
    ) -> Tensor:
        """Return the sum of what edited experts put out, each with the weight that the router gave it."""
        total = torch.zeros_like(routed.hidden)
        for one in edits:
            tokens = (routed.indices == one.expert).any(-1)
            own = torch.zeros_like(routed.hidden)
            if tokens.any():
                own = own.index_put((tokens,), self.output_of(module, routed, one.expert, tokens).to(own.dtype))
            total = total + share[:, one.expert, None].to(own.dtype) * one.output(own, moment)
        return total

    def observe(
        self, module: nn.Module, routed: Routing, recorder: Recorder | None, collector: Collector | None
    ) -> None:
        """Describe who is routed where; for the means, ask each expert for its output on its own tokens."""
        if recorder:
            recorder.experts(self.row, dense_weights(routed.weights, routed.indices, self.experts))
        if collector:
            for expert in range(self.experts):
                tokens = (routed.indices == expert).any(-1)
                if collector.wants(f"{self.key}.E{expert}") and tokens.any():
                    collector.add(f"{self.key}.E{expert}", self.output_of(module, routed, expert, tokens))

    def output_of(self, module: nn.Module, routed: Routing, expert: int, tokens: Tensor) -> Tensor:
        """Return one expert's own output, by calling the experts with this one chosen at weight 1."""
        hidden = routed.hidden[tokens]
        indices = torch.full((len(hidden), 1), expert, dtype=routed.indices.dtype, device=hidden.device)
        weights = torch.ones_like(indices, dtype=routed.weights.dtype)
        if routed.weights.shape != routed.indices.shape:
            weights = torch.zeros(len(hidden), self.experts, dtype=weights.dtype, device=hidden.device)
            weights[:, expert] = 1
        output: Tensor = module.forward(hidden, indices, weights)
        return output


Taps = dict[tuple[str, Side], list[Tap]]


def taps_of(architecture: Architecture, layout: Layout) -> Taps:
    """Return the taps on single tensors, by module path and side, in the order in which they shall act."""
    taps: Taps = defaultdict(list)
    for block in architecture.inputs:
        _at(taps, block, "out", BlockTap(block.address, layout.row[block.address]))
    for layer in architecture.layers():
        blocks = {block.address: block for block in layer.blocks}
        for branch in layer.branches:
            _branch_taps(taps, blocks[branch.block], branch, layout)
        for block in layer.blocks:
            for part in block.parts:
                _at(taps, part, "out", BlockTap(part.address, None))
        _stream_tap(taps, layer, BlockTap(f"{layer.address} stream", layout.row[layer.address]))
    return taps


def edges_of(architecture: Architecture) -> Taps:
    """Return taps that are put only where they are asked for: what layers are given, and what any block puts out."""
    taps: Taps = defaultdict(list)
    for layer in architecture.layers():
        if "*" not in layer.path:
            # A skipped layer returns its own input: what is further inside may be that of a checkpoint.
            taps[layer.path, "input"] += BlockTap(f"{layer.address} in", None), EntryTap(f"{layer.address} entry")
    for block in architecture.blocks():
        _at(taps, block, "out", BlockTap(block.address, None))
    return taps


def _stream_tap(taps: Taps, layer: Layer, tap: Tap) -> None:
    """Tap the stream after a layer: what its module returns, or without one what the norm on the stream does."""
    if "*" not in layer.path:
        taps[layer.path, "output"].append(tap)
        return
    last = max(layer.branches, key=lambda branch: branch.add, default=None)
    norm = next((b for b in layer.blocks if last is not None and b.address == last.stream_norm), None)
    if norm is not None:
        _at(taps, norm, "out", tap)


def experts_taps_of(architecture: Architecture, layout: Layout) -> Iterator[tuple[str, ExpertsTap]]:
    """Go through the taps on stacked experts, each with its module path."""
    for block in architecture.blocks():
        port = block.port("experts")
        if port is not None and block.experts:
            yield port.path, ExpertsTap(block.address, layout.row[f"{block.address}.E0"], block.experts)


def _branch_taps(taps: Taps, block: Block, branch: Branch, layout: Layout) -> None:
    scale = branch.scale.value if branch.scale else 1.0
    update_row = layout.update_row[block.address]
    _at(taps, block, "in", StreamTap(block.address, update_row))
    if block.heads:
        _at(taps, block, "z", HeadsTap(f"{block.address}.z", layout.row[f"{block.address}.H0"], block.heads))
    container = block.port("expert_modules")
    if container is not None:
        for expert in range(block.experts):
            taps[f"{container.path}.{expert}", "output"].append(BlockTap(f"{block.address}.E{expert}", None))
    _at(taps, block, "out", BlockTap(block.address, layout.row[block.address], update_row, scale))


def _at(taps: Taps, block: Block, name: str, tap: Tap) -> None:
    port = block.port(name)
    if port is not None:
        taps[port.path, port.side].append(tap)
