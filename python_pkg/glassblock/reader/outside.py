"""What lies below and above the layers: embeddings, the final norm and the unembedding."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from glassblock.ir import (
    Block,
    Embedding,
    Fact,
    Port,
    Unembedding,
    assumed,
    from_module,
    observed,
)
from glassblock.reader.graph import Graph, numbers, show
from glassblock.reader.norms import NormSite
from glassblock.reader.params import count, count_in
from glassblock.reader.record import Op
from glassblock.reader.shapes import length, named
from glassblock.reader.work import multiply_adds


@dataclass(frozen=True, slots=True)
class Outside:
    """The blocks around the layers, and which parameters are embeddings."""

    inputs: tuple[Block, ...]
    outputs: tuple[Block, ...]
    tables: tuple[str, ...]


def outside(graph: Graph, source: int, end: int, norms: dict[int, NormSite]) -> Outside:
    """Read what is around the layers.

    Parameters
    ----------
    graph
        The recording.
    source
        The stream that goes into the first layer.
    end
        The stream that comes out of the last one.
    norms
        All norms of the recording.
    """
    below = graph.cone(source)
    tables = below.named("embedding")
    inputs = _embeddings(graph, tables, below.ops)
    head = _unembedding_op(graph, end)
    outputs = [*_final_norms(graph, end, head, norms), *_unembedding(graph, head, tables)]
    paths = [graph.values[op.inputs[1]].name for op in tables]
    paths += [block.path for block in inputs if block.address == "pos_embed"]
    return Outside(inputs, tuple(outputs), tuple(dict.fromkeys(filter(None, paths))))


def _embeddings(graph: Graph, tables: list[Op], below: tuple[Op, ...]) -> tuple[Block, ...]:
    given = set(graph.calls[0].inputs)
    blocks = []
    for op in tables:
        ids = graph.cone(op.inputs[0]).edge
        of = "tokens" if ids & given and not _counts(graph, op) else "positions"
        blocks.append(_embedding(graph, op, of))
    token = [b for b in blocks if b.address == "embed"][:1]
    position = [b for b in blocks if b.address == "pos_embed"][:1]
    return (*token, *(position or _added_table(graph, below)))


def _counts(graph: Graph, op: Op) -> bool:
    """Whether the rows that are looked up are positions: counted, not read from the text."""
    names = {made.name for made in graph.cone(op.inputs[0]).ops}
    return bool(names & {"arange", "cumsum"})


def _embedding(graph: Graph, op: Op, of: str) -> Block:
    ids, weight = op.inputs[0], op.inputs[1]
    rows, width = graph.shape(weight)
    call = graph.calls[op.call] if op.call is not None else None
    path = call.path if call is not None and call.path else ""
    shapes = f"embedding of {show(graph.shape(ids))} in {show((rows, width))}"
    ports = (Port("out", path, "output"),) if path and call and call.outputs else ()
    return Block(
        address="embed" if of == "tokens" else "pos_embed",
        role="embedding",
        path=path,
        cls=type(graph.modules[path]).__name__ if path else "",
        params=count_in(graph, path, [op]),
        spec=Embedding(
            rows=observed(rows, shapes),
            width=observed(width, shapes),
            of=observed(of, "the text" if of == "tokens" else "counted positions"),
            scale=_scale(graph, op),
        ),
        ports=ports,
        notes=() if ports else ("no module looks it up, so it cannot be tapped",),
        reads=named(graph, ids),
        makes=named(graph, op.outputs[0]),
    )


def _scale(graph: Graph, op: Op) -> Fact[float] | None:
    """Return what the looked-up vectors are multiplied by, in the module or right after it."""
    value = op.outputs[0]
    for _ in range(4):
        for after in graph.consumers[value]:
            scaled = graph.scaling(after)
            if scaled is not None and scaled[1] is not None:
                return None if scaled[1] == 1 else observed(scaled[1], "multiplied after the look-up")
            if scaled is not None:
                return _scale_in_module(graph, op)
            if graph.behind(after.outputs[0] if after.outputs else value) == value:
                value = after.outputs[0]
                break
    return None


def _scale_in_module(graph: Graph, op: Op) -> Fact[float] | None:
    """Return the scale that a module keeps as a plain number beside the buffer it multiplies by."""
    path = graph.path_of(op)
    own = vars(graph.modules[path]) if path else {}
    for name, value in own.items():
        if isinstance(value, float) and "scale" in name:
            return from_module(value, f"{path}.{name}")
    width = getattr(getattr(graph.model, "config", None), "hidden_size", None)
    return assumed(width**0.5, "the square root of the width, as is usual") if width else None


def _added_table(graph: Graph, below: tuple[Op, ...]) -> tuple[Block, ...]:
    """Learned positions that are added without a look-up: a parameter of the model's own."""
    for op in below:
        if op.name != "add" or len(op.inputs) != 2:
            continue
        for value in op.inputs:
            name = graph.weights[value]
            if name:
                rows, width = graph.shape(value)[-2:]
                parameter = dict(graph.model.named_parameters(remove_duplicate=False))[name]
                rows = parameter.shape[-2]
                spec = Embedding(
                    from_module(rows, name), from_module(width, name), observed("positions", "added to the stream")
                )
                note = "a parameter that is added, so it cannot be tapped"
                return (Block("pos_embed", "embedding", name, "", count([parameter]), spec, notes=(note,)),)
    return ()


