"""Names for activation functions, also where they are written out in arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from glassblock.reader.graph import numbers
from glassblock.reader.record import Op

_NAMED = {
    "silu": "silu",
    "relu": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky relu",
    "mish": "mish",
    "elu": "elu",
    "selu": "selu",
    "hardswish": "hardswish",
    "softplus": "softplus",
    "glu": "sigmoid",
    "erf": "gelu",
}
_QUICK = 1.702
"""GELU's sigmoid approximation: x * sigmoid(1.702 x) (Hendrycks and Gimpel, 2016)."""


def activation_of(ops: Sequence[Op]) -> str | None:
    """Name the activation function among some operations; None if there is none."""
    names = [op.name for op in ops]
    for op in ops:
        if op.name == "gelu":
            return "gelu tanh" if op.kwargs.get("approximate") == "tanh" else "gelu"
        if op.name == "relu":
            return "relu squared" if "square" in names or "pow" in names else "relu"
        if op.name in _NAMED:
            return _NAMED[op.name]
    if "tanh" in names:
        return "gelu tanh" if _plus_one(ops, names.index("tanh")) else "tanh"
    if "sigmoid" in names:
        return _sigmoid_kind(ops)
    return None


def _plus_one(ops: Sequence[Op], at: int) -> bool:
    """Whether 1 is added to what an operation made, as in GELU's tanh approximation."""
    return any(op.name == "add" and ops[at].outputs[0] in op.inputs and 1.0 in numbers(op) for op in ops[at + 1 :])


def _sigmoid_kind(ops: Sequence[Op]) -> str:
    at = next(index for index, op in enumerate(ops) if op.name == "sigmoid")
    argument = ops[at].inputs[0]
    scaled = next((op for op in ops if argument in op.outputs and op.name == "mul"), None)
    if scaled is not None and numbers(scaled) and abs(numbers(scaled)[0] - _QUICK) < 1e-3:
        return "quick gelu"
    source = scaled.inputs[0] if scaled is not None else argument
    itself = any(op.name == "mul" and ops[at].outputs[0] in op.inputs and source in op.inputs for op in ops)
    return "silu" if itself else "sigmoid"
