"""What lies below the layers of a stack: what makes vectors of the input, and what happens before the first layer.

Tables are looked up by ids that were given (tokens), counted (positions) or neither (types). A convolution or a
projection of the input itself makes vectors of patches or frames. What is added without being learned is sinusoidal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import torch

from glassblock.ir import Block, Embedding, Fact, Port, assumed, from_module, observed
from glassblock.reader.branches.norm_block import norm_block
from glassblock.reader.branches.numbering import numbered_blocks
from glassblock.reader.feedforward.dense import feed_forward
from glassblock.reader.operations.norms import NormSite
from glassblock.reader.operations.params import count, count_in
from glassblock.reader.operations.shapes import length, named
from glassblock.reader.operations.work import multiply_adds
from glassblock.reader.tracing.graph import Graph, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.walk import parameter_at


@dataclass(frozen=True, slots=True)
class Below:
    """The blocks below a stack, and which parameters are embeddings."""

    blocks: tuple[Block, ...]
    tables: tuple[str, ...]

    @property
    def words(self) -> int | None:
        """How many tokens there are to be looked up."""
        specs = [block.spec for block in self.blocks]
        return next((s.rows.value for s in specs if isinstance(s, Embedding) and s.of.value == "tokens"), None)


def below(graph: Graph, ops: Iterable[Op], source: int, norms: dict[int, NormSite]) -> Below:
    """Read what is below the layers.

    Parameters
    ----------
    graph
        The recording.
    ops
        The operations that the stream was made by, in the order of execution.
    source
        The stream that goes into the first layer.
    norms
        All norms of the recording.
    """
    ops = tuple(ops)
    found: list[tuple[int, Block]] = []
    tables: list[str] = []
    covered = {index for site in _norms_in(ops, norms) for index in range(site.first, site.last)}
    for op in ops:
        if op.index in covered:
            continue
        block = _made_by(graph, op, length(graph, source))
        if block is not None:
            found.append((op.index, block))
            tables += [graph.values[op.inputs[1]].name] if op.name == "embedding" else []
            tables += [block.path] if op.name == "add" and block.params else []
    found += [(site.first, norm_block(graph, site, "embed_norm")) for site in _norms_in(ops, norms)]
    blocks = [block for _, block in sorted(found, key=lambda item: item[0])]
    return Below(tuple(numbered_blocks(blocks)), tuple(dict.fromkeys(filter(None, tables))))


def _norms_in(ops: tuple[Op, ...], norms: dict[int, NormSite]) -> list[NormSite]:
    sites = [norms[value] for op in ops for value in op.outputs if value in norms]
    return [site for site in sites if site.width > 1]


def _made_by(graph: Graph, op: Op, places: int) -> Block | None:
    if op.name == "embedding":
        return _table(graph, op)
    if op.name == "add":
        return _added(graph, op)
    if not (graph.heavy(op) and graph.weights[op.inputs[1] if len(op.inputs) > 1 else op.inputs[0]]) and (
        graph.projection(op) is None
    ):
        return None
    return _projected(graph, op, places)


def _table(graph: Graph, op: Op) -> Block:
    ids, weight = op.inputs[0], op.inputs[1]
    rows, width = graph.shape(weight)
    path = graph.path_of(op)
    call = graph.call_of(op) if path else None
    shapes = f"embedding of {show(graph.shape(ids))} in {show((rows, width))}"
    ports = (Port("out", path, "output"),) if call is not None and call.outputs else ()
    of, why = _kind(graph, op, rows)
    if of == "positions" and _fixed(graph, op):
        of, why = "sinusoidal positions", "a table that is not trained"
    return Block(
        address={"tokens": "embed", "types": "type_embed"}.get(of, "pos_embed"),
        role="embedding",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, [op]),
        spec=Embedding(observed(rows, shapes), observed(width, shapes), observed(of, why), _scale(graph, op)),
        ports=ports,
        notes=() if ports else ("no module looks it up, so it cannot be tapped",),
        reads=named(graph, ids),
        makes=named(graph, op.outputs[0]),
    )


def looks_up_tokens(graph: Graph, op: Op) -> bool:
    """Whether the rows that an operation looks up are those of the text."""
    return _kind(graph, op, graph.shape(op.inputs[1])[0])[0] == "tokens"


def _kind(graph: Graph, op: Op, rows: int) -> tuple[str, str]:
    """Say what the rows of a table are: looked up by given ids, by counting, or by neither."""
    cone = graph.cone(op.inputs[0])
    if {made.name for made in cone.ops} & {"arange", "cumsum"}:
        return "positions", "looked up by counted positions"
    if cone.edge & set(graph.calls[0].inputs):
        return "tokens", "looked up by what was given"
    places = graph.shape(op.inputs[0])[-1] if graph.shape(op.inputs[0]) else 1
    if rows < places:
        return "types", f"looked up by no given id; {rows} rows are fewer than the {places} places"
    return "positions", "looked up by ids that the model keeps"


def _fixed(graph: Graph, op: Op) -> bool:
    """Whether a table is kept from training while the tokens' own is trained: its numbers are computed."""
    table = parameter_at(graph.model, graph.values[op.inputs[1]].name)
    lookups = [other for other in graph.ops if other.name == "embedding" and len(other.inputs) > 1]
    names = [graph.values[other.inputs[1]].name for other in lookups if other.inputs[1] != op.inputs[1]]
    others = [parameter_at(graph.model, name) for name in names]
    return table is not None and not table.requires_grad and any(p is not None and p.requires_grad for p in others)


