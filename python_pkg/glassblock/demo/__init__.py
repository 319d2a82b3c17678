"""Small trained models that come with Glassblock, so that there is something real to look into.

They speak a small English made by a grammar (`glassblock.demo.language`) and have learned five
tasks that live in different parts of them. `glassblock.demo.train` made them, and what each part
does was measured by `glassblock.demo.measure` and stands in a model card beside the weights.

Importing this package is cheap: torch and transformers are imported when a model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glassblock.demo import language
from glassblock.demo.prompts import PROMPTS, DemoPrompt
from glassblock.errors import DemoError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["NAMES", "Demo", "DemoPrompt", "load"]

_TITLES = {
    "gpt": "GPT-2 style: attention and dense MLPs",
    "moe": "Mixture of experts: attention and four experts, two for each token",
    "hybrid": "Hybrid: linear attention (Gated DeltaNet) with one full attention",
}

NAMES: tuple[str, ...] = tuple(_TITLES)
"""The names that `load` knows."""


@dataclass(frozen=True)
class Demo:
    """A bundled model, ready to run.

    Parameters
    ----------
    name, title
        Its short name, and a line for people.
    model
        In float32, in eval mode, on the CPU.
    tokenizer
        Word-level; it puts ``<bos>`` before every prompt.
    prompts
        Prompts to try; the first of each task is the one to show.
    reference
        Training prompts over which mean ablation takes its means.
    """

    name: str
    title: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    prompts: tuple[DemoPrompt, ...]
    reference: tuple[str, ...]


def load(name: str = "gpt") -> Demo:
    """Load a bundled model; nothing is fetched from a network.

    Parameters
    ----------
    name
        One of `NAMES`: ``gpt``, ``moe`` or ``hybrid``.

    Raises
    ------
    DemoError
        If there is no bundled model of that name.

    Examples
    --------
    >>> demo = load("gpt")
    >>> demo.prompts[0].answer
    'Mary'
    """
    if name not in _TITLES:
        raise DemoError(f"no bundled model is called {name!r}: choose one of {', '.join(NAMES)}")
    from glassblock.demo.loading import load_folder

    model, tokenizer = load_folder(Path(__file__).parent / "models" / name)
    return Demo(name, _TITLES[name], model, tokenizer, PROMPTS, language.reference_prompts())
