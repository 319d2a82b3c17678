"""The widget as a page sees it: messages in, messages and traits out. Every message is checked against the schema."""

import gc
import re
import sys
import threading
import time
import weakref
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PROMPT
from tiny_models import text, tiny

import glassblock as gb
from glassblock import wire
from glassblock.live import Session
from glassblock.widget import DiagramWidget, SessionWidget, widget_of


class Page:
    """Stands in for the browser: records what is sent, and answers frames as a page does."""

    def __init__(self, widget: SessionWidget, *, acknowledges: bool = True) -> None:
        self.widget = widget
        self.frames: list[tuple[dict[str, Any], list[bytes]]] = []
        self.replies: list[dict[str, Any]] = []
        self.effects: list[dict[str, Any]] = []
        self.saved: list[tuple[dict[str, Any], list[bytes] | None]] = []
        self._acknowledges = acknowledges
        widget.send = self._receive

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.post({"type": "request", "id": len(self.replies), "method": method, "params": params})
        return self.replies[-1]

    def post(self, content: Any) -> None:
        self.widget._on_message(None, content, [])

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.widget.state
        wire.validator("SessionState").validate(state)
        return state

    def _receive(self, content: Any, buffers: Any = None) -> None:
        wire.validator("KernelMessage").validate(content)
        if content["type"] == "frame":
            self.frames.append((content, list(buffers)))
            if self._acknowledges:
                self.post({"type": "ack", "seq": content["seq"]})
        elif content["type"] == "effects":
            self.effects.append(content)
        elif content["type"] == "saved":
            self.saved.append((content, buffers))
        else:
            self.replies.append(content)


@pytest.fixture
def page(session: Session) -> Iterator[Page]:
    yield Page(widget_of(session))
    widget_of(session).close()


def test_traits_follow_the_protocol(session: Session, page: Page) -> None:
    wire.validator("Architecture").validate(page.widget.architecture)
    wire.validator("FrameLayout").validate(page.widget.frame_layout)
    assert page.state["prompt"] == session.suggestions[0][1]
    assert page.state["run"] is None


def test_run_shows_the_prediction_and_sends_the_frame(session: Session, page: Page) -> None:
    assert page.ask("run", prompt=PROMPT) == {"type": "reply", "id": 0, "ok": True, "effect": "now"}
    run = page.state["run"]
    last = session.last_run
    assert last is not None
    assert run["candidates"][0]["clean"]["prob"] == last.predictions[0].clean.prob
    header, (stats, _) = page.frames[-1]
    assert header["origin"] == "clean"
    assert header["tokens"] == list(last.tokens)
    rows = np.frombuffer(stats, "<f4").reshape(len(page.widget.frame_layout["sites"]), header["positions"], 6)
    np.testing.assert_array_equal(rows, last.frames[0].stats[:, 0])


