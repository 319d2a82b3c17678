"""Models of many parts: a thousand layers, a hundred thousand, a thousand experts.

``python benchmarks/scale.py [CASE ...]``

Each runs in a process of its own. Prints the processor's seconds of each step, the most memory it took, and
the size of what is saved. The aims: 1,000 layers and 1,024 experts in 5 s, 100,000 layers in 60 s.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

SMALL = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2}
CASES: dict[str, dict[str, Any]] = {
    "llama, 1,000 layers": {"model_type": "llama", "num_hidden_layers": 1000},
    "qwen3_moe, 1,024 experts, 64 layers": {
        "model_type": "qwen3_moe",
        "num_experts": 1024,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 64,
    },
    "plain module, 1,024 experts in a list": {"experts": 1024},
    "llama, 100,000 layers": {"model_type": "llama", "num_hidden_layers": 100_000, **SMALL},
    "plain module, 100,000 layers": {"layers": 100_000},
}
STEPS = ("build", "fold", "trace", "assemble", "json", "page")


def plain(layers: int = 2, experts: int = 0) -> Any:
    """Build a module of plain layers, those of a test, on the meta device."""
    import torch

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # where the layers that tests share are
    from kinds import Attention, Dense, Layer, ListedExperts, Model

    with torch.device("meta"):
        model = Model(Attention, partial(ListedExperts, experts) if experts else Dense)
        model.layers.extend(Layer(Attention, Dense) for _ in range(layers - 2))
    return model


def measure(case: dict[str, Any]) -> dict[str, float]:
    """Read one model step by step."""
    import torch

    from glassblock.diagram import Diagram
    from glassblock.export import register
    from glassblock.ir import to_dict
    from glassblock.reader.collector import collector_waits
    from glassblock.reader.source.resolve import resolve
    from glassblock.reader.stacks.assemble import assemble
    from glassblock.reader.tracing.fold import fold
    from glassblock.reader.tracing.observe import observe
    from glassblock.reader.tracing.twin import twin

    torch.set_num_threads(1)
    register()
    if "model_type" in case:
        resolve({**case, "num_hidden_layers": 1})  # imports its code
    taken: dict[str, float] = {}

    def step(name: str, run: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = run()
        taken[name] = time.process_time() - start
        return result

    live = None if "model_type" in case else plain(**case)
    with collector_waits():
        model = step("build", (lambda: resolve(case).model) if live is None else lambda: twin(live))
        alike = step("fold", lambda: fold(model))
        seen = step("trace", lambda: observe(model, alike))
        found = step("assemble", lambda: assemble(seen, "scale"))
    text = step("json", lambda: json.dumps(to_dict(found)))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        step("page", lambda: Diagram(found).save(page))
        taken["page MB"] = page.stat().st_size / 1e6
    taken["JSON MB"] = len(text) / 1e6
    taken["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken["layers"] = sum(stack.n_layers for stack in found.stacks)
    return taken


def main() -> None:
    """Measure the cases that were asked for, or all."""
    chosen = [name for name in CASES if name in sys.argv[1:]] or list(CASES)
    columns = (*STEPS, "read", "peak MB", "JSON MB", "page MB")
    print(f"{'':<38}" + "".join(f"{name:>10}" for name in columns))
    for name in chosen:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            taken = pool.apply(measure, (CASES[name],))
        taken["read"] = sum(taken[step] for step in STEPS[:4])
        print(f"{name:<38}" + "".join(f"{taken[column]:>10.2f}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
