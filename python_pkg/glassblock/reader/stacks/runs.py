"""Runs of layers: one container's layers in the order in which the stream goes through them.

A module that is called again on what it made is the next layer (a shared layer); one that is called again on something
else, such as a second image, is the same layer at work again, and counts once. Layers that turn out to be alike in all
that is said of them are one group, also where they were traced apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from glassblock.ir import Group, Layer, Stack, observed, to_dict
from glassblock.reader.layers.layer import read_layer
from glassblock.reader.operations.flow import Flow
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.residual import streams_through
from glassblock.reader.operations.streams import count_streams
from glassblock.reader.stacks.fallback import tree_layer
from glassblock.reader.stacks.interleaved import joined_layers
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.graph import Graph, show
from glassblock.reader.tracing.record import Call

_CHANNELS_FIRST = ("conv1d", "conv2d", "conv3d", "batch_norm", "group_norm", "instance_norm", "avg_pool", "max_pool")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of layers: its stack, named after its container, its calls, and the stream that goes in.

    ``beside`` are the streams of other kinds of tokens, which go in beside it.
    """

    stack: Stack
    calls: tuple[Call, ...]
    source: int
    beside: tuple[int, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        """What the last layer returned."""
        return self.calls[-1].outputs


def layer_calls(graph: Graph, fold: Fold) -> dict[str, list[Call]]:
    """Return the calls of layers for each container, in the order in which they ran."""
    found: dict[str, list[Call]] = {}
    for call in graph.calls:
        container = fold.containers.get(call.path)
        if container is not None:
            found.setdefault(container, []).append(call)
    every = {container: _one_pass(graph, calls) for container, calls in found.items()}
    return joined_layers(graph, every)


def _one_pass(graph: Graph, calls: list[Call]) -> list[Call]:
    """Leave out what ran again on something else than what these layers made."""
    kept: list[Call] = []
    seen: set[str] = set()
    made: set[int] = set()
    for call in calls:
        again = call.path in seen
        if again and not any(_comes_from(graph, value, made) for value in call.inputs):
            break
        kept.append(call)
        seen.add(call.path)
        made.update(graph.same(value) for value in call.outputs)
    return kept


def _comes_from(graph: Graph, value: int, made: set[int]) -> bool:
    if graph.same(value) in made:
        return True
    cone = graph.cone(value, at=lambda op: any(graph.same(v) in made for v in op.outputs))
    return any(graph.same(v) in made for v in cone.edge)


def read_run(graph: Graph, container: str, calls: list[Call], norms: dict[int, NormSite], flow: Flow) -> Run | None:
    """Read one container of layers; None if no stream of channels runs through it or nothing mixes tokens."""
    alike: dict[str, list[tuple[int, Call]]] = {}
    for index, call in enumerate(calls):
        alike.setdefault(call.key, []).append((index, call))
    groups = merged([_group(graph, same, norms, flow) for same in alike.values()])
    blocks = [block for group in groups for block in group.template.blocks]
    mixes = any(part.role in ("attention", "mixer") for block in blocks for part in (block, *block.parts))
    if not mixes or not any(edge.source == "observed" for group in groups for edge in group.template.branches):
        return None
    through = streams_through(graph, calls[0], norms)
    source, *beside = [stream.source for stream in through] or calls[0].inputs[:1]
    if _is_image(graph, source):
        return None
    width = observed(graph.shape(source)[-1], f"the stream: {show(graph.shape(source))}")
    count = len(through) or count_streams(graph, calls[0])
    where = f"side by side in {show(graph.shape(source))}" if not beside else "inputs of the layer that it adds to"
    streams = observed(count, where) if count > 1 else None
    return Run(Stack(container, width, tuple(groups), streams=streams), tuple(calls), source, tuple(beside))


def _is_image(graph: Graph, source: int) -> bool:
    """Whether a stream has its channels before its places, as convolutions, their norms and pools take it."""
    return any(op.name.startswith(_CHANNELS_FIRST) for op in graph.consumers[source])


def _group(graph: Graph, same: list[tuple[int, Call]], norms: dict[int, NormSite], flow: Flow) -> Group:
    index, call = same[0]
    return Group(
        layers=tuple(index for index, _ in same),
        paths=tuple(call.path for _, call in same),
        template=read_layer(graph, index, call, norms, flow) or _assumed(graph.model, index, call.path),
    )


def _assumed(model: nn.Module, index: int, path: str) -> Layer:
    """Describe a layer whose residual arithmetic was not understood by its module tree."""
    layer = tree_layer(model, index, path)
    note = "assumed from the module tree: the layer's additions to the stream were not understood"
    return replace(layer, blocks=tuple(replace(block, notes=(note,)) for block in layer.blocks))


def merged(groups: list[Group]) -> list[Group]:
    """Put groups together of which everything said is the same, but for the evidence."""
    kept: dict[str, Group] = {}
    for group in groups:
        key = repr(_without_evidence(to_dict(group.place(0, ""))))
        other = kept.get(key)
        if other is None:
            kept[key] = group
            continue
        pairs = sorted(
            [*zip(other.layers, other.paths, strict=True), *zip(group.layers, group.paths, strict=True)],
        )
        kept[key] = replace(other, layers=tuple(i for i, _ in pairs), paths=tuple(path for _, path in pairs))
    return list(kept.values())


def _without_evidence(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_evidence(value) for key, value in data.items() if key != "where"}
    if isinstance(data, list):
        return [_without_evidence(item) for item in data]
    return data
