"""From a configuration to a model on the meta device: every module, no memory, no numbers.

The class is the one that a checkpoint would be loaded into. Nothing is initialised, because there is nothing to
initialise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from glassblock.errors import SourceError
from glassblock.reader.walk import modules

_HEADS = (
    "AutoModelForCausalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForMaskedLM",
    "AutoModelForImageTextToText",
    "AutoModel",
)
"""Which class stands for a configuration that does not name one, the first that fits."""
_UNKNOWN = "Unrecognized configuration class"
"""How an Auto class says that a configuration is not its business."""
_MOST_MODULES = 2_000_000
"""A configuration that asks for more is a mistake, and would take the memory of the machine: a hundred and fifty
thousand layers of a dozen modules each."""
_LONGEST = 300
"""What an error may say in a sentence of ours."""


class _TooLargeError(Exception):
    """More modules than any model has."""


def build(config: Any, *, trust_remote_code: bool) -> nn.Module:
    """Build the model of a configuration on the meta device, in evaluation mode.

    Parameters
    ----------
    config
        A ``PretrainedConfig``.
    trust_remote_code
        Whether modeling code that comes with the source may be run.

    Raises
    ------
    SourceError
        If no class builds it, with what the first of them said.
    """
    import transformers

    refused: list[str] = []
    for cls in _classes(config):
        try:
            with _bare():
                if cls.__name__.startswith("Auto"):
                    built = cls.from_config(config, trust_remote_code=trust_remote_code)
                else:
                    built = cls._from_config(config)
                built.tie_weights()
        except _TooLargeError as error:
            raise SourceError(
                f"expected a model of at most {_MOST_MODULES:,} modules, got a configuration that asks for more."
                " Check its number of layers and of experts."
            ) from error
        except Exception as error:  # noqa: BLE001  # any class may refuse in its own way
            why = reason(error)
            if not any(said.endswith(f": {why}") for said in refused):
                refused.append(f"{cls.__name__}: {why}")
            continue
        for module in modules(built):
            module.__dict__["training"] = False  # as `eval` does, which takes a million modules seconds
        model: nn.Module = built
        return model
    refused = [why for why in refused if _UNKNOWN not in why][:2] or refused[:1]
    raise SourceError(
        f"expected a configuration that transformers {transformers.__version__} can build, got"
        f" {type(config).__name__} ({'; '.join(refused) or 'no class for it'})."
        " Complete the configuration, install what is missing, or pass the nn.Module itself."
    )


def first_line(error: BaseException) -> str:
    """Return what an error says first, to be put into a sentence of ours; what only announces more, with that."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    first = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return (first if len(first) <= _LONGEST else f"{first[:_LONGEST]}...").rstrip(".")


def reason(error: BaseException) -> str:
    """Return why something was refused; of what was looked up in vain, an error has nothing but the name."""
    return f"nothing is known by the name {error}" if type(error) is KeyError else first_line(error)


@contextmanager
def _bare() -> Iterator[None]:
    """Build on the meta device, without initialisation, up to a number of modules."""
    from transformers.initialization import no_init_weights

    made = 0

    def count(_module: nn.Module, _name: str, _child: nn.Module | None) -> None:
        nonlocal made
        made += 1
        if made > _MOST_MODULES:
            raise _TooLargeError

    counting = register_module_module_registration_hook(count)
    try:
        with torch.device("meta"), no_init_weights():
            yield
    finally:
        counting.remove()


def _classes(config: Any) -> list[Any]:
    """Return the classes that a configuration names, as far as they are models, and those that may stand for it."""
    import transformers

    names = getattr(config, "architectures", None)
    named = [getattr(transformers, n, None) for n in names if isinstance(n, str)] if isinstance(names, list) else []
    models = [cls for cls in named if isinstance(cls, type) and issubclass(cls, transformers.PreTrainedModel)]
    return models + [getattr(transformers, head) for head in _heads(config)]


def _heads(config: Any) -> list[str]:
    """Return which classes may stand for a configuration: one that uses all that it describes comes first."""
    first: list[str] = []
    if getattr(config, "is_encoder_decoder", False) is True:
        first += ["AutoModelForSeq2SeqLM", "AutoModelForSpeechSeq2Seq"]
    if hasattr(config, "vision_config"):
        first += ["AutoModelForImageTextToText"]
    return list(dict.fromkeys([*first, *_HEADS]))
