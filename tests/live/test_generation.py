"""Generation on tiny models: what it starts from, and what the run after it is made of."""

import time

import pytest
import torch
from conftest import PROMPT
from tiny_models import text, tiny

import glassblock as gb
from glassblock.errors import ModelError, PromptError
from glassblock.live import Session


def test_ids_are_continued_again_without_a_tokenizer() -> None:
    with gb.attach(tiny("llama")) as session:
        first = session.generate(text(), 3)
        assert session.generate(max_new_tokens=3).tokens == first.tokens


def test_padding_stays_masked_in_the_run_after_it() -> None:
    model, ids = tiny("llama"), text()
    mask = torch.ones_like(ids).index_fill(-1, torch.arange(4), 0)
    with gb.attach(model) as session:
        run = session.generate({"input_ids": ids, "attention_mask": mask}, 1)
    whole = model.generate(ids, attention_mask=mask, max_new_tokens=1, do_sample=False)
    with torch.no_grad():
        expected = model(whole, attention_mask=torch.cat((mask, mask.new_ones(1, 1)), 1)).logits
    assert run.logits is not None
    assert torch.equal(run.logits, expected)


def test_what_cannot_be_continued_is_refused_before_it_starts() -> None:
    with (
        gb.attach(tiny("llama")) as session,
        pytest.raises(PromptError, match="token ids to continue, got inputs with"),
    ):
        session.generate({"inputs_embeds": torch.randn(1, 4, 32)}, 3)
    with (
        gb.attach(tiny("plain"), inputs=text()) as session,
        pytest.raises(ModelError, match=r"a model with generate\(\), got Plain"),
    ):
        session.generate(text(), 3, background=True)


def test_detached_generation_gives_no_run_that_was_not_ablated(session: Session) -> None:
    session.ablate("L0.mlp")
    session.subscribe(lambda event, _: time.sleep(0.05) if event == "frame" else None)
    generation = session.generate(PROMPT, 40, background=True)
    time.sleep(0.1)
    session.detach()
    with pytest.raises(ModelError, match="expected an attached session"):
        generation.result(timeout=10)
    assert str(session.status) == "detached"
