"""Steps of what no region took: modules that do one small thing, functions that are written out, single operations."""

from __future__ import annotations

from glassblock.ir import StepKind
from glassblock.reader.feedforward.activations import activation_of
from glassblock.reader.inside.draft import Draft, Home, leaves, word
from glassblock.reader.inside.regions import CHOICES
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS

FUNCTIONS = frozenset(
    "silu gelu relu relu6 sigmoid tanh softplus elu celu selu mish leaky_relu prelu hardswish hardsigmoid hardtanh glu"
    " logsigmoid sqrt rsqrt exp expm1 erf sin cos softsign square".split()
)
_USUAL = ("weight", "weight_g", "weight_v", "kernel", "original0", "original1")
"""What a module calls its only matrix."""
_SCALES = frozenset({"mul", "div"})
_LARGEST = 20
"""Operations of a module that is one step without a name for what it does."""
_WRITTEN = frozenset({"setitem", "copy", "copy_", "index_put", "stack", "hstack", "index_copy"})
_KINDS: dict[str, tuple[StepKind, str]] = {
    "mul": ("multiply", "multiply"),
    "div": ("multiply", "divide"),
    "add": ("add", "add"),
    "sub": ("add", "subtract"),
    "rsub": ("add", "subtract"),
    "softmax": ("softmax", "softmax"),
    **dict.fromkeys((*JOINS, *_WRITTEN), ("join", "join")),
    **dict.fromkeys(CHOICES, ("route", "choose")),
    **dict.fromkeys(("getitem", "gather", "take_along_dim"), ("other", "pick")),
}


def modules(draft: Draft) -> None:
    """Let each module without matrices of its own that does one small thing be a step."""
    graph = draft.graph
    for index, ops in leaves(graph).items():
        call = graph.calls[index]
        free = [op for op in ops if draft.free(op)]
        inner = any(index in other.parents[:-1] for other in graph.calls[index + 1 :])
        if not index or inner or not free or len(free) > _LARGEST:
            continue
        if any(graph.heavy(op) or op.name in CHOICES or op.name == "softmax" for op in free):
            continue
        if len(free) == 1 and free[0].name in _KINDS and not (made := activation_of(free)):
            continue
        made = activation_of(free)
        draft.settle(Home("activation" if made else "other", made or word(call.path), call.path), free)


def functions(draft: Draft) -> None:
    """Let operations that make a function of one value, and of nothing else, be one step."""
    graph = draft.graph
    base: dict[int, int] = {}
    group: dict[int, Home] = {}
    for op in graph.ops:
        if op.index in draft.home:
            continue
        moved = [v for v in graph.carried(op) if draft.live[v]]
        origins = {base.get(v, v) for v in moved}
        if draft.moves(op) and len(moved) == 1:
            same = graph.size(op.outputs[0]) == graph.size(moved[0])
            if same:
                base.update(dict.fromkeys(op.outputs, base.get(moved[0], moved[0])))
            continue
        if not draft.free(op) or len(origins) != 1 or not _elementwise(draft, op):
            continue
        homes = {id(h): h for v in moved if v in base for h in _behind(draft, group, v)}
        if graph.same(op.outputs[0]) not in draft.tapped:
            base[op.outputs[0]] = origins.pop()
        home = draft.settle(Home("other", ""), [op])
        if home is None:
            continue
        for other in homes.values():
            draft.join(other, home)
        group.update(dict.fromkeys(home.ops, home))
    for home in {id(h): h for h in group.values()}.values():
        home.op, home.name = _function(draft, home)


def _behind(draft: Draft, group: dict[int, Home], value: int) -> list[Home]:
    op = draft.graph.producer(draft.graph.same(value))
    return [group[op.index]] if op is not None and op.index in group else []


def _elementwise(draft: Draft, op: Op) -> bool:
    graph = draft.graph
    if graph.heavy(op) or op.name in CHOICES or op.name in ("softmax", "embedding") or len(op.outputs) != 1:
        return False
    return graph.size(op.outputs[0]) == max((graph.size(v) for v in op.inputs if draft.live[v]), default=0)


def _function(draft: Draft, home: Home) -> tuple[StepKind, str]:
    ops = [draft.graph.ops[index] for index in sorted(home.ops)]
    name = activation_of(ops)
    if name is not None:
        return "activation", name
    plain = [op.name for op in ops if op.name in FUNCTIONS]
    if plain:
        return "activation", plain[-1]
    if all(op.name in _SCALES for op in ops) and len({v for op in ops for v in op.inputs}) <= len(ops):
        return "multiply", "scale"
    if len(ops) == 1 or all(op.name == ops[0].name for op in ops):
        kind, name = _KINDS.get(ops[0].name, ("other", _plain(ops[0].name)))
        return kind, name
    telling = next((op.name for op in reversed(ops) if op.name not in _KINDS), ops[-1].name)
    return _KINDS.get(telling, ("other", _plain(telling)))


def weak(draft: Draft, home: Home) -> bool:
    """Whether a step only scales, shifts, bounds or pads by numbers, tables or parameters what one other step made."""
    graph = draft.graph
    names = {graph.ops[index].name for index in home.ops}
    if not names <= _SCALES | {"add", "sub", "rsub", "neg", "clamp", "clip", "pad", "masked_fill", "where", "real"}:
        return False
    moving = {v for v in draft.inputs(home) if draft.live[v]}
    return len({*map(graph.same, moving)}) == 1


def singles(draft: Draft) -> None:
    """Let each operation that is left be a step."""
    graph = draft.graph
    for op in graph.ops:
        if draft.free(op):
            kind, name = _single(draft, op)
            path = graph.path_of(op) if op.call else ""
            own = path and (kind in ("linear", "convolution") or op.name == "embedding")
            draft.settle(Home(kind, name, path if own and _alone(draft, op) else ""), [op])


def _single(draft: Draft, op: Op) -> tuple[StepKind, str]:
    graph = draft.graph
    if op.name.startswith("conv") and len(op.inputs) > 1:
        return "convolution", _owner(draft, op)
    if graph.projection(op) is not None or (graph.heavy(op) and any(graph.weights[v] for v in op.inputs)):
        return "linear", _owner(draft, op)
    if graph.product(op) is not None:
        return "mix", "product"
    if op.name.startswith("fft"):
        return "mix", "fft"
    if op.name.startswith(("scaled_dot", "multi_head_attention")):
        return "mix", _plain(op.name)
    if op.name == "embedding":
        return "other", _owner(draft, op)
    if op.name in FUNCTIONS:
        return "activation", activation_of([op]) or op.name
    return _KINDS.get(op.name, ("other", _plain(op.name)))


def _alone(draft: Draft, op: Op) -> bool:
    """Whether an operation is the only work of the module that it ran in."""
    graph = draft.graph
    assert op.call is not None
    return sum(graph.heavy(other) or other.name == "embedding" for other in graph.span(graph.calls[op.call])) == 1


def _owner(draft: Draft, op: Op) -> str:
    """Return the last word of the module whose matrix an operation multiplies with, or of the matrix's own name."""
    graph = draft.graph
    names = [graph.weights[v] for v in op.inputs if graph.weights[v] and "bias" not in graph.weights[v]]
    if not names:
        return word(graph.path_of(op)) if op.call else _plain(op.name)
    holder, _, last = names[0].rpartition(".")
    return word(holder) if holder and last in _USUAL else last.removesuffix("_weight")


def _plain(name: str) -> str:
    return name.strip("_").replace("_", " ")
