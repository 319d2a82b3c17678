"""A Diagram: an architecture that displays itself. What `unfold` returns, with no weights and no live model."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from glassblock import surface
from glassblock.ir import Architecture, Attention, Block, Group, Params
from glassblock.ir.costs import Cache, Flops, cache, flops_per_token, weight_bytes
from glassblock.ir.tally import Share, by_block


@dataclass(frozen=True)
class Counts(Params):
    """Exact counts of parameters, of the whole model and of each block.

    Attributes
    ----------
    total, trainable, embedding, active, lookup
        As in `Params`.
    """

    architecture: Architecture | None = field(default=None, repr=False)

    def by_block(self) -> tuple[Share, ...]:
        """Return the parameters of each kind of block and their share; the rows add up to the total."""
        assert self.architecture is not None
        return by_block(self.architecture)


@dataclass(frozen=True)
class Diagram:
    """An architecture, to be looked at.

    Attributes
    ----------
    architecture
        What the model is.
    """

    architecture: Architecture

    @property
    def params(self) -> Counts:
        """Exact counts of parameters: ``.total``, ``.active`` and so on, and ``.by_block()``."""
        counts = {f.name: getattr(self.architecture.params, f.name) for f in fields(Params)}
        return Counts(**counts, architecture=self.architecture)

    def flops(self, context: int = 1, *, source: int = 0) -> Flops:
        """Count the operations that one token costs; see `glassblock.ir.costs.flops_per_token`.

        Parameters
        ----------
        context
            Tokens in sight, itself included.
        source
            Tokens of the encoder, where cross-attention looks at one.
        """
        return flops_per_token(self.architecture, context, source=source)

    def weight_bytes(self, dtype: str = "bfloat16") -> int:
        """Return the bytes of all parameters at a dtype.

        Parameters
        ----------
        dtype
            ``float32``, ``bfloat16``, ``float8``, ``int4`` and so on.
        """
        return weight_bytes(self.architecture, dtype)

    def cache(self, context: int, dtype: str = "bfloat16", *, source: int = 0) -> Cache:
        """Count the bytes that decoding keeps for one text; see `glassblock.ir.costs.cache`.

        Parameters
        ----------
        context
            Tokens that were read.
        dtype
            As for `weight_bytes`.
        source
            Tokens of the encoder, where cross-attention looks at one.
        """
        return cache(self.architecture, context, dtype, source=source)

    def block(self, address: str) -> Block:
        """Return the block at an address or module path; see `Architecture.block`."""
        return self.architecture.block(address)

    def save(self, path: str | Path) -> Path:
        """Save as a self-contained page (``.html``) or as data (``.json``).

        Parameters
        ----------
        path
            Where to.
        """
        return surface.save(self, path)

    def __str__(self) -> str:
        """Return the architecture as a readable tree, from the input to the output."""
        arch = self.architecture
        head = f"{arch.name} · {arch.cls} · {arch.params.total:,} parameters"
        if arch.params.active != arch.params.total:
            head += f", {arch.params.active:,} active per token"
        lines = [head, *(_line(block, 1) for block in arch.inputs)]
        for stack in arch.stacks:
            if stack.name:
                lines.append(f"  {stack.name}")
            for group in stack.groups:
                lines += _group_lines(group)
        return "\n".join([*lines, *(_line(block, 1) for block in arch.outputs)])

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return f"Glassblock diagram of {self.architecture.name} ({self.params.total:,} parameters)"

    def _repr_mimebundle_(self, **_: Any) -> surface.MimeBundle:
        return surface.display(self)


def _group_lines(group: Group) -> list[str]:
    layer = group.template
    which = _ranges(group.layers)
    lines = [f"  {which}  {layer.cls} x {len(group.layers)} · {layer.params:,} parameters each"]
    return lines + [_line(block, 2) for block in layer.blocks]


def _line(block: Block, depth: int) -> str:
    name = block.address.rpartition(".")[2] if depth > 1 else block.address
    label = block.spec.label if block.spec else block.cls
    heads = f", {block.heads} heads" if block.heads else ""
    windowed = isinstance(block.spec, Attention) and block.spec.window
    window = f", window {windowed.value:,}" if windowed else ""
    return f"{'  ' * depth}  {name:<8} {label}{heads}{window} · {block.params:,}"


def _ranges(indices: tuple[int, ...]) -> str:
    """Return indices as runs: ``L0-L2, L5``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    words = [f"L{run[0]}" if len(run) == 1 else f"L{run[0]}-L{run[-1]}" for run in runs]
    shown = 4
    return ", ".join(words[:shown]) + (f" and {len(words) - shown} more" if len(words) > shown else "")
