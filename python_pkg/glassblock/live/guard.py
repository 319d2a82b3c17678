"""What is refused before anything is put on a model, and why."""

from __future__ import annotations

from typing import Any

from torch import nn

from glassblock.errors import ModelError


def check_attachable(model: Any) -> nn.Module:
    """Return the model if hooks on it will fire.

    Raises
    ------
    ModelError
        If it is no module, or was compiled: a hook that is registered after compilation never fires.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"expected a torch.nn.Module, got {type(model).__name__}."
            " Load the model first, for example AutoModelForCausalLM.from_pretrained(...);"
            " for the architecture alone use glassblock.unfold(source)."
        )
    for path, module in model.named_modules():
        if _compiled(module):
            where = f"its part {path!r}" if path else "the model"
            raise ModelError(
                f"expected a model that is not compiled, got one where {where} is: torch.compile skips hooks that are"
                " registered later, without a word. Attach to the original module (model._orig_mod after"
                " torch.compile(model)), or attach first and run without compilation."
            )
    return model


def _compiled(module: nn.Module) -> bool:
    """Whether a module was compiled: wrapped, by its own method, or its forward alone."""
    if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
        return True
    return hasattr(vars(module).get("forward"), "_torchdynamo_orig_callable")
