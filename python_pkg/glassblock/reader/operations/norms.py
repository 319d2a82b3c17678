"""Find the normalisations: modules, or single operations, that rescale each token by its own size."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, Norm, observed
from glassblock.reader.tracing.graph import Graph, argument, numbers
from glassblock.reader.tracing.record import Call, Op
from glassblock.reader.tracing.values import LAYOUT

_KERNELS = {
    "layer_norm": "layer",
    "rms_norm": "rms",
    "group_norm": "group",
    "batch_norm": "batch",
    "instance_norm": "instance",
    "normalize": "l2",
}
_EPS_AT = {"layer_norm": 4, "rms_norm": 3, "group_norm": 4, "batch_norm": 7, "instance_norm": 7, "normalize": 3}
_CHANNELS_SECOND = ("batch_norm", "instance_norm", "group_norm")
_SPREADS = frozenset("mean sum var norm linalg_vector_norm vector_norm".split())
_ROOTS = frozenset("sqrt rsqrt norm linalg_vector_norm vector_norm".split())
_ON_THE_WAY = LAYOUT | _ROOTS | frozenset("add clamp clamp_min clip maximum max pow reciprocal rdiv mul".split())
_LONGEST = 40
"""A norm is a handful of operations; longer modules are not looked at."""


@dataclass(frozen=True, slots=True)
class NormSite:
    """A place where a value is normalised.

    ``path`` is empty where no module does it. ``gated`` says that a second activation goes in.
    """

    path: str
    input: int
    output: int
    first: int
    last: int
    width: int
    spec: Norm
    gated: bool = False


def norm_sites(graph: Graph) -> dict[int, NormSite]:
    """Find all normalisations of a recording.

    Returns
    -------
    dict
        The sites by the value that they make.
    """
    found: dict[int, NormSite] = {}
    covered: set[int] = set()
    for call in graph.calls:
        site = _of_call(graph, call)
        if site is not None and site.output not in found and call.first not in covered:
            found[site.output] = site
            covered.update(range(call.first, call.last))
    for op in graph.ops:
        if op.index in covered:
            continue
        if op.name in _KERNELS:
            found[op.outputs[0]] = _of_op(graph, op)
        elif op.name in ("mul", "div") and (site := _written_out(graph, op)) is not None:
            found[op.outputs[0]] = site
    return found


def _written_out(graph: Graph, op: Op) -> NormSite | None:
    """Recognise a value that is divided by its own size, without a module around it."""
    if len(op.inputs) != 2 or not all(graph.fed[v] for v in op.inputs):
        return None
    value, size = sorted(op.inputs, key=graph.size, reverse=True)
    shapes = graph.shape(value), graph.shape(size)
    if shapes[1][-1:] != (1,) or shapes[0][-1:] == (1,) or graph.size(op.outputs[0]) != graph.size(value):
        return None
    ops = [op, *_to_spread(graph, size)]
    if ops[-1].name not in _SPREADS or not any(o.name in _ROOTS or _inverse_root(o) for o in ops):
        return None  # without a root these are shares, not a norm
    measured = ops[-1].inputs[0]
    squared = graph.producer(measured)
    if graph.same(value) != graph.same(measured):
        if squared is None or graph.same(value) not in map(graph.same, squared.inputs):
            return None
        ops.append(squared)
    return NormSite("", value, op.outputs[0], ops[-1].index, op.index + 1, shapes[0][-1], _spec(graph, ops))


def _to_spread(graph: Graph, size: int) -> list[Op]:
    """Return the operations back from what divides a value to the sum or mean that it was made of."""
    found: list[Op] = []
    while (op := graph.producer(size)) is not None and len(found) < _LONGEST:
        found.append(op)
        if op.name in _SPREADS or op.name not in _ON_THE_WAY:
            break
        size = op.inputs[0]
    return found


def _of_op(graph: Graph, op: Op) -> NormSite:
    shape = graph.shape(op.inputs[0])
    width = shape[1] if op.name in _CHANNELS_SECOND and len(shape) > 1 else shape[-1]
    return NormSite("", op.inputs[0], op.outputs[0], op.index, op.index + 1, width, _spec(graph, [op]))


def _of_call(graph: Graph, call: Call) -> NormSite | None:
    ops = graph.span(call)
    if not ops or len(ops) > _LONGEST or not call.inputs or not call.outputs or call.folded:
        return None
    if any(graph.heavy(op) or op.name in ("softmax", "topk", "embedding") for op in ops):
        return None
    if not _normalises(ops) or graph.size(call.outputs[0]) != graph.size(call.inputs[0]):
        return None
    if any(op.name == "add" and set(op.inputs) == set(call.inputs[:2]) for op in ops):
        return None  # it adds a block to the stream and normalises the sum: the addition is the layer's
    gated = len(call.inputs) > 1 and graph.size(call.inputs[1]) == graph.size(call.inputs[0])
    return NormSite(
        path=call.path,
        input=call.inputs[0],
        output=call.outputs[0],
        first=call.first,
        last=call.last,
        width=graph.shape(call.inputs[0])[-1],
        spec=_spec(graph, ops),
        gated=gated,
    )


def _normalises(ops: list[Op]) -> bool:
    names = {op.name for op in ops}
    spread = names & {"mean", "var", "var_mean", "std", "sum", "norm", "linalg_vector_norm"}
    rooted = names & {"rsqrt", "sqrt", "div"} or any(map(_inverse_root, ops))
    return bool(names & _KERNELS.keys()) or bool(spread and rooted)


def _inverse_root(op: Op) -> bool:
    return op.name == "pow" and -0.5 in numbers(op)


def _spec(graph: Graph, ops: list[Op]) -> Norm:
    kernel = next((op for op in ops if op.name in _KERNELS), None)
    if kernel is not None:
        eps = argument(kernel, _EPS_AT[kernel.name], "eps")
        return Norm(
            function=observed(_KERNELS[kernel.name], f"operation {kernel.name}"),
            eps=observed(float(eps), f"eps of {kernel.name}") if eps is not None else None,
        )
    means = {value for op in ops if op.name == "mean" for value in op.outputs}
    centred = any(op.name == "sub" and means & set(op.inputs) for op in ops)
    centred = centred or any(op.name in ("var", "var_mean", "std") for op in ops)
    summed = not centred and not any(op.name == "mean" for op in ops)
    what = "subtracts the mean" if centred else "divides by the length" if summed else "divides by the root mean square"
    return Norm(function=observed("layer" if centred else "l2" if summed else "rms", what), eps=_eps(graph, ops))


def _eps(graph: Graph, ops: list[Op]) -> Fact[float] | None:
    for op in ops:
        if (op.name in ("rsqrt", "sqrt") or _inverse_root(op)) and op.inputs:
            before = graph.producer(op.inputs[0])
            if before is not None and before.name == "add" and numbers(before):
                return observed(numbers(before)[0], f"added before {op.name}")
    return None
