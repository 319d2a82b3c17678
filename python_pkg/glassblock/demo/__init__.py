"""Small trained models that come with Glassblock, so that there is something real to look into.

They speak a small English made by a grammar (`glassblock.demo.language`) and have learned five
tasks that live in different parts of them. `glassblock.demo.train` made them, and what each part
does was measured by `glassblock.demo.measure` and stands in a model card beside the weights.

Importing this package is cheap: torch and transformers are imported when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassblock.demo import language
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
class DemoPrompt:
    """A prompt to try, with the word that should follow and a tempting wrong one."""

    task: str
    text: str
    answer: str
    foil: str


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


PROMPTS: tuple[DemoPrompt, ...] = (
    DemoPrompt(
        "ioi", "When Mary and John went to the store , John gave a drink to", "Mary", "John"
    ),
    DemoPrompt(
        "ioi", "When Mary and John went to the store , Mary gave a drink to", "John", "Mary"
    ),
    DemoPrompt(
        "ioi", "one day , Tom met Lucy at the market . Then Lucy showed the map to", "Tom", "Lucy"
    ),
    DemoPrompt("induction", "pear bell coin Sam lamp pear bell", "coin", "lamp"),
    DemoPrompt("induction", "red clock horse Anna tree red clock horse", "Anna", "tree"),
    DemoPrompt("agreement", "the keys to the cabinet", "are", "is"),
    DemoPrompt("agreement", "the key to the cabinets", "is", "are"),
    DemoPrompt("facts", "the capital of France is", "Paris", "Berlin"),
    DemoPrompt("facts", "people in Brazil speak", "Portuguese", "Spanish"),
    DemoPrompt("sums", "3 + 4 =", "7", "8"),
    DemoPrompt("sums", "6 plus 9 makes", "15", "14"),
)
"""The prompts that are offered with every bundled model."""


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
    model, tokenizer = load_folder(Path(__file__).parent / "models" / name)
    return Demo(name, _TITLES[name], model, tokenizer, PROMPTS, language.reference_prompts())


def load_folder(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a model and its tokenizer from a local folder, in float32 and eval mode."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with _quietly():
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        )
    return model.eval(), tokenizer


@contextmanager
def _quietly() -> Iterator[None]:
    """Show no progress bar for a file that is read in a moment."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
