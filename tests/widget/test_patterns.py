"""What pages watch of the insides of blocks: on the wire, beside the model's own eager attention, and let go again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hands import t5
from tiny_models import VOCABULARY, config, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock import wire
from glassblock.errors import TapError
from glassblock.live import Session
from glassblock.live.shows import Shows
from glassblock.widget import SessionWidget
from glassblock.widget.watching import PATIENCE, Watching
from glassblock.wire import codec

IDS = torch.randint(3, VOCABULARY, (1, 12), generator=torch.Generator().manual_seed(0))
LONG = torch.randint(3, VOCABULARY, (1, 200), generator=torch.Generator().manual_seed(1))
DTYPES = {"float32": "<f4", "float16": "<f2", "uint8": "u1"}
HALF = 5e-4
"""How far a half may be from a number between 0 and 1."""


class Page:
    """Stands in for the browser: asks, acknowledges, and reads what is inside of frames."""

    def __init__(self, session: Session) -> None:
        self.widget = SessionWidget(session)
        self.frames: list[dict[str, Any]] = []
        self.inside: list[dict[str, np.ndarray]] = []
        self.sizes: list[int] = []
        self.matrices: list[np.ndarray] = []
        self.replies: list[dict[str, Any]] = []
        self.widget.send = self._receive

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._post({"type": "request", "id": len(self.replies), "method": method, "params": params})
        return self.replies[-1]

    def watch(self, *names: str, page: str = "one") -> dict[str, Any]:
        return self.ask("watch", page=page, names=list(names))

    def _post(self, content: Any) -> None:
        self.widget._on_message(None, content, [])

    def _receive(self, content: Any, buffers: Any = None) -> None:
        wire.validator("KernelMessage").validate(content)
        if content["type"] == "reply":
            self.replies.append(content)
        elif content["type"] == "matrix":
            self.matrices.append(_numbers(content["inside"], buffers[0]))
        else:
            inside = zip(content["inside"], buffers[2:], strict=True)
            self.frames.append(content)
            self.inside.append({entry["name"]: _numbers(entry, data) for entry, data in inside})
            self.sizes.append(sum(map(len, buffers[2:])))
            self._post({"type": "ack", "seq": content["seq"]})


def _numbers(entry: dict[str, Any], data: bytes) -> np.ndarray:
    return np.frombuffer(data, DTYPES[entry["dtype"]]).reshape(entry["shape"]).astype(np.float32)


@pytest.fixture
def show() -> Iterator[Callable[..., tuple[Session, Page]]]:
    """Attach to a model and show it on a page; all is taken away at the end."""
    shown: list[tuple[Session, Page]] = []

    def make(model: nn.Module) -> tuple[Session, Page]:
        session = gb.attach(model)
        shown.append((session, Page(session)))
        return shown[-1]

    yield make
    for session, page in shown:
        page.widget.close()
        session.detach()


def eager(name: str, model: nn.Module, ids: Tensor) -> list[np.ndarray]:
    """Return every pattern as the eager code of the same model returns it."""
    auto: Any = transformers.AutoModelForCausalLM
    other = auto.from_config(config(name), attn_implementation="eager").eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        return [pattern[0].numpy() for pattern in other(ids, output_attentions=True).attentions]


def stood_in(model: nn.Module) -> int:
    return sum("forward" in vars(module) for module in model.modules())


@pytest.mark.parametrize("name", ["gpt2", "llama", "olmo2"])
def test_patterns_on_the_wire_are_those_of_eager_attention(name: str, show: Any) -> None:
    model = tiny(name)
    _, page = show(model)
    assert page.watch("L0.attn.pattern", "L1.attn.pattern")["ok"]
    with torch.no_grad():
        model(IDS)  # the user's own code
    assert page.frames[-1]["origin"] == "outside"
    for layer, expected in enumerate(eager(name, model, IDS)[:2]):
        np.testing.assert_allclose(page.inside[-1][f"L{layer}.attn.pattern"], expected, atol=HALF)


def test_patterns_of_the_last_run_appear_at_once_clean_and_ablated(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    session.run(IDS)
    session.ablate("L0.mlp")
    before, runs = list(page.frames), session.last_run.id
    page.watch("L1.attn.pattern")
    clean, edited = page.frames[len(before) :]
    assert [clean["seq"], edited["seq"]] == [frame.seq for frame in session.last_run.frames]
    assert [clean["origin"], edited["origin"]] == ["clean", "run"]
    assert session.last_run.id == runs
    assert len(session.history.steps) == 1
    expected = session.cache("L1.attn.pattern")["L1.attn.pattern"][0].numpy()
    np.testing.assert_allclose(page.inside[-1]["L1.attn.pattern"], expected, atol=HALF)
    np.testing.assert_allclose(page.inside[-2]["L1.attn.pattern"], eager("gpt2", session.model, IDS)[1], atol=HALF)
    assert abs(page.inside[-1]["L1.attn.pattern"] - page.inside[-2]["L1.attn.pattern"]).max() > 10 * HALF
    page.watch("L1.attn.pattern")  # again, as a page does every now and then: nothing is run for it
    assert len(page.frames) == len(before) + 2


def test_what_the_user_watches_stays_as_it_is(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    session.watch("L0.attn.q")
    page.watch("L1.attn.pattern")
    session.run(IDS)
    assert set(session.frames[-1].inside) == {"L0.attn.q"}
    assert set(page.inside[-1]) == {"L1.attn.pattern"}
    page.watch()
    session.run(IDS)
    assert set(session.frames[-1].inside) == {"L0.attn.q"}
    assert page.inside[-1] == {}
    session.watch()
    page.watch("L1.attn.pattern")
    assert set(page.inside[-1]) == {"L1.attn.pattern"}
    assert session.frames[-1].inside == {}


def test_a_long_text_is_cut_to_its_last_queries(show: Any) -> None:
    settings = config("llama").to_dict() | {"max_position_embeddings": 256}
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings)).eval()
    session, page = show(model)
    page.watch("L0.attn.pattern", "L1.attn.pattern")
    session.run(LONG)
    entry = page.frames[-1]["inside"][0]
    assert (entry["shape"], entry["first"]) == ([4, 128, 200], 72)
    full = session.cache("L0.attn.pattern")["L0.attn.pattern"][0]
    np.testing.assert_allclose(page.inside[-1]["L0.attn.pattern"], full[:, 72:].numpy(), atol=HALF)
    assert page.sizes[-1] == 2 * 2 * 4 * 128 * 200 <= codec.FRAME_BYTES


def test_what_is_watched_is_as_large_as_a_frame_at_most(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session, page = show(tiny("llama"))
    monkeypatch.setattr("glassblock.live.reading.shown.NUMBERS", 2 * 4 * 12 * 3)  # room for three queries of each
    page.watch("L0.attn.pattern", "L1.attn.pattern")
    session.run(IDS)
    assert [(one["shape"], one["first"]) for one in page.frames[-1]["inside"]] == [([4, 3, 12], 9)] * 2
    monkeypatch.setattr("glassblock.live.reading.shown.NUMBERS", 2 * 4 * 11)
    session.run(IDS)
    assert page.inside[-1] == {}
    assert "one query of 4 heads and 12 keys" in page.frames[-1]["unread"]["L0.attn.pattern"]


def test_each_generated_token_brings_its_row(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    page.watch("L0.attn.pattern")
    session.generate(IDS, 4, min_new_tokens=4)
    rows = [frame["inside"][0] for frame in page.frames if frame["origin"] == "generate"]
    assert [(row["first"], row["shape"]) for row in rows[1:]] == [(12, [4, 1, 13]), (13, [4, 1, 14]), (14, [4, 1, 15])]
    whole = page.inside[-1]["L0.attn.pattern"]  # the run over all of it
    steps = [inside["L0.attn.pattern"] for inside in page.inside]
    np.testing.assert_allclose(steps[1][:, 0], whole[:, 12, :13], atol=2 * HALF)


def test_keys_of_cross_attention_are_the_tokens_of_the_encoder(show: Any) -> None:
    model: Any = t5()
    session, page = show(model)
    cross = next(
        branch.block
        for layer in session.architecture.stacks[-1].layers()
        for branch in layer.branches
        if branch.context is not None
    )
    page.watch(f"{cross}.pattern", "enc.L0.attn.pattern")
    inputs = {"input_ids": IDS, "decoder_input_ids": IDS[:, :5]}
    session.run(inputs)
    entries = {entry["name"]: entry for entry in page.frames[-1]["inside"]}
    tokens = [session.decode(token) for token in IDS[0].tolist()]
    assert entries[f"{cross}.pattern"]["keys"] == tokens
    assert entries[f"{cross}.pattern"]["queries"] is None
    assert entries["enc.L0.attn.pattern"]["queries"] == tokens
    with torch.no_grad():
        model.set_attn_implementation("eager")
        expected = model(**inputs, output_attentions=True).cross_attentions[0][0]
    np.testing.assert_allclose(page.inside[-1][f"{cross}.pattern"], expected.numpy(), atol=HALF)


def test_pages_share_what_is_watched_and_each_lets_go_of_its_own(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    before = stood_in(session.model)
    page.watch("L0.attn.pattern", page="one")
    page.watch("L0.attn.pattern", "L1.attn.pattern", page="two")
    page.watch(page="one")
    session.run(IDS)
    assert set(page.inside[-1]) == {"L0.attn.pattern", "L1.attn.pattern"}
    page.watch("L1.attn.pattern", page="two")
    assert stood_in(session.model) == before + 1
    page.watch(page="two")
    assert stood_in(session.model) == before


def test_pages_may_ask_at_the_same_time(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session, _ = show(tiny("gpt2"))
    quickly = Shows.on

    def slowly(self: Shows, *args: Any) -> Shows:
        found = quickly(self, *args)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(Shows, "on", slowly)
    names = [f"L{layer}.attn.pattern" for layer in range(3)]
    threads = [threading.Thread(target=session.show, args=(name,), kwargs={"on": name}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(session.run(IDS).frames[0].shown) == names


def test_closing_leaves_nothing_on_the_model(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    before = stood_in(session.model)
    page.watch("L0.attn.pattern")
    assert stood_in(session.model) == before + 1
    page.widget.close()
    assert stood_in(session.model) == before


def test_letting_go_takes_no_edit_along(show: Any) -> None:
    session, page = show(tiny("gpt2"))
    page.watch("L0.attn.pattern")
    session.ablate("L0.attn.pattern")
    with_edit = session.run(IDS).kl
    page.watch()
    assert session.run(IDS).kl == with_edit > 0


def test_a_page_that_says_nothing_is_taken_to_be_gone() -> None:
    now = [0.0]
    with gb.attach(tiny("gpt2")) as session:
        watching = Watching(session, lambda: now[0])
        assert watching.ask("gone", ["L0.attn.pattern"])
        watching.ask("there", ["L1.attn.pattern"])
        now[0] = PATIENCE - 1
        assert not watching.ask("there", ["L1.attn.pattern"])
        watching.forget()
        session.run(IDS)
        assert set(session.frames[-1].shown) == {"L0.attn.pattern", "L1.attn.pattern"}
        now[0] = PATIENCE + 1
        watching.forget()
        session.run(IDS)
        assert set(session.frames[-1].shown) == {"L1.attn.pattern"}


def test_what_cannot_be_read_comes_with_its_reason(show: Any) -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.attn = nn.LayerNorm(32), nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(x)
            attended: Tensor = self.attn(y, y, y, need_weights=False)[0]
            return x + attended

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(VOCABULARY, 32), nn.Linear(32, VOCABULARY)
            self.layers = nn.ModuleList(Layer() for _ in range(2))

        def forward(self, ids: Tensor) -> Tensor:
            x = self.embed(ids)
            for layer in self.layers:
                x = layer(x)
            logits: Tensor = self.head(x)
            return logits

    torch.manual_seed(0)
    session, page = show(Plain().eval())
    page.watch("L0.attn.pattern", "L7.attn.pattern", "L0.attn.q")
    session.run(IDS)
    unread = page.frames[-1]["unread"]
    assert "L7.attn" in unread["L7.attn.pattern"]
    assert "a page draws pattern" in unread["L0.attn.q"]
    assert unread["L0.attn.pattern"] == "nothing of the kind was seen in its pass"  # torch's fused module keeps it
    assert page.inside[-1] == {}


def test_states_of_a_mixer_and_its_exact_matrix() -> None:
    with gb.demo("hybrid") as session:
        page = Page(session)
        session.run(session.suggestions[0][1])
        page.watch("L0.mixer.state", "L0.mixer.beta", "L0.mixer.log_decay")
        taps = session.cache("L0.mixer.state", "L0.mixer.beta", "L0.mixer.log_decay")
        state = taps["L0.mixer.state"][0].flatten(1).norm(dim=-1)[:, None]
        np.testing.assert_allclose(page.inside[-1]["L0.mixer.state"], state.numpy(), rtol=1e-5)
        np.testing.assert_allclose(page.inside[-1]["L0.mixer.beta"], taps["L0.mixer.beta"][0].T.numpy(), rtol=1e-6)
        kept = taps["L0.mixer.log_decay"][0].exp().T
        np.testing.assert_allclose(page.inside[-1]["L0.mixer.log_decay"], kept.numpy(), rtol=1e-5)
        assert page.ask("effective", name="L0.mixer")["ok"]
        np.testing.assert_allclose(
            page.matrices[-1], session.effective_attention("L0.mixer")[0].numpy(), rtol=1e-5, atol=1e-7
        )
        refused = page.ask("effective", name="L1.attn")
        with pytest.raises(TapError) as error:
            session.effective_attention("L1.attn")
        assert refused["error"]["message"] == str(error.value)
        page.widget.close()
