"""Reading a model folder from disk: offline, in single precision, without a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

_logging: Any = transformers.utils.logging  # untyped


def load_folder(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a model and its tokenizer from a local folder, in float32 and eval mode."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with _quietly():
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.eval(), tokenizer


@contextmanager
def _quietly() -> Iterator[None]:
    """Show no progress bar for a file that is read in a moment."""
    shown = _logging.is_progress_bar_enabled()
    _logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            _logging.enable_progress_bar()
