"""A stand-in for a module's ``forward``: on the instance, as long as it is needed, and in no copy of the model.

A pair of hooks would not do: whatever interrupts the forward, KeyboardInterrupt included, has to end what was begun.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any

from torch import nn

Call = Callable[[Callable[..., Any], tuple[tuple[Any, ...], dict[str, Any]]], Any]
"""What is asked instead: gets the ``forward`` that was there, and the arguments."""


class StandIn:
    """Stands in for the ``forward`` of one module.

    Parameters
    ----------
    module
        The module.
    call
        What is asked instead.
    """

    def __init__(self, module: nn.Module, call: Call) -> None:
        self._module, self._call = module, call
        self._own = vars(module).get("forward")  # accelerate and others have put theirs there
        self._forward: Callable[..., Any] = module.forward
        self.removed = False
        update_wrapper(self, self._forward, updated=())  # its attributes are its own
        vars(module)["forward"] = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Ask, or go straight on where it was removed and somebody wrapped it meanwhile."""
        if self.removed:
            return self._forward(*args, **kwargs)
        return self._call(self._forward, (args, kwargs))

    @property
    def before(self) -> Any:
        """What the module had there before, past stand-ins that were removed; None for the ``forward`` of its class."""
        own = self._own
        return own.before if isinstance(own, StandIn) and own.removed else own

    def remove(self) -> None:
        """Put back what was there. Again does no harm."""
        self.removed = True
        if vars(self._module).get("forward") is self:
            own = self.before
            if own is None:
                del vars(self._module)["forward"]
            else:
                vars(self._module)["forward"] = own

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., Any]:
        """Return the plain ``forward`` of the copy that is being made."""
        module = memo.get(id(self._module), self._module)
        return MethodType(type(self._module).forward, module)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _plain_forward, (self._module,)


def _plain_forward(module: nn.Module) -> Callable[..., Any]:
    return MethodType(type(module).forward, module)
