"""What is inside a block: the operations that were seen in its forward pass, condensed.

A recording of an attention has a hundred operations, of an unrolled scan a thousand. Here they are five to thirty steps
that a person would name, and the wires between them: what only moves numbers is part of the step that reads it, a norm
is one step, a scan is one step. Nothing is drawn from what a block is known to be: where torch's kernel kept scores and
pattern to itself there is one step, and where a model wrote them out there are three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Shape = tuple[int | str, ...]
"""A shape with its free dimensions by name: ``("batch", "tokens", 4096)``."""
StepKind = Literal[
    "input",
    "output",
    "linear",
    "norm",
    "rotary",
    "scores",
    "softmax",
    "mix",
    "activation",
    "multiply",
    "add",
    "convolution",
    "recurrence",
    "route",
    "experts",
    "split",
    "join",
    "other",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a block, as a person would name it.

    Attributes
    ----------
    name
        The last word of its module's path (``q_proj``), or the word for what it does (``scores``, ``silu``, ``top 8``).
    op
        What kind of step it is. ``other`` is named after the operation.
    path
        Path of the module that did it, empty where none did that and nothing else.
    shape
        Shape of what it makes.
    params
        How many parameters it uses that no step before it does.
    taps
        Names of the taps for what it makes: ``q``, ``k_rot``, ``z``.
    folded
        How many recorded operations stand behind it.
    unused
        Whether nothing of the block's output is made of it.
    """

    name: str
    op: StepKind
    path: str
    shape: Shape
    params: int
    taps: tuple[str, ...] = ()
    folded: int = 0
    unused: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """What one step hands to another: indices of steps, and a word where it is not plain which of its inputs it is."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """The inside of a block.

    ``steps`` are in the order in which they ran; inputs come first, the output last. Each wire goes from a step to a
    later one.
    """

    steps: tuple[Step, ...]
    wires: tuple[Wire, ...]

    def placed(self, place: Callable[[str], str]) -> Inside:
        """Return it with every module path renamed."""
        return replace(self, steps=tuple(replace(step, path=place(step.path)) for step in self.steps))

    def __str__(self) -> str:
        """Return a line for each step: what it is, what it reads and what it makes."""
        reads: dict[int, list[str]] = {}
        for wire in self.wires:
            source = f"{wire.source} {self.steps[wire.source].name}"
            reads.setdefault(wire.target, []).append(f"{source} ({wire.label})" if wire.label else source)
        return "\n".join(self._line(at, reads.get(at, [])) for at in range(len(self.steps)))

    def _line(self, at: int, reads: list[str]) -> str:
        step = self.steps[at]
        parts = [
            f"{at:2} {step.name}",
            f"of {', '.join(reads)}" if reads else "",
            f"-> {' x '.join(map(str, step.shape))}" if step.shape else "",
            f"{step.params:,} parameters" if step.params else "",
            "not used" if step.unused else "",
        ]
        return "  ".join(part for part in parts if part)
