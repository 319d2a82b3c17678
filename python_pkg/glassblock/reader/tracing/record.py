"""What one forward pass left behind: values, operations and module calls, as plain data.

Values are in single-assignment form: an operation that writes into a tensor makes a new value, and
so does every view of it that is written through. So "who made this number" has one answer, whatever
the Python objects did in the meantime.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for a value where an operation's arguments held a tensor."""

    value: int


@dataclass(slots=True, eq=False)
class Value:
    """A tensor at one moment.

    Attributes
    ----------
    index
        Its place in `Recording.values`.
    shape
        Its shape.
    dtype
        Its dtype without the ``torch.``.
    op
        Index of the operation that made it; None for inputs, parameters and constants.
    name
        Path of the parameter or buffer that it is, else empty.
    trained
        Whether that name is a parameter's.
    number
        Its only number, where the model made it of numbers that are known while tracing.
    """

    index: int
    shape: Shape
    dtype: str
    op: int | None = None
    name: str = ""
    trained: bool = False
    number: float | None = None


@dataclass(slots=True, eq=False)
class Op:
    """One operation on tensors.

    Attributes
    ----------
    index
        Its place in `Recording.ops`, which is the order of execution.
    name
        What it does, the same for ``a + b``, ``a += b`` and ``torch.add(a, b)``.
    call
        Index of the module call it ran in; None outside all modules.
    inputs, outputs
        Values that it read and made.
    args, kwargs
        Its arguments, tensors replaced by `Ref`.
    step
        How many operations ran before it, those that made nothing included; -1 where none did (a folded layer).
    """

    index: int
    name: str
    call: int | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    step: int = -1


@dataclass(slots=True, eq=False)
class Call:
    """One call of a module.

    Attributes
    ----------
    index
        Its place in `Recording.calls`, which is the order in which the calls began.
    path
        Path of the module.
    parents
        Indices of the calls around it, outermost first, itself included at the end.
    inputs, outputs
        Values that went in and came out, in the order of arguments, nested containers flattened.
    first, last
        The operations it ran are those with ``first <= index < last``.
    folded
        Whether it was answered from an earlier call of a layer with the same signature.
    key
        What that signature was: equal for layers that are alike. Empty for other modules.
    """

    index: int
    path: str
    parents: tuple[int, ...]
    inputs: tuple[int, ...]
    first: int
    outputs: tuple[int, ...] = ()
    last: int = 0
    folded: bool = False
    key: str = ""


@dataclass(slots=True)
class Recording:
    """One forward pass.

    ``tokens`` is the length of the sequence that went through. ``results`` are the values that the
    model returned.
    """

    values: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    escapes: list[str] = field(default_factory=list)
    tokens: int = 0

    @property
    def results(self) -> tuple[int, ...]:
        """The values that the model itself returned."""
        return self.calls[0].outputs if self.calls else ()
