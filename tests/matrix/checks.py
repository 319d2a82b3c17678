"""The columns of the matrix. Each takes a case and returns a cell.

What is expected never comes from the code under test: logits of the same model before it was touched, shapes from
the page about taps, patterns from the model's own eager attention, and oracles (`matrix.oracles`).
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from matrix.cells import CannotApplyError, Cell
from matrix.hooked import HOOKED, by_hook, noise
from matrix.oracles import Scene, Trials, zero
from matrix.rerouted import cut, skip
from matrix.zoo import BATCH, TOKENS, Case, call, logits
from torch import Tensor, nn
from transformers import DynamicCache

import glassblock as gb
from glassblock.errors import TapError
from glassblock.live import Session

TAPS_PAGE = Path(__file__).parents[2] / "docs" / "taps.md"
_ROW = re.compile(
    r"^\| `L3\.(?:(?P<part>\w+)\.)?(?P<tap>(?:E\d+\.)?\w+)` \|[^|]*\| (?P<shape>[^|]+) \|[^|]*\|$", re.MULTILINE
)

MUST: dict[str, tuple[str, ...]] = {
    "layer": ("in", "out"),
    "attn": ("in", "out", "q", "k", "q_rot", "k_rot", "v", "scores", "pattern", "z", "result"),
    "mlp": ("in", "out", "pre", "post"),
    "moe": ("in", "out", "router_logits", "weights", "indices", "load", "expert_in"),
    "mixer": ("in", "out"),
}
"""Taps that every block of a kind has: to refuse one is a failure, unless the case says why (`Case.without`)."""


def attach(case: Case, model: nn.Module, **options: Any) -> Session:
    """Attach a session to a model of a case."""
    prompt = case.prompt()
    inputs = prompt["input_ids"] if case.inputs == "plain" else prompt
    return gb.attach(model, inputs=inputs, **options)


# ---- what a model does, three ways


def prefill(case: Case, model: Any) -> dict[str, Tensor]:
    """Return the logits of all tokens."""
    return {"logits": logits(call(model, case.prompt()))}


def padded(case: Case, model: Any) -> dict[str, Tensor]:
    """Return the logits of a batch of which the first row begins with padding."""
    prompt = case.prompt()
    if case.inputs == "pixels":
        raise CannotApplyError("images are not padded")
    if case.inputs == "plain":
        raise CannotApplyError("it takes no attention mask")
    mask = torch.ones_like(prompt["input_ids"])
    mask[0, :5] = 0
    return {"logits": logits(call(model, {**prompt, "attention_mask": mask}))}


def decode(case: Case, model: Any) -> dict[str, Tensor]:
    """Return the logits of a prompt and of two tokens after it, each from the cache."""
    if not case.caches:
        raise CannotApplyError("it keeps no cache")
    made = {}
    inputs = beginning(case, model)
    for step in range(3):
        output = call(model, {**inputs, "use_cache": True})
        made[f"step {step}"] = logits(output)
        inputs = following(case, inputs, output)
    return made


def beginning(case: Case, model: Any) -> dict[str, Any]:
    """Return the inputs of the first step."""
    inputs: dict[str, Any] = case.prompt()
    if case.keeps_state:
        call(model, {**inputs, "use_cache": False})  # forgets what was before
        inputs["past_key_values"] = DynamicCache(config=model.config)
    return inputs


def following(case: Case, inputs: Mapping[str, Any], output: Any) -> dict[str, Any]:
    """Return the inputs of the next step: one token in each row, and what the last step kept."""
    token = torch.full((BATCH, 1), 9)
    for name in ("past_key_values", "cache_params", "state"):
        cache = getattr(output, name, None)
        cache = inputs.get(name) if cache is None else cache
        if cache is not None:
            kept = {name: cache}
            break
    else:
        raise AssertionError(f"expected a cache in {type(output).__name__}, got {list(output)}")
    if case.inputs == "both":
        encoded = inputs.get("encoder_outputs") or (output.encoder_last_hidden_state,)
        return {"encoder_outputs": encoded, "decoder_input_ids": token, **kept}
    return {"input_ids": token, **kept}


MODES = {"prefill": prefill, "decode": decode, "padded": padded}


# ---- bit-identity


def identical(case: Case, attention: str, mode: str) -> Cell:
    """Logits attached with nothing ablated, and detached, are bit for bit those of the model before."""
    cell = Cell()
    with cell.checking(f"{mode}, {attention}"):
        model = made(case, attention)
        before = MODES[mode](case, model)
        with attach(case, model) as session:
            same(before, MODES[mode](case, model), "attached")
            passes = len(before)
            expect(len(session.frames) >= passes, f"expected {passes} frames, got {len(session.frames)}")
        same(before, MODES[mode](case, model), "detached")
    return cell


def made(case: Case, attention: str | None) -> Any:
    """Build a case with an attention implementation."""
    if not case.chosen and attention == "eager":
        raise CannotApplyError("it has one attention code, which is in the other column")
    try:
        return case.make(attention if case.chosen else None)
    except (ValueError, ImportError) as error:
        raise CannotApplyError(f"the class refuses {attention}: {' '.join(str(error).split())[:120]}") from error


def same(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], when: str) -> None:
    """Raise where tensors are not equal bit for bit."""
    for name, tensor in expected.items():
        if not torch.equal(tensor.nan_to_num(), found[name].nan_to_num()):
            off = (tensor - found[name]).abs().max()
            raise AssertionError(f"{when}: {name} differs by {off:.2e} from the plain model")


def expect(holds: bool, words: str) -> None:
    """Raise where something does not hold."""
    if not holds:
        raise AssertionError(words)


# ---- taps


def documented_taps() -> list[tuple[str, str, str]]:
    """Return part, tap and shape in words of each row of the page about taps."""
    found = [
        (row["part"] or "layer", re.sub(r"^E\d+", "E0", row["tap"]), row["shape"])
        for row in _ROW.finditer(TAPS_PAGE.read_text("utf-8"))
    ]
    assert found, "the page about taps has no rows"
    return found


def taps(case: Case, mode: str) -> Cell:
    """Each documented tap of each kind of block fires, and has the documented shape."""
    cell = Cell()
    if mode in case.without:
        return Cell(reasons={mode: case.without[mode]})
    try:
        model = case.make(None)
        inputs = inputs_of(case, model, mode)
    except CannotApplyError as reason:
        cell.reasons[mode] = str(reason)
        return cell
    with attach(case, model) as session:
        for address, tap, shape in asked(session):
            with cell.checking(f"{address}.{tap}"):
                kept = copy.deepcopy(inputs)  # a cache is written to
                check_tap(case, session, f"{address}.{tap}", shape, kept, mode)
    if not cell.passed and not cell.failures and not cell.reasons:
        cell.reasons[mode] = "no block of a kind with documented taps"
    return cell


def asked(session: Session) -> Iterator[tuple[str, str, str]]:
    """Go through address, tap and shape: one block of each kind of layer, every documented tap of its part."""
    rows = documented_taps()
    for stack in session.architecture.stacks:
        for group in stack.groups:
            layer = group.template
            yield from ((layer.address, tap, shape) for owner, tap, shape in rows if owner == "layer")
            for block in layer.blocks:
                owned = part_of(block.address)
                yield from ((block.address, tap, shape) for owner, tap, shape in rows if owner == owned)


def part_of(address: str) -> str:
    """Return the part of a layer that an address names, as the page calls it: cross-attention is one, too."""
    last = address.rpartition(".")[2]
    part = re.sub(r"\d+$", "", last)
    return "layer" if part == "L" else {"cross": "attn"}.get(part, part)


def check_tap(case: Case, session: Session, name: str, shape: str, inputs: dict[str, Any], mode: str) -> None:
    """Read one tap and compare its shape with the words."""
    try:
        found = session.cache(name, prompt=inputs)[name]
    except TapError as refusal:
        words = " ".join(str(refusal).split())
        if not required(case, name, mode):
            raise CannotApplyError(words) from refusal
        raise AssertionError(f"refused: {words}") from refusal
    expect(bool(found.isfinite().any()) or not found.numel(), "nothing in it is finite")
    words_of = [word.strip(" x[]") for word in re.split(r" x | \[x ", shape.replace("]", ""))]
    if "[" in shape and found.ndim < len(words_of):  # what stands in brackets may be absent
        return
    if ".mixer" in name and "heads" in words_of and found.ndim != len(words_of):  # some have none, as the page says
        return
    if ".E" in name and found.ndim == 3:  # experts in a list that are given all tokens
        words_of = ["batch", "tokens", "channels"]
    expect(len(words_of) == found.ndim, f"expected {shape}, got {tuple(found.shape)}")
    known = sizes(case, name, inputs, mode)
    for word, size in zip(words_of, found.shape, strict=True):
        allowed = known.get(word)
        if allowed is not None:
            expect(size in allowed, f"expected {shape} with {word} = {sorted(allowed)}, got {tuple(found.shape)}")
        expect(size > 0 or word == "its tokens", f"expected {shape}, got {tuple(found.shape)}")


def required(case: Case, name: str, mode: str) -> bool:
    """Say whether a tap has to be there."""
    address, _, tap = name.rpartition(".")
    part = part_of(address)
    if mode == "decode" and (address.startswith("enc.") or (".cross" in address and tap in {"k", "v"})):
        return False  # it ran before, or was made before
    asked_for = tap in MUST.get(part, ()) or f"{part}.{tap}" in case.has
    return asked_for and not {f"{part}.{tap}", f"{address}.{tap}", part} & case.without.keys()


def sizes(case: Case, name: str, inputs: Mapping[str, Any], mode: str) -> dict[str, set[int]]:
    """Return what the words for axes may be in this case: from its configuration, not from what was read of it."""
    decoder = ".cross." in name or name.startswith("dec.")
    ids = inputs.get("decoder_input_ids" if decoder else "input_ids")
    if ids is None:
        return {"batch": {BATCH}}
    tokens = int(ids.shape[1])
    past = (TOKENS - 3 if decoder else TOKENS) if mode == "decode" else 0
    keys = set(range(1, tokens + past + 1)) if mode == "decode" else {tokens}  # a window's cache is shorter
    if ".cross." in name:
        keys = {TOKENS}
        tokens = TOKENS if name.endswith((".k", ".v")) else tokens  # of what is looked at
    found = {"batch": {BATCH}, "tokens": {tokens}, "keys": keys}
    if ids is not None and ".E" not in name:
        found["batch·tokens"] = {BATCH * tokens}
    if ".mixer" in name:  # those have heads of their own
        return found
    if case.heads:
        found["heads"] = {case.heads}
    if case.kv_heads is not None:
        found["key/value heads"] = {case.kv_heads}
    return found


def patterns(case: Case, mode: str) -> Cell:
    """The pattern of every attention is that of the same model's own eager attention."""
    cell = Cell()
    with cell.checking(mode):
        if case.inputs == "plain":
            raise CannotApplyError("a plain module returns no patterns")
        model, eager = case.make(None), case.make("eager")
        eager.load_state_dict(model.state_dict())
        off = (logits(call(model, case.prompt())) - logits(call(eager, case.prompt()))).abs().max().item()
        if off > 1e-3:
            raise CannotApplyError(f"its own eager attention is another function: logits differ by {off:.1e}")
        inputs = inputs_of(case, model, mode)
        expected = attentions(call(eager, {**copy.deepcopy(inputs), "output_attentions": True}))
        if not expected:
            raise CannotApplyError("its eager attention returns no patterns")
        compare_patterns(case, model, inputs, expected)
    return cell


