"""Effective attention of linear mixers: how far the matrix times the values is from what the recurrence puts out.

``python benchmarks/effective.py [--tokens 12 100]``. Where TransformerLens is installed (``pip install
'glassblock[peers]'``) and has a matrix for the mixer, its error on the same weights and tokens stands beside ours.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the architectures are those of the conformance matrix

import torch
from matrix.zoo import CASES, Case
from torch import Tensor

import glassblock as gb
from glassblock.errors import TapError
from glassblock.live import Session
from glassblock.live.effective import runs


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[12, 100])
    tokens = parser.parse_args().tokens
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    print("| architecture | block | tokens | matrix | runs | seconds | relative error | TransformerLens's |")
    print("|---|---|---|---|---|---|---|---|")
    for chosen in CASES:
        for length in tokens:
            row(chosen, length)


def row(chosen: Case, length: int) -> None:
    """Measure one architecture; nothing is printed where it has no mixer."""
    model = chosen.make(None)
    model.config.max_position_embeddings = max(1024, length)  # mixers have no positions
    ids = torch.randint(3, 50, (1, length), generator=torch.Generator().manual_seed(0))
    with gb.attach(model, inputs=chosen.prompt()) as session:
        address = next((block.address for block in session.architecture.blocks() if block.role == "mixer"), None)
        if address is None:
            return
        start = time.perf_counter()
        try:
            matrix = session.effective_attention(address, prompt=ids)
        except TapError as error:
            print(f"| {chosen.name} | `{address}` | {length} | refused: {error} | | | | |")
            return
        seconds = time.perf_counter() - start
        v, out = values(session, address, ids)
    shared = matrix.shape[1] == v.shape[2] and v.shape[3] > 1
    often = runs(length, v.shape[3], shared=shared)
    size = " x ".join(map(str, matrix.shape))
    peer = theirs(chosen, model, ids, address, v, out)
    figures = f"{size} | {often} | {seconds:.2f} | {off(matrix, v, out):.1e} | {peer}"
    print(f"| {chosen.name} | `{address}` | {length} | {figures} |", flush=True)


def values(session: Session, address: str, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return what goes into the recurrence and what comes out, (batch, tokens, heads, channels)."""
    for names in (("v", "recurrence_out"), ("x", "recurrence_out"), ("conv_in", "conv_out")):
        try:
            read = session.cache(*(f"{address}.{name}" for name in names), prompt=ids)
        except TapError:
            continue
        v, out = (x if x.ndim == 4 else x.unsqueeze(-1) for x in read.values())
        return v, out
    raise TapError(f"{address} has no values")


def off(matrix: Tensor, v: Tensor, out: Tensor) -> float:
    """Return the relative error of the matrix times the values."""
    matrix, v, out = matrix.double(), v.double(), out.double()
    if matrix.shape[1] == v.shape[2] and v.shape[3] > 1:
        made = torch.einsum("bhts,bshc->bthc", matrix, v)
    else:
        made = torch.einsum("bcts,bsc->btc", matrix, v.flatten(2)).view_as(out)
    return float((made - out).norm() / out.norm())


def theirs(chosen: Case, model: Any, ids: Tensor, address: str, v: Tensor, out: Tensor) -> str:
    """Return the error of TransformerLens's matrix for the same layer, or why there is none."""
    if importlib.util.find_spec("transformer_lens") is None:
        return "not installed"
    from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

    own = chosen.make("eager")
    own.load_state_dict(model.state_dict())
    layer = int(address.partition(".")[0].removeprefix("L"))
    try:
        bridge = build_bridge_from_module(own, architecture=type(own).__name__, hf_config=own.config, tokenizer=None)
        _, cache = bridge.run_with_cache(ids, use_cache=False)
        parts = dict(bridge.blocks[layer].named_children())
        part = next(part for part in parts.values() if hasattr(part, "compute_effective_attention"))
        matrix = part.compute_effective_attention(cache, layer)
        return f"{off(matrix.detach(), v, out):.1e}"
    except Exception as error:  # noqa: BLE001  # what it cannot do is said in the table
        return f"none ({type(error).__name__})"


if __name__ == "__main__":
    main()
