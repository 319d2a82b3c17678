"""Names for activation functions, also where they are written out in arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from glassblock.reader.tracing.graph import argument, numbers
from glassblock.reader.tracing.record import Op

_NAMED = {
    "silu": "silu",
    "relu6": "relu6",
    "leaky_relu": "leaky relu",
    "prelu": "prelu",
    "mish": "mish",
    "elu": "elu",
    "celu": "celu",
    "selu": "selu",
    "hardswish": "hardswish",
    "hardtanh": "hardtanh",
    "hardsigmoid": "hardsigmoid",
    "softsign": "softsign",
    "softplus": "softplus",
    "logsigmoid": "log sigmoid",
    "log_sigmoid": "log sigmoid",
    "glu": "sigmoid",
    "erf": "gelu",
    "sin": "sine",
    "softmax": "softmax",
}
_NEARLY = 1e-3
_QUICK = 1.702
"""GELU's sigmoid approximation: x * sigmoid(1.702 x) (Hendrycks and Gimpel, 2016)."""


def activation_of(ops: Sequence[Op]) -> str | None:
    """Name the activation function among some operations, with its bound if it has one; None if there is none."""
    softcaps = {op.index: bound for op in ops if op.name == "tanh" and (bound := _softcap(ops, op)) is not None}
    name = _function([op for op in ops if op.index not in softcaps], capped=bool(softcaps))
    bounds = [bound for op in ops if op.name in ("clamp", "clip") and (bound := _upper(op)) is not None]
    if name is not None and bounds:
        return f"{name}, clamped at {bounds[0]:g}"
    return f"{name}, softcapped at {next(iter(softcaps.values())):g}" if name is not None and softcaps else name


def _function(ops: Sequence[Op], *, capped: bool) -> str | None:
    names = [op.name for op in ops]
    if "expm1" in names and "where" in names:
        return "xielu"
    for op in ops:
        if op.name == "gelu":
            return "gelu tanh" if op.kwargs.get("approximate") == "tanh" else "gelu"
        if op.name == "relu":
            return "relu squared" if _squared(ops, op.outputs[0]) else "relu"
        if op.name in _NAMED:
            return _NAMED[op.name]
    if "tanh" in names:
        return "gelu tanh" if _plus_one(ops, names.index("tanh")) else "tanh"
    if "sigmoid" in names:
        return "silu" if capped else _sigmoid_kind(ops)
    if any(op.name in ("maximum", "amax") or (op.name == "max" and len(op.outputs) > 1) for op in ops):
        return "maxout"
    return None


def _upper(op: Op) -> float | None:
    bound = argument(op, 2, "max")
    return float(bound) if isinstance(bound, int | float) and isfinite(bound) else None


def _softcap(ops: Sequence[Op], tanh: Op) -> float | None:
    """Return the bound c of c tanh(x / c); None if it is another use of tanh."""
    after = next((op for op in ops if op.name == "mul" and tanh.outputs[0] in op.inputs and numbers(op)), None)
    before = next(
        (op for op in ops if tanh.inputs[0] in op.outputs and op.name in ("div", "mul") and numbers(op)), None
    )
    if after is None or before is None:
        return None
    bound, divisor = numbers(after)[0], numbers(before)[0]
    divisor = divisor if before.name == "div" else 1 / divisor
    return bound if abs(bound - divisor) < _NEARLY * abs(bound) else None


def _squared(ops: Sequence[Op], value: int) -> bool:
    """Whether a value is squared: by name, by a power of two, or by itself."""
    return any(
        (op.name == "square" and value in op.inputs)
        or (op.name == "pow" and op.inputs[0] == value and 2.0 in numbers(op))
        or (op.name == "mul" and op.inputs == (value, value))
        for op in ops
    )


def _plus_one(ops: Sequence[Op], at: int) -> bool:
    """Whether 1 is added to what an operation made, as in GELU's tanh approximation."""
    return any(op.name == "add" and ops[at].outputs[0] in op.inputs and 1.0 in numbers(op) for op in ops[at + 1 :])


def _sigmoid_kind(ops: Sequence[Op]) -> str:
    at = next(index for index, op in enumerate(ops) if op.name == "sigmoid")
    read = ops[at].inputs[0]
    scaled = next((op for op in ops if read in op.outputs and op.name == "mul"), None)
    if scaled is not None and numbers(scaled) and abs(numbers(scaled)[0] - _QUICK) < _NEARLY:
        return "quick gelu"
    source = scaled.inputs[0] if scaled is not None else read
    itself = any(op.name == "mul" and ops[at].outputs[0] in op.inputs and source in op.inputs for op in ops)
    return "silu" if itself else "sigmoid"
