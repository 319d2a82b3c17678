"""The sweep: what it measures is what the model does with its weights changed, and nothing is left of it."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import PROMPT
from tiny_models import tiny
from torch import Tensor

import glassblock as gb
from glassblock.errors import AddressError, InterventionError, PromptError, SourceError
from glassblock.experiments import Effects, Sweep
from glassblock.live import Session

OTHER = "the capital of France is"
WIDTH = 32
"""Channels of a head of the bundled model."""


@pytest.fixture
def ran(session: Session) -> Session:
    session.run(PROMPT)
    return session


def log_probs(model: Any, session: Session, prompt: str = PROMPT) -> Tensor:
    """Return what an untouched copy of the model predicts after a prompt."""
    ids = session.tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        last: Tensor = model(ids).logits[0, -1].double().log_softmax(-1)
    return last


def without(session: Session, address: str) -> Any:
    """Return a copy of the bundled model in which what an address writes with is zero."""
    plain = gb.demo().model
    model: Any = copy.deepcopy(plain)
    layer, part, *head = address.split(".")
    block = model.transformer.h[int(layer[1:])]
    projection = block.attn.c_proj if part == "attn" else block.mlp.c_proj
    with torch.no_grad():
        if head:
            at = int(head[0][1:]) * WIDTH
            projection.weight[at : at + WIDTH] = 0  # its rows: inputs of the projection
        else:
            projection.weight.zero_()
            projection.bias.zero_()
    return model


def test_effects_are_those_of_a_model_whose_weights_are_zero_there(ran: Session) -> None:
    swept = ran.sweep()
    clean = log_probs(gb.demo().model, ran)
    token = int(clean.argmax())
    assert swept.clean == pytest.approx(float(clean[token]), abs=1e-6)
    assert len(swept) == swept.total == 3 * (4 + 2)
    for row in swept:
        expected = float((log_probs(without(ran, row.address), ran) - clean)[token])
        assert row.effect == pytest.approx(expected, abs=1e-4), row.address


def test_metrics_are_made_of_the_logits_of_both_runs(ran: Session) -> None:
    model = without(ran, "L1.attn.H0")
    clean, now = log_probs(gb.demo().model, ran), log_probs(model, ran)
    mary, john = ran.tokenizer.convert_tokens_to_ids(["Mary", "John"])
    difference = ran.sweep(["L1.attn.H0"], metric="difference", tokens=["Mary", john])
    assert difference["L1.attn.H0"] == pytest.approx(float(now[mary] - now[john] - clean[mary] + clean[john]), abs=1e-4)
    assert (difference.unit, difference.metric) == ("logits", "logit of Mary minus John")
    kl = ran.sweep("L1.attn.H0", metric="kl")
    assert kl["L1.attn.H0"] == pytest.approx(float((clean.exp() * (clean - now)).sum()), abs=1e-5)
    assert kl.clean == 0
    ran.ablate("L1.attn.H0")
    assert kl["L1.attn.H0"] == ran.run().kl


def test_everything_is_ablated_alone_and_nothing_is_left(ran: Session) -> None:
    before = ran.sweep()
    ran.ablate("L0.mlp", how="mean")
    run = ran.run()
    steps, force, frames = ran.history.steps, ran.interventions, len(ran.frames)
    again = ran.sweep()
    assert [row.effect for row in again] == [row.effect for row in before]
    assert (ran.history.steps, ran.interventions, ran.last_run, len(ran.frames)) == (steps, force, run, frames)
    assert run.logits is not None
    after = ran.run()
    assert after.logits is not None
    assert torch.equal(after.logits, run.logits)
    assert after.id == run.id + 1
    ran.restore()
    ids = ran.tokenizer(PROMPT, return_tensors="pt").input_ids
    with torch.no_grad():
        assert torch.equal(ran.model(ids).logits, gb.demo().model(ids).logits)


def test_a_sweep_stays_of_its_prompt_whatever_is_run_meanwhile(ran: Session) -> None:
    expected = [row.effect for row in ran.sweep()]
    sweep = Sweep(ran)
    measured = []
    for row in sweep:
        measured.append(row.effect)
        if len(measured) == 3:
            other = ran.run(OTHER)
    assert measured == expected
    assert ran.last_run is other
    assert ran.run().prompt == OTHER
    assert sweep.effects(()).prompt == PROMPT


def test_it_can_be_stopped_and_keeps_what_it_has(ran: Session) -> None:
    told: list[tuple[int, int]] = []

    def four(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 4

    swept = ran.sweep(progress=four)
    assert told == [(1, 18), (2, 18), (3, 18), (4, 18)]
    assert (len(swept), swept.total) == (4, 18)
    assert "4 of 18 ablations" in repr(swept)

    def interrupted(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.warns(RuntimeWarning, match="stopped: 2 of 18"):
        assert len(ran.sweep(progress=interrupted)) == 2
    assert not ran.interventions


def test_words_choose_what_is_swept(ran: Session) -> None:
    def addresses(swept: Effects) -> list[str]:
        return [row.address for row in swept]

    assert addresses(ran.sweep("block")) == [f"L{layer}.{part}" for layer in range(3) for part in ("attn", "mlp")]
    assert addresses(ran.sweep(["transformer.h.1.mlp"])) == ["L1.mlp"]
    assert {row.kind for row in ran.sweep(["head", "block"])} == {"head", "block"}
    assert addresses(ran.sweep(how="skip")) == ["L0", "L1", "L2"]
    assert set(ran.sweep(how=gb.Scale(1.0)).to_pandas()["effect"]) == {0.0}


def test_targets_may_come_one_by_one(ran: Session) -> None:
    asked = ["head", "L0.mlp"]
    assert list(ran.sweep(name for name in asked)) == list(ran.sweep(asked))
    assert Sweep(ran, iter(asked)).python == 'session.sweep(["head", "L0.mlp"])'


def test_the_line_of_python_does_the_same(ran: Session) -> None:
    sweep = Sweep(ran, ["head", "block"], "mean", "difference", ["Mary", "John"])
    assert sweep.python == 'session.sweep(["head", "block"], how="mean", metric="difference", tokens=["Mary", "John"])'
    done = eval(sweep.python, {"session": ran})  # noqa: S307 - our own line
    assert list(done) == list(sweep.effects(list(sweep)))


def test_experts_are_swept_and_one_that_no_token_reached_does_nothing() -> None:
    with gb.attach(tiny("mixtral")) as session:
        session.run(torch.tensor([[5]]))
        swept = session.sweep("expert")
        assert len(swept) == 3 * 4
        assert sum(row.effect == 0 for row in swept) == 3 * 2
        mean = session.sweep("expert", how="mean")
        assert sum(math.isnan(row.effect) and "mean" in str(row.why) for row in mean) == 3 * 2
        assert len(mean.top(20)) == 3 * 2


def test_largest_effects_come_first_and_are_saved(ran: Session, tmp_path: Path) -> None:
    swept = ran.sweep()
    top = swept.top(3)
    sizes = sorted((abs(row.effect) for row in swept), reverse=True)
    assert [abs(row.effect) for row in top] == sizes[:3]
    data = json.loads(swept.save(tmp_path / "effects.json").read_text())
    assert {row["address"]: row["effect"] for row in data["rows"]} == {row.address: row.effect for row in swept}
    lines = swept.save(tmp_path / "effects.csv").read_text().splitlines()
    assert len(lines) == 1 + 18
    with pytest.raises(SourceError, match=r"\.csv or \.json"):
        swept.save(tmp_path / "effects.png")


def test_what_cannot_be_swept_is_refused_in_words(session: Session) -> None:
    with pytest.raises(PromptError, match=r"has not\. Run one"):
        session.sweep()
    session.run(PROMPT)
    with pytest.raises(PromptError, match="expected a metric of logprob"):
        session.sweep(metric="accuracy")
    with pytest.raises(PromptError, match="expected 2 tokens for difference, got 1"):
        session.sweep(metric="difference", tokens=["Mary"])
    with pytest.raises(PromptError, match="expected one token, got 'Mary John'"):
        session.sweep(metric="logit", tokens="Mary John")
    with pytest.raises(PromptError, match="expected a token from 0 to"):
        session.sweep(metric="logit", tokens=[100_000])
    with pytest.raises(AddressError):
        session.sweep("L9.attn")
    with pytest.raises(InterventionError, match="expected something that can be ablated with zero"):
        session.sweep("expert")
    with pytest.raises(AddressError, match="that was swept"):
        session.sweep("head")["L0.mlp"]
