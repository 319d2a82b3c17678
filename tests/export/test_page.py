"""The exported page: self-contained, and true to the session."""

import base64
import gc
import json
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PROMPT
from tiny_models import VOCABULARY, text, tiny

import glassblock as gb
from glassblock import wire
from glassblock.errors import SourceError
from glassblock.experiments import single_ablations, single_targets
from glassblock.export import record
from glassblock.ir import from_dict
from glassblock.live import Intervention, Run, Session


def data_of(path: Path) -> dict[str, Any]:
    source = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="glassblock-data">(.*?)</script>', source, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_every_single_ablation_is_recorded_as_it_would_be_run(session: Session, tmp_path: Path) -> None:
    session.run(PROMPT)
    recording = data_of(session.save(tmp_path / "x.html"))["recording"]
    wire.validator("Recording").validate(recording)
    assert {(row["address"], row["how"]) for row in recording["ablations"]} == {
        (address, how) for address in single_targets(session) for how in ("zero", "mean")
    }
    row = next(row for row in recording["ablations"] if (row["address"], row["how"]) == ("L1.attn.H0", "mean"))
    session.ablate("L1.attn.H0", how="mean")
    run = session.run(PROMPT)
    assert row["run"]["kl"] == run.kl
    assert [c["ablated"]["prob"] for c in row["run"]["candidates"]] == [
        c.ablated.prob for c in run.predictions if c.ablated
    ]
    norms = np.frombuffer(base64.b64decode(row["frame"]["stats"]), "<f4")
    np.testing.assert_array_equal(norms, run.frames[-1].stats[:, 0].ravel())


def test_patterns_are_recorded_where_an_ablation_changes_them(session: Session) -> None:
    session.run(PROMPT)
    recording = record(session)
    names = [f"L{layer}.attn.pattern" for layer in range(3)]
    clean = session.cache(*names)
    assert [entry["name"] for entry in recording["frame"]["header"]["inside"]] == names
    row = next(row for row in recording["ablations"] if (row["address"], row["how"]) == ("L1.attn.H0", "mean"))
    frame = row["frame"]
    assert [entry["name"] for entry in frame["header"]["inside"]] == names[2:]  # what comes after it, and nothing else
    session.ablate("L1.attn.H0", how="mean")
    edited = session.cache(*names)
    recorded = np.frombuffer(base64.b64decode(frame["inside"][0]), "<f2").reshape(edited[names[2]][0].shape)
    np.testing.assert_allclose(recorded, edited[names[2]][0].numpy(), atol=5e-4)
    for name, data in zip(names, recording["frame"]["inside"], strict=True):
        numbers = np.frombuffer(base64.b64decode(data), "<f2").reshape(clean[name][0].shape)
        np.testing.assert_allclose(numbers, clean[name][0].numpy(), atol=5e-4)


