"""Rotary position embedding, recognised by its arithmetic.

A rotation is a sum of two products of which one factor each comes from the activation and the other
from the positions alone: ``x * cos + rotate(x) * sin``. How many channels take part is read from the
shapes; halves that are rotated apart are counted together where they are joined. The frequencies are mostly made before
the forward pass and kept in a buffer: its module says with which base, and how they were scaled for longer texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from glassblock.ir import Fact, assumed, from_config, from_module, observed
from glassblock.reader.tracing.graph import Graph, numbers, show
from glassblock.reader.tracing.record import Op
from glassblock.reader.tracing.values import JOINS, Cone

_JOINS = JOINS | {"stack", "hstack"}
_BASES = ("rope_theta", "theta", "base", "rotary_emb_base", "rotary_base", "base_frequency")
"""Under which names modules and configurations keep the base of the frequencies."""
_UNSCALED = ("default", "axial")
"""Names for rotations whose frequencies are as they were: ``axial`` shares channels among rows and columns."""
_STILL = ("proportional",)
"""Names for rotations in which a part of the angles is zero, so that only ``partial_rotary_factor`` of a head turns."""
_USUAL = 10_000.0
"""The base of Su et al., RoFormer (arXiv:2104.09864)."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What there is to say of a rotation; ``theta`` and ``scaling`` are None without one."""

    dims: Fact[int]
    theta: Fact[float] | None = None
    scaling: Fact[str] | None = None


def rotation(graph: Graph, queries: Cone) -> Rotation:
    """Read the rotation of a head.

    Parameters
    ----------
    graph
        The recording.
    queries
        What happened to the queries between their projection and the attention.
    """
    rotated, angles = _rotated(graph, queries)
    if not rotated:
        return Rotation(observed(0, "no rotation between the query projection and the attention"))
    ops = {op.index: op for value in angles for op in graph.cone(value).ops}
    leaves = {v for value in angles for v in graph.cone(value).edge}
    holders = [held for v in leaves if (held := _holder(graph, graph.values[v].name)) is not None]
    scaling = _scaling(graph, holders)
    dims = _turning(_dims(graph, queries, rotated), scaling, holders)
    return Rotation(dims, _theta(graph, ops.values(), holders), scaling)


