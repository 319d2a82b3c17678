"""Recipes: from which tensors of a pass a tap is had, and what is done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glassblock.errors import TapError
from glassblock.ir import Architecture, Attention, Block, Layer, parse
from glassblock.live.edits import split_heads
from glassblock.live.hook import silent
from glassblock.live.naming.names import Named
from glassblock.live.reading.edges import Edge
from glassblock.live.taps import ExpertsTap


@dataclass(frozen=True, slots=True)
class Within:
    """A tap between the input and the output of a block's module."""

    address: str
    tap: str


Make = Callable[[tuple[Tensor, ...]], Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a tap is had.

    Attributes
    ----------
    of
        What it is made of.
    turn
        Which call of the module is meant, where several blocks share one; None where it is the last.
    make
        From the tensors to the tap.
    like
        What has the text's shape, for a model that puts all tokens in one row; None where the tap has no tokens.
    """

    of: Edge | Within
    turn: int | None = None
    make: Make = lambda seen: seen[0]
    like: Edge | None = None


def recipe_of(model: nn.Module, architecture: Architecture, named: Named) -> Recipe:
    """Return how a tap is had.

    Raises
    ------
    TapError
        If this model cannot offer it, with the reason.
    """
    like = _text_of(architecture, named.owner.address)
    if isinstance(named.owner, Layer):
        return replace(_of_layer(architecture, named.owner, named.tap), like=like)
    if named.expert is not None:
        return _of_expert(model, named.owner, named.expert, named.tap)
    block = named.owner
    edge = _edge(block, named.tap)
    if edge is not None:
        return Recipe(edge, _turn(architecture, block, edge), like=like)
    if named.tap == "z_gated":
        return _gated(architecture, block)
    if named.tap.endswith(("_input", "_stream")):
        return _split(architecture, block, named.tap)
    if named.tap == "result":
        return _result(model, architecture, block)
    if named.tap == "load":
        return Recipe(Within(block.address, "indices"), make=_load(block.experts))
    return Recipe(Within(block.address, named.tap))


def _edge(block: Block, tap: str) -> Edge | None:
    """Return the side of a module that a tap is; None for one that is inside."""
    if tap not in ("in", "out", "raw", "stream"):
        return None
    port = block.port({"stream": "in", "out": "out"}.get(tap, ""))
    if port is not None:
        return Edge(port.path, port.side)
    if tap == "stream" or not block.path:
        notes = " ".join(block.notes)
        raise TapError(f"{block.address} offers no such tap: it does not pass from module to module. {notes}".strip())
    return Edge(block.path, "input" if tap == "in" else "output")


def _text_of(architecture: Architecture, address: str) -> Edge | None:
    """Return the input of the layer that an address lies in; None where no module is the layer."""
    where = parse(address)
    if where is None or where.layer is None:
        return None
    layer = next(stack for stack in architecture.stacks if stack.name == where.stack).layer(where.layer)
    return None if "*" in layer.path else Edge(layer.path, "input")


def _turn(architecture: Architecture, block: Block, edge: Edge) -> int | None:
    if not block.path:
        return None
    sharing = [other.address for other in architecture.blocks() if other.path == block.path]
    return sharing.index(block.address) if len(sharing) > 1 and edge.path.startswith(block.path) else None


def _of_layer(architecture: Architecture, layer: Layer, tap: str) -> Recipe:
    blocks = {block.address: block for block in layer.blocks}
    number = {"in": 0, "mid": 1, "mid2": 2}.get(tap)
    if number is None or (number == 0 and "*" not in layer.path):
        if "*" in layer.path:
            raise TapError(f"{layer.address} is not the work of one module. Read what comes in at the next layer.")
        return Recipe(Edge(layer.path, "output" if number is None else "input"))
    if number >= len(layer.branches):
        raise TapError(f"{layer.address} has {len(layer.branches)} branches, so it has no {tap}.")
    branch = layer.branches[number]
    if number and branch.reads != number:
        raise TapError(f"{layer.address} has no {tap}: {branch.block} does not read what its branches before it made.")
    block = blocks[branch.block]
    edge = _edge(block, "stream")
    assert edge is not None
    return Recipe(edge, _turn(architecture, block, edge))


def _of_expert(model: nn.Module, block: Block, expert: int, tap: str) -> Recipe:
    container, stacked = block.port("expert_modules"), block.port("experts")
    if container is not None:
        return Recipe(Edge(f"{container.path}.{expert}", "input" if tap == "in" else "output"))
    if stacked is None:
        raise TapError(f"{block.address} offers no place where its experts can be told apart.")
    module, experts = model.get_submodule(stacked.path), ExpertsTap(block.address, 0, block.experts)

    def make(seen: tuple[Tensor, ...]) -> Tensor:
        routed = experts.routing(seen, {})
        if routed is None:
            raise TapError(f"{block.address} does not call its experts with states, indices and weights.")
        tokens = (routed.indices == expert).any(-1)
        if tap == "in":
            return routed.hidden[tokens]
        with silent(), torch.no_grad():
            return experts.output_of(module, routed, expert, tokens)

    return Recipe(Edge(stacked.path, "input", every=True), make=make)


def _split(architecture: Architecture, block: Block, tap: str) -> Recipe:
    """Each head is given the same: they can be told apart only when one is edited."""
    heads, spec = block.heads, block.spec
    if isinstance(spec, Attention) and not tap.startswith("q"):
        heads = spec.kv_heads.value
    edge = _edge(block, "in" if tap.endswith("_input") else "stream")
    assert edge is not None
    return Recipe(
        edge, _turn(architecture, block, edge), lambda seen: seen[0].unsqueeze(2).expand(-1, -1, heads, -1).clone()
    )


def _gated(architecture: Architecture, block: Block) -> Recipe:
    port = block.port("z")
    if port is None:
        raise TapError(f"{block.address} offers no place where its heads can be told apart.")
    edge = Edge(port.path, port.side)
    return Recipe(edge, _turn(architecture, block, edge), lambda seen: split_heads(seen[0], block.heads))


def _result(model: nn.Module, architecture: Architecture, block: Block) -> Recipe:
    port = block.port("z")
    if port is None:
        raise TapError(f"{block.address} offers no place where its heads can be told apart.")
    projection, heads = model.get_submodule(port.path), block.heads

    def make(seen: tuple[Tensor, ...]) -> Tensor:
        """Let the projection see one head at a time; what it makes of nothing is its bias."""
        z = seen[0]
        alone = torch.eye(heads, dtype=z.dtype, device=z.device).repeat_interleave(z.shape[-1] // heads, 1)
        with silent(), torch.no_grad():
            bias = projection(torch.zeros_like(z[:1, :1]))
            return torch.stack([projection(z * only) - bias for only in alone], 2)

    edge = Edge(port.path, port.side)
    return Recipe(edge, _turn(architecture, block, edge), make)


def _load(experts: int) -> Make:
    return lambda seen: torch.bincount(seen[0].flatten(), minlength=experts)
