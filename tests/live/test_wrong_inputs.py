"""What a person gives that cannot be right: said in a sentence of ours, and the session goes on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PROMPT
from tiny_models import text, tiny
from torch import nn

import glassblock as gb
from glassblock.errors import AddressError, InterventionError, PromptError, SourceError
from glassblock.live import Session
from glassblock.widget import widget_of

IDS = torch.tensor([[1, 2, 3]])


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda s: s.run([1, 2]), PromptError, r"got list\. Make ids a tensor"),
        (lambda s: s.run(["a", "b"]), PromptError, r"got list\.$"),
        (lambda s: s.run({}), PromptError, "keyword arguments, got nothing. GPT2LMHeadModel takes input_ids"),
        (lambda s: s.run({"input_ids": None}), PromptError, "got None for each"),
        (lambda s: s.run({1: IDS}), PromptError, "got the key 1"),
        (lambda s: s.run({"ids": IDS}), PromptError, "keyword arguments of the model, got ids"),
        (lambda s: s.run({"input_ids": [1, 2]}), PromptError, r"input_ids as a tensor of whole numbers.*got list"),
        (lambda s: s.run({"input_ids": IDS[0]}), PromptError, r"\(batch, positions\), got a torch.int64.*\(3,\)"),
        (lambda s: s.run({"input_ids": IDS.float()}), PromptError, "got a torch.float32 tensor"),
        (lambda s: s.run({"input_ids": IDS + 9000}), PromptError, r"from 0 to 380, got 900\d"),
        (
            lambda s: s.run({"input_ids": IDS, "attention_mask": IDS[:, 1:]}),
            PromptError,
            "of 3 tokens.*one of 2",
        ),
        (
            lambda s: s.run({"input_ids": IDS, "attention_mask": torch.ones(1, 4)}),
            PromptError,
            "of 3 tokens.*one of 4",
        ),
        (lambda s: s.run(torch.zeros((0, 4), dtype=torch.long)), PromptError, "at least one token, got none"),
        (lambda s: s.run(torch.ones(3, dtype=torch.bool)), PromptError, "token ids of shape.*got a torch.bool"),
        (lambda s: s.run(torch.ones(3, dtype=torch.complex64)), PromptError, "token ids of shape.*torch.complex64"),
        (lambda s: s.generate(PROMPT, 0), PromptError, "max_new_tokens as a whole number of at least 1, got 0"),
        (lambda s: s.generate(PROMPT, "5"), PromptError, "got '5'"),
        (lambda s: s.generate(PROMPT, 2.5), PromptError, "got 2.5"),
        (lambda s: s.generate(PROMPT, 2, temprature=1.0), PromptError, "got temprature: it raised ValueError"),
        (lambda s: s.cache("L0.attn.pattern", prompt=3), PromptError, "got int"),
        (lambda s: s.effective_attention(3), AddressError, "as text, got 3"),
        (lambda s: s.restore(3), InterventionError, r"expected addresses.*got \(3,\)"),
        (lambda s: s.restore(["L0.mlp"]), InterventionError, "each an argument of its own"),
        (lambda s: s.ablate("L0.mlp", positions=True), InterventionError, "expected positions as.*got True"),
        (lambda s: s.ablate("L0.mlp", positions=torch.tensor([True, False])), InterventionError, "expected positions"),
        (lambda s: s.sweep(3), AddressError, "targets as one of head, block, expert, layer.*got 3"),
        (lambda s: s.sweep([3]), AddressError, "as text, got 3"),
        (lambda s: s.sweep(progress=3), PromptError, "progress as a function.*got 3. Try progress=print"),
        (lambda s: s.sweep("head", tokens=[1.5]), PromptError, "a token as text or as its id, got 1.5"),
        (lambda s: s.save(3), SourceError, "expected a path to save to, got 3"),
        (lambda s: s.decode("Mary"), PromptError, "the id of a token, got 'Mary'"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(
    session: Session, ask: Callable[[Session], Any], error: type[Exception], words: str
) -> None:
    before = session.run(PROMPT)
    with pytest.raises(error, match=words):
        ask(session)
    assert session.status == "idle"
    assert not len(session.interventions)
    assert str(session.run()) == str(before)


class Tokenizer:
    """A tokenizer that returns what a test says."""

    def __init__(self, returns: Callable[[str], Any], decodes: Callable[[list[int]], str] = str) -> None:
        self._returns, self.decode = returns, decodes

    def __call__(self, words: str, **_: Any) -> Any:
        return self._returns(words)


def fails(_: Any) -> Any:
    raise KeyError("Mary")


@pytest.mark.parametrize("tokenizer", ["gpt2", 3, str.split])
def test_what_is_no_tokenizer_is_refused_when_it_is_given(tokenizer: Any) -> None:
    with pytest.raises(PromptError, match=r"expected a tokenizer.*has decode\(ids\), got"):
        gb.attach(tiny("plain"), tokenizer, inputs=text())


@pytest.mark.parametrize(
    ("tokenizer", "words"),
    [
        (Tokenizer(fails), "to make ids of the prompt.*raised KeyError: 'Mary'"),
        (Tokenizer(lambda _: None), "a dict with input_ids, got NoneType"),
        (Tokenizer(lambda _: {"ids": [1]}), "a dict with input_ids, got ids"),
        (Tokenizer(lambda words: {"input_ids": words}), "ids as numbers, got str"),
        (Tokenizer(lambda _: {"input_ids": [0.5]}), "tensor of whole numbers"),
        (Tokenizer(lambda _: {"input_ids": [5000]}), "from 0 to 96, got 5000"),
    ],
)
def test_tokenizer_of_another_kind_is_said(tokenizer: Tokenizer, words: str) -> None:
    with gb.attach(tiny("plain"), tokenizer, inputs=text()) as session, pytest.raises(PromptError, match=words):
        session.run("Mary")


def test_tokens_that_a_tokenizer_cannot_decode_are_shown_as_their_ids() -> None:
    """Models have rows for more tokens than their tokenizers know: padded tables, added tokens."""
    tokenizer = Tokenizer(lambda _: {"input_ids": [1, 2]}, lambda ids: {1: "Mary"}[ids[0]])
    model = tiny("plain")
    with gb.attach(model, tokenizer, inputs=text()) as session:
        widget = widget_of(session)
        with pytest.warns(RuntimeWarning, match=r"to decode token 2.*raised KeyError: 2\. Tokens that"):
            assert session.run("Mary").tokens == ("Mary", "<2>")
        assert widget.state["problem"] is None
        model(torch.tensor([[1, 2, 3]]))
        session.ablate("L0.mlp")
        assert [item["address"] for item in widget.state["interventions"]] == ["L0.mlp"]  # the page still follows
        widget.close()


def test_tokenizer_may_return_lists_and_a_mask_that_the_model_does_not_take() -> None:
    model = tiny("plain")
    tokenizer = Tokenizer(lambda words: {"input_ids": list(map(len, words.split())), "attention_mask": [1, 1, 1]})
    with gb.attach(model, tokenizer, inputs=text()) as session:
        logits = session.run("one three five").logits
    assert logits is not None
    torch.testing.assert_close(logits, model(torch.tensor([[3, 5, 4]])), rtol=0, atol=0)


class HandsOn(nn.Module):
    """Names its ids alone, and hands on whatever else it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.model = tiny("llama")

    def forward(self, input_ids: torch.Tensor | None = None, **others: Any) -> Any:
        return self.model(input_ids=input_ids, **others)


