"""Counts of parameters: exact, and each tied weight once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from torch import nn

from glassblock.ir import Block, Fact, Group, MixtureOfExperts, Params
from glassblock.reader.graph import Graph
from glassblock.reader.record import Op


def count(parameters: Iterable[nn.Parameter]) -> int:
    """Count the numbers in some parameters, each parameter once."""
    return sum({id(p): p.numel() for p in parameters}.values())


def count_in(graph: Graph, path: str, ops: Iterable[Op]) -> int:
    """Count the parameters of a block: of its module, or of its operations where it has none."""
    if path:
        return count(graph.modules[path].parameters())
    used = {graph.values[v].name for op in ops for v in op.inputs if graph.values[v].trained}
    by_name = dict(graph.model.named_parameters(remove_duplicate=False))
    return count(by_name[name] for name in used)


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
    total = count(model.parameters())
    idle = sum(len(group.layers) * _idle(model, block) for group in groups for block in group.template.blocks)
    modules = dict(model.named_modules(remove_duplicate=False))
    named = dict(model.named_parameters(remove_duplicate=False))
    tables = [p for path in embeddings for p in (modules[path].parameters() if path in modules else [named[path]])]
    used = {id(named[path]) for path in multiplied if path in named}
    return Params(
        total=total,
        trainable=count(p for p in model.parameters() if p.requires_grad),
        embedding=count(tables),
        active=total - idle,
        lookup=count(p for p in tables if id(p) not in used),
    )


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
