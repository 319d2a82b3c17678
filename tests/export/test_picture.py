"""The picture: a file of its own that any program can show, with what the page shows in it."""

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import tiny

import glassblock as gb
from glassblock.cli import main
from glassblock.diagram import Diagram
from glassblock.errors import MissingExtraError, PromptError, SourceError
from glassblock.ir import Architecture, Block, from_dict, to_dict
from glassblock.live import Session

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {f"{SVG}{tag}" for tag in "svg g title desc rect circle line path text".split()}
MODELS = ["gpt2", "deepseek-v3", "bart-base", "whisper-large-v3-turbo", "llava-1.5-7b", "qwen3-next-80b-a3b", "jamba"]


Drawn = tuple[Architecture, ET.Element]


def read(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - we wrote it ourselves


@pytest.fixture(scope="module", params=MODELS)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    diagram = gb.unfold(f"gallery:{request.param}")
    return diagram.architecture, read(diagram.save(tmp_path_factory.mktemp("svg") / "x.svg"))


def texts(picture: ET.Element) -> list[str]:
    return [node.text or "" for node in picture.iter(f"{SVG}text")]


def addresses(picture: ET.Element) -> set[str]:
    return {node.attrib["data-address"] for node in picture.iter() if "data-address" in node.attrib}


def blocks_on_branches(architecture: Architecture) -> Iterator[Block]:
    for stack in architecture.stacks:
        for group in stack.groups:
            on_branches = {branch.block for branch in group.template.branches}
            yield from (block for block in group.template.blocks if block.address in on_branches)


def test_every_block_and_its_parameters_are_in_it(drawn: Drawn) -> None:
    architecture, picture = drawn
    said, there = texts(picture), addresses(picture)
    for block in blocks_on_branches(architecture):
        assert block.address in there
        assert block.address.rsplit(".", 1)[-1] in said
        assert any(shows(text, block.params) for text in said), f"{block.params:,} of {block.address}"


def shows(text: str, count: int) -> bool:
    """Whether a text is this count, as far as its figures go: 4.72 M is 4,718,592."""
    found = re.fullmatch(r"([\d,]+)(?:\.(\d+))?(?: ([KMBT]))?", text)
    if not found:
        return False
    whole, decimals, unit = (part or "" for part in found.groups())
    size = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[unit]
    shown = float(f"{whole.replace(',', '')}.{decimals or 0}") * size
    return abs(shown - count) <= 0.5001 * size * 0.1 ** len(decimals)


def test_every_group_of_layers_says_which_they_are(drawn: Drawn) -> None:
    architecture, picture = drawn
    said = " ".join(texts(picture))
    for stack in architecture.stacks:
        for group in stack.groups:
            assert f"\N{MULTIPLICATION SIGN} {len(group.layers)}" in said
            assert f"L{group.layers[0]}" in said


def test_edges_and_stacks_are_named(drawn: Drawn) -> None:
    architecture, picture = drawn
    said = texts(picture)
    if len(architecture.stacks) > 1:
        assert {stack.name for stack in architecture.stacks} <= set(said)
    for edge in architecture.edges:
        assert any(text.startswith(f"{edge.source} ") and text.endswith(f" {edge.target}") for text in said)


def test_it_needs_nothing_but_itself(drawn: Drawn) -> None:
    _, picture = drawn
    assert {node.tag for node in picture.iter()} <= DRAWN
    for node in picture.iter():
        assert not {
            name for name in node.attrib if name.startswith("on") or "href" in name or name in {"class", "style"}
        }
        for value in node.attrib.values():
            assert "var(" not in value
            assert "url(" not in value
            assert "NaN" not in value
            assert "undefined" not in value


def test_it_has_words_for_who_cannot_see_it(drawn: Drawn) -> None:
    architecture, picture = drawn
    first, second = list(picture)[:2]
    assert picture.attrib["role"] == "img"
    assert (first.tag, first.text) == (f"{SVG}title", architecture.name)
    assert second.tag == f"{SVG}desc"
    for block in blocks_on_branches(architecture):
        assert block.address.rsplit(".", 1)[-1] in (second.text or "")


def test_everything_is_within_the_picture(drawn: Drawn) -> None:
    _, picture = drawn
    check_within(picture)


def check_within(picture: ET.Element) -> None:
    width, height = (float(number) for number in picture.attrib["viewBox"].split()[2:])
    assert (width, height) == (float(picture.attrib["width"]), float(picture.attrib["height"]))
    for x, y, node in placed(picture):
        wide = float(node.attrib.get("textLength", node.attrib.get("width", 0)))
        left = x - {"end": 1.0, "middle": 0.5}.get(node.attrib.get("text-anchor", ""), 0.0) * wide
        assert left >= 0, node.text
        assert left + wide <= width, node.text
        assert 0 <= y <= y + float(node.attrib.get("height", 0)) <= height


def placed(node: ET.Element, x: float = 0, y: float = 0) -> Iterator[tuple[float, float, ET.Element]]:
    """Give all that has a place, with the place in the whole picture."""
    moved = re.fullmatch(r"translate\(([-\d.]+),([-\d.]+)\)", node.attrib.get("transform", ""))
    x, y = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
    if "x" in node.attrib or node.tag == f"{SVG}rect":
        yield x + float(node.attrib.get("x", 0)), y + float(node.attrib.get("y", 0)), node
    for child in node:
        yield from placed(child, x, y)


@pytest.fixture(scope="module")
def gpt2() -> Diagram:
    return gb.unfold("gallery:gpt2")


def saved(diagram: Diagram, folder: Path, **options: object) -> str:
    return diagram.save(folder / "x.svg", **options).read_text(encoding="utf-8")


def drawing(diagram: Diagram, folder: Path, **options: object) -> ET.Element:
    return read(diagram.save(folder / "x.svg", **options))


def test_same_architecture_gives_the_same_bytes(gpt2: Diagram, tmp_path: Path) -> None:
    again = Diagram(from_dict(to_dict(gpt2.architecture)))
    assert saved(gpt2, tmp_path) == saved(again, tmp_path)


def test_dark_has_other_colours_in_the_same_places(gpt2: Diagram, tmp_path: Path) -> None:
    light, dark = saved(gpt2, tmp_path), saved(gpt2, tmp_path, theme="dark")
    colour = re.compile(r"#[0-9a-f]{3,6}\b")
    assert colour.sub("", light) == colour.sub("", dark)
    shared = set(colour.findall(light)) & set(colour.findall(dark))
    assert shared == set()


def test_an_opened_block_shows_its_inside(gpt2: Diagram, tmp_path: Path) -> None:
    assert "c_attn" not in texts(drawing(gpt2, tmp_path))
    assert {"c_attn", "softmax", "pattern", "c_proj"} <= set(texts(drawing(gpt2, tmp_path, opened="L0.attn")))


def test_only_what_was_read_is_opened(gpt2: Diagram, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected a block whose inside was read, got 'L0\.norm1'"):
        gpt2.save(tmp_path / "x.svg", opened="L0.norm1")


def test_unfolded_has_a_card_for_each_layer(gpt2: Diagram, tmp_path: Path) -> None:
    folded = addresses(drawing(gpt2, tmp_path))
    opened = addresses(drawing(gpt2, tmp_path, folded=False))
    assert [layer for layer in range(12) if f"L{layer}.mlp" in folded] == [0]
    assert [layer for layer in range(12) if f"L{layer}.mlp" in opened] == list(range(12))


def test_width_is_the_diagrams(gpt2: Diagram, tmp_path: Path) -> None:
    narrow, wide = (drawing(gpt2, tmp_path, width=width) for width in (500, 700))
    assert float(wide.attrib["width"]) - float(narrow.attrib["width"]) == 200


@pytest.mark.parametrize("name", ['<script>alert(1)</script> & "quotes"', "a\x00b\ud800c", "模型 😀"])
def test_names_are_text(gpt2: Diagram, tmp_path: Path, name: str) -> None:
    data = to_dict(gpt2.architecture)
    data["name"] = name
    picture = drawing(Diagram(from_dict(data)), tmp_path)
    shown = re.sub("[\x00\ud800]", "\ufffd", name)
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert title.text == shown
    assert shown in texts(picture)
    assert {node.tag for node in picture.iter()} <= DRAWN


def test_names_of_any_length_stay_within_the_picture(gpt2: Diagram, tmp_path: Path) -> None:
    data = to_dict(gpt2.architecture)
    data["name"], data["cls"] = "A" * 60 + " " + "long" * 100 + " name" * 100, "Class" * 100
    check_within(drawing(Diagram(from_dict(data)), tmp_path))


def test_comparison_marks_what_differs_and_lists_it(tmp_path: Path) -> None:
    comparison = gb.compare("gallery:qwen3-next-80b-a3b", "gallery:deepseek-v3")
    picture = read(comparison.save(tmp_path / "x.svg"))
    said = texts(picture)
    for side in (comparison.a, comparison.b):
        assert side.name in said
        for block in blocks_on_branches(side):
            assert block.address in addresses(picture)
    for row in comparison.differences:
        assert {row.part, row.what, row.left or "\N{EN DASH}", row.right or "\N{EN DASH}"} <= set(said)
    dashed = [node for node in picture.iter(f"{SVG}rect") if node.attrib.get("stroke-dasharray") == "7 4"]
    assert len(dashed) >= 4
    same = gb.compare("gallery:gpt2", "gallery:gpt2").save(tmp_path / "same.svg").read_text(encoding="utf-8")
    assert "7 4" not in same


def test_without_the_engine_it_says_what_to_install(
    gpt2: Diagram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)
    with pytest.raises(MissingExtraError, match=r"pip install quickjs-ng.*\.html.*'Export'"):
        gpt2.save(tmp_path / "x.svg")
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("x.svg", {"theme": "blue"}, "'light' or 'dark', got 'blue'"),
        ("x.svg", {"width": 20}, "from 300 to 820, got 20"),
        ("x.svg", {"colour": 1}, "theme, width, folded or opened as options, got colour"),
        ("x.html", {"theme": "dark"}, r"no theme for .*for pictures \(\.svg\)"),
        ("x.png", {}, r"\.html, \.json, \.svg or \.txt"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    gpt2: Diagram, tmp_path: Path, name: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        gpt2.save(tmp_path / name, **options)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.svg"
    assert main(["unfold", "gallery:gpt2", "-o", str(path), "--theme", "dark"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert read(path).tag == f"{SVG}svg"


@pytest.fixture(scope="module")
def ablated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, ET.Element]:
    session = gb.demo()
    session.run("When Mary and John went to the store , John gave a drink to")
    session.ablate("L1.attn.H0")
    return session, read(session.save(tmp_path_factory.mktemp("live") / "run.svg"))


def test_a_session_is_a_picture_of_its_last_run(ablated: tuple[Session, ET.Element]) -> None:
    session, picture = ablated
    run = session.run()  # what was saved is what is in force
    said = texts(picture)
    assert f"Prompt: {run.prompt}" in said
    assert next(iter(session.interventions)).sentence in said
    for row in run.predictions[:6]:
        assert row.token.strip() in {text.strip("\N{MIDDLE DOT}") for text in said}
    norm = float(run.frames[-1].norm("L0.mlp")[0, -1])
    assert f"{norm:.2g}" in said
    hatched = [node for node in picture.iter(f"{SVG}g") if node.attrib.get("data-address") == "L1.attn.H0"]
    assert any("hatch" in part.attrib.get("fill", "") for node in hatched for part in node.iter())


def test_a_session_without_a_prompt_says_so(tmp_path: Path) -> None:
    session = gb.attach(tiny("llama"))
    with pytest.raises(PromptError, match="Run one"):
        session.save(tmp_path / "x.svg")
