"""Which tokens a query sees, read from how the masks are made or, failing that, from what the module says.

A mask of one row is the same for every query and hides padding only; `positions` reads the others. Where a mask came in
ready-made there is nothing to read: then the module's own attributes count, and after them an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from glassblock.ir import Fact, assumed, from_config, from_module, observed
from glassblock.reader.attention.position_bias import looks_up
from glassblock.reader.attention.positions import Boundary, boundaries
from glassblock.reader.branches.branch import Branch
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op

_WINDOW_NAMES = ("sliding_window", "sliding_window_size", "attention_window", "local_window", "window_size")
"""Attributes under which modules and configurations keep the width of a window."""
_OF_IMAGES = ("window_size",)
"""Those among them that also mean pieces of an image, of which the operations show whether they are used."""
_ONE_SIDE = ("one_sided_attn_window_size",)
"""Attributes under which modules keep how many tokens are seen on either side of the query."""
_SIDED = "; it is that of one side"
_LOCAL = ("local", "sliding")
"""Words by which a module says that its attention has a window, whose width the configuration has."""
_OR = ("or", "logical_or", "bitwise_or")


@dataclass(frozen=True, slots=True)
class Sight:
    """What a query sees: the facts about it, as `Attention` has them."""

    causal: Fact[bool]
    window: Fact[int] | None
    chunk: Fact[int] | None
    prefix: Fact[bool]


def sight(branch: Branch, masks: Sequence[int], *, stated: bool) -> Sight:
    """Read which tokens a query sees.

    Parameters
    ----------
    branch
        The branch of the attention.
    masks
        The values that mask the scores.
    stated
        Whether the operation was told that it is causal.
    """
    graph = branch.graph
    ops = _makers(branch, masks)
    lines = boundaries(graph, ops)
    free = _open(graph, ops)
    causal = _causal(branch, masks, lines, free, stated=stated)
    ready = not ops or any(_ready_made(graph, mask) for mask in masks)
    chunk = next((line.of for line in lines if line.of), None)
    return Sight(
        causal=causal,
        window=_window(branch, lines, causal, ready=ready),
        chunk=observed(chunk, f"the mask compares positions divided by {chunk}") if chunk else None,
        prefix=_prefix(causal, free),
    )


def _makers(branch: Branch, masks: Sequence[int]) -> tuple[Op, ...]:
    """Operations that made the masks; not those that chose rows of a learned table, nor the layer's own products."""
    graph, states = branch.graph, branch.stream.states

    def ends(op: Op) -> bool:
        return looks_up(graph, op) or graph.projection(op) is not None or graph.product(op) is not None

    return tuple({op.index: op for mask in masks for op in graph.cone(mask, states, at=ends).ops}.values())


def _open(graph: Graph, ops: tuple[Op, ...]) -> list[Op]:
    """Operations by which a mask that is true for the past becomes true for something else besides."""
    found = []
    for op in (op for op in ops if op.name in _OR and len(op.inputs) == 2):
        sides = [boundaries(graph, graph.cone(value).ops) for value in op.inputs]
        past = [any(_divides(line) and line.far for line in side) for side in sides]
        other = op.inputs[past.index(False)] if past[0] != past[1] else None
        if other is not None and not _one_row(graph, other):
            found.append(op)
    return found


def _divides(line: Boundary) -> bool:
    """Whether it divides the past from the future."""
    return line.back in (0, 1) and not line.both and not line.of


def _causal(branch: Branch, masks: Sequence[int], lines: list[Boundary], free: list[Op], *, stated: bool) -> Fact[bool]:
    """Whether a token sees only itself and what came before."""
    graph = branch.graph
    if stated:
        return observed(value=True, where="is_causal of the operation")
    past = next(filter(_divides, lines), None)
    band = next((line for line in lines if line.both), None)
    if past is not None and not (band is not None and free):
        made = "is made by" if past.op.name.startswith("tri") else "compares positions of keys and queries:"
        return observed(value=True, where=f"the mask {made} {past.op.name}")
    if not masks:
        return observed(value=False, where="no mask")
    if band is not None:
        return observed(value=False, where="the mask compares distances without their sign")
    if all(_one_row(graph, mask) for mask in masks):
        return observed(value=False, where="the mask is the same for every query")
    return _stated_causal(branch, masks)


