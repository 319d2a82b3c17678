"""Attached: the hooks that an engine has put on a model, and which taps they are for.

They can be removed at any time, also while a forward runs, and whoever asks is told which of them are no longer where
they were put: a module may be replaced, and hooks may be cleared by others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from torch import nn
from torch.utils.hooks import RemovableHandle

from glassblock.ir import Side, parse
from glassblock.live.hook import Hook
from glassblock.live.taps import Tap, Taps

ByLayer = tuple[tuple[Tap, ...], ...]
"""Taps at one place, by the layers that share the module there, in the order in which it is called for them."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a hook was put, and for which taps."""

    path: str
    module: nn.Module
    handle: RemovableHandle
    taps: tuple[Tap, ...]


class Attached:
    """Hooks on one model. None of them is put once they were removed.

    Parameters
    ----------
    model
        The model.
    """

    def __init__(self, model: nn.Module) -> None:
        self.keys: set[str] = set()
        """What taps and experts are called that are read and edited."""
        self._model = model
        self._handles: list[RemovableHandle] = []
        self._places: list[_Place] = []
        self._lock = threading.RLock()
        self._removed = False

    def before(self, module: nn.Module, hook: Hook, *, first: bool = False) -> RemovableHandle:
        """Put a hook before a module runs, ``first`` ahead of those of others."""
        return self._kept(module.register_forward_pre_hook(hook, with_kwargs=True, prepend=first))

    def after(self, module: nn.Module, hook: Hook) -> RemovableHandle:
        """Put a hook after a module ran."""
        return self._kept(module.register_forward_hook(hook))

    def at_the_end(self, module: nn.Module, hook: Hook) -> RemovableHandle:
        """Put a hook after a module that is told its keyword arguments, and called also if the module raises."""
        return self._kept(module.register_forward_hook(hook, with_kwargs=True, always_call=True))

    def tap(self, wanted: Taps, hook: Callable[[Side, ByLayer], Hook], only: set[str] | None = None) -> None:
        """Put a hook at each place, for the taps that are not there yet.

        Parameters
        ----------
        wanted
            Taps by module path and side.
        hook
            Makes the hook.
        only
            Names of the taps that are missed: places without one of these are left alone. None: every place.
        """
        with self._lock:
            modules = dict(self._model.named_modules())
            for (path, side), taps in wanted.items():
                new = tuple(tap for tap in taps if tap.key not in self.keys)
                if self._removed or not new or (only is not None and only.isdisjoint(tap.key for tap in new)):
                    continue
                put = self.before if side == "input" else self.after
                handle = put(modules[path], hook(side, _turns(new)))
                self._places.append(_Place(path, modules[path], handle, new))
            self.keys.update(tap.key for place in self._places for tap in place.taps)

    def gone(self) -> Iterator[Tap]:
        """Go through the taps whose hooks are no longer where they were put."""
        for place in self._places:
            hooks = place.handle.hooks_dict_ref()
            there = hooks is not None and place.handle.id in hooks
            if not there or _at(self._model, place.path) is not place.module:
                yield from place.taps

    def remove(self) -> None:
        """Remove every hook, also where somebody else removed it before. Again does no harm."""
        with self._lock:
            self._removed = True
            while self._handles:
                self._handles.pop().remove()

    def _kept(self, handle: RemovableHandle) -> RemovableHandle:
        self._handles.append(handle)
        return handle


def _turns(taps: tuple[Tap, ...]) -> ByLayer:
    """Return taps at one place by the layers that share it; what is not alike sees the same call."""

    def layer(tap: Tap) -> tuple[str, int | None]:
        where = parse(tap.key.partition(" ")[0])
        return (where.stack, where.layer) if where else ("", None)

    found = tuple(tuple(of) for _, of in groupby(taps, key=layer))
    alike = len({tuple(type(tap) for tap in of) for of in found}) == 1
    return found if alike else (taps,)


def _at(model: nn.Module, path: str) -> nn.Module | None:
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None