def inputs_of(case: Case, model: Any, mode: str) -> dict[str, Any]:
    """Return a prompt, or with ``decode`` what follows it: one token in each row, and a cache."""
    if mode != "decode":
        return dict(case.prompt())
    if not case.caches:
        raise CannotApplyError("it keeps no cache")
    first = beginning(case, model)
    return following(case, first, call(model, {**first, "use_cache": True}))


def attentions(output: Any) -> dict[str, list[Tensor]]:
    """Return eager patterns by the kind of address that they belong to."""
    names = {"dec.attn": "decoder_attentions", "dec.cross": "cross_attentions", "enc.attn": "encoder_attentions"}
    if not getattr(output, "decoder_attentions", None):
        names = {"attn": "attentions"}
    found = {ours: getattr(output, theirs, None) or () for ours, theirs in names.items()}
    return {ours: kept for ours, every in found.items() if (kept := [x for x in every if x is not None])}


def compare_patterns(case: Case, model: Any, inputs: dict[str, Any], expected: Mapping[str, list[Tensor]]) -> None:
    """Compare each pattern; attentions come in the order of the layers that have one."""
    with attach(case, model) as session:
        layers = [layer for stack in session.architecture.stacks for layer in _layers(stack)]
        for kind, every in expected.items():
            stack, _, part = kind.rpartition(".")
            inside = [layer for layer in layers if not stack or layer.address.startswith(f"{stack}.")]
            found = [[b for b in layer.blocks if b.role == "attention" and _is(b.address, part)] for layer in inside]
            own = [block for blocks in found for block in blocks]
            patterns_of = every
            if len(every) == len(inside):  # other mixers answer with what they have in a pattern's place
                patterns_of = [p for p, blocks in zip(every, found, strict=True) for _ in blocks]
            expect(len(own) == len(patterns_of), f"expected {len(patterns_of)} attentions of {kind}, found {len(own)}")
            for block, pattern in zip(own, patterns_of, strict=True):
                name = f"{block.address}.pattern"
                ours = session.cache(name, prompt=copy.deepcopy(inputs))[name]
                off = (ours - pattern[..., -ours.shape[-1] :]).abs().max()
                expect(bool(off < 5e-6), f"{name} is {off:.1e} off eager attention")