def _unembedding_op(graph: Graph, end: int) -> Op | None:
    """Return the last projection between the layers and what the model returns."""
    for result in graph.recording.results[:1]:
        cone = graph.cone(result, stop={end})
        made = [op for op in cone.ops if graph.projection(op) is not None]
        if end in cone.edge and made:
            return made[-1]
    return None


def _final_norms(graph: Graph, end: int, head: Op | None, norms: dict[int, NormSite]) -> list[Block]:
    stop = head.index if head is not None else len(graph.ops)
    start = graph.values[end].op or 0
    found = [site for site in norms.values() if start < site.first < stop and graph.same(site.input) == graph.same(end)]
    return [norm_block(graph, site, "norm") for site in found[:1]]


def norm_block(graph: Graph, site: NormSite, address: str) -> Block:
    """Make the block of a normalisation."""
    ports = (Port("in", site.path, "input"), Port("out", site.path, "output")) if site.path else ()
    return Block(
        address=address,
        role="norm",
        path=site.path,
        cls=type(graph.modules[site.path]).__name__ if site.path else "",
        params=count_in(graph, site.path, graph.ops[site.first : site.last]),
        spec=site.spec,
        ports=ports,
        notes=() if ports else ("no module of its own, so it cannot be tapped",),
        reads=named(graph, site.input),
        makes=named(graph, site.output),
    )


def _unembedding(graph: Graph, head: Op | None, tables: list[Op]) -> list[Block]:
    if head is None:
        return []
    read = graph.projection(head)
    assert read is not None
    rows, width = graph.shape(head.outputs[0])[-1], graph.shape(read[0])[-1]
    call = graph.calls[head.call] if head.call is not None else None
    path = call.path if call is not None else ""
    shapes = f"{head.name}: {show(graph.shape(read[0]))} to {show(graph.shape(head.outputs[0]))}"
    weights = _parameters(graph)
    weight = weights.get(graph.weights[read[1]])
    embedded = [weights.get(graph.values[op.inputs[1]].name) for op in tables]
    tied = any(weight is table for table in embedded if table is not None)
    made = call is not None and call.outputs and graph.same(call.outputs[0]) == graph.same(head.outputs[0])
    return [
        Block(
            address="unembed",
            role="unembedding",
            path=path,
            cls=type(graph.modules[path]).__name__ if path else "",
            params=count_in(graph, path, [head]),
            spec=Unembedding(
                rows=observed(rows, shapes),
                width=observed(width, shapes),
                tied=from_module(tied, "one parameter" if tied else "a parameter of its own"),
                softcap=_softcap(graph, head),
            ),
            ports=(Port("in", path, "input"), Port("out", path, "output")) if made and path else (),
            reads=named(graph, read[0]),
            makes=named(graph, head.outputs[0]),
            weights=multiply_adds(graph, [head], length(graph, read[0])),
        )
    ]


def _parameters(graph: Graph) -> dict[str, nn.Parameter]:
    return dict(graph.model.named_parameters(remove_duplicate=False))


def _softcap(graph: Graph, head: Op) -> Fact[float] | None:
    after = graph.ops[head.index + 1 :]
    capped = next((op for op in after if op.name == "tanh"), None)
    if capped is None:
        return None
    for op in after[after.index(capped) :]:
        if op.name == "mul" and numbers(op):
            return observed(numbers(op)[0], "tanh of the logits, multiplied back")
    return None
