"""See the calls of modules while a model runs, without a hook on any of them.

A hundred thousand layers would need a million hooks, so calls are seen at `nn.Module.__call__`. Some models call the
``forward`` of their layers themselves, past it (SqueezeBERT does), so that of each layer is stood in for as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import RLock, get_ident
from typing import Any

from torch import nn

Seen = Callable[[Callable[..., Any], nn.Module, Any, Any], Any]
"""What is asked instead of a call: how to call, the module, positional and keyword arguments."""

_one_at_a_time = RLock()
"""`nn.Module.__call__` is there once for all threads: whoever changes it puts back what was there before."""


@contextmanager
def calls_seen(see: Seen) -> Iterator[None]:
    """Ask `see` instead of each call of a module in this thread."""
    thread, original = get_ident(), nn.Module.__call__

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return see(original, module, args, kwargs) if get_ident() == thread else original(module, *args, **kwargs)

    with _one_at_a_time:
        original = nn.Module.__call__
        try:
            nn.Module.__call__ = call  # type: ignore[method-assign]
            yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]


@contextmanager
def forwards_seen(layers: Iterable[nn.Module], see: Seen) -> Iterator[dict[int, Callable[..., Any]]]:
    """Ask `see` instead of each ``forward`` that is called itself; yields what was stood in for, by the layer's id."""
    alone = {id(layer): layer for layer in layers}
    before = {key: vars(layer).get("forward") for key, layer in alone.items()}
    forwards = {key: layer.forward for key, layer in alone.items()}
    try:
        for layer in alone.values():
            vars(layer)["forward"] = _asking(layer, forwards[id(layer)], see)
        yield forwards
    finally:
        for key, layer in alone.items():
            vars(layer).pop("forward", None)
            if before[key] is not None:
                vars(layer)["forward"] = before[key]


def _asking(layer: nn.Module, forward: Callable[..., Any], see: Seen) -> Callable[..., Any]:
    """Return what stands in for the ``forward`` of a layer."""
    thread = get_ident()

    def run(layer: nn.Module, *args: Any, **kwargs: Any) -> Any:
        now = vars(layer)["forward"]  # whoever is asked may put something else in its place
        return (forward if now is ask else now)(*args, **kwargs)

    def ask(*args: Any, **kwargs: Any) -> Any:
        return see(run, layer, args, kwargs) if get_ident() == thread else forward(*args, **kwargs)

    return ask
