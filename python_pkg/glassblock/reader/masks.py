"""What an attention may look at: causality and windows, read from how its mask was made.

Masks have no numbers on the meta device, but they are made by comparing positions, and those
comparisons are in the recording: ``key <= query`` is causal, ``key > query - n`` is a window of n.
"""

from __future__ import annotations

from typing import Any

from glassblock.ir import Fact, assumed, from_module, observed
from glassblock.reader.branch import Branch
from glassblock.reader.graph import Graph, argument, numbers
from glassblock.reader.record import Op, Ref

_COMPARISONS = ("le", "lt", "ge", "gt")
_TRIANGLES = ("tril", "triu")
_WINDOW_NAMES = ("sliding_window", "window_size", "local_window", "attention_window")
"""Attributes under which modules and configurations keep the width of a window."""


def causal(branch: Branch, op: Op, steps: tuple[Op, ...]) -> Fact[bool]:
    """Whether a token sees only itself and what came before."""
    stated = argument(op, 5, "is_causal") if op.name.startswith("scaled_dot") else False
    return causal_by_mask(branch, _masks(branch.graph, op, steps), stated=stated is True)


def causal_by_mask(branch: Branch, masks: list[int], *, stated: bool) -> Fact[bool]:
    """Whether a token sees only itself and what came before, by how the masks were made.

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
    if stated:
        return observed(value=True, where="is_causal of the operation")
    for made in (op for mask in masks for op in _makers(graph, mask)):
        if made.name in _TRIANGLES:
            return observed(value=True, where=f"the mask is made by {made.name}")
        if made.name in _COMPARISONS and not numbers(made):
            return observed(value=True, where="the mask compares positions of keys and queries")
    if not masks:
        return observed(value=False, where="no mask")
    module = _attribute(branch, "is_causal")
    if isinstance(module, bool):
        return from_module(module, f"{branch.path}.is_causal")
    names = [graph.values[v].name for mask in masks for v in graph.cone(mask).edge]
    return assumed(value=True, where=f"masked by {next(filter(None, names), 'what was passed in')}")


def window(branch: Branch, op: Op, steps: tuple[Op, ...]) -> Fact[int] | None:
    """How many tokens back a query may look, itself included; None is all of them."""
    for mask in _masks(branch.graph, op, steps):
        found = _compared_window(branch.graph, mask)
        if found is not None:
            return observed(found, f"the mask compares positions {found} apart")
    for name in _WINDOW_NAMES:
        stated = _attribute(branch, name)
        if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0:
            return from_module(stated, f"{branch.path}.{name}")
    return None


def _masks(graph: Graph, op: Op, steps: tuple[Op, ...]) -> list[int]:
    """Values that meet the scores and come from no activation."""
    given = argument(op, 3, "attn_mask") if op.name.startswith("scaled_dot") else None
    found = [given.value] if isinstance(given, Ref) else []
    for step in steps:
        if step.name in ("add", "masked_fill", "where", "mul", "sub", "baddbmm"):
            found += [v for v in step.inputs if not graph.learned[v] and graph.size(v) > 1]
    return found


def _makers(graph: Graph, mask: int) -> tuple[Op, ...]:
    return graph.cone(mask).ops


def _compared_window(graph: Graph, mask: int) -> int | None:
    for op in _makers(graph, mask):
        if op.name not in _COMPARISONS:
            continue
        for value in op.inputs:
            shifted = graph.producer(graph.same(value))
            if shifted is not None and shifted.name in ("sub", "add") and numbers(shifted):
                distance = int(abs(numbers(shifted)[0]))
                if distance > 1:
                    return distance if op.name in ("gt", "lt") else distance + 1
    return None


def _attribute(branch: Branch, name: str) -> Any:
    """Return an attribute of the innermost module of the branch that has it."""
    module = branch.graph.modules.get(branch.path)
    for candidate in (module, *(module.children() if module is not None else ())):
        if candidate is not None and name in vars(candidate):
            return vars(candidate)[name]
    return None
