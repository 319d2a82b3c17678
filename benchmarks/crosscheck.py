"""What configurations state against what was observed: every model type of transformers, layer by layer.

``python benchmarks/crosscheck.py [--mapping causal|seq2seq|masked|image-text|base] [--only TYPE ...] [--json FILE]``

Nothing that is compared here was read from the configuration by the reader: a fact whose source is ``config`` is left
out. A disagreement is no error by itself: a configuration may state what its model does not do. `EXPLAINED` says which
are known, and why; the others are for a person to look at.
"""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coverage import cases, configuration, words

STATED: dict[str, tuple[str, tuple[str, ...]]] = {
    "heads": ("attention", ("num_attention_heads", "n_head", "num_heads", "n_heads")),
    "kv_heads": ("attention", ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")),
    "head_dim": ("attention", ("qk_head_dim", "head_dim", "d_kv", "attention_head_dim")),
    "v_head_dim": ("attention", ("v_head_dim",)),
    "q_rank": ("attention", ("q_lora_rank",)),
    "kv_rank": ("attention", ("kv_lora_rank",)),
    "softcap": ("attention", ("attn_logit_softcapping", "attn_logit_softcap")),
    "experts": ("moe", ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")),
    "top_k": (
        "moe",
        ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "moe_k", "top_k_experts"),
    ),
    "groups": ("moe", ("n_group",)),
    "groups_kept": ("moe", ("topk_group",)),
    "tied": ("unembedding", ("tie_word_embeddings",)),
}
"""Facts, the role of the block that has them, and the keys under which configurations state them."""

ALONE = ("groups", "groups_kept")
"""Facts of which one is as good as none."""

SIDES = {"enc": "encoder_attention_heads", "dec": "decoder_attention_heads"}
"""Where one configuration is about two stacks, the key for the heads of each."""

KINDS = {
    "sliding_attention": ("window", ("sliding_window",)),
    "chunked_attention": ("chunk", ("attention_chunk_size",)),
    "full_attention": ("window", ()),
}
"""What `layer_types` says of a layer: the fact it is about, and the key that holds the number. Without a key: none."""

EXPLAINED: dict[tuple[str, str], str] = {
    ("convbert", "heads"): "head_ratio: half of the heads are convolutions, and attention has the rest",
    ("falcon", "kv_heads"): "multi_query is on, which overrules num_kv_heads",
    (
        "dots3_note",
        "head_dim",
    ): "head_dim is that of the sliding layers; the others have nope and rope parts",
    ("dots3_note_text", "head_dim"): "as dots3_note",
    ("inkling_text", "kv_heads"): "sliding layers have a number of their own: swa_num_key_value_heads",
    ("inkling_mm_model", "kv_heads"): "as inkling_text",
    ("mimo_v2_flash", "kv_heads"): "sliding layers have a number of their own: swa_num_key_value_heads",
    ("bigbird_pegasus", "tied"): "the class for causal language modeling alone ties nothing",
    ("cpmant", "tied"): "the two tables differ in rows, and the class ties nothing",
    ("csm", "tied"): "what is tied are the two tables of sounds, of the backbone and of the depth decoder",
    ("d_fine", "tied"): "a detector has no table of words; the key is every configuration's default",
    ("deimv2", "tied"): "as d_fine",
    ("granite_speech5_ctc", "tied"): "the head of a speech encoder has no table of words to be tied to",
    ("dia", "kv_heads"): "cross-attention has a number of its own: cross_num_key_value_heads",
    ("grounding-dino", "heads"): "the layers that enhance the text have half of encoder_attention_heads",
    ("mm-grounding-dino", "heads"): "as grounding-dino",
    ("evolla", "kv_heads"): "the aligner's cross-attention has as many keys as queries",
    ("funnel", "tied"): "the class ties nothing",
    ("luke", "tied"): "the class ties nothing",
    ("pp_doclayout_v3", "tied"): "as d_fine",
    ("pp_doclayout_v4", "tied"): "as d_fine",
    ("sam2", "heads"): "stages have numbers of their own: num_attention_heads_per_stage",
    ("sam2_hiera_det_model", "heads"): "as sam2",
    ("sam2_vision_model", "heads"): "as sam2",
    ("vjepa2", "heads"): "the predictor has a number of its own: pred_num_attention_heads",
    ("vision-encoder-decoder", "tied"): "the decoder's own configuration ties, the one around both does not",
}
"""Known disagreements, by model type and fact: why the configuration says something else."""


@dataclass(frozen=True)
class Comparison:
    """One statement of a configuration and what was observed instead, or as well."""

    type: str
    block: str
    fact: str
    key: str
    stated: Any
    found: Any
    where: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return bool(self.stated == self.found)

    @property
    def why(self) -> str:
        """The explanation of a disagreement, empty where none is known."""
        return EXPLAINED.get((self.type, self.fact), "")


@dataclass(frozen=True)
class Place:
    """Where a block stands: its stack, which of its layers, and, of models in stages, which stage the stack is."""

    stack: str
    layer: int
    stage: int | None
    layers: int

    def of(self, stated: list[Any] | tuple[Any, ...]) -> Any:
        """Return what a list states for this place: it has one entry for each layer, or for each stage."""
        index = self.layer if self.stage is None or len(stated) == self.layers else self.stage
        return stated[index] if index < len(stated) else None


def stage(path: str) -> int | None:
    """Return the stage that a layer is in by its module path, ``stages.2.layers.0``; None without stages."""
    numbers = [int(step) for step in path.split(".") if step.isdigit()]
    return numbers[-2] if len(numbers) > 1 else None


def compare(case: Any) -> list[Comparison]:
    """Build a type, read it and compare all that its configuration states."""
    import torch
    import transformers

    from glassblock.reader import read_model

    cls = getattr(transformers, case.cls)
    with torch.device("meta"):
        model = cls._from_config(configuration(case, cls)).eval()
    found = read_model(model)
    if found.trace.rung == "tree":
        raise RuntimeError("known by its module tree only")
    result = []
    for stack in found.stacks:
        for group in stack.groups:
            config = owner(model, group.paths[0])
            for block in group.template.blocks:
                place = f"{block.address} and {len(group.layers) - 1} alike" if group.layers[1:] else block.address
                at = Place(stack.name, group.layers[0], stage(group.paths[0]), stack.n_layers)
                result += statements(case.type, place, block, config, at)
    for block in found.outputs:
        config = getattr(model, "config", None)
        result += statements(case.type, block.address, block, config, Place("", 0, None, 0))
    return result


def owner(model: Any, path: str) -> Any:
    """Return the configuration of the innermost module around a path that has one."""
    while path:
        path = path.rpartition(".")[0]
        config = vars(model.get_submodule(path)).get("config")
        if config is not None:
            return config
    return None


def statements(kind: str, place: str, block: Any, config: Any, at: Place) -> Iterator[Comparison]:
    """Go through what a configuration states of a block."""
    cross = block.address.rpartition(".")[2].startswith("cross")
    for fact, (role, keys) in STATED.items():
        names = (SIDES.get(at.stack, ""), *keys) if fact == "heads" else keys
        for key in names if block.role == role else ():
            stated = value(config, key, at)
            if stated is not None and not isinstance(stated, dict):
                yield from one(kind, place, block, fact, key, stated)
                break
    types = value(config, "layer_types")
    if block.role == "attention" and not cross and isinstance(types, list | tuple) and at.layer < len(types):
        fact, keys = KINDS.get(types[at.layer], ("", ()))
        stated = next((n for key in keys if (n := value(config, key, at)) is not None), None)
        found = block.spec.window
        if stated is not None and not block.spec.causal.value and found is not None and found.value == stated + 1:
            stated += 1  # of two-sided windows configurations count one side, mostly without the query itself
        if fact and (stated is not None or not keys):
            yield from one(kind, place, block, fact, f"layer_types: {types[at.layer]}", stated)


def one(kind: str, place: str, block: Any, fact: str, key: str, stated: Any) -> Iterator[Comparison]:
    """Compare one statement, where the fact does not come from the configuration itself."""
    found = getattr(block.spec, fact, None)
    if block.spec is not None and (found is None or found.source != "config"):
        shown = None if found is None else found.value
        same = shown is None and (stated in (0, False) or (fact in ALONE and stated == 1))
        where = "" if found is None else found.where
        yield Comparison(kind, place, fact, key, None if same else stated, shown, where)


def value(config: Any, key: str, at: Place | None = None) -> Any:
    """Return what a configuration states; for one layer where it does so for each. None where it states nothing."""
    if not key:
        return None
    try:
        stated = getattr(config, key, None)
    except Exception:  # noqa: BLE001  # some configurations refuse to answer for all layers at once
        stated = None
        per_layer = getattr(config, "per_layer_config", None)
        if per_layer is not None and at is not None:
            stated = getattr(per_layer[at.layer], key, None)
    return at.of(stated) if at is not None and isinstance(stated, list | tuple) else stated


def main() -> None:
    """Compare everything and print what disagrees, then how much agrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mapping", nargs="*", default=["causal"])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    kept: list[Comparison] = []
    printed: set[tuple[Any, ...]] = set()
    skipped: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for case in (case for mapping in given.mapping for case in cases(mapping)):
        if (case.type, case.cls) in seen or (given.only and case.type not in given.only):
            continue
        seen.add((case.type, case.cls))
        try:
            found = compare(case)
        except Exception as error:  # noqa: BLE001  # coverage.py is about what cannot be built or read
            skipped[words(error)[:60]] += 1
            continue
        for comparison in found:
            state = "agrees" if comparison.agrees else "explained" if comparison.why else "open"
            counts[comparison.fact][state] += 1
            if not comparison.agrees:
                kept.append(comparison)
                show(comparison, printed)
    print(f"\n{len(seen) - skipped.total()} classes compared, {skipped.total()} not built or not observed")
    for fact, states in counts.items():
        print(f"{fact:12} {states['agrees']:5} agree {states['explained']:4} explained {states['open']:4} open")
    if given.json:
        given.json.write_text(json.dumps([asdict(c) for c in kept], indent=1, default=str))


def show(comparison: Comparison, printed: set[tuple[Any, ...]]) -> None:
    """Print a disagreement in two lines, once for each type."""
    c = comparison
    what = (c.type, c.fact, str(c.stated), str(c.found))
    if what in printed:
        return
    printed.add(what)
    print(f"{c.type}: {c.block}: {c.fact} is {c.found}, config.{c.key} states {c.stated}", flush=True)
    print(f"    {c.why or 'observed: ' + c.where}", flush=True)


if __name__ == "__main__":
    main()