def _layers(stack: Any) -> Iterator[Any]:
    return (stack.layer(index) for index in range(stack.n_layers))


def _is(address: str, part: str) -> bool:
    return re.fullmatch(rf"{part}\d*", address.rpartition(".")[2]) is not None


# ---- interventions

KINDS: dict[str, Callable[[Scene], Trials]] = {
    "zero": zero,
    **{kind: partial(by_hook, formulas=formulas) for kind, formulas in HOOKED.items()},
    "noise": noise,
    "skip": skip,
    "cut": cut,
}
"""Oracles by the kind of intervention."""


def interventions(case: Case, kind: str) -> Cell:
    """What a kind of intervention does to the logits is what its oracle does, for each place of the case."""
    cell = Cell()
    model = case.make(None)
    scene = Scene(case, model)
    if not case.places:
        cell.reasons[kind] = "no oracle was written for it"
        return cell
    with attach(case, model, reference=scene.reference) as session:
        for name, trial in KINDS[kind](scene):
            with cell.checking(name):
                trial(session)
            session.restore()
    if not (cell.passed or cell.failures or cell.reasons):
        cell.reasons[kind] = "it has no part that this kind is about"
    return cell


def undone(case: Case) -> Cell:
    """Restored, logits are what they were; detached, so is everything that hangs on the model."""
    cell = Cell()
    model = case.make(None)
    before, traces = prefill(case, model), traces_of(model)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    session = attach(case, model)
    with cell.checking("ablated has an effect"):
        free = [s.address for s in session.layout.sites if s.kind == "block" and s.address not in session.unavailable()]
        session.ablate(*free)
        after = prefill(case, model)["logits"]
        expect(not torch.equal(after, before["logits"]), "nothing changed")
    with cell.checking("restored"):
        session.restore()
        same(before, prefill(case, model), "restored")
    session.detach()
    session.detach()
    with cell.checking("detached"):
        same(before, prefill(case, model), "detached")
    with cell.checking("no hook, attribute or weight of the model is another"):
        expect(traces_of(model) == traces, f"left behind: {traces_of(model) - traces}")
        same(weights, model.state_dict(), "weights")
    return cell


def traces_of(model: nn.Module) -> Counter[str]:
    """Count hooks and attributes of all modules: what must be the same after detaching as before."""
    found: Counter[str] = Counter()
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.endswith(("_hooks", "_hooks_with_kwargs")) or "hooks_" in name:
                found[f"{path}: {name}"] += len(value) if value else 0
            else:
                found[f"{path}: {name}"] += 1
        found[f"{path}: class {type(module).__name__}"] += 1
    return found


COLUMNS: dict[str, Callable[[Case], Cell]] = {
    **{f"{mode}, {how}": partial(identical, attention=how, mode=mode) for how in ("sdpa", "eager") for mode in MODES},
    **{f"taps, {mode}": partial(taps, mode=mode) for mode in ("prefill", "decode")},
    **{f"pattern, {mode}": partial(patterns, mode=mode) for mode in ("prefill", "decode")},
    **{kind: partial(interventions, kind=kind) for kind in KINDS},
    "undone": undone,
}
"""The checks by the heads of their columns."""
