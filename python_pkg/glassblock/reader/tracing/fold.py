"""Find the modules that are repeated, and which of them are alike.

A model of 61 layers has two or three kinds of layer. Layers with the same signature (the same
sub-modules of the same classes with parameters of the same shapes and the same scalar attributes)
compute the same function of different weights, so one of each kind is traced. Attributes that merely
count the layers (``layer_idx``) are no difference: they are found by their values, not their names.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from glassblock.reader.walk import parameters, walk

_SCALARS = frozenset({int, float, bool, str, type(None)})


@dataclass(frozen=True, slots=True)
class Fold:
    """Which modules are repeated.

    Attributes
    ----------
    keys
        For the path of each repeated module its container and signature: equal means alike.
    containers
        For the path of each repeated module the path of its container.
    """

    keys: dict[str, str] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)


def fold(model: nn.Module) -> Fold:
    """Find the outermost containers of layers in a model and give each layer its signature."""
    found = Fold()
    for container, layers in _containers(model):
        keyed(found, container, layers)
    return found


def containers_in(module: nn.Module, path: str) -> Iterator[tuple[str, dict[str, nn.Module]]]:
    """Go through the outermost containers of layers in the module at a path, with the paths they have in the model."""
    for container, layers in _containers(module):
        inside = {f"{path}.{name}": layer for name, layer in layers.items()}
        yield f"{path}.{container}" if container else path, inside


def _containers(model: nn.Module) -> Iterator[tuple[str, dict[str, nn.Module]]]:
    taken: list[str] = []
    for path, module in walk(model, once=True):
        if not isinstance(module, nn.ModuleList | nn.ModuleDict | nn.Sequential):
            continue
        if any(path.startswith(f"{outer}.") for outer in taken):
            continue
        children = dict(module.named_children())  # one that stands in it several times is one
        heavy = {f"{path}.{name}" if path else name: child for name, child in children.items() if _is_heavy(child)}
        if heavy and 2 * len(heavy) >= len(children):
            taken.append(path)
            yield path, heavy


def _is_heavy(module: nn.Module) -> bool:
    """Whether this is more than a projection: a module with several matrices in sub-modules."""
    return next(module.children(), None) is not None and _has_matrices(module)


def _has_matrices(module: nn.Module) -> bool:
    matrices = (id(p) for p in parameters(module) if p.ndim > 1)
    first = next(matrices, None)
    return first is not None and any(other != first for other in matrices)


_Row = tuple[str, str, tuple[str, ...], tuple[tuple[str, tuple[int, ...]], ...]]
"""A module in a layer: path, class, names of its attributes, shapes of its parameters."""


@dataclass(slots=True)
class _Plan:
    """Layers of the same modules, with the same parameters and attributes of the same names.

    Attributes
    ----------
    rows
        Their modules.
    layers
        For the place of each layer in its container the values of its scalar attributes, in the order of the rows.
    """

    rows: tuple[_Row, ...]
    layers: dict[int, list[Any]] = field(default_factory=dict)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Where each value is: path within the layer, attribute."""
        return [(path, name) for path, _, names, _ in self.rows for name in names]


def keyed(fold: Fold, container: str, layers: dict[str, nn.Module]) -> None:
    """Add the layers of a container to a fold."""
    plans: dict[tuple[_Row, ...], _Plan] = {}
    for index, layer in enumerate(layers.values()):
        rows, values = _described(layer)
        plans.setdefault(rows, _Plan(rows)).layers[index] = values
    counting = _counting_attributes(plans.values())
    signatures: dict[int, str] = {}
    for plan in plans.values():
        own = [at for at, where in enumerate(plan.places) if where not in counting]
        digests: dict[str, str] = {}
        for index, values in plan.layers.items():
            kept = repr([values[at] for at in own])
            if kept not in digests:
                digests[kept] = hashlib.sha256(f"{plan.rows}{kept}".encode()).hexdigest()[:12]
            signatures[index] = digests[kept]
    for index, path in enumerate(layers):
        fold.keys[path] = f"{container}#{signatures[index]}"
        fold.containers[path] = container


def _described(layer: nn.Module) -> tuple[tuple[_Row, ...], list[Any]]:
    """Return the modules of a layer, and the values of their scalar attributes."""
    rows: list[_Row] = []
    values: list[Any] = []
    for path, module in walk(layer, once=True):
        names = []
        for name, value in vars(module).items():
            if name[0] == "_" or name == "training":
                continue
            kind = type(value)  # `isinstance` would ask some configurations for their class, which takes them long
            if kind in _SCALARS or issubclass(kind, int | float | str):
                names.append(name)
                values.append(value)
            elif issubclass(kind, tuple | list) and all(isinstance(v, int | float | str) for v in value):
                names.append(name)
                values.append(tuple(value))
        held = module._parameters.items()  # noqa: SLF001
        shapes = tuple([(name, tuple(p.shape)) for name, p in held if p is not None]) if held else ()
        rows.append((path, type(module).__name__, tuple(names), shapes))
    return tuple(rows), values


def _counting_attributes(plans: Iterable[_Plan]) -> set[tuple[str, str]]:
    """Attributes whose value goes up with the layer: (path within the layer, attribute)."""
    offsets: dict[tuple[str, str], set[int]] = defaultdict(set)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for plan in plans:
        for at, where in enumerate(plan.places):
            found = [values[at] - index for index, values in plan.layers.items() if type(values[at]) is int]
            offsets[where].update(found)
            seen[where] += len(found)
    return {where for where, found in offsets.items() if len(found) == 1 and seen[where] > 1}
