"""Recorded calls of blocks, for tests of what is read inside of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.ir import Block
from glassblock.reader import read_model
from glassblock.reader.branches.place import Place, Places
from glassblock.reader.tracing.calls import calls_seen, forwards_seen
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.trace import Tracer
from glassblock.reader.tracing.watch import Watched

Find = Callable[[Watched], Places]


def blocks(model: nn.Module, role: str) -> list[Block]:
    """Return the blocks of a role that are the work of a module, each path once."""
    every = (block for layer in read_model(model).layers() for block in layer.blocks)
    return list({b.path: b for b in every if b.role == role and b.path}.values())


@torch.no_grad()
def record(model: nn.Module, paths: list[str], *args: Any, **kwargs: Any) -> tuple[dict[str, Watched], Any]:
    """Return the first recorded call of each module in one pass, and what the model returned."""
    calls: dict[str, Watched] = {}

    def see(run: Callable[..., Any], module: nn.Module, given: Any, options: Any) -> Any:
        tracer = Tracer(module, Fold(), most_bytes=None)
        with tracer, calls_seen(tracer.seen):
            result = tracer.seen(run, module, given, options)
        calls.setdefault(names[module], Watched(tracer, module, (given, options), result))
        return result

    names = {model.get_submodule(path): path for path in paths}
    with forwards_seen(names, see):
        answer = model(*args, **kwargs)
    return calls, answer


def kept(model: nn.Module, ids: Tensor) -> dict[str, Any]:
    """Return the cache of all tokens but the last, as the argument that it is."""
    with torch.no_grad():
        first = model(ids[:, :-1], use_cache=True)
    for name in ("past_key_values", "cache_params", "state"):
        if getattr(first, name, None) is not None:
            return {name: getattr(first, name), "use_cache": True}
    raise LookupError("it returned no cache")


def decoded(model: nn.Module, paths: list[str], ids: Tensor) -> dict[str, Watched]:
    """Return the calls in which the last token goes through with a cache of the others."""
    return record(model, paths, ids[:, -1:], **kept(model, ids))[0]


def seen(call: Watched, places: Places) -> dict[str, Tensor]:
    """Return the tensors of all places, each looked at in its documented shape and checked to be no copy."""
    found = {}
    for name, place in places.items():
        if isinstance(place, Place):
            tensor = call.tensor(place.value)
            found[name] = place.view(tensor)
            assert found[name].untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr(), name
    return found