def _scale(graph: Graph, op: Op) -> Fact[float] | None:
    """Return what the looked-up vectors are multiplied by, in the module or right after it."""
    value = op.outputs[0]
    for _ in range(4):
        for after in graph.consumers[value]:
            scaled = graph.scaling(after)
            if scaled is not None and scaled[1] is not None:
                return None if scaled[1] == 1 else observed(scaled[1], "multiplied after the look-up")
            if scaled is not None:
                return _scale_in_module(graph, op, next(v for v in after.inputs if graph.size(v) == 1))
            if graph.behind(after.outputs[0] if after.outputs else value) == value:
                value = after.outputs[0]
                break
    return None


def _scale_in_module(graph: Graph, op: Op, factor: int) -> Fact[float] | None:
    """Return the scale that a module keeps as a plain number beside the buffer it multiplies by."""
    path = graph.path_of(op)
    own = vars(graph.modules[path]) if path else {}
    for name, value in own.items():
        if isinstance(value, float) and "scale" in name:
            return from_module(value, f"{path}.{name}")
    width = getattr(getattr(graph.model, "config", None), "hidden_size", None)
    if not width:
        return None
    kept = graph.values[graph.same(factor)].dtype
    root = torch.tensor(width**0.5, dtype=getattr(torch, kept), device="cpu").item()
    return assumed(root, f"the square root of the width, as is usual, in the {kept} that it is kept in")


def _added(graph: Graph, op: Op) -> Block | None:
    """Positions that are added without a look-up: a parameter of the model's own, or numbers that nobody learned."""
    if len(op.inputs) != 2 or not graph.shape(op.outputs[0]):
        return None
    width = graph.shape(op.outputs[0])[-1]
    for value, other in (op.inputs, reversed(op.inputs)):
        name, shape = graph.weights[value] or _made_of_one(graph, value), graph.shape(value)
        parameter = parameter_at(graph.model, name)
        learned = parameter is not None and parameter.ndim > 1 and graph.learned[other] and len(shape) > 1
        if parameter is not None and learned and shape[-2] > 1 and shape[-1] == width:
            spec = Embedding(from_module(parameter.shape[-2], name), from_module(width, name), _positions("learned"))
            note = "a parameter that is added, so it cannot be tapped"
            return Block("pos_embed", "embedding", name, "", count([parameter]), spec, notes=(note,))
        computed = not graph.learned[value] and graph.learned[other] and len(shape) > 1
        if computed and shape[-1] == width and shape[-2] > 1 and not graph.weights[other]:
            where = next((graph.values[v].name for v in graph.cone(value).edge if graph.values[v].name), "")
            spec = Embedding(observed(shape[-2], "added"), observed(width, "added"), _positions("sinusoidal"))
            return Block("pos_embed", "embedding", where, "", 0, spec, notes=("nothing of it is learned",))
    return None


def _made_of_one(graph: Graph, value: int) -> str:
    """Return the largest parameter of a value that is made of parameters alone: a table with a gate."""
    if not graph.learned[value]:
        return ""
    cone = graph.cone(value)
    made = [graph.values[v] for v in cone.edge if graph.values[v].trained]
    others = [v for v in cone.edge if not graph.values[v].trained and graph.size(v) > 1]
    if others or any(graph.heavy(op) or op.name == "embedding" for op in cone.ops):
        return ""
    return max(made, key=lambda found: prod(found.shape)).name if made else ""


def _positions(how: str) -> Fact[str]:
    return observed("positions" if how == "learned" else "sinusoidal positions", "added to the stream")


def _projected(graph: Graph, op: Op, places: int) -> Block:
    """A learned map of the input itself (patches, frames), or of what was made of it."""
    path = graph.path_of(op)
    call = graph.call_of(op) if path else None
    weight = next(v for v in op.inputs if graph.weights[v])
    shape = graph.shape(weight)
    activation = next(v for v in op.inputs if v != weight)
    width, inner = (shape[0], prod(shape[1:])) if op.name.startswith(("conv", "linear")) else (shape[-1], shape[-2])
    given = not graph.learned[activation]
    spec = Embedding(
        observed(inner, f"{op.name} with {show(shape)}"),
        observed(width, f"{op.name} with {show(shape)}"),
        observed(_of_what(op, graph.shape(activation)), f"{op.name} of {show(graph.shape(activation))}"),
    )
    ports = (Port("out", path, "output"),) if call is not None and call.outputs else ()
    return Block(
        address="embed" if given else "embed_proj",
        role="embedding" if given else "projector",
        path=path,
        cls=graph.class_of(path),
        params=count_in(graph, path, [op]),
        spec=spec if given else feed_forward(graph, [op]),
        ports=ports,
        reads=named(graph, activation),
        makes=named(graph, op.outputs[0]),
        weights=multiply_adds(graph, [op], places),
    )


def _of_what(op: Op, shape: tuple[int, ...]) -> str:
    """Say what a projection of the input is of, by the dimensions that it has."""
    if op.name in ("conv2d", "conv3d") or len(shape) > 3:
        return "patches"
    return "frames" if op.name == "conv1d" else "features"
