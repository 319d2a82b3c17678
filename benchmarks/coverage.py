"""How much of transformers is read: every model type of its auto mappings, from its default configuration.

``python benchmarks/coverage.py [--mapping causal|seq2seq|masked|image-text|vision|speech|base|all] [--only TYPE ...]``

Each type is built on the meta device by its own class and its parameters are counted; then ``read`` gets the
configuration, and what it says is counted. A worker process does this, so that a type that hangs can be ended and its
peak memory be measured. ``--json`` keeps the results of each type, adding to those of other mappings in the file;
``--markdown`` writes tables of all that is in that file into a page, between its two marks.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MAPPINGS = {
    "causal": ("CAUSAL_LM",),
    "seq2seq": ("SEQ_TO_SEQ_CAUSAL_LM",),
    "masked": ("MASKED_LM",),
    "image-text": ("IMAGE_TEXT_TO_TEXT",),
    "vision": ("IMAGE_CLASSIFICATION", "IMAGE"),
    "speech": ("SPEECH_SEQ_2_SEQ", "CTC", "AUDIO_CLASSIFICATION"),
    "base": ("",),
}
"""Auto mappings by the part of their name in ``modeling_auto``."""

_ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
_GLM_ROPE = {**_ROPE, "partial_rotary_factor": 0.5, "mrope_section": [8, 12, 12]}
_SIGLIP = {"image_size": 896, "patch_size": 14}
_EMU = {f"<|visual token {code:06d}|>": 151_854 + code for code in range(32_768)}
_LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")
_CHAMELEON = {f"IMGIMG{str(code).translate(_LETTERS)}Z": 4 + code for code in range(8192)}

GIVEN: dict[str, dict[str, Any]] = {
    "aya_vision": {"vision_config": {"num_attention_heads": 16}},
    "blip-2": {"image_token_index": 50_265},
    "chameleon": {"vocabulary_map": {"<image>": 8711, **_CHAMELEON}},
    "cohere_compass": {
        "text_config": {"rope_parameters": {"full_attention": _ROPE}},
        "vision_config": {"out_hidden_size": 8192},
    },
    "cohere_compass_text": {"rope_parameters": {"full_attention": _ROPE}},
    "cosmos3_omni": {"vision_config": {"out_hidden_size": 4096}},
    "dbrx": {"attn_config": {"rope_theta": 500_000.0, "clip_qkv": 8.0}},
    "deepseek_ocr2": {"text_config": {"mlp_layer_types": ["dense"] + ["sparse"] * 31, "num_experts_per_tok": 6}},
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {
        "layer_types": ["full_attention"] * 62,
        "n_routed_experts": 128,
        "n_shared_experts": 2,
        "num_experts_per_tok": 6,
    },
    "emu3": {"vocabulary_map": {"<|extra_200|>": 151_846, "<image>": 151_851, **_EMU}},
    "esm": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 32},
    "gemma3": {"vision_config": _SIGLIP},
    "glm46v": {"text_config": {"rope_parameters": _GLM_ROPE}},
    "glm4v": {"text_config": {"rope_parameters": _GLM_ROPE}},
    "glm4v_moe": {"text_config": {"rope_parameters": _GLM_ROPE, "head_dim": 128}},
    "glmga": {"text_config": {"rope_parameters": _GLM_ROPE}},
    "granite_speech": {"projector_config": {"encoder_hidden_size": 1024}},
    "granite_speech_plus": {"projector_config": {"encoder_hidden_size": 1024}},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "instructblip": {"image_token_index": 32_000},
    "instructblipvideo": {"video_token_index": 32_000},
    "hunyuan_vl": {"text_config": {"head_dim": 128, "rope_parameters": {**_ROPE, "mrope_section": [16] * 4}}},
    "lfm2_moe": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 8},
    "llama4": {"vision_config": {"hidden_size": 1408, "vision_output_dim": 4096}},
    "minicpm_ocr": {"image_token_id": 26},
    "minicpmv4_6": {"image_token_id": 26},
    "minicpmv4_7": {"image_token_id": 26},
    "ministral": {"head_dim": 128},
    "molmo2": {"adapter_config": {"text_hidden_size": 4096}},
    "nemotron": {"num_key_value_heads": 48, "head_dim": 128},
    "nemotron_h_omni": {"image_token_id": 18, "audio_token_id": 27},
    "qwen3_omni_moe_thinker": {
        "text_config": {"num_attention_heads": 32, "head_dim": 128},
        "vision_config": {"out_hidden_size": 2048},
        "audio_config": {"output_dim": 2048},
    },
    "qwen3_vl": {"vision_config": {"out_hidden_size": 4096}},
    "qwen3_vl_moe": {"vision_config": {"out_hidden_size": 2048}},
    "reformer": {"is_decoder": True},
    "shieldgemma2": {"vision_config": _SIGLIP},
    "step3p7": {"text_config": {"sliding_window": 512}},
    "t5gemma2": {"encoder": {"vision_config": _SIGLIP}},
    "voxtral": {"audio_token_id": 24},
    "wav2vec2-bert": {"vocab_size": 32},
    "wav2vec2-conformer": {"vocab_size": 32},
    "xmod": {"default_language": "en_XX"},
}
"""What is added to a default configuration that is incomplete, or of which the parts do not fit together.