def _turning(dims: Fact[int], scaling: Fact[str], holders: list[_Holder]) -> Fact[int]:
    """Leave out channels whose angle is always zero: the arithmetic is the same for them."""
    part = next((p for holder in holders if (p := holder.parameters().get("partial_rotary_factor"))), None)
    if scaling.value not in _STILL or not isinstance(part, int | float):
        return dims
    turning = 2 * int(part * dims.value // 2)
    return from_config(turning, f"partial_rotary_factor {part:g} of {dims.where}; the other angles are zero")


def _dims(graph: Graph, queries: Cone, rotated: dict[int, int]) -> Fact[int]:
    for op in queries.named(*_JOINS):
        joined = [v for v in op.inputs if graph.same(v) in rotated]
        if joined:
            dims = sum(rotated[graph.same(v)] for v in joined)
            return observed(dims, f"rotation of {show(graph.shape(op.outputs[0]))}")
    value, dims = next(iter(rotated.items()))
    return observed(dims, f"rotation of {show(graph.shape(value))}")


def _rotated(graph: Graph, cone: Cone) -> tuple[dict[int, int], list[int]]:
    """Values that a rotation made, with the number of channels that it mixed, and its angles."""
    found: dict[int, int] = {}
    angles: list[int] = []
    for op in cone.ops:
        value = op.outputs[0] if op.outputs else -1
        if op.name in ("add", "sub") and len(op.inputs) == 2:
            turned = [_angles(graph, graph.producer(graph.same(v))) for v in op.inputs]
            if None not in turned:
                found[value] = graph.shape(value)[-1]
                angles += [angle for angle in turned if angle is not None]
        elif op.name == "mul" and "complex" in graph.values[value].dtype:
            turn = _angles(graph, op)
            if turn is not None:
                found[value] = 2 * graph.shape(value)[-1]
                angles.append(turn)
    return found, angles


def turned_by(graph: Graph, op: Op) -> bool:
    """Whether an operation is the end of a rotation: it adds what two products with angles made."""
    if op.name == "mul" and "complex" in graph.values[op.outputs[0]].dtype:
        return _angles(graph, op) is not None
    added = op.name in ("add", "sub") and len(op.inputs) == 2
    return added and all(_angles(graph, graph.producer(graph.same(v))) is not None for v in op.inputs)


def _angles(graph: Graph, op: Op | None) -> int | None:
    """Return what knows the positions alone where an activation is multiplied by such a thing."""
    if op is None or op.name != "mul" or len(op.inputs) != 2:
        return None
    one, other = op.inputs
    if graph.activation(one) == graph.activation(other):
        return None
    angles = other if graph.activation(one) else one
    trained = graph.values[graph.same(angles)].trained or bool(graph.weights[angles])
    return angles if graph.size(angles) > 1 and not trained else None


@dataclass(frozen=True, slots=True)
class _Holder:
    """The module that holds the frequencies, and for which kind of layer, where it has several."""

    path: str
    module: Any
    label: str

    def of(self, name: str) -> Any:
        """Return what the module keeps under a name, for this kind of layer."""
        value = vars(self.module).get(name)
        return value.get(self.label) if isinstance(value, dict) else value

    def parameters(self) -> dict[str, Any]:
        """Return the part of its configuration that is about the rotation."""
        config = vars(self.module).get("config")
        found = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        nested = found.get(self.label) if isinstance(found, dict) else None
        return nested if isinstance(nested, dict) else found if isinstance(found, dict) else {}


def _holder(graph: Graph, buffer: str) -> _Holder | None:
    path, _, name = buffer.rpartition(".")
    module = graph.modules.get(path)
    if not buffer or module is None:
        return None
    return _Holder(path, module, name.removesuffix("_inv_freq").removesuffix("_original"))


def _theta(graph: Graph, ops: Any, holders: list[_Holder]) -> Fact[float]:
    for op in ops:
        bases = [n for n in numbers(op) if n > 1] if op.name in ("pow", "float_power") else []
        if bases:
            return observed(bases[0], f"{op.name} of {bases[0]:g}")
    for holder in holders:
        for name in _BASES:
            kept = holder.of(name)
            if isinstance(kept, int | float) and not isinstance(kept, bool):
                return from_module(float(kept), f"{holder.path}.{name}")
        stated = holder.parameters().get("rope_theta")
        if isinstance(stated, int | float):
            return from_config(float(stated), "rope_theta of config.rope_parameters")
    for config in _configs(graph):
        for name in _BASES:
            stated = getattr(config, name, None)
            if isinstance(stated, int | float) and not isinstance(stated, bool):
                return from_config(float(stated), f"config.{name}")
    return assumed(_USUAL, "the usual base: nothing states another one")


def _scaling(graph: Graph, holders: list[_Holder]) -> Fact[str]:
    for holder in holders:
        kind = holder.of("rope_type")
        if isinstance(kind, str):
            return from_module("none" if kind in _UNSCALED else kind, f"{holder.path}.rope_type: {kind}")
        given = holder.parameters()
        kind = given.get("rope_type", given.get("type"))
        if isinstance(kind, str):
            return from_config("none" if kind in _UNSCALED else kind, f"rope_type of config.rope_parameters: {kind}")
    where = "the frequencies are used as they are" if holders else "nothing scales the angles"
    return observed("none", where)


def _configs(graph: Graph) -> Iterator[Any]:
    config = getattr(graph.model, "config", None)
    if config is not None:
        yield config
        yield from (part for name in getattr(config, "sub_configs", {}) if (part := getattr(config, name, None)))