def test_click_on_a_head_changes_the_prediction_and_undo_brings_it_back(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    before = page.state["run"]["candidates"]
    page.ask("ablate", targets=["L1.attn.H0"], how="mean")
    run = page.state["run"]
    last = session.last_run
    assert last is not None
    assert run["kl"] == last.kl
    assert run["candidates"][0]["ablated"]["prob"] != run["candidates"][0]["clean"]["prob"]
    assert page.state["interventions"] == run["interventions"]
    assert page.state["history"]["entries"][-1]["python"] == 'session.ablate("L1.attn.H0", how="mean")'
    assert page.frames[-1][0]["origin"] == "run"
    page.ask("undo")
    assert page.state["run"]["candidates"] == before
    page.ask("redo")
    assert page.state["run"]["candidates"] == run["candidates"]


def test_every_kind_that_is_offered_can_be_asked_for(page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    for kind in page.state["kinds"]:
        assert "{address}" in next(iter(kind["sentences"].values()))
        assert page.ask("ablate", targets=["L1"], how=kind["name"])["ok"]
        (item,) = page.state["interventions"]
        assert item["sentence"] == kind["sentences"]["layer"].replace("{address}", "L1")
        assert item["cut"] is (kind["name"] != "noise")
        page.ask("restore", targets=[])
    assert [kind["name"] for kind in page.state["kinds"]] == ["zero", "mean", "noise", "freeze", "skip"]


def test_line_of_python_shows_on_the_page(session: Session, page: Page) -> None:
    session.run(PROMPT)
    session.ablate("L0.mlp")
    assert [item["address"] for item in page.state["interventions"]] == ["L0.mlp"]
    assert page.state["run"]["kl"] > 0


def test_generate_streams_tokens_and_stops(page: Page) -> None:
    page.ask("generate", prompt=PROMPT, max_new_tokens=5)
    for _ in range(200):
        if page.state["status"] == "idle":
            break
        time.sleep(0.02)
    assert page.state["run"]["generated"] == 5
    assert "generate" in {header["origin"] for header, _ in page.frames}


def test_click_during_a_generation_is_caught_up_with(session: Session, page: Page) -> None:
    """The final run of a generation may be under way when a click comes; the page must not show the older one."""
    session.run(PROMPT)

    def click(event: str, what: Any) -> None:
        if event == "run" and not len(what.interventions):
            session.ablate("L0.mlp")

    session.subscribe(click)
    page.ask("run", prompt=PROMPT)
    assert [item["address"] for item in page.state["run"]["interventions"]] == ["L0.mlp"]


def test_tap_that_failed_is_said_on_the_page(session: Session, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("bad luck")

    monkeypatch.setattr("glassblock.live.recorder.Recorder.heads", fails)
    with pytest.warns(RuntimeWarning, match="not read any more"):
        session.run(PROMPT)
    heads = [site.address for site in session.layout.sites if site.kind == "head"]
    assert list(page.state["unread"]) == heads
    assert "is not read any more" in page.state["unread"]["L0.attn.H0"]
    assert "is not read any more" in page.state["problem"]


def test_page_is_told_where_the_first_value_is_no_number(session: Session, page: Page) -> None:
    mlp = session.model.get_submodule("transformer.h.1.mlp")
    handle = mlp.register_forward_hook(lambda _, __, out: out * torch.inf, prepend=True)
    session.run(PROMPT)
    handle.remove()
    assert [header["first_nonfinite"] for header, _ in page.frames] == ["L1.mlp"]


def test_error_of_a_background_generation_is_said_on_the_page(session: Session, page: Page) -> None:
    def explode(*_: object) -> None:
        raise MemoryError("no room for the cache")

    handle = session.model.register_forward_pre_hook(explode)
    page.ask("generate", prompt=PROMPT, max_new_tokens=5)
    for _ in range(200):
        if page.state["problem"]:
            break
        time.sleep(0.02)
    handle.remove()
    assert page.state["problem"] == "The generation ended: MemoryError: no room for the cache"
    assert page.state["status"] == "idle"
    page.ask("run", prompt=PROMPT)
    assert page.state["problem"] is None


def test_error_goes_with_the_next_run_that_goes_well_whoever_begins_it(session: Session, page: Page) -> None:
    handle = session.model.register_forward_pre_hook(_no_room)
    generation = session.generate(PROMPT, 5, background=True)
    with pytest.raises(MemoryError):
        generation.result(20)
    assert page.state["problem"] == "The generation ended: MemoryError: no room for the cache"
    with pytest.raises(MemoryError):
        session.run(PROMPT)
    assert page.state["problem"] is not None
    handle.remove()
    session.run(PROMPT)
    assert page.state["problem"] is None


def _no_room(*_: object) -> None:
    raise MemoryError("no room for the cache")


def test_page_that_opens_later_gets_the_picture(session: Session, page: Page) -> None:
    session.run(PROMPT)
    session.ablate("L0.mlp")
    later = Page(page.widget)
    assert later.ask("hello", version=wire.VERSION)["ok"]
    assert [header["origin"] for header, _ in later.frames] == ["clean", "run"]


def test_slow_page_gets_fewer_frames_never_older_ones(session: Session) -> None:
    slow = Page(widget_of(session), acknowledges=False)
    for _ in range(5):
        session.model(torch.tensor([[1, 2, 3]]))
    assert len(slow.frames) == 1
    slow.post({"type": "ack", "seq": slow.frames[0][0]["seq"]})
    assert [header["seq"] for header, _ in slow.frames] == [1, 5]
    assert [header["missing"] for header, _ in slow.frames] == [0, 3]


def test_page_that_draws_nothing_meanwhile_gets_every_step_of_a_generation_in_the_end(session: Session) -> None:
    slow = Page(widget_of(session), acknowledges=False)
    session.generate(PROMPT, max_new_tokens=12)
    assert len(slow.frames) < 4
    for _ in range(20):
        slow.post({"type": "ack", "seq": slow.frames[-1][0]["seq"]})
    steps = {header["first"] + header["positions"] for header, _ in slow.frames if header["origin"] == "generate"}
    run = session.last_run
    assert run is not None
    length = len(run.tokens)
    assert steps == set(range(length - 12, length))  # the last token is written, and not read
    assert slow.frames[-1][0]["missing"] == 0

    later = Page(widget_of(session))
    later.ask("hello", version=wire.VERSION)
    assert {header["seq"] for header, _ in later.frames} == {header["seq"] for header, _ in slow.frames}
    session.ablate("L0.mlp")
    session.restore()  # the clean pass is known, and shown again: it is of the text that was generated
    again = Page(widget_of(session))
    again.ask("hello", version=wire.VERSION)
    steps_again = {head["first"] + head["positions"] for head, _ in again.frames if head["origin"] == "generate"}
    assert steps_again == steps
    session.run(PROMPT)  # which ends that series
    last = Page(widget_of(session))
    last.ask("hello", version=wire.VERSION)
    assert [header["origin"] for header, _ in last.frames] == ["clean"]


@pytest.mark.parametrize(
    ("method", "params", "kind", "words"),
    [
        ("ablate", {"targets": ["L9.attn"], "how": "zero"}, "AddressError", "names nothing in it. Nearest:"),
        ("ablate", {"targets": "L0", "how": "zero"}, "WireError", "params/targets"),
        ("ablate", {"targets": ["L0"], "how": "boil"}, "InterventionError", "one of zero, mean"),
        ("ablate", {"targets": ["L0"], "how": "resample"}, "InterventionError", "'resample' needs settings"),
        ("ablate", {"targets": ["L0.mlp"], "how": "skip"}, "InterventionError", "skip is for a layer"),
        ("run", {"prompt": ""}, "PromptError", "got an empty one"),
        ("run", {}, "WireError", "'prompt' is a required property"),
        ("explode", {}, "WireError", "expected a method of"),
        ("hello", {"version": 99}, "WireError", "protocol version 1, got 99"),
    ],
)
def test_failure_is_answered_with_a_reason(
    page: Page, method: str, params: dict[str, Any], kind: str, words: str
) -> None:
    reply = page.ask(method, **params)
    assert reply["ok"] is False
    assert reply["error"]["kind"] == kind
    assert words in reply["error"]["message"]


@pytest.mark.parametrize(
    "content", [None, 3, "x", {"type": "request"}, {"type": "ack"}, {"type": "ack", "seq": "x"}, []]
)
def test_message_without_an_id_is_dropped(page: Page, content: Any) -> None:
    page.post(content)
    assert page.ask("run", prompt=PROMPT)["ok"]


def test_one_widget_for_a_session_however_often_it_is_displayed(session: Session) -> None:
    first = session._repr_mimebundle_()
    second = session._repr_mimebundle_()
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    key = "application/vnd.jupyter.widget-view+json"
    assert first[0][key]["model_id"] == second[0][key]["model_id"]
    assert first[0]["text/plain"].startswith("Glassblock session on")


def test_diagram_displays_itself_without_a_model(session: Session) -> None:
    bundle = session.diagram._repr_mimebundle_()
    assert isinstance(bundle, tuple)
    assert bundle[0]["text/plain"].startswith("Glassblock diagram of")
    widget = DiagramWidget(session.architecture)
    assert widget.state is None
    assert widget.frame_layout is None


def test_importing_the_package_does_not_load_torch() -> None:
    import subprocess
    import sys

    code = "import sys, glassblock; raise SystemExit(bool({'torch', 'transformers', 'anywidget'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
    assert callable(gb.demo)


def test_frame_without_numbers_names_no_tokens(session: Session, page: Page) -> None:
    head: Any = session.model
    head.lm_head.register_forward_hook(lambda _, __, out: torch.full_like(out, float("nan")))
    session.run(PROMPT)
    assert page.frames[-1][0]["predictions"] == []
    assert page.state["run"]["candidates"] == []


def test_session_whose_widget_was_closed_is_displayed_by_another(session: Session) -> None:
    first = widget_of(session)
    first.close()
    assert widget_of(session) is not first
    assert isinstance(session._repr_mimebundle_(), tuple)


def test_generation_that_cannot_start_is_answered_with_the_reason() -> None:
    with gb.attach(tiny("plain"), ByLength(), inputs=text()) as session:
        reply = Page(widget_of(session)).ask("generate", prompt="a b", max_new_tokens=3)
        assert not reply["ok"]
        assert "expected a model with generate(), got PlainTransformer" in reply["error"]["message"]
        assert session.status == "idle"


class ByLength:
    """A tokenizer for models whose tokens mean nothing."""

    def __call__(self, words: str, **_: Any) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.tensor([[len(word) for word in words.split()]])}

    def decode(self, ids: list[int]) -> str:
        return str(ids[0])


def test_output_has_a_picture_for_pages_without_a_kernel(session: Session) -> None:
    for thing in (session, session.diagram):
        bundle = thing._repr_mimebundle_()
        assert isinstance(bundle, tuple)
        picture = ET.fromstring(bundle[0]["image/svg+xml"])  # noqa: S314 - we wrote it ourselves
        assert "L0.attn" in {node.attrib.get("data-address") for node in picture.iter()}


def test_output_without_the_picture_where_it_cannot_be_drawn(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)
    bundle = session.diagram._repr_mimebundle_()
    assert isinstance(bundle, tuple)
    assert "image/svg+xml" not in bundle[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle[0]
    assert "could not be drawn" in caplog.text


SWEEP: dict[str, Any] = {"how": "zero", "metric": {"name": "logprob", "tokens": []}, "scope": ["head", "block"]}


def swept(page: Page) -> list[dict[str, Any]]:
    """Wait for the end of the newest sweep and return its rows, as a page puts them together."""
    deadline = time.monotonic() + 20
    while not page.effects or page.effects[-1]["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    rows: list[dict[str, Any]] = []
    for part in page.effects:
        rows[part["first"] :] = part["rows"]
    return rows


def test_sweep_tells_what_python_measures_and_leaves_everything_as_it_was(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    page.ask("ablate", targets=["L0.mlp"], how="mean")
    before, history = session.last_run, session.history.steps
    assert page.ask("sweep", **SWEEP)["ok"]
    told = {row["address"]: row["effect"] for row in swept(page)}
    assert page.effects[-1]["python"] == 'session.sweep(["head", "block"])'
    assert (session.last_run, session.history.steps) == (before, history)
    assert told == {row.address: row.effect for row in session.sweep(["head", "block"])}


def test_sweep_can_be_stopped_and_a_page_that_opens_later_is_told_all_of_it(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    reached, go_on = threading.Event(), threading.Event()

    def slowly(*_: Any) -> None:
        reached.set()
        go_on.wait(10)

    handle = session.model.register_forward_pre_hook(slowly)
    page.ask("sweep", **SWEEP)
    assert reached.wait(10)
    page.ask("stop")
    go_on.set()
    rows = swept(page)
    handle.remove()
    assert 0 < len(rows) < page.effects[-1]["total"] == 18
    page.effects.clear()
    page.ask("hello", version=1)
    assert swept(page) == rows


def test_sweep_that_cannot_be_is_refused_in_words(page: Page) -> None:
    assert "has not" in page.ask("sweep", **SWEEP)["error"]["message"]
    page.ask("run", prompt=PROMPT)
    wrong = {**SWEEP, "metric": {"name": "logit", "tokens": [1, 2]}}
    assert "expected 1 tokens for logit, got 2" in page.ask("sweep", **wrong)["error"]["message"]


def test_sweep_of_a_session_that_was_detached_is_refused(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    session.detach()
    assert "detached" in page.ask("sweep", **SWEEP)["error"]["message"]


def test_sweep_that_is_done_lets_go_of_its_prompt(page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    logits = weakref.ref(page.widget._session.last_run.logits)
    page.ask("sweep", **SWEEP)
    rows = swept(page)
    page.ask("run", prompt="When Mary")
    gc.collect()
    assert logits() is None
    page.effects.clear()
    page.ask("hello", version=1)
    assert swept(page) == rows


def test_sweep_that_fails_says_so(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)

    def broken(*_: Any) -> None:
        raise ValueError("out of memory, say")

    handle = session.model.register_forward_pre_hook(broken)
    page.ask("sweep", **SWEEP)
    assert swept(page) == []
    handle.remove()
    assert page.state["problem"] == "The sweep ended: ValueError: out of memory, say"


def page_made(page: Page) -> bytes | None:
    """Wait for the end of the page that is being made and return its text."""
    deadline = time.monotonic() + 60
    while not page.saved or page.saved[-1][0]["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    buffers = page.saved[-1][1]
    return buffers[0] if buffers else None


def test_page_is_made_for_who_asks_and_is_what_python_saves(session: Session, page: Page, tmp_path: Path) -> None:
    page.ask("run", prompt=PROMPT)
    assert page.ask("save")["ok"]
    text = page_made(page)
    assert text is not None
    said = [content for content, _ in page.saved]
    assert said[-1]["done"] == said[-1]["total"] > 0
    assert said[-1]["name"].endswith(".html")
    saved = session.save(tmp_path / "x.html").read_bytes()
    numbers = re.compile(rb'"(?:seq|id)": \d+')  # frames and runs are counted
    assert numbers.sub(b"", text) == numbers.sub(b"", saved)


def test_page_that_is_stopped_is_no_file(session: Session, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.ask("run", prompt=PROMPT)
    begun = threading.Event()

    def save(_: Any, path: Path, progress: Any) -> Path:
        begun.set()
        while progress(1, 8):
            time.sleep(0.01)
        path.write_text("half")
        return path

    monkeypatch.setattr("glassblock.surface.save", save)
    page.ask("save")
    assert begun.wait(10)
    page.ask("stop")
    assert page_made(page) is None


def test_closing_ends_the_page_that_is_being_made(
    session: Session, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    page, told = Page(widget_of(session)), threading.Event()
    page.ask("run", prompt=PROMPT)

    def save(_: Any, __: Path, progress: Any) -> Path:
        deadline = time.monotonic() + 10
        while progress(1, 8) and time.monotonic() < deadline:
            time.sleep(0.01)
        if time.monotonic() < deadline:
            told.set()
        raise ValueError("of which nobody is told")

    monkeypatch.setattr("glassblock.surface.save", save)
    page.ask("save")
    page.widget.close()
    assert told.wait(20)
    assert page_made(page) is None
    assert not [warning for warning in recwarn if "thread" in str(warning.message)]


def test_frame_that_comes_after_the_widget_was_closed_is_not_sent(session: Session) -> None:
    page = Page(widget_of(session))
    page.ask("run", prompt=PROMPT)
    sent, frame = len(page.frames), session.frames[-1]
    page.widget.close()
    page.widget._send_frame(frame, 0)
    assert len(page.frames) == sent


def test_frame_that_cannot_be_shown_is_said_and_the_next_is_shown(
    session: Session, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access")

    with monkeypatch.context() as patched:
        patched.setattr("glassblock.messages.frame", fails)
        session.run(PROMPT)
    assert page.state["problem"] == "A frame could not be shown: RuntimeError: CUDA error: an illegal memory access"
    monkeypatch.setattr("glassblock.widget.stream.PATIENCE", 0.0)  # nobody acknowledges what was not sent
    session.run("the capital of France is")
    assert [header["origin"] for header, _ in page.frames] == ["clean"]
    assert page.state["problem"] is None


def test_closed_widget_keeps_no_model() -> None:
    session = gb.attach(tiny("gpt2"))
    session.run(torch.tensor([[5, 6, 7]]))
    page, model = Page(widget_of(session)), weakref.ref(session.model)
    page.ask("watch", page="one", names=["L0.attn.pattern"])
    page.ask("sweep", **SWEEP)
    swept(page)
    page.ask("save")
    page_made(page)
    session.detach()
    page.widget.close()
    page.widget.close()  # again does no harm
    for thread in threading.enumerate():
        if thread.name.startswith("glassblock"):
            thread.join(10)
    del session
    gc.collect()
    assert model() is None


def test_page_that_cannot_be_made_says_so(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(*_: Any, **__: Any) -> Path:
        raise ValueError("no room, say")

    monkeypatch.setattr("glassblock.surface.save", save)
    page.ask("save")
    assert page_made(page) is None
    assert page.state["problem"] == "The saving of the page ended: ValueError: no room, say"


def test_sweep_and_clicks_meanwhile_do_not_meet(session: Session, page: Page) -> None:
    page.ask("run", prompt=PROMPT)
    expected = {row.address: row.effect for row in session.sweep(["head", "block"])}
    session.ablate("L1.attn.H0")
    alone = session.run().predictions
    session.undo()
    for _ in range(3):
        page.effects.clear()
        page.ask("sweep", **SWEEP)
        while not page.effects or page.effects[-1]["running"]:
            page.ask("ablate", targets=["L1.attn.H0"], how="zero")
            assert session.last_run is not None
            assert session.last_run.predictions == alone
            page.ask("undo")
        assert {row["address"]: row["effect"] for row in swept(page)} == expected