As published for a model of that type; where that is not known (token ids, a rotation's base), anything that fits.
"""

RUNGS = ("meta", "fake", "real", "tree")
SPECLESS = ("router", "projector", "mtp")
"""Roles that are understood and have no numbers of their own."""
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"


@dataclass
class Result:
    """What is known of one model type."""

    mapping: str
    type: str
    cls: str
    seconds: float = 0.0
    wall: float = 0.0
    peak_mb: float = 0.0
    not_built: str = ""
    not_read: str = ""
    rung: str = ""
    layers: int = 0
    blocks: int = 0
    unknown: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    escapes: list[str] = field(default_factory=list)
    params: int = 0
    counted: int = 0
    rest: int = 0


def cases(mapping: str) -> Iterator[Result]:
    """Go through the model types of a mapping, each class once, without importing torch."""
    from transformers.models.auto import modeling_auto

    seen: set[tuple[str, str]] = set()
    for part in MAPPINGS[mapping]:
        names = getattr(modeling_auto, f"MODEL_FOR_{part}_MAPPING_NAMES" if part else "MODEL_MAPPING_NAMES")
        for kind, classes in names.items():
            cls = classes if isinstance(classes, str) else classes[0]
            if (kind, cls) not in seen:
                seen.add((kind, cls))
                yield Result(mapping, kind, cls)


def measure(case: Result) -> Result:
    """Build one type and read it."""
    import torch
    import transformers

    from glassblock.reader import read

    try:
        cls = getattr(transformers, case.cls)
        with torch.device("meta"):
            model = cls._from_config(configuration(case, cls))  # what the Auto classes call
        case.counted = sum({id(p): p.numel() for p in model.parameters()}.values())
        config = configuration(case, cls)
        del model
    except Exception as error:  # noqa: BLE001  # a class may fail in any way, and the table says how
        case.not_built = words(error)
        return case
    gc.collect()
    before = memory(reset=True)
    start, began = time.process_time(), time.perf_counter()
    try:
        found = read(config)
    except Exception as error:  # noqa: BLE001
        case.not_read = words(error)
        return case
    finally:
        case.seconds, case.wall = round(time.process_time() - start, 3), round(time.perf_counter() - began, 3)
        case.peak_mb = round(memory() - before, 1)
    describe(case, found)
    return case


def configuration(case: Result, cls: Any) -> Any:
    """Return the default configuration of a type, or that of its text model where the class is for that alone."""
    import transformers

    config = transformers.AutoConfig.for_model(case.type, **GIVEN.get(case.type, {}))
    if getattr(config, "sub_configs", {}).get("text_config") is cls.config_class:  # as the Auto classes do it
        config = config.get_text_config()
    config.architectures = [case.cls]
    return config


def describe(case: Result, found: Any) -> None:
    """Count what an architecture says and what it does not."""
    from glassblock.ir.tally import by_block

    case.rung, case.params = found.trace.rung, found.params.total
    case.notes, case.escapes = list(found.trace.notes), list(found.trace.escapes)
    case.layers = sum(stack.n_layers for stack in found.stacks)
    templates = [group.template for stack in found.stacks for group in stack.groups]
    tops = [*found.inputs, *found.outputs, *(block for layer in templates for block in layer.blocks)]
    tops += [block for stack in found.stacks for block in (*stack.inputs, *stack.outputs)]
    tops += [block for edge in found.edges for block in edge.via]
    case.rest = sum(share.total for share in by_block(found) if not share.address)
    tops = [part for block in tops for part in (block.parts if block.role == "other" and block.parts else [block])]
    case.blocks = len(tops)
    for block in tops:
        if block.role == "other" or (block.spec is None and block.role not in SPECLESS):
            case.unknown.append(f"{block.address} ({block.role}, {block.path}): {'; '.join(block.notes)}")
    for layer in templates:
        case.assumed += [branch.block for branch in layer.branches if branch.source == "assumed"]
    case.assumed += [f"{edge.source} -> {edge.target}" for edge in found.edges if edge.evidence == "assumed"]


def words(error: BaseException) -> str:
    """Return an error in a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:400]}"


