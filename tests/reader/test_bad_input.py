"""Whatever is passed, there is an error of ours that says what to do, or a diagram that says what is missing."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from fuzzing import configs, model_types, outcome
from kinds import Model
from tiny_models import PlainTransformer, config
from torch import nn
from transformers import initialization

from glassblock import compare, describe, unfold
from glassblock.cli import main
from glassblock.diagram import Diagram
from glassblock.errors import GlassblockError, ModelError, SourceError
from glassblock.export import register
from glassblock.ir import to_dict
from glassblock.reader import api, read, read_model

SMALL = {"model_type": "llama", "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 50}
NAMES = ["<b>x</b><script>alert(1)</script>", "\u202eabc", "a" * 500, "](javascript:alert(1))", "x\x00y", "&amp;"]


def test_a_hundred_configurations_with_mistakes() -> None:
    found = [outcome(each) for each in configs(100, seed=3, kinds=model_types())]
    assert [str(each) for each in found if each.bad] == []
    kinds = {each.kind for each in found}
    assert {"traced", "SourceError"} <= kinds  # else the mistakes are too small, or too great, to find anything


@pytest.mark.parametrize(
    "source",
    [{}, "", " ", {"model_type": ""}, {"model_type": None}, {1: 2, "a": 3}, [], None, 7, b"llama", nn.Linear, ...],
)
def test_nothing_that_names_a_model(source: Any) -> None:
    with pytest.raises(SourceError, match=r"^expected .*got .*\.$"):
        read(source)


def test_a_model_type_that_nobody_knows() -> None:
    with pytest.raises(SourceError, match=r"got 'no-such-model'.*Update transformers"):
        read({"model_type": "no-such-model"})


@pytest.mark.parametrize("value", ["x", "12", float("nan"), float("inf"), -4, 0, 1.5, [32], {}, 10**12, 2**70])
@pytest.mark.parametrize("name", ["hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size"])
def test_sizes_that_are_none(name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassblock.reader.source.build._MOST_MODULES", 20_000)
    if name == "num_hidden_layers" and value in (-4, 0):
        expected: type[GlassblockError] = ModelError  # it builds, and has no layers
    elif name == "intermediate_size" and value in (0, 10**12):
        assert read({**SMALL, name: value}).params.total > 0  # it builds: a matrix without rows, or one of 128 TB
        return
    else:
        expected = SourceError
    with pytest.raises(expected, match=r"^expected .*got .*\.$"):
        read({**SMALL, name: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_not_drawn(value: float) -> None:
    with pytest.raises(GlassblockError, match=r"^expected .*(nan|inf).*\.$"):
        read({**SMALL, "rms_norm_eps": value})


def test_a_list_of_the_wrong_length() -> None:
    with pytest.raises(SourceError, match=r"^expected .*layer_types.*\.$"):
        read({**SMALL, "model_type": "qwen3", "layer_types": ["full_attention"] * 5})


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "3", '{"model_type"', "[" * 100_000, '{"model_type": "llama", "x": ' + "9" * 5000 + "}"],
)
def test_a_file_that_is_no_configuration(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    for source in (tmp_path, tmp_path / "config.json"):
        with pytest.raises(SourceError, match=r"^expected .*\.$"):
            read(source)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL), encoding="utf-8-sig")
    assert len(list(read(tmp_path).layers())) == 2


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize(
    "path", ["./missing", "/no/such/folder", "~no-such-user/model", "a/b/c", "x" * 5000, "/" + "d/" * 3000, "a\x00b"]
)
def test_a_path_that_leads_nowhere(path: str) -> None:
    with pytest.raises(SourceError, match=r"(?s)^expected .*\.$"):
        read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(SourceError, match=r"^expected .*\.$"):
        read(closed / "model")


@pytest.mark.parametrize("known", ["llama", "brand-new"])
def test_code_that_comes_with_a_model_is_not_run(known: str, tmp_path: Path) -> None:
    proof = tmp_path / "it-ran"
    code = f"import pathlib\npathlib.Path({str(proof)!r}).touch()\n"
    (tmp_path / "modeling_x.py").write_text(code)
    (tmp_path / "configuration_x.py").write_text(code)
    classes = {"AutoConfig": "configuration_x.X", "AutoModelForCausalLM": "modeling_x.X", "AutoModel": "modeling_x.X"}
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, "model_type": known, "auto_map": classes}))
    if known == "llama":
        assert read(tmp_path).cls == "LlamaForCausalLM"  # the class of transformers, not the one beside it
    else:
        with pytest.raises(SourceError, match=r"pass trust_remote_code=True to run that code\.$"):
            read(tmp_path)
    assert not proof.exists()


def test_code_that_comes_with_a_model_is_run_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = tmp_path / "it-ran"
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    (tmp_path / "configuration_x.py").write_text(f"import pathlib\npathlib.Path({str(proof)!r}).touch()\n")
    own = {"model_type": "brand-new", "auto_map": {"AutoConfig": "configuration_x.X"}}
    (tmp_path / "config.json").write_text(json.dumps(own))
    with pytest.raises(SourceError, match=r"^expected .*\.$"):
        read(tmp_path, trust_remote_code=True)
    assert proof.exists()


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text(name: str, tmp_path: Path) -> None:
    architecture = read_model(PlainTransformer(), name=name)
    assert architecture.name == name
    register()
    page = Diagram(architecture).save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<b>x" not in page
    assert json.loads(json.dumps(to_dict(architecture)))["name"] == name
    assert name[:8] in describe.tree(architecture) or not name.isprintable()


def test_a_module_with_markup_in_its_parts_name() -> None:
    model = PlainTransformer()
    model.add_module("<b>x</b>", nn.Linear(2, 2))
    assert len(list(read_model(model).layers())) == 3


class Raises(PlainTransformer):
    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("not today")


def test_a_forward_that_raises_is_drawn_from_its_module_tree() -> None:
    found = read_model(Raises())
    assert found.trace.rung == "tree"
    assert any("not today" in note for note in found.trace.notes)
    assert {branch.source for layer in found.layers() for branch in layer.branches} == {"assumed"}


def test_what_did_not_run_has_no_costs_and_the_warning_says_why() -> None:
    with pytest.warns(UserWarning, match="not today"):
        diagram = unfold(Raises())
    assert diagram.flops(10).left_out == diagram.cache(10).left_out == ("main",)
    rows = compare(diagram, diagram).rows
    assert {row.left for row in rows if "bfloat16" in row.what} == {"not known"}


def test_a_model_inside_a_wrapper_that_takes_anything_is_named() -> None:
    with pytest.raises(ModelError, match=r"inside a DataParallel.*model\.module"):
        read_model(nn.DataParallel(PlainTransformer()))


def test_what_a_model_is_made_of_is_no_model() -> None:
    with pytest.raises(SourceError, match="the class PlainTransformer, not a model made of it"):
        read(PlainTransformer)
    with pytest.raises(SourceError, match=r"a state dict holds numbers.*Pass the nn\.Module"):
        read(PlainTransformer().state_dict())


def test_a_setting_that_names_nothing_is_said_once() -> None:
    with pytest.raises(SourceError, match=r"\(\w+: nothing is known by the name 'swoosh'\)"):
        read({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "swoosh"})


def test_a_forward_that_raises_on_inputs_that_were_given() -> None:
    with pytest.raises(ModelError, match=r"expected inputs that Raises can run on.*not today"):
        read_model(Raises(), inputs=torch.zeros((1, 5), dtype=torch.long))


@pytest.mark.parametrize(
    "module",
    [nn.Linear(3, 3), nn.Sequential(), nn.Identity(), nn.ReLU(), nn.LSTM(4, 4), nn.Sequential(nn.Conv2d(3, 4, 3))],
    ids=lambda module: type(module).__name__,
)
def test_a_module_that_is_no_transformer(module: nn.Module) -> None:
    with pytest.raises(ModelError, match=r"^expected a transformer.*Pass the transformer itself"):
        read_model(module)


def test_a_module_that_contains_itself() -> None:
    model = PlainTransformer()
    total = sum(p.numel() for p in model.parameters())
    model.itself = model
    found = read_model(model)
    assert found.trace.rung == "tree"
    assert any("contains itself" in note for note in found.trace.notes)
    assert found.params.total == total


def _fail(*_args: Any, **_kwargs: Any) -> Any:
    raise IndexError("tuple index out of range")


def test_what_cannot_be_followed_is_drawn_from_the_module_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "assemble", _fail)
    found = read_model(PlainTransformer())
    assert found.trace.rung == "tree"
    assert found.trace.notes == ("it ran, but what it did could not be followed: IndexError: tuple index out of range",)
    monkeypatch.setattr(api, "assemble_tree", _fail)
    with pytest.raises(ModelError, match=r"the reader failed: IndexError.*Pass the transformer itself"):
        read_model(PlainTransformer())


def test_no_inputs_and_no_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "observe", _fail)
    assert read_model(PlainTransformer()).trace.rung == "tree"
    monkeypatch.setattr(api, "fold", _fail)
    with pytest.raises(ModelError, match="the reader failed"):
        read_model(PlainTransformer())


def test_the_command_line_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unfold", "./no/such/model"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("glassblock: expected ")
    assert "Traceback" not in said.err
    assert not said.out


def test_the_command_line_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("glassblock.api.unfold", interrupted)
    assert main(["unfold", "x"]) == 130
    assert capsys.readouterr().err == ""


class Interrupted(PlainTransformer):
    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        super().forward(ids)
        raise KeyboardInterrupt


def test_an_interrupted_trace_leaves_nothing_behind() -> None:
    before, model = nn.Module.__call__, Interrupted()
    with pytest.raises(KeyboardInterrupt):
        read_model(model)
    assert nn.Module.__call__ is before
    assert gc.isenabled()
    assert not any("forward" in vars(m) or m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert read_model(PlainTransformer()).trace.rung == "meta"


def test_an_interrupted_build_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def interrupted(*_args: Any) -> None:
        made.append(1)
        raise KeyboardInterrupt

    before = {name: getattr(nn.init, name) for name in dir(nn.init)}
    patched = {name: getattr(initialization, name) for name in dir(initialization)}
    with monkeypatch.context() as patch:
        patch.setattr("transformers.models.llama.modeling_llama.LlamaMLP.__init__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read(config("llama"))
    assert made
    assert gc.isenabled()
    assert {name: getattr(nn.init, name) for name in dir(nn.init)} == before
    assert {name: getattr(initialization, name) for name in dir(initialization)} == patched
    assert torch.empty(1).device.type == "cpu"
    assert nn.modules.module._global_module_registration_hooks == {}
    assert Model().head.weight.abs().sum() > 0  # is initialised
