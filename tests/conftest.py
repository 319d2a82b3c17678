"""What all tests share: one thread, no network, and the bundled model."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Iterator

import pytest
import torch

import glassblock as gb
from glassblock.live import Session

torch.set_num_threads(1)

PROMPT = "When Mary and John went to the store , John gave a drink to"


@pytest.fixture
def session() -> Iterator[Session]:
    """A session on the bundled GPT."""
    with gb.demo("gpt") as attached:
        yield attached
