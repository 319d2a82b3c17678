"""A twin of a live model on the meta device: the same structure, no numbers, nothing shared that runs.

The twin is built by hand instead of by `copy.deepcopy`, because a live model carries things that must
not be copied: weights, hooks that hold sessions or accelerate's offloading, tokenizers. Each module is
made anew without calling its constructor; its parameters and buffers become empty meta tensors, ties
included; what other attributes hold is mapped where it is a module or a tensor and shared elsewhere.
"""

from __future__ import annotations

import copy
import types
import weakref
from collections import Counter
from typing import Any, TypeGuard

import torch
from torch import nn

_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device})
"""What is shared as it is: most attributes of most modules."""
_OWN = frozenset({"_parameters", "_buffers", "_modules"})
"""Dictionaries that no two modules share, so that they need not be remembered."""
_FOREIGN = ("_hf_hook", "_old_forward", "_output_capturing_hooks_installed")
"""Left on a module by accelerate when it moves weights around, and by transformers to say that its hooks are there."""


def twin(model: nn.Module) -> nn.Module:
    """Return a meta twin of a model, in evaluation mode and without hooks.

    Parameters
    ----------
    model
        Any module. It is only read: no tensor is copied, moved or computed with.
    """
    return _Twins(_number_format(model)).module(model)


class _Twins:
    """Makes twins, each object once, so that what is shared in the model is shared in the twin."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._made: dict[int, Any] = {}
        self._kept: list[Any] = []

    def _remember(self, old: Any, new: Any) -> Any:
        self._made[id(old)] = new
        self._kept.append(old)
        return new

    def module(self, old: nn.Module) -> nn.Module:
        if id(old) in self._made:
            return self._made[id(old)]  # type: ignore[no-any-return]
        if _is_packed(old):
            return self._unpacked(old)
        new: nn.Module = type(old).__new__(type(old))
        self._remember(old, new)
        state = dict(vars(old))
        if "_hf_hook" in state:
            state.pop("forward", None)
        for name in _FOREIGN:
            state.pop(name, None)
        own = new.__dict__
        for name, value in state.items():
            own[name] = value if type(value) in _PLAIN else self._attribute(name, value)
        own["training"] = False
        return new

    def _unpacked(self, old: nn.Linear) -> nn.Module:
        """Return what a projection with packed weights (8 or 4 bits) computes: a plain one of the same sizes."""
        dtype = old.weight.dtype if old.weight.is_floating_point() else self._dtype
        biased = old.bias is not None
        new = nn.Linear(old.in_features, old.out_features, bias=biased, device="meta", dtype=dtype).eval()
        new.requires_grad_(requires_grad=old.weight.requires_grad)
        self._remember(old.weight, new.weight)
        return self._remember(old, new)  # type: ignore[no-any-return]

    def _attribute(self, name: str, value: Any) -> Any:
        if name.startswith("_") and "hooks" in name and isinstance(value, dict):
            return type(value)()
        if name == "_compiled_call_impl":
            return None
        if name in _OWN:
            return self._mapped_dict(value)
        return self._map(value)

    def _map(self, value: Any) -> Any:
        if type(value) in _PLAIN:
            return value
        if id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, nn.Module):
            return self.module(value)
        if isinstance(value, torch.Tensor):
            return self._remember(value, _hollow(value))
        if isinstance(value, types.MethodType) and isinstance(value.__self__, nn.Module):
            return types.MethodType(value.__func__, self.module(value.__self__))
        if type(value) in (list, set):
            return self._remember(value, type(value)(self._map(item) for item in value))
        if type(value) is tuple:
            return tuple(self._map(item) for item in value)
        if isinstance(value, dict):
            return self._remember(value, self._mapped_dict(value))
        if _is_config(type(value)):
            return self._remember(value, copy.deepcopy(value))
        return value

    def _mapped_dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        new = copy.copy(value)
        for key, item in value.items():
            new[key] = self._map(item)
        return new


def _hollow(tensor: torch.Tensor) -> torch.Tensor:
    empty = torch.empty_strided(tuple(tensor.shape), _strides(tensor), dtype=tensor.dtype, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


def _is_packed(module: nn.Module) -> TypeGuard[nn.Linear]:
    """Whether a projection keeps its weights in a kind of parameter of its own, with which only its own code works."""
    weight = vars(module).get("_parameters", {}).get("weight")
    if not isinstance(module, nn.Linear) or isinstance(weight, nn.parameter.UninitializedParameter):
        return False
    return isinstance(weight, nn.Parameter) and type(weight) is not nn.Parameter


def _number_format(model: nn.Module) -> torch.dtype:
    """Return the number format in which most of a model's parameters compute."""
    counts = Counter(parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return counts.most_common(1)[0][0] if counts else torch.get_default_dtype()


def _strides(tensor: torch.Tensor) -> tuple[int, ...]:
    if tensor.layout is torch.strided:
        return tuple(tensor.stride())
    return torch.empty(tuple(tensor.shape), device="meta").stride()


def _is_config(cls: type) -> bool:
    """Whether this is a kind of configuration of transformers, without importing transformers."""
    if cls not in _configs:
        _configs[cls] = any(base.__name__ in ("PreTrainedConfig", "PretrainedConfig") for base in cls.__mro__)
    return _configs[cls]


_configs: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()
"""Which classes are, since each attribute of each module is asked."""
