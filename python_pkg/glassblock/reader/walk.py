"""Going through the modules of a model, of which there may be millions.

`nn.Module.named_modules` goes through a generator for each level and hashes each module; this is one loop, and it may
leave out what is inside of some.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from torch import nn

from glassblock.errors import ModelError

_DEEPEST = 200
"""No model is nested like this; one that contains itself is."""


def walk(
    model: nn.Module, path: str = "", *, once: bool = False, closed: Container[str] = ()
) -> Iterator[tuple[str, nn.Module]]:
    """Go through the modules of a model in the order in which they were registered, the model itself first.

    Parameters
    ----------
    model
        Where to start.
    path
        Path of that.
    once
        Whether a module that has several paths comes once, under its first.
    closed
        Paths of modules whose inside is left out.

    Raises
    ------
    ModelError
        If a module contains itself.
    """
    seen: set[int] = set()
    stack = [(path, model, 0)]
    while stack:
        at, module, depth = stack.pop()
        if once:
            if id(module) in seen:
                continue
            seen.add(id(module))
        yield at, module
        inside = module._modules  # noqa: SLF001
        if not inside or at in closed:
            continue
        if depth > _DEEPEST and not once:
            raise ModelError(
                f"expected modules within modules, got {at[:80]!r}..., which contains itself. Keep the reference to"
                " a module's parent in a list or a function, where torch does not take it for a part."
            )
        prefix = f"{at}." if at else ""
        stack += [(prefix + name, part, depth + 1) for name, part in reversed(inside.items()) if part is not None]


def modules(model: nn.Module) -> Iterator[nn.Module]:
    """Go through the modules of a model, each once."""
    return (module for _, module in walk(model, once=True))


def parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """Go through the parameters of a model; one that is tied comes as often as it is held by another module."""
    return (p for module in modules(model) for p in module._parameters.values() if p is not None)  # noqa: SLF001


def parameter_at(model: nn.Module, name: str) -> nn.Parameter | None:
    """Return the parameter of a name; None if there is none."""
    path, _, own = name.rpartition(".")
    holder = at_path(model, path)
    return holder._parameters.get(own) if holder is not None else None  # noqa: SLF001


def at_path(model: nn.Module, path: str) -> nn.Module | None:
    """Return the module at a path; None if there is none."""
    found: nn.Module | None = model
    for name in path.split(".") if path else ():
        found = found._modules.get(name) if found is not None else None  # noqa: SLF001
    return found
