"""Safety of the host: whatever goes wrong in looking on, the user's model runs as if nobody looked."""

import copy
import gc
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tiny_models import text, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import ModelError
from glassblock.live import Session
from glassblock.live.recorder import Recorder
from glassblock.live.runner import Runner
from glassblock.live.stats import describe


@pytest.fixture
def model() -> Any:
    return tiny("llama")


@pytest.fixture
def session(model: Any) -> Iterator[Session]:
    with gb.attach(model) as attached:
        yield attached


def call(model: nn.Module) -> Tensor:
    with torch.no_grad():
        found: Tensor = model(text()).logits
    return found.clone()


def hooks_on(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + ("forward" in vars(module))
        for module in model.modules()
    )


def problems(session: Session) -> list[str]:
    told: list[str] = []
    session.subscribe(lambda event, what: told.append(str(what)) if event == "problem" else None)
    return told


def unmeasured(session: Session) -> set[str]:
    frame = session.frames[-1]
    return {site.address for site in frame.layout.sites if torch.tensor(frame.norm(site.address)).isnan().all()}


# ---- errors in looking on


def test_tap_that_fails_is_switched_off_and_said_once(
    model: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, told = call(copy.deepcopy(model)), problems(session)
    row, block = session.layout.row["L1.mlp"], Recorder.block

    def fails(self: Recorder, at: int, x: Tensor) -> None:
        if at == row:
            raise ValueError("bad luck")
        block(self, at, x)

    monkeypatch.setattr(Recorder, "block", fails)
    with pytest.warns(RuntimeWarning, match=r"L1\.mlp is not read any more.*ValueError: bad luck"):
        assert torch.equal(call(model), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(call(model), expected)
    assert len(told) == 1
    assert told == list(session.unread.values())
    assert list(session.unread) == ["L1.mlp"]
    assert unmeasured(session) == {"L1.mlp"}
    monkeypatch.undo()
    call(model)
    assert unmeasured(session) == {"L1.mlp"}, "off until somebody attaches again"
    session.ablate("L1.mlp")
    assert not torch.equal(call(model), expected), "it is edited all the same"


def test_what_cannot_be_reduced_costs_its_own_row_alone(
    model: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = call(copy.deepcopy(model))
    culprit = model.model.layers[0].mlp.register_forward_hook(lambda _, __, out: out.fill_(3.0), prepend=True)

    def fails(x: Tensor, **options: Any) -> Tensor:
        if (x == 3.0).flatten(-2).all(-1).any():
            raise ValueError("threes")
        return describe(x, **options)

    monkeypatch.setattr("glassblock.live.recorder.describe", fails)
    with pytest.warns(RuntimeWarning, match="threes"):
        call(model)
    culprit.remove()
    assert unmeasured(session) == {"L0.mlp"}
    assert torch.equal(call(model), expected)


def test_error_in_a_frame_never_reaches_the_forward(
    model: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, told = call(copy.deepcopy(model)), problems(session)

    def fails(_: Recorder) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(Recorder, "finish", fails)
    with pytest.warns(RuntimeWarning, match="no room"):
        assert torch.equal(call(model), expected)
    assert len(told) == 1
    monkeypatch.undo()
    assert torch.equal(call(model), expected)
    assert len(session.frames) == 1


def test_forward_of_another_thread_while_a_session_is_being_attached(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its worst it runs in the middle of what is made when somebody attaches."""
    expected = call(copy.deepcopy(model))

    class Interrupted(Runner):
        def __init__(self, *args: Any) -> None:
            assert torch.equal(call(model), expected)
            super().__init__(*args)

    monkeypatch.setattr("glassblock.live.core.Runner", Interrupted)
    with gb.attach(model) as session:
        assert torch.equal(call(model), expected)
        assert len(session.frames) == 1


# ---- errors of the user's own


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("entrance", ["the model", "its base model"])
def test_interrupted_forward_leaves_no_half_pass(
    model: Any, session: Session, error: type[BaseException], entrance: str
) -> None:
    expected = call(copy.deepcopy(model))
    called = model if entrance == "the model" else model.model

    def explode(*_: object) -> None:
        raise error

    handle = model.model.layers[1].register_forward_hook(explode)
    with pytest.raises(error), torch.no_grad():
        called(text())
    handle.remove()
    assert not session.frames
    with torch.no_grad():
        model.model(text())  # below the model, where a half pass would be taken for the one that is under way
    assert len(session.frames) == 1
    assert torch.equal(call(model), expected)
    assert len(session.frames) == 2
    assert not unmeasured(session)
    session.ablate("L0.mlp")
    assert not torch.equal(call(model), expected)


def test_interrupted_run_leaves_no_half_pass(model: Any, session: Session) -> None:
    def explode(*_: object) -> None:
        raise KeyboardInterrupt

    handle = model.model.layers[1].register_forward_hook(explode)
    with pytest.raises(KeyboardInterrupt):
        session.run(text())
    handle.remove()
    assert session.status == "idle"
    assert session.run(text()).frames


# ---- numbers that are none


def _overflows(out: Tensor) -> Tensor:
    return out.index_fill(-1, torch.tensor([3]), torch.inf)


def _is_nan(out: Tensor) -> Tensor:
    return out.index_fill(1, torch.tensor([2]), torch.nan)


@pytest.mark.parametrize("spoil", [_overflows, _is_nan])
@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("embed_tokens", "embed"),
        ("layers.0.mlp", "L0.mlp"),
        ("layers.1.self_attn.v_proj", "L1.attn.H0"),
        ("layers.1.self_attn.o_proj", "L1.attn"),
        ("layers.1", "L1"),
    ],
)
def test_frame_says_where_the_first_value_that_is_no_number_came_from(
    model: Any, session: Session, spoil: Callable[[Tensor], Tensor], path: str, address: str
) -> None:
    call(model)
    assert session.frames[-1].first_nonfinite is None

    def hook(_: object, __: object, out: Tensor) -> Tensor:
        return spoil(out)

    handle = model.model.get_submodule(path).register_forward_hook(hook, prepend=True)
    call(model)
    handle.remove()
    frame = session.frames[-1]
    assert frame.first_nonfinite == address
    counted = torch.tensor(frame.stats[frame.layout.row[address], ..., 4])
    assert counted.sum() > 0
    assert counted.isfinite().all()


# ---- detaching


def test_detach_works_twice_and_after_hooks_were_cleared_by_others(model: Any) -> None:
    session = gb.attach(model)
    for module in model.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks = type(module._forward_pre_hooks)()
    session.detach()
    session.detach()
    assert hooks_on(model) == 0
    assert torch.equal(call(model), call(tiny("llama")))


def test_detach_holds_where_interventions_change_once_more_after_it(model: Any) -> None:
    """The end of a ``with`` block takes up what was in force before it, also where that is inside of a block."""
    session = gb.attach(model)
    session.run(text())
    session.ablate("L0.attn.q", how=gb.Scale(0.5))
    with session.ablated("L1.mlp"):
        session.detach()
    assert hooks_on(model) == 0
    assert torch.equal(call(model), call(tiny("llama")))


def test_detach_leaves_the_hooks_of_others(model: Any) -> None:
    seen: list[int] = []
    model.model.layers[0].register_forward_hook(lambda *_: seen.append(1))
    with gb.attach(model):
        pass
    call(model)
    assert seen == [1]


def test_detach_works_after_modules_were_replaced(model: Any) -> None:
    session = gb.attach(model)
    old = model.model.layers[1]
    model.model.layers[1] = tiny("llama", seed=1).model.layers[1]
    session.detach()
    assert hooks_on(model) == hooks_on(old) == 0


def test_detach_works_while_a_pass_is_under_way_in_another_thread(model: Any) -> None:
    expected = call(copy.deepcopy(model))
    inside, go = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        inside.set()
        assert go.wait(20)

    session = gb.attach(model)
    handle = model.model.layers[0].mlp.register_forward_hook(wait)
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.append(call(model)))
    thread.start()
    assert inside.wait(20)
    session.detach()
    go.set()
    thread.join()
    handle.remove()
    assert torch.equal(found[0], expected)
    assert hooks_on(model) == 0
    assert not session.frames


def test_module_that_was_replaced_is_said_not_to_be_read(model: Any, session: Session) -> None:
    told = problems(session)
    call(model)
    model.model.layers[1].mlp = copy.deepcopy(tiny("llama", seed=1).model.layers[1].mlp)
    with pytest.warns(RuntimeWarning, match=r"L1\.mlp is neither read nor edited any more"):
        call(model)
    assert list(session.unread) == ["L1.mlp"]
    assert "L1.mlp" in unmeasured(session)
    call(model)
    assert len(told) == 1


def test_run_that_nobody_saw_is_said(model: Any, session: Session) -> None:
    session.run(text())
    for module in model.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    told = problems(session)
    with pytest.warns(RuntimeWarning, match="made no frame"):
        session.run(text()[:, :5])
    assert len(told) == 1


# ---- compiled


def _by_its_method(model: Any) -> Any:
    model.compile(backend="eager")
    return model


def _wrapped(model: Any) -> Any:
    return torch.compile(model, backend="eager")


def _its_layers(model: Any) -> Any:
    for layer in model.model.layers:
        layer.compile(backend="eager")
    return model


def _its_forward(model: Any) -> Any:
    model.forward = torch.compile(model.forward, backend="eager")
    return model


COMPILED = [_wrapped, _by_its_method, _its_layers, _its_forward]


@pytest.mark.parametrize("compiled", COMPILED)
def test_model_that_is_compiled_later_runs_and_it_is_said(model: Any, session: Session, compiled: Any) -> None:
    torch._dynamo.reset()
    expected, told = call(model), problems(session)
    with pytest.warns(RuntimeWarning, match="The model was compiled after it was attached to"):
        torch.testing.assert_close(call(compiled(model)), expected)
    assert len(told) == 1


@pytest.mark.parametrize("compiled", COMPILED)
def test_model_that_is_compiled_already_is_refused(model: Any, compiled: Any) -> None:
    torch._dynamo.reset()
    with pytest.raises(ModelError, match=r"torch\.compile skips hooks"):
        gb.attach(compiled(model))
    assert hooks_on(model) == ("forward" in vars(model))


# ---- memory


def test_session_that_nobody_holds_takes_its_hooks_along(model: Any) -> None:
    session = gb.attach(model)
    session.run(text())
    session.ablate("L0.mlp")
    gone = weakref.ref(session)
    assert hooks_on(model) > 0
    del session
    gc.collect()
    assert gone() is None
    assert hooks_on(model) == 0
    assert torch.equal(call(model), call(tiny("llama")))


def test_session_that_is_followed_stays(model: Any) -> None:
    widget = gb.widget.widget_of(gb.attach(model))
    gc.collect()
    call(model)
    assert len(widget._session.frames) == 1
    session = weakref.ref(widget._session)
    widget.close()
    del widget
    gc.collect()
    assert session() is None
    assert hooks_on(model) == 0


@pytest.mark.parametrize("inside", [False, True])
def test_model_and_session_are_collected_without_being_detached(*, inside: bool) -> None:
    model = tiny("llama")
    session = gb.attach(model)
    session.run(text())
    model(text(), labels=text()).loss.backward()
    if inside:
        session.cache("L0.attn.pattern")
    gone = weakref.ref(session.model), weakref.ref(session)
    del session, model
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
