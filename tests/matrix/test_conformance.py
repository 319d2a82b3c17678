"""Rows of the conformance matrix, so that it cannot rot; all of them: ``python benchmarks/conformance.py``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from matrix import causal, checks
from matrix.checks import COLUMNS
from matrix.zoo import CASES, Place, case

ROWS = ("gpt2", "falcon", "llama", "gpt_oss", "deepseek_v3", "qwen3_next", "mamba2", "bert", "t5")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", [*ROWS, "plain_attention"])
def test_a_row_of_the_matrix(name: str, column: str) -> None:
    assert COLUMNS[column](case(name)).failures == {}


def test_the_matrix_has_thirty_architectures_and_each_has_a_name() -> None:
    assert len({each.name for each in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize("kind", ["zero", "mean", "resample", "freeze", "scale", "add", "cut"])
def test_an_oracle_at_another_place_is_a_failure(kind: str) -> None:
    part, out = ("attn", "self_attn.o_proj") if kind == "cut" else ("mlp", "mlp.down_proj")
    elsewhere = Place(f"L0.{part}", f"model.layers.1.{out.partition('.')[0]}", f"model.layers.1.{out}")
    cell = COLUMNS[kind](replace(case("llama"), places=(elsewhere,), layers=""))
    assert cell.passed == []
    assert all("off the oracle" in words for words in cell.failures.values())
    assert "FAIL" in cell.mark


def test_a_tap_of_another_shape_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "documented_taps", lambda: [("attn", "z", "batch x heads x tokens x channels")])
    cell = COLUMNS["taps, prefill"](case("llama"))
    assert cell.passed == []
    assert "got (2, 12, 4, 8)" in cell.failures["L0.attn.z"]


def test_a_hook_left_behind_is_a_difference() -> None:
    model = case("llama").make(None)
    before = checks.traces_of(model)
    handle = model.model.layers[0].register_forward_hook(lambda *_: None)
    assert checks.traces_of(model) != before
    handle.remove()
    assert checks.traces_of(model) == before


def test_every_row_of_the_page_about_taps_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "taps.md").read_text("utf-8")
    assert len(checks.documented_taps()) == len(re.findall(r"^\| `L3\.", page, re.MULTILINE))


@pytest.mark.parametrize("kind", ["llama", "mamba", "qwen3_moe"])
def test_a_causal_type(kind: str) -> None:
    assert causal.outcome(kind).whole


def test_a_type_that_does_not_build_says_why() -> None:
    found = causal.outcome("blt")
    assert "parameters even so" in found.not_built
    assert "`blt`: does not build tiny" in causal.report([found])