def memory(*, reset: bool = False) -> float:
    """Return the peak of resident memory in MB since it was last reset, or what is resident now."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    key = "VmRSS:" if reset else "VmHWM:"
    return next(float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(key))


class Worker:
    """A process that measures one type after another."""

    def __init__(self) -> None:
        self.here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=serve, args=(there,), daemon=True)
        self.process.start()
        there.close()
        self.here.recv()  # imports are no part of the first type's time

    def ask(self, case: Result, limit: float) -> Result | None:
        """Measure a type; None if the process took too long or died."""
        self.here.send(case)
        try:
            if self.here.poll(limit):
                answer: Result = self.here.recv()
                return answer
        except EOFError:
            pass
        self.process.kill()
        self.process.join()
        return None


def serve(there: Connection) -> None:
    """Measure what is asked for until nobody asks."""
    import logging
    import warnings

    import torch

    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    there.send(measure(Result("warm up", "gpt2", "GPT2LMHeadModel")))
    while True:
        try:
            case = there.recv()
        except EOFError:
            return
        there.send(measure(case))


def run(todo: list[Result], jobs: int, limit: float) -> list[Result]:
    """Measure all, each thread with a worker of its own."""
    own = threading.local()

    def one(case: Result) -> Result:
        if getattr(own, "worker", None) is None:
            own.worker = Worker()
        answer: Result | None = own.worker.ask(case, limit)
        if answer is None:
            own.worker = None
            case.not_read, case.seconds = f"ended after {limit:.0f} s, or died", limit
        done = answer or case
        print(line(done), flush=True)
        return done

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, todo))


def line(r: Result) -> str:
    """Write one type in a line."""
    if r.not_built:
        return f"{r.type:32} not built: {r.not_built[:110]}"
    if r.not_read:
        return f"{r.type:32} NOT READ {r.seconds:6.2f} s: {r.not_read[:110]}"
    count = "" if r.params == r.counted else f" COUNT {r.params:,} and not {r.counted:,}"
    return (
        f"{r.type:32} {r.rung:4} {r.seconds:6.2f} s {r.peak_mb:6.0f} MB, {r.layers} layers, {r.blocks} blocks,"
        f" {len(r.unknown)} unknown, {len(r.assumed)} assumed{count}"
    )


def table(results: list[Result]) -> str:
    """Write what was found as a table, a mapping in each row."""
    head = "mapping|types|build|unfolded|meta|fake|real|tree|counts equal|blocks|unknown role|assumed edges"
    head += "|towers not run|parameters in no block|median s|p95 s|max s|peak MB"
    rows = [head.split("|"), ["---"] * len(head.split("|"))]
    for mapping in [m for m in MAPPINGS if any(r.mapping == m for r in results)]:
        of = [r for r in results if r.mapping == mapping]
        built = [r for r in of if not r.not_built]
        done = [r for r in built if not r.not_read]
        rungs = Counter(r.rung for r in done)
        times = sorted(r.seconds for r in built) or [0.0]
        cells = [mapping, len(of), len(built), len(done), *(rungs[rung] for rung in RUNGS)]
        cells += [sum(r.params == r.counted for r in done), sum(r.blocks for r in done)]
        idle = [[note for note in r.notes if note.startswith("not run: ")] for r in done]
        cells += [f"{sum(map(len, lists))} in {sum(map(bool, lists))}" for lists in (*of_each(done), idle)]
        cells += [f"{sum(r.rest for r in done) / sum(r.params for r in done):.3%} in {sum(r.rest > 0 for r in done)}"]
        cells += [f"{t:.2f}" for t in (statistics.median(times), times[int(0.95 * (len(times) - 1))], times[-1])]
        cells += [f"{max((r.peak_mb for r in built), default=0):.0f}"]
        rows.append([str(cell) for cell in cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def of_each(done: list[Result]) -> tuple[list[list[str]], list[list[str]]]:
    """Return for each type its blocks without a role and its assumed edges."""
    return [r.unknown for r in done], [r.assumed for r in done]


def exceptions(results: list[Result]) -> str:
    """Write each type that is not traced to the end, and why, as a list."""
    parts = []
    for mapping in [m for m in MAPPINGS if any(r.mapping == m for r in results)]:
        lines = [text for r in results if r.mapping == mapping and (text := exception(r))]
        if lines:
            parts.append(f"### {mapping}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def exception(r: Result) -> str:
    """Write what falls short for one type; empty where nothing does."""
    if r.not_built:
        return f"- `{r.type}` does not build: {plain(r.not_built)}"
    if r.not_read:
        return f"- `{r.type}` is not unfolded: {plain(r.not_read)}"
    short = []
    if r.rung in ("real", "tree"):
        short.append(f"rung {r.rung}: {plain(r.notes[-1] if r.notes else 'no reason known')}")
    if r.unknown:
        short.append(f"{len(r.unknown)} of {r.blocks} blocks without a known role")
    short += [plain(note) for note in r.notes if note.startswith("not run: ")]
    if r.assumed:
        short.append(f"{len(r.assumed)} assumed edges")
    if r.rest:
        short.append(f"{r.rest:,} parameters ({r.rest / r.params:.2%}) in no block")
    if r.params != r.counted:
        short.append(f"{r.params:,} parameters instead of {r.counted:,}")
    return f"- `{r.type}`: {'; '.join(short)}" if short else ""


def plain(text: str) -> str:
    """Shorten a message and keep it from being read as Markdown or HTML."""
    text = text if len(text) <= 160 else text[:157] + "..."
    return "".join(f"\\{c}" if c in "\\`*_<>[]|#" else c for c in text)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mapping", default="causal", choices=[*MAPPINGS, "all"])
    parser.add_argument("--only", nargs="*", metavar="TYPE", help="these model types only")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes side by side")
    parser.add_argument("--limit", type=float, default=120, help="seconds before a type is given up")
    parser.add_argument("--json", type=Path, help="file for the results of each type")
    parser.add_argument("--markdown", type=Path, help="page that gets the tables, between its marks")
    args = parser.parse_args()
    mappings = [*MAPPINGS] if args.mapping == "all" else [args.mapping]
    todo = [case for mapping in mappings for case in cases(mapping) if not args.only or case.type in args.only]
    results = run(todo, args.jobs, args.limit)
    if args.json:
        old = [Result(**r) for r in json.loads(args.json.read_text("utf-8"))] if args.json.exists() else []
        new = {(r.mapping, r.type, r.cls): r for r in (*old, *results)}
        results = list(new.values())
        args.json.write_text(json.dumps([asdict(r) for r in results], indent=1), "utf-8")
    print(f"\n{table(results)}")
    if args.markdown:
        page = args.markdown.read_text("utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        shown = f"{BEGIN}\n\n{table(results)}\n\n## What falls short, type by type\n\n{exceptions(results)}\n\n{END}"
        args.markdown.write_text(before + shown + after, "utf-8")


if __name__ == "__main__":
    main()
