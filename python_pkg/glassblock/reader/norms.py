"""Find the normalisations: modules, or single operations, that rescale each token by its own size."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.ir import Fact, Norm, observed
from glassblock.reader.graph import Graph, argument, numbers
from glassblock.reader.record import Call, Op

_KERNELS = {"layer_norm": "layer", "rms_norm": "rms", "group_norm": "group"}
_EPS_AT = {"layer_norm": 4, "rms_norm": 3, "group_norm": 4}
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
        if op.name in _KERNELS and op.index not in covered:
            found[op.outputs[0]] = _of_op(graph, op)
    return found


def _of_op(graph: Graph, op: Op) -> NormSite:
    width = graph.shape(op.inputs[0])[-1]
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
    what = "subtracts the mean" if centred else "divides by the root mean square"
    return Norm(function=observed("layer" if centred else "rms", what), eps=_eps(graph, ops))


def _eps(graph: Graph, ops: list[Op]) -> Fact[float] | None:
    for op in ops:
        if (op.name in ("rsqrt", "sqrt") or _inverse_root(op)) and op.inputs:
            before = graph.producer(op.inputs[0])
            if before is not None and before.name == "add" and numbers(before):
                return observed(numbers(before)[0], f"added before {op.name}")
    return None
