"""Architectures in words: the tree, the table of differences, and what the command line prints."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_architecture import architecture
from tiny_models import config, tiny

import glassblock as gb
from glassblock import cli, wire
from glassblock.describe import compare, ranges, tree
from glassblock.errors import SourceError
from glassblock.gallery import entry, names
from glassblock.ir import Architecture, Block, Edge, Stack, assumed, observed
from glassblock.reader import read_model

QWEN3_NEXT = tuple(index for index in range(48) if index % 4 != 3)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((0,), "L0"),
        ((0, 1, 2), "L0-L2"),
        ((0, 2, 4, 6), "L0, L2 ... L6"),
        ((1, 3, 5), "L1, L3, L5"),
        ((0, 5, 11), "L0, L5, L11"),
        (QWEN3_NEXT, "L0-L2, L4-L6 ... L44-L46"),
        ((0, 2, 3, 7, 9, 12), "L0, L2-L3, L7, L9 and 1 more"),
    ],
)
def test_layers_are_said_as_runs(layers: tuple[int, ...], said: str) -> None:
    assert ranges(layers) == said


def test_tree_has_a_line_for_each_kind_of_block_with_its_exact_count() -> None:
    model = tiny("deepseek_v3")
    lines = tree(read_model(model)).splitlines()
    moe = next(line for line in lines if "moe" in line.split())
    experts = sum(p.numel() for n, p in model.named_parameters() if n.startswith("model.layers.1.mlp."))
    assert f"{experts:,}" in moe
    assert f"{sum(p.numel() for p in model.parameters()):,} parameters" in lines[0]
    assert any("MLA" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_tree_stays_within_the_terminal(width: int) -> None:
    assert max(map(len, tree(read_model(tiny("qwen3_next")), width).splitlines())) <= width


def test_tree_marks_what_was_assumed() -> None:
    text = tree(architecture())
    assert "window 16" in text  # stated by the configuration: no mark
    assert "assumed" not in text
    spec = replace(architecture().block("L0.attn").spec, window=assumed(16))  # type: ignore[type-var]
    group = architecture().stacks[0].groups[0]
    blocks = (replace(group.template.blocks[0], spec=spec), *group.template.blocks[1:])
    layer = replace(group.template, blocks=blocks)
    guessed = replace(architecture(), stacks=(Stack("", observed(32), (replace(group, template=layer),)),))
    assert "window 16 ?" in tree(guessed)
    assert tree(guessed).endswith("? assumed: neither seen in a forward pass nor stated")


def test_tree_explains_the_words_it_uses_and_no_others() -> None:
    pre = tree(read_model(tiny("llama")))
    assert "sequential: each block reads what the one before has added; pre-norm: a norm before each block" in pre
    assert "parallel:" not in pre
    assert "parallel: blocks read the same stream" in tree(read_model(tiny("cohere")))


def test_tree_shows_stacks_their_edges_and_phantoms() -> None:
    plain = architecture()
    tower = replace(plain.stacks[0], name="vision", streams=observed(4))
    projector = Block("projector", "projector", "mm", "Projector", 7)
    both = replace(
        plain,
        stacks=(tower, *plain.stacks),
        edges=(Edge("vision", "", "merge", (projector,), ("batch", "patches", 32)),),
        phantoms=(Block("mtp0", "mtp", "", "", 0, notes=("known of the checkpoint",)),),
    )
    text = tree(both)
    assert "vision" in text
    assert "4 residual streams" in text
    assert "-> main" in text
    assert "batch x patches x 32" in text
    assert "known of the checkpoint" in text


def read(name: str) -> Architecture:
    return read_model(tiny(name))


def test_an_architecture_does_not_differ_from_itself() -> None:
    comparison = compare(read("gemma2"), read("gemma2"))
    assert comparison.differences == ()
    assert len(comparison.rows) > 50
    assert "No fact differs." in str(comparison)


def test_comparison_finds_what_was_changed() -> None:
    from transformers import AutoConfig

    common = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 97,
    }
    a, b = (
        gb.unfold(AutoConfig.for_model("llama", **{**common, "num_key_value_heads": heads})).architecture
        for heads in (2, 4)
    )
    different = {(row.part, row.what): (row.left, row.right) for row in compare(a, b).differences}
    assert different["L0-L1 attn", "key/value heads"] == ("2", "4")
    assert different["L0-L1 attn", "kind"] == ("GQA", "MHA")
    # Two matrices of two further heads of 8 channels, for 32 channels, in two layers.
    assert different["L0-L1 attn", "parameters"] == ("3,072", "4,096")
    said = {what for _, what in different} - {"kind", "parameters", "key/value heads", "active per token"}
    assert said == {"cache a token (bytes, bfloat16)"}


def test_comparison_puts_a_mixer_beside_the_attention_it_replaces() -> None:
    hybrid = config("qwen3_next_dense")
    hybrid.num_hidden_layers, hybrid.layer_types = 2, ["linear_attention"] * 2
    rows = compare(read("llama"), gb.unfold(hybrid).architecture).rows
    beside = {(row.a, row.b) for row in rows if row.part.endswith("attn / mixer")}
    assert beside == {("L0.attn", "L0.mixer")}
    assert all(row.left is None or row.right is None for row in rows if row.what == "state")


def test_comparison_pairs_layers_that_do_the_same_work() -> None:
    """Three layers of a delta rule to one of attention, all with experts, beside attention with experts."""
    comparison = compare(read("mixtral"), read("qwen3_next"))
    layers = {(row.a, row.b) for row in comparison.rows if row.what == "layers"}
    assert layers == {("L0", "L3"), (None, "L0")}
    alone = [row for row in comparison.rows if row.part == f"L0-L2 (only in {comparison.b.name}) mixer"]
    assert alone
    assert all(row.left is None and row.right is not None for row in alone)


def test_comparison_puts_what_is_nowhere_else_alone() -> None:
    """A delta rule with experts has nothing in common with dense attention; attention with experts has."""
    layers = {(row.a, row.b) for row in compare(read("qwen3_next"), read("llama")).rows if row.what == "layers"}
    assert layers == {("L3", "L0"), ("L0", None)}


def test_comparison_puts_both_kinds_of_a_model_beside_the_one_they_are_like() -> None:
    """Gemma 2 has windowed and full layers in turn, both dense attention."""
    layers = {(row.a, row.b) for row in compare(read("gemma2"), read("llama")).rows if row.what == "layers"}
    assert layers == {("L0", "L0"), ("L1", "L0")}


def test_comparison_names_norms_by_where_they_stand() -> None:
    parts = {row.part for row in compare(read("gemma2"), read("llama")).differences if row.right is None}
    assert any(part.endswith("norm after attn") for part in parts)


def saved(folder: Path, model_type: str, **changes: object) -> str:
    config = {"model_type": model_type, "hidden_size": 32, "num_attention_heads": 4, "vocab_size": 97, **changes}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def test_command_line_prints_a_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["unfold", saved(tmp_path / "a", "llama", intermediate_size=48, num_hidden_layers=2)]) == 0
    printed = capsys.readouterr().out
    assert "L0-L1" in printed
    assert "gated silu · hidden 48" in printed


def test_command_line_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = (saved(tmp_path / name, "llama", intermediate_size=size) for name, size in (("a", 48), ("b", 64)))
    assert cli.main(["compare", a, b]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["hidden", "48", "64"] in lines


def test_command_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["unfold", "./nowhere"]) == 1
    assert "there is no such folder" in capsys.readouterr().err


def test_comparison_follows_the_protocol_and_is_saved(tmp_path: Path) -> None:
    comparison = gb.compare(gb.unfold(tiny("llama")), gb.unfold(tiny("gemma2")))
    data = json.loads(comparison.save(tmp_path / "x.json").read_text())
    wire.validator("Comparison").validate(data)
    with pytest.raises(SourceError, match=r"expected one architecture, got .*x\.json.*a comparison of two"):
        gb.unfold(tmp_path / "x.json")
    assert comparison.save(tmp_path / "x.txt").read_text() == f"{comparison}\n"
    page = comparison.save(tmp_path / "x.html").read_text()
    assert "Content-Security-Policy" in page
    with pytest.raises(SourceError, match=r"expected a path that ends in \.html, \.json, \.svg or \.txt"):
        comparison.save(tmp_path / "x.pdf")


def test_comparison_displays_itself_as_a_widget() -> None:
    bundle = gb.compare(gb.unfold(tiny("llama")), gb.unfold(tiny("gemma2")))._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "facts differ" in data["text/plain"]


WIDTHS = (60, 80, 120)


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert cli.main(command) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", WIDTHS)
def test_command_line_fits_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in (
        ("gallery",),
        ("compare", "gallery:qwen3-next-80b-a3b", "gallery:gemma-3-27b"),
        ("unfold", "gallery:deepseek-v3"),  # has a phantom
    ):
        text = printed(capsys, *command)
        assert max(map(len, text.splitlines())) <= columns
        assert "…" not in text


def test_command_line_lists_the_gallery(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = printed(capsys, "gallery")
    assert [name for name in names() if f"\n{name} " not in narrow] == []
    assert "671,026,404,352" in narrow


@pytest.mark.parametrize("columns", WIDTHS)
def test_command_line_says_where_a_figure_is_from(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    address = entry("deepseek-v3").published.address
    assert address is not None
    text = printed(capsys, "gallery", "gallery:deepseek-v3")
    assert address in text  # whole, on whatever line
    assert "arXiv:2412.19437" in text
    assert all(len(line) <= columns or "://" in line for line in text.splitlines())


def test_comparison_writes_numbers_out_and_explains_branches() -> None:
    text = str(compare(*(gb.unfold(f"gallery:{name}").architecture for name in ("qwen3-next-80b-a3b", "llama-3-8b"))))
    assert "10,000,000" in text
    assert "e+0" not in text
    assert "after 1: norm2 -> mlp -> + 2" in text
    assert "A branch reads the stream after so many additions" in text


def test_a_reader_that_stops_reading_is_no_error() -> None:
    code = "import sys; from glassblock.cli import main; sys.exit(main(['gallery']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:  # noqa: S603  # our own words
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert "Traceback" not in run.stderr.read().decode()
