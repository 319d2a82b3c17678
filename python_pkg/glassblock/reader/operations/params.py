"""Counts of parameters: exact, and each tied weight once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from torch import nn

from glassblock.ir import Block, Fact, Group, MixtureOfExperts, Params
from glassblock.reader.tracing.graph import Graph
from glassblock.reader.tracing.record import Op
from glassblock.reader.walk import at_path, parameter_at, parameters


def count(parameters: Iterable[nn.Parameter]) -> int:
    """Count the numbers in some parameters, each parameter once."""
    return sum({id(p): p.numel() for p in parameters}.values())


def held(model: nn.Module, path: str) -> dict[int, int]:
    """Return how many numbers each parameter of the module at a path has, by its identity."""
    return {id(p): p.numel() for p in _held(model, path)}


def count_in(graph: Graph, path: str, ops: Iterable[Op]) -> int:
    """Count the parameters of a block: of its module, or of its operations where it has none."""
    return count(_parameters_in(graph, path, ops))


def parameters_in(graph: Graph, path: str, ops: Iterable[Op]) -> set[int]:
    """Return the identities of the parameters of a block."""
    return {id(p) for p in _parameters_in(graph, path, ops)}


def _parameters_in(graph: Graph, path: str, ops: Iterable[Op]) -> Iterable[nn.Parameter]:
    if path:
        return graph.modules[path].parameters()
    used = {graph.values[v].name for op in ops for v in op.inputs if graph.values[v].trained}
    return (p for name in used if (p := parameter_at(graph.model, name)) is not None)


def count_all(
    model: nn.Module, embeddings: Iterable[str], groups: Iterable[Group], multiplied: Collection[str] = ()
) -> Params:
    """Count a whole model.

    Parameters
    ----------
    model
        The model.
    embeddings
        Module paths, or parameter paths, of its embeddings.
    groups
        All its layers, folded.
    multiplied
        Paths of the parameters that some operation multiplies with: an embedding that is one of them is not only
        looked up.
    """
    every = list(parameters(model))
    total = count(every)
    idle = sum(len(group.layers) * _idle(model, block) for group in groups for block in group.template.blocks)
    tables = [p for path in embeddings for p in _held(model, path)]
    used = {id(parameter_at(model, path)) for path in multiplied}
    return Params(
        total=total,
        trainable=count(p for p in every if p.requires_grad),
        embedding=count(tables),
        active=total - idle,
        lookup=count(p for p in tables if id(p) not in used),
    )


def _held(model: nn.Module, path: str) -> list[nn.Parameter]:
    """Return the parameters of the module at a path, or the parameter at it."""
    module = at_path(model, path)
    if module is not None:
        return list(parameters(module))
    one = parameter_at(model, path)
    return [one] if one is not None else []


def _idle(model: nn.Module, block: Block) -> int:
    """Count what one token leaves aside: the routed experts that it does not visit.

    A choice that is no expert costs nothing and saves nothing: a token is counted with as many experts as it may visit.
    Rows that a parameter has for such choices are never multiplied with. Experts for tokens of another kind than those
    that were traced are left aside as well.
    """
    here = 0
    if isinstance(block.spec, MixtureOfExperts):
        experts = next((part for part in block.parts if part.address.endswith(".experts")), block)
        total = block.spec.experts.value
        visited = min(block.spec.top_k.value, total)
        here = experts.params - visited * _one_expert(model, experts, total, block.spec.zero_experts)
        here += sum(part.params for part in block.parts if part.role == "moe" and part.spec is None)
    return here + sum(_idle(model, part) for part in block.parts)


def _one_expert(model: nn.Module, experts: Block, total: int, zero: Fact[int] | None) -> int:
    """Count one expert's parameters; those of stacked experts are the rows of theirs."""
    rows = total + (zero.value if zero is not None else 0)
    held = model.get_submodule(experts.path).parameters(recurse=False) if experts.path else ()
    padded = sum(p.numel() for p in held if p.shape[:1] == (rows,)) if rows != total else 0
    return (experts.params - padded) // total + padded // rows
