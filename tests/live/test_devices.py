"""Devices and number formats: nothing waits inside a forward, weights are left where they are."""

import copy
import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import config, text, tiny
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from zoo_packages import package

import glassblock as gb
from glassblock.live import Session
from glassblock.live.arguments import inputs_of
from glassblock.live.hook import Hook
from glassblock.live.layout import layout_of
from glassblock.live.recorder import Recorder
from glassblock.live.transfer import Transfer
from glassblock.reader import read_model

WAITS = {"_local_scalar_dense", "equal", "nonzero", "masked_select", "unique", "is_nonzero"}
"""Operations of which the host needs the result: on an accelerator it waits for them."""


class NoWaiting(TorchDispatchMode):
    """Refuses what would wait for an accelerator; a copy from the meta device raises by itself."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation if it does not wait."""
        name = func.overloadpacket.__name__
        given = [x for x in tree_leaves(args) if isinstance(x, Tensor)]
        assert name not in WAITS or all(x.device.type == "cpu" for x in given), f"{name} waits"
        out = func(*args, **(kwargs or {}))
        if name in ("index", "index_put_", "copy_"):
            kinds = {x.device.type for x in given if x.ndim}
            assert len(kinds) <= 1, f"{name} moves between host and device"
        return out


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Let the guard watch whatever our hooks do; return what is copied to the host."""
    act, copied = Hook.__call__, []

    def watched(self: Hook, *args: Any) -> Any:
        with NoWaiting():
            return act(self, *args)

    def to_host(flat: Tensor) -> tuple[Tensor, Any]:
        copied.append(flat)
        return flat, None

    monkeypatch.setattr(Hook, "__call__", watched)
    monkeypatch.setattr("glassblock.live.transfer.to_host", to_host)
    return copied


def without_numbers(name: str) -> Any:
    """Return a model on the meta device, which nobody can wait for: to ask for a number raises."""
    import transformers

    auto: Any = transformers.AutoModelForCausalLM
    with torch.device("meta"):
        return auto.from_config(config(name)).eval()


@pytest.mark.parametrize("name", ["llama", "gpt2", "mixtral", "qwen3_next_dense"])
def test_nothing_waits_inside_a_forward_and_one_copy_leaves_it(name: str, guarded: list[Tensor]) -> None:
    architecture = read_model(tiny(name))
    model = without_numbers(name)
    session = Session(model, architecture)
    told: list[Any] = []
    session.subscribe(lambda event, what: told.append(what) if event == "problem" else None)
    ids = torch.ones(2, 7, dtype=torch.long, device="meta")
    with torch.no_grad():
        if name == "mixtral":
            model.set_experts_implementation("batched_mm")
        # A mask that the model takes as it is: to make one of a padding mask it would look into it itself.
        mask = torch.zeros(2, 1, 7, 7, device="meta")
        model(ids, attention_mask=mask, position_ids=ids, use_cache=False)
    assert told == []
    assert len(session.frames) == 1
    assert [flat.device for flat in guarded] == [torch.device("meta")]
    # Everything measured is in it: five numbers for each head and block, one for each expert.
    wanted = sum(1 if site.kind == "expert" else 5 for site in session.layout.sites) * 14
    assert guarded[0].numel() >= wanted
    assert torch.tensor(session.frames[-1].stats).isnan().all(), "there are no numbers"


def test_guard_sees_what_waits() -> None:
    x = torch.ones(3, device="meta")
    with NoWaiting():
        with pytest.raises(AssertionError, match="waits"):
            x.sum().item()
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta"):
            x.cpu()
        with pytest.raises(AssertionError, match="moves between host and device"):
            x[torch.tensor([0, 1])]


def test_cache_that_counts_on_its_device_is_not_asked(guarded: list[Tensor]) -> None:
    class Counting:
        """Says how long it is with a tensor on the device, as a static cache does."""

        def get_seq_length(self) -> Tensor:
            """Return the length."""
            return torch.zeros((), dtype=torch.long, device="meta")

    ids = torch.ones(1, 4, dtype=torch.long)
    recorder = Recorder(layout_of(read_model(tiny("llama"))), set())
    with NoWaiting():
        recorder.inputs = inputs_of((), (), {"input_ids": ids, "past_key_values": Counting()})
        recorder.block(0, torch.ones(1, 4, 32, device="meta"))
        Transfer(recorder.finish().parts)
    assert isinstance(recorder.inputs.first, Tensor)
    assert len(guarded) == 1


def test_each_device_sends_one_buffer_and_the_host_none(guarded: list[Tensor]) -> None:
    host = [torch.arange(3.0), torch.ones(2, 2, dtype=torch.bfloat16)]
    transfer = Transfer([host[0], torch.ones(4, device="meta"), host[1], torch.ones(2, 3, device="meta")])
    assert [flat.shape for flat in guarded] == [(10,)]
    arrays = transfer.arrays()
    assert [array.shape for array in arrays] == [(3,), (4,), (2, 2), (2, 3)]
    assert arrays[0].tolist() == [0, 1, 2]
    assert arrays[2].tolist() == [[1, 1], [1, 1]]


def test_fake_tensors_go_through() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            model(mode.from_tensor(text()), position_ids=mode.from_tensor(text()))
        assert session.unread == {}
        assert not session.frames


def test_transformations_of_the_users_own_go_through() -> None:
    """Per-sample gradients: what passes then are no plain tensors, and there is no frame of them."""
    model = tiny("llama")
    plain = copy.deepcopy(model)
    ids = torch.stack((text(5), text(5).flip(1)))

    def per_sample(which: Any) -> Any:
        weights = {name: parameter.detach() for name, parameter in which.named_parameters()}

        def loss(weights: Any, one: Tensor) -> Tensor:
            found: Tensor = torch.func.functional_call(which, weights, (one,), {"use_cache": False}).logits
            return found.square().mean()

        return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, ids)

    expected = per_sample(plain)
    with gb.attach(model) as session:
        found = per_sample(model)
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert session.unread == {}
        assert not session.frames
        model(text())
        assert len(session.frames) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_nothing_waits_inside_a_forward_on_cuda() -> None:
    model = tiny("llama").to("cuda")
    ids = text().to("cuda")
    with torch.no_grad(), gb.attach(model) as session:
        model(ids)
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            model(ids)
        finally:
            torch.cuda.set_sync_debug_mode(before)
        on_cpu = tiny("llama")
        with gb.attach(on_cpu) as other:
            on_cpu(text())
            torch.testing.assert_close(
                torch.tensor(session.frames[-1].stats), torch.tensor(other.frames[-1].stats), equal_nan=True
            )


# ---- number formats


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_every_number_format_is_untouched_and_measured(dtype: torch.dtype) -> None:
    model = tiny("llama").to(dtype)
    expected = copy.deepcopy(model)(text()).logits
    norms: list[Tensor] = []
    model.model.layers[1].mlp.register_forward_hook(lambda _, __, out: norms.append(out.double().norm(dim=-1)))
    with torch.no_grad(), gb.attach(model) as session:
        assert torch.equal(model(text()).logits, expected)
        found = torch.tensor(session.frames[-1].norm("L1.mlp")).double()
        torch.testing.assert_close(found, norms[-1], rtol=1e-6, atol=0)
        assert session.unread == {}


def _checked(model: Any) -> Session:
    """Attach to a model that somebody prepared; return the session after checking that it changes nothing."""

    def run() -> Tensor:
        found: Tensor = model(text()).logits
        return found.clone()

    with torch.no_grad():
        before = run()
        session = gb.attach(model)
        assert torch.equal(run(), before)
        assert session.unread == {}
        stats = torch.tensor(session.frames[-1].stats[..., 0])
        assert not stats.isnan().any()
        session.ablate("L0.mlp", "L1.attn.H1")
        assert not torch.equal(run(), before)
        session.restore()
        assert torch.equal(run(), before)
        session.detach()
        assert torch.equal(run(), before)
    return session


def test_int8_weights_of_torchao() -> None:
    package("torchao")
    quantization: Any = importlib.import_module("torchao.quantization")
    model = tiny("llama")
    quantization.quantize_(model, quantization.Int8WeightOnlyConfig())
    _read_as_before(_checked(model))


def test_int8_weights_of_bitsandbytes() -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    model = tiny("llama")
    for module in list(model.model.layers.modules()):
        for name, linear in list(module.named_children()):
            if isinstance(linear, nn.Linear):
                new = bitsandbytes.nn.Linear8bitLt(
                    linear.in_features, linear.out_features, bias=False, has_fp16_weights=False
                )
                new.load_state_dict(linear.state_dict())
                setattr(module, name, new.to("cpu"))
    model(text())  # packs its weights at the first call
    _read_as_before(_checked(model))


def _read_as_before(session: Session) -> None:
    """Packed weights are weights: the architecture is that of the model before."""
    plain = read_model(tiny("llama"))
    assert session.architecture.trace.rung == plain.trace.rung == "meta"
    assert session.architecture.params.total == plain.params.total
    assert session.layout == layout_of(plain)


# ---- spread and offloaded


@pytest.mark.parametrize("where", ["cpu", "disk"])
def test_offloaded_weights_are_left_where_they_are(where: str, tmp_path: Path) -> None:
    """Weights are on the meta device outside of their module's forward; accelerate wraps it."""
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    model = tiny("llama")
    expected = copy.deepcopy(model)(text()).logits
    places: dict[str, Any] = {
        "model.embed_tokens": "cpu",
        "model.layers.0": "cpu",
        "model.layers.1": where,
        "model.norm": "cpu",
        "model.rotary_emb": "cpu",
        "lm_head": where,
    }
    if where == "cpu":
        accelerate.cpu_offload(model, execution_device=torch.device("cpu"))
    else:
        model = accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=str(tmp_path), force_hooks=True)
    outside = {name: parameter.device for name, parameter in model.named_parameters()}
    assert torch.device("meta") in outside.values()
    session = _checked(model)
    assert {name: parameter.device for name, parameter in model.named_parameters()} == outside
    assert torch.equal(model(text()).logits, expected)
    assert session.architecture.params.total == sum(parameter.numel() for parameter in model.parameters())
    with gb.attach(model) as again:
        assert again.run(text()).frames
