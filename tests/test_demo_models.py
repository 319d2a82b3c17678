"""The bundled models do what their cards say, and the oracle that measured them is right."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from glassblock.demo import NAMES, Demo, language, load
from glassblock.demo.measure import measure, questions
from glassblock.demo.parts import Mode, ablated, parts, projections, reference_means
from glassblock.demo.scoring import score
from glassblock.demo.tokenizer import build_tokenizer
from glassblock.errors import DemoError

MODELS = Path(language.__file__).parent / "models"
ITEMS = 100


@dataclass(frozen=True)
class Claim:
    """Without `address`, `task` loses 50 points or more and `spared` stays within `within`."""

    model: str
    address: str
    mode: Mode
    task: str
    spared: str
    within: float


CLAIMS = (
    Claim("gpt", "L2.attn.H0", "mean", "ioi", "facts", 0.05),
    Claim("gpt", "L0.attn.H3", "mean", "induction", "facts", 0.05),
    Claim("gpt", "L2.mlp", "mean", "facts", "induction", 0.10),
    Claim("moe", "L1.attn.H0", "mean", "induction", "facts", 0.05),
    Claim("hybrid", "L1.attn.H3", "mean", "ioi", "facts", 0.05),
    Claim("hybrid", "L1.attn.H1", "mean", "induction", "facts", 0.05),
    Claim("hybrid", "L2.mlp", "mean", "facts", "induction", 0.10),
    Claim("moe", "L0.moe.E1", "zero", "facts", "induction", 0.10),
)


@cache
def demo(name: str) -> Demo:
    return load(name)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@torch.inference_mode()
def logits(bundled: Demo, prompt: str) -> torch.Tensor:
    ids = bundled.tokenizer(prompt, return_tensors="pt")["input_ids"]
    found: torch.Tensor = bundled.model(input_ids=ids).logits
    return found


@pytest.mark.parametrize("name", NAMES)
def test_held_out_questions_are_answered(name: str) -> None:
    bundled = demo(name)
    splits: tuple[language.Split, ...] = ("test", "reworded")
    for split in splits:
        for task, asked in questions(bundled.tokenizer, split, ITEMS).items():
            found = score(bundled.model, asked, bundled.tokenizer)
            # Lists longer than any that was trained are asked for too; they are harder.
            least = 0.8 if (task, split) == ("induction", "reworded") else 0.9
            assert found.accuracy >= least, (task, split)
            assert found.logit_difference > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_prompts_that_are_offered_are_answered(name: str) -> None:
    bundled = demo(name)
    canonical = "When Mary and John went to the store , John gave a drink to"
    assert (bundled.prompts[0].text, bundled.prompts[0].answer) == (canonical, "Mary")
    assert {prompt.task for prompt in bundled.prompts} == set(language.TASKS)
    for prompt in bundled.prompts:
        said = logits(bundled, prompt.text)[0, -1].argmax()
        assert bundled.tokenizer.decode(said) == prompt.answer
        assert prompt.foil in language.vocabulary()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.model}-{claim.address}")
def test_a_single_ablation_can_be_read(claim: Claim) -> None:
    bundled = demo(claim.model)
    found = measure(bundled.model, bundled.tokenizer, ITEMS, only=[claim.address])
    before, after = found.baseline["test"], found.ablations[claim.address][claim.mode]
    assert before[claim.task].accuracy - after[claim.task].accuracy >= 0.5
    assert abs(before[claim.spared].accuracy - after[claim.spared].accuracy) <= claim.within


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_is_measured_again(name: str) -> None:
    bundled = demo(name)
    written = json.loads((MODELS / name / "measurements.json").read_text())
    for task in ("facts", "ioi"):
        asked = questions(bundled.tokenizer, "test", written["items"])[task]
        found = score(bundled.model, asked, bundled.tokenizer)
        noted = written["baseline"]["test"][task]
        assert found.accuracy == pytest.approx(noted["accuracy"], abs=0.01)
        assert found.logit_difference == pytest.approx(noted["logit_difference"], rel=0.01)
    assert set(written["ablations"]) == {part.address for part in parts(bundled.model)}
    assert f"# {name}" in (MODELS / name / "README.md").read_text()


def test_all_models_together_are_small() -> None:
    size = sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file())
    assert size <= 6_000_000


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_shipped_in_half_precision_and_loaded_in_single(name: str) -> None:
    config = json.loads((MODELS / name / "config.json").read_text())
    assert config["dtype"] == "float16"
    assert {p.dtype for p in demo(name).model.parameters()} == {torch.float32}
    assert not demo(name).model.training


@pytest.mark.parametrize("name", NAMES)
def test_loading_touches_no_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert load(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_the_tokenizer_comes_back_as_it_was_built(name: str) -> None:
    bundled = demo(name)
    built = build_tokenizer(language.vocabulary(), bundled.tokenizer.model_max_length)
    assert bundled.tokenizer.get_vocab() == built.get_vocab()
    for prompt in bundled.reference:
        ids = bundled.tokenizer(prompt)["input_ids"]
        assert ids == built(prompt)["input_ids"]
        assert bundled.tokenizer.decode(ids) == f"<bos> {prompt}"


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DemoError, match=r"'gtp'.* choose one of gpt, moe, hybrid"):
        load("gtp")


def test_a_bundled_model_can_generate() -> None:
    bundled = demo("gpt")
    asked = bundled.tokenizer("the capital of France is", return_tensors="pt")
    generate: Any = bundled.model.generate
    said = generate(**asked, max_new_tokens=2, do_sample=False)
    assert bundled.tokenizer.decode(said[0]) == "<bos> the capital of France is Paris ."


# What follows holds the measuring itself to closed forms, because other tests lean on it.


@pytest.mark.parametrize("name", NAMES)
def test_ablating_a_head_by_zero_is_having_no_weights_for_it(name: str) -> None:
    bundled = load(name)
    part = next(p for p in parts(bundled.model) if p.head is not None)
    prompt = bundled.prompts[0].text
    with ablated(part, 0.0):
        edited = logits(bundled, prompt)
    weight = part.module.get_parameter("weight").data
    by_input = weight if hasattr(part.module, "nf") else weight.T
    by_input[part.head] = 0.0
    torch.testing.assert_close(edited, logits(bundled, prompt))


def test_ablating_an_expert_is_having_no_weights_for_it() -> None:
    bundled = load("moe")
    part = next(p for p in parts(bundled.model) if p.address == "L1.moe.E2")
    prompt = " ".join(bundled.reference[:3])
    with ablated(part, 0.0):
        edited = logits(bundled, prompt)
    assert not torch.equal(edited, logits(bundled, prompt))
    part.module.get_parameter("down_proj").data[2] = 0.0
    torch.testing.assert_close(edited, logits(bundled, prompt))


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_of_a_block_is_the_projection_of_the_means_of_its_heads(name: str) -> None:
    bundled = demo(name)
    means = reference_means(bundled.model, bundled.tokenizer, bundled.reference[:16])
    for address, projection, heads in projections(bundled.model):
        joined = torch.cat([means[f"{address}.H{head}"] for head in range(heads)])
        with torch.inference_mode():
            torch.testing.assert_close(projection(joined[None])[0], means[address])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_stays_behind_after_an_ablation(name: str) -> None:
    bundled = demo(name)
    prompt = bundled.prompts[0].text
    before = logits(bundled, prompt)
    for part in parts(bundled.model):
        with ablated(part, 0.0):
            assert not torch.equal(logits(bundled, prompt), before)
        assert torch.equal(logits(bundled, prompt), before)
