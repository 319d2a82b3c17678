"""Find the modules that are repeated, and which of them are alike.

A model of 61 layers has two or three kinds of layer. Layers with the same signature (the same
sub-modules of the same classes with parameters of the same shapes and the same scalar attributes)
compute the same function of different weights, so one of each kind is traced. Attributes that merely
count the layers (``layer_idx``) are no difference: they are found by their values, not their names.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

_MIN_MATRICES = 2


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


def keyed(fold: Fold, container: str, layers: dict[str, nn.Module]) -> None:
    """Add the layers of a container to a fold."""
    counting = _counting_attributes(list(layers.values()))
    for path, layer in layers.items():
        fold.keys[path] = f"{container}#{_signature(layer, counting)}"
        fold.containers[path] = container


def containers_in(model: nn.Module, path: str) -> Iterator[tuple[str, dict[str, nn.Module]]]:
    """Go through the outermost containers of layers in a module, with the paths that they have in the model."""
    for container, layers in _containers(model.get_submodule(path)):
        inside = {f"{path}.{name}": layer for name, layer in layers.items()}
        yield f"{path}.{container}" if container else path, inside


def _containers(model: nn.Module) -> Iterator[tuple[str, dict[str, nn.Module]]]:
    taken: list[str] = []
    for path, module in model.named_modules():
        if any(path.startswith(f"{outer}.") for outer in taken):
            continue
        if not isinstance(module, nn.ModuleList | nn.ModuleDict | nn.Sequential):
            continue
        heavy = {
            f"{path}.{name}" if path else name: child for name, child in module.named_children() if _is_heavy(child)
        }
        if heavy and 2 * len(heavy) >= len(module):
            taken.append(path)
            yield path, _layers_of_stages(heavy)


def _layers_of_stages(children: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """Return the layers where what a container holds are stages of layers, as in Swin; else what it holds."""
    inner: dict[str, nn.Module] = {}
    for path, child in children.items():
        lists = {name: part for name, part in child.named_children() if _holds_layers(part)}
        if len(lists) != 1:
            return children
        name, blocks = next(iter(lists.items()))
        inner |= {f"{path}.{name}.{at}": block for at, block in blocks.named_children()}
    return inner


def _holds_layers(module: nn.Module) -> bool:
    """Whether this is a list of modules of one class that each have parts with several matrices, as layers do.

    Experts in a list have none: their parts are single matrices.
    """
    blocks = list(module.children())
    if not isinstance(module, nn.ModuleList | nn.Sequential) or len({type(block) for block in blocks}) != 1:
        return False
    return all(
        any(sum(p.ndim > 1 for p in part.parameters()) >= _MIN_MATRICES for part in block.children())
        for block in blocks
    )


def _is_heavy(module: nn.Module) -> bool:
    """Whether this is more than a projection: a module with several matrices in sub-modules."""
    has_parts = next(module.children(), None) is not None
    return has_parts and sum(p.ndim > 1 for p in module.parameters()) >= _MIN_MATRICES


def _scalars(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(vars(module).items()):
        if name.startswith("_") or name == "training":
            continue
        if isinstance(value, int | float | bool | str | type(None)):
            yield name, value
        elif isinstance(value, tuple | list) and all(isinstance(v, int | float | str) for v in value):
            yield name, tuple(value)


def _counting_attributes(layers: list[nn.Module]) -> set[tuple[str, str]]:
    """Attributes whose value goes up with the layer: (path within the layer, attribute)."""
    offsets: dict[tuple[str, str], set[int]] = defaultdict(set)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for index, layer in enumerate(layers):
        for path, module in layer.named_modules():
            for name, value in _scalars(module):
                if type(value) is int:
                    offsets[path, name].add(value - index)
                    seen[path, name] += 1
    return {where for where, found in offsets.items() if len(found) == 1 and seen[where] > 1}


def _signature(layer: nn.Module, counting: set[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for path, module in layer.named_modules():
        scalars = [item for item in _scalars(module) if (path, item[0]) not in counting]
        shapes = [(n, tuple(p.shape)) for n, p in module.named_parameters(recurse=False)]
        digest.update(repr((path, type(module).__name__, scalars, shapes)).encode())
    return digest.hexdigest()[:12]