def test_module_that_hands_on_what_it_does_not_name_is_given_it() -> None:
    embeddings = torch.randn(1, 4, 32)
    with gb.attach(HandsOn().eval(), inputs=text()) as session:
        logits = session.run({"inputs_embeds": embeddings}).logits
    assert logits is not None
    torch.testing.assert_close(logits, tiny("llama")(inputs_embeds=embeddings).logits, rtol=0, atol=0)


def test_module_that_takes_one_text_without_a_batch_is_given_it() -> None:
    class OneText(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = tiny("plain")

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.model(input_ids.reshape(1, -1))[0]
            return result

    with gb.attach(OneText().eval(), inputs=text()[0]) as session:
        logits = session.run({"input_ids": IDS[0]}).logits
    assert logits is not None
    torch.testing.assert_close(logits, tiny("plain")(IDS), rtol=0, atol=0)


def test_module_that_takes_ids_by_position_alone_is_given_no_mask() -> None:
    class ByPosition(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = tiny("plain")

        def forward(self, *ids: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.model(*ids)
            return result

    tokenizer = Tokenizer(lambda _: {"input_ids": [3, 5], "attention_mask": [1, 1]})
    with gb.attach(ByPosition().eval(), tokenizer, inputs=text()) as session:
        assert session.run("Mary") is session.last_run


def test_plain_module_is_asked_for_what_it_takes() -> None:
    with gb.attach(tiny("plain"), inputs=text()) as session:
        with pytest.raises(PromptError, match="from 0 to 96, got 5000"):
            session.run({"ids": IDS + 4997})
        with pytest.raises(PromptError, match=r"got nope\. PlainTransformer takes ids\."):
            session.run({"nope": IDS})
        with pytest.raises(PromptError, match="at most 64 tokens"):
            session.run(torch.ones(300, dtype=torch.long))


def test_numbers_of_numpy_are_numbers(session: Session) -> None:
    count: Any = np.int64(2)
    token: Any = torch.tensor(5)
    assert session.generate(PROMPT, count).generated == 2
    assert session.sweep("L0.mlp", tokens=[token]).metric == session.sweep("L0.mlp", tokens=[5]).metric


def test_generation_takes_criteria_and_outputs_of_the_users_own(session: Session) -> None:
    plain = session.generate(PROMPT, 3)
    asked = session.generate(PROMPT, 3, return_dict_in_generate=True, stopping_criteria=[lambda ids, _: ids[:, 0] < 0])
    assert asked.tokens == plain.tokens
    first = session.generate(PROMPT, 3, stopping_criteria=[lambda ids, _: ids[:, 0] >= 0])
    assert first.generated == 1