def _stated_causal(branch: Branch, masks: Sequence[int]) -> Fact[bool]:
    graph = branch.graph
    for path, module in _modules(branch):
        if any(vars(module).get(name) for name in _ONE_SIDE):
            return from_module(value=False, where=f"{path} keeps a window of two sides")
        value = vars(module).get("is_causal")
        if isinstance(value, bool):
            return from_module(value, f"{path}.is_causal")
    names = [graph.values[v].name for mask in masks for v in graph.cone(mask).edge]
    given = graph.calls[0].inputs[:1] if graph.calls else ()
    text = all("int" in graph.values[v].dtype for v in given)
    what = next(filter(None, names), "what was passed in")
    return assumed(value=text, where=f"masked by {what}, and {'text' if text else 'no text'} goes into the model")


def _one_row(graph: Graph, value: int, depth: int = 0) -> bool:
    """Whether a mask says the same for every query: it is one row, or was made of such by repetition or products."""
    shape = graph.shape(value)
    if len(shape) < 2 or shape[-2] == 1 or graph.size(value) == 1:
        return True
    op = graph.producer(value)
    if op is not None and op.name in ("eq", "ne") and len(op.inputs) == 2:
        return False
    if op is not None and (looks_up(graph, op) or graph.projection(op) is not None):
        return True  # a learned bias hides nothing
    if op is None or depth > 30 or not op.inputs:
        # Numbers without a source are all alike: torch.zeros and its like.
        return op is not None and op.name in ("zeros", "ones", "full", "new_zeros", "new_ones", "new_full")
    return all(_row_or_column(graph, v, depth + 1) for v in op.inputs)


def _row_or_column(graph: Graph, value: int, depth: int) -> bool:
    """A column hides whole queries, which is padding too."""
    shape = graph.shape(value)
    return (len(shape) > 1 and shape[-1] == 1) or _one_row(graph, value, depth)


def _ready_made(graph: Graph, mask: int) -> bool:
    """Whether a mask, or a part of it, was made before the forward pass and tells queries apart."""
    shapes = [graph.shape(v) for v in graph.cone(mask).edge if graph.values[v].name and not graph.values[v].trained]
    return any(len(shape) > 1 and min(shape[-2:]) > 1 for shape in shapes)


def _window(branch: Branch, lines: list[Boundary], causal: Fact[bool], *, ready: bool) -> Fact[int] | None:
    """How many tokens back a query may look, itself included; None is all of them."""
    found = [line for line in lines if line.back > 1]
    if found:
        line = min(found, key=lambda line: line.back)
        where = " on either side" if line.both else ""
        return observed(line.back, f"the mask compares positions {line.back} apart{where}")
    if lines and not ready:
        return None
    names = [name for name in _WINDOW_NAMES + _ONE_SIDE if causal.value or name not in _OF_IMAGES]
    stated = _stated_window(branch, names)
    if stated is None or causal.value or stated.where.endswith(_SIDED):
        return stated
    return assumed(stated.value, f"{stated.where}, nor how far it looks on either side")


def _stated_window(branch: Branch, names: list[str]) -> Fact[int] | None:
    """A window that the module states, where no mask shows one."""
    for path, module in _modules(branch):
        for name in names:
            width = vars(module).get(name)
            if isinstance(width, int) and not isinstance(width, bool) and width > 0:
                how = _SIDED if name in _ONE_SIDE else "; no mask shows it"
                return from_module(width + (name in _ONE_SIDE), f"{path}.{name}{how}")
        said = [key for key, value in vars(module).items() if isinstance(value, str) and value.startswith(_LOCAL)]
        config: Any = vars(module).get("config") or getattr(branch.graph.model, "config", None)
        for name in names if said else ():
            width = getattr(config, name, None)
            if isinstance(width, int) and width > 0:
                return from_config(width, f"config.{name}, by {path}.{said[0]}")
    return None


def _prefix(causal: Fact[bool], free: list[Op]) -> Fact[bool]:
    if not causal.value:
        return observed(value=False, where="nothing is causal to be excepted from it")
    if free:
        return observed(value=True, where="the mask also lets through tokens of one piece, before or after")
    return observed(value=False, where="the mask lets nothing through beside the past")


def _modules(branch: Branch) -> Iterator[tuple[str, Any]]:
    """The module of the branch and those directly within it, which keep what it was told."""
    module = branch.graph.modules.get(branch.path)
    if module is None or not branch.path:
        return
    yield branch.path, module
    for name, child in module.named_children():
        yield f"{branch.path}.{name}", child