def test_patterns_that_would_make_a_page_too_large_are_those_of_the_clean_run(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.run(PROMPT)
    monkeypatch.setattr("glassblock.export.patterns.ROOM", 3 * 4 * 15 * 15)
    recording = record(session)
    entries = recording["frame"]["header"]["inside"]
    assert [entry["dtype"] for entry in entries] == ["uint8"] * 3
    clean = session.cache("L2.attn.pattern")["L2.attn.pattern"][0].numpy()
    numbers = np.frombuffer(base64.b64decode(recording["frame"]["inside"][2]), "u1").reshape(clean.shape)
    np.testing.assert_allclose(numbers / 255, clean, atol=0.5 / 255 + 1e-3)
    for row in recording["ablations"]:
        assert row["frame"]["inside"] == []
        assert "the clean run alone" in row["frame"]["header"]["unread"]["L2.attn.pattern"]
    monkeypatch.setattr("glassblock.export.patterns.ROOM", 100)
    header = record(session)["frame"]["header"]
    assert header["inside"] == []
    assert "too large" in header["unread"]["L2.attn.pattern"]


def test_what_a_page_has_no_room_for_is_not_read(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def stood_in(*_: int) -> None:
        counts.append(sum("forward" in vars(module) for module in session.model.modules()))

    session.run(PROMPT)
    for room, expected in ((1 << 20, 3), (3 * 4 * 15 * 15, 0)):
        counts: list[int] = []
        monkeypatch.setattr("glassblock.export.patterns.ROOM", room)
        record(session, stood_in)
        assert set(counts) == {expected}


def test_of_a_long_text_the_last_tokens_are_kept_as_many_of_each_run_as_fit(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = session.run(PROMPT)
    (clean,) = run.frames
    runs = 1 + 2 * len(single_targets(session))
    each = clean.stats[:, 0].nbytes // clean.positions
    monkeypatch.setattr("glassblock.export.recording.FRAMES_BYTES", 3 * each * runs + each)
    recording = record(session)
    frames = [recording["frame"], *(row["frame"] for row in recording["ablations"])]
    assert len(frames) == runs
    for frame in frames:
        assert (frame["header"]["first"], frame["header"]["positions"]) == (clean.positions - 3, 3)
    assert sum(len(base64.b64decode(frame["stats"])) for frame in frames) == 3 * each * runs
    kept = np.frombuffer(base64.b64decode(recording["frame"]["stats"]), "<f4")
    np.testing.assert_array_equal(kept, clean.stats[:, 0, -3:].ravel())


def test_recording_is_of_one_prompt_whatever_is_run_meanwhile(session: Session) -> None:
    session.run(PROMPT)
    alone = record(session)

    def progress(done: int, _: int) -> None:
        if done == 1:
            session.run(PROMPT.replace("Mary", "Anna"))

    session.run(PROMPT)
    among = record(session, progress)
    for one, other in zip(alone["ablations"], among["ablations"], strict=True):
        assert other["run"]["prompt"] == PROMPT
        assert other["run"]["candidates"] == one["run"]["candidates"]


def test_matrices_are_of_the_run_that_is_recorded() -> None:
    with gb.demo("hybrid") as session:
        prompt = session.suggestions[0][1]
        session.run(prompt)
        alone = record(session, lambda *_: False)["matrices"]
        among = record(session, lambda *_: session.run(" ".join(prompt.split()[:4])) is None)["matrices"]
    assert alone
    assert among == alone


def test_recording_is_clean_whatever_is_ablated_now(session: Session, tmp_path: Path) -> None:
    clean = session.run(PROMPT)
    session.ablate("L0.mlp")
    session.run()
    state = data_of(session.save(tmp_path / "x.html"))["recording"]["state"]
    assert state["interventions"] == []
    assert state["run"]["kl"] is None
    assert [row["clean"]["prob"] for row in state["run"]["candidates"]] == [row.clean.prob for row in clean.predictions]
    assert [item.address for item in session.interventions] == ["L0.mlp"]


def test_page_names_no_other_place(session: Session, tmp_path: Path) -> None:
    source = session.save(tmp_path / "x.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)\s*=\s*["']""", source.split("<script")[0])
    assert "default-src 'none'" in source


def test_no_prompt_can_end_the_data(session: Session, tmp_path: Path) -> None:
    session.title = "</script><script>alert(1)</script>"
    path = session.save(tmp_path / "x.html")
    assert data_of(path)["recording"]["state"]["title"] == session.title
    assert "<script>alert(1)" not in path.read_text(encoding="utf-8")


def test_diagram_is_saved_as_page_and_as_data(session: Session, tmp_path: Path) -> None:
    assert data_of(session.diagram.save(tmp_path / "a.html"))["recording"] is None
    data = json.loads(session.diagram.save(tmp_path / "a.json").read_text(encoding="utf-8"))
    assert from_dict(data) == session.architecture


def test_other_endings_are_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"ends in \.html or \.svg"):
        session.save(tmp_path / "x.pdf")


def test_a_path_that_cannot_be_written_to_is_said_in_a_sentence(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"can be written to, got .*nowhere.*Make its folder first"):
        session.diagram.save(tmp_path / "nowhere" / "x.txt")


@pytest.mark.parametrize("wrong", [float("nan"), float("-inf"), float("inf")])
def test_logits_that_json_has_no_numbers_for(tmp_path: Path, wrong: float) -> None:
    model = tiny("llama")
    model.lm_head.register_forward_hook(lambda _, __, out: out.index_fill(-1, torch.arange(3, VOCABULARY), wrong))
    with gb.attach(model) as session:
        session.run(text())
        recording = data_of(session.save(tmp_path / "x.html"))["recording"]
    wire.validator("Recording").validate(recording)
    ruled_out = [row for row in recording["state"]["run"]["candidates"] if row["clean"]["prob"] == 0]
    assert len(ruled_out) == (3 if wrong == float("-inf") else 0)


def test_recording_keeps_the_runs_one_at_a_time(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.run(PROMPT)
    runs: list[weakref.ref[Run]] = []

    def watched(*args: Any) -> Iterator[tuple[Intervention, Run]]:
        for item, run in single_ablations(*args):
            runs.append(weakref.ref(run))
            yield item, run
            del run
            gc.collect(0)
            assert sum(one() is not None for one in runs) <= 1

    monkeypatch.setattr("glassblock.export.recording.single_ablations", watched)
    record(session)
    assert len(runs) > 10


def test_recording_says_how_far_it_is_and_ends_where_it_is_told_to(session: Session) -> None:
    session.run(PROMPT)
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 3

    kept = record(session, progress)["ablations"]
    assert [done for done, _ in told] == [1, 2, 3]
    everything = record(session)["ablations"]
    assert {total for _, total in told} == {len(everything)}
    assert [one["address"] for one in kept] == [one["address"] for one in everything[:3]]
