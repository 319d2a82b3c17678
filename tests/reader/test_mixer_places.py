"""Where taps are inside sequence mixers: against what the model's own kernels are given and return."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from calls import blocks, decoded, record, seen
from kinds import Model
from mixers import ChannelDelta, GatedDelta, Recurrent, Selective
from tiny_models import CONFIGS, VOCABULARY, tiny
from torch import Tensor, nn
from torch.nn import functional

import glassblock as gb
from glassblock.ir import Block
from glassblock.reader.branches.place import Missing, Place
from glassblock.reader.insides import linear_map, places
from glassblock.reader.tracing.watch import Watched

LONG = torch.randint(3, VOCABULARY, (2, 70), generator=torch.Generator().manual_seed(0))
IDS = LONG[:, :12]
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}
DELTA = {f"linear_{name}": size for name, size in (("num_key_heads", 2), ("num_value_heads", 4))}
DELTA |= {"linear_key_head_dim": 10, "linear_value_head_dim": 12}
LATENT = {"kv_lora_rank": 12, "q_lora_rank": 20, "qk_nope_head_dim": 10, "qk_rope_head_dim": 8, "v_head_dim": 14}
LATENT |= {"num_key_value_heads": 4, "moe_intermediate_size": 24, "num_experts": 4, "num_experts_per_tok": 2}
LATENT |= {"n_group": 1, "topk_group": 1, "num_expert_group": 1}
KINDS = ["linear_attention", "full_attention"]
MAMBA2 = {f"mamba_{name}": size for name, size in (("n_heads", 4), ("d_head", 16), ("d_state", 6), ("n_groups", 2))}
MAMBA2 |= {"mamba_chunk_size": 8, "mamba_expand": 2}
MORE: dict[str, dict[str, Any]] = {
    "qwen3_5_text": {**SIZES, **DELTA, "layer_types": KINDS},
    "olmo_hybrid": {**SIZES, **DELTA, "layer_types": KINDS},
    "kimi_linear": {**SIZES, **LATENT, "linear_head_dim": 10, "linear_num_heads": 3, "layer_types": KINDS},
    "bailing_hybrid": {**SIZES, **LATENT, "layer_types": KINDS},
    "granitemoehybrid": {**SIZES, **MAMBA2, "layer_types": KINDS, "num_local_experts": 0},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 6, "time_step_rank": 5},
    "falcon_mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 6, "time_step_rank": 5},
    "minimax": {**SIZES, "block_size": 8, "layer_types": KINDS, "num_local_experts": 4},
    "recurrent_gemma": {**SIZES, "num_hidden_layers": 3, "lru_width": 32, "attention_window_size": 8},
    "rwkv": {"hidden_size": 32, "attention_hidden_size": 32, "num_hidden_layers": 2, "context_length": 64},
    "xlstm": {"hidden_size": 128, "num_hidden_layers": 2, "num_heads": 4, "weight_mode": "single"},
    "lfm2_moe": {**SIZES, "layer_types": ["conv", "full_attention"], "moe_intermediate_size": 24, "num_experts": 4},
}
DELTA_RULES = ["qwen3_next", "qwen3_5_text", "olmo_hybrid", "kimi_linear", "bailing_hybrid"]
STATE_SPACES = ["mamba2", "granitemoehybrid"]
SCANS = ["mamba", "falcon_mamba", "jamba"]


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name in CONFIGS:
        model: nn.Module = tiny(name)
    else:
        auto: Any = transformers.AutoModelForCausalLM
        settings = transformers.AutoConfig.for_model(name, vocab_size=VOCABULARY, **MORE[name])
        model = auto.from_config(settings).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)  # zeros and ones would hide what is multiplied by what
    return model


def mixer(model: nn.Module) -> tuple[Block, nn.Module]:
    block = blocks(model, "mixer")[0]
    return block, model.get_submodule(block.path)


Kept = dict[str, Any]


def keep(monkeypatch: pytest.MonkeyPatch, module: nn.Module, *names: str) -> list[Kept]:
    """Keep what a function of a mixer's modeling file is given and returns, of every call with numbers."""
    owner, kept = sys.modules[type(module).__module__], list[Kept]()
    name = next(name for name in names if hasattr(owner, name))
    original: Callable[..., Any] = getattr(owner, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        copies = [x.clone() if isinstance(x, Tensor) else x for x in args]
        result = original(*args, **kwargs)
        if not any(isinstance(x, Tensor) and x.is_meta for x in args):
            kept.append({"args": copies, **kwargs, "result": result})
        return result

    monkeypatch.setattr(owner, name, function)
    return kept


def first(model: nn.Module, kept: list[Kept]) -> Kept:
    """Return what the first mixer's function was given in the last pass."""
    return kept[-len(blocks(model, "mixer"))]


def taps_of(model: nn.Module, ids: Tensor, *, last: bool) -> tuple[dict[str, Tensor], Watched, Any]:
    block, _ = mixer(model)
    call = (decoded(model, [block.path], ids) if last else record(model, [block.path], ids)[0])[block.path]
    found = places(call.graph, call.source, call.output, block)
    return seen(call, found), call, found


@pytest.mark.parametrize(("ids", "last"), [(IDS, False), (LONG, False), (IDS[:, :2], False), (IDS, True)])
@pytest.mark.parametrize("name", DELTA_RULES)
def test_delta_rules(name: str, ids: Tensor, monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    model = build(name)
    _, module = mixer(model)
    names = ("torch_chunk_gated_delta_rule", "chunk_kimi_delta_attention")
    steps = ("torch_recurrent_gated_delta_rule", "recurrent_kimi_delta_attention")
    given = keep(monkeypatch, module, *(steps if last else names))
    convolved = keep(monkeypatch, module, "causal_conv1d_update" if last else "causal_conv1d_fn")
    taps, call, found = taps_of(model, ids, last=last)
    kernel, convolution = first(model, given), first(model, convolved)
    for tap, expected in zip("qkv", kernel["args"][:3], strict=True):
        assert torch.equal(taps[tap], expected), tap
    assert torch.equal(taps["beta"], kernel["beta"])
    assert torch.equal(taps["log_decay"], kernel["g"])
    assert torch.equal(taps["recurrence_out"], kernel["result"][0])
    assert torch.equal(taps["state"], kernel["result"][1])
    tokens = taps["q"].shape[1]
    before = convolution["args"][0][..., -tokens:].transpose(1, 2)
    assert torch.equal(taps["conv_in"], before)
    assert torch.equal(torch.cat([taps[f"{tap}_conv_in"].flatten(2) for tap in "qkv"], -1), before)
    assert not any(isinstance(place, Missing) for place in found.values())
    _projected(name, module, call.tensor(call.source), taps)


def _projected(name: str, module: Any, stream: Tensor, taps: dict[str, Tensor]) -> None:
    """Compare with what the module's own projections make of the stream."""
    if name == "qwen3_next":
        parts = module.fix_query_key_value_ordering(module.in_proj_qkvz(stream), module.in_proj_ba(stream))
        q, k, v, gate, beta, _ = parts
    elif name == "qwen3_5_text":
        sizes = [module.key_dim, module.key_dim, module.value_dim]
        q, k, v = module.in_proj_qkv(stream).split(sizes, -1)
        gate, beta = module.in_proj_z(stream), module.in_proj_b(stream)
    else:
        q, k, v = (getattr(module, f"{tap}_proj")(stream) for tap in "qkv")
        beta = module.b_proj(stream)
        low = hasattr(module, "g_a_proj")
        gate = module.g_b_proj(module.g_a_proj(stream)) if low else module.g_proj(stream)
    for tap, expected in {"q_conv_in": q, "k_conv_in": k, "v_conv_in": v, "gate": gate, "beta_logit": beta}.items():
        assert torch.allclose(taps[tap].flatten(2), expected.flatten(2), atol=1e-6), tap


@pytest.mark.parametrize(("ids", "last"), [(IDS, False), (LONG, False), (IDS, True)])
@pytest.mark.parametrize("name", STATE_SPACES)
def test_state_spaces_with_heads(name: str, ids: Tensor, monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    model = build(name)
    _, module = mixer(model)
    given = keep(monkeypatch, module, "mamba2_selective_state_update" if last else "mamba2_chunk_scan")
    taps, call, found = taps_of(model, ids, last=last)
    kernel = first(model, given)
    own: Any = module
    if last:
        _, x, dt, _, b, c = (a.unsqueeze(1) for a in kernel["args"][:6])
        out, a = kernel["result"].unsqueeze(1), kernel["args"][3]
        dt, a = dt[..., 0], a[:, 0, 0]  # its kernel has them once for each channel, and number of the state
        assert all(len(place.also) == 1 for tap in ("dt", "log_decay") if isinstance(place := found[tap], Place))
    else:
        x, dt, a, b, c = kernel["args"][:5]
        out, state = kernel["result"]
        assert torch.equal(taps["state"], state)
    step = functional.softplus(dt + own.dt_bias)
    assert torch.equal(taps["dt_logit"], dt)
    assert torch.allclose(taps["dt"], step)
    assert torch.allclose(taps["log_decay"], a * step)
    for tap, expected in (("x", x), ("B", b), ("C", c), ("recurrence_out", out)):
        assert torch.equal(taps[tap], expected), tap
    made = own.in_proj(call.tensor(call.source))
    assert torch.allclose(taps["gate"].flatten(2), made[..., : taps["gate"][0, 0].numel()], atol=1e-6)
    assert torch.allclose(taps["dt_logit"], made[..., -taps["dt_logit"].shape[-1] :], atol=1e-6)
    width = taps["gate"][0, 0].numel()
    assert torch.allclose(taps["conv_in"], made[..., width : width + taps["conv_in"].shape[-1]], atol=1e-6)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", SCANS)
def test_selective_scans(name: str, monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    model = build(name)
    block, module = mixer(model)
    given = keep(monkeypatch, module, "mamba_selective_state_update" if last else "mamba_selective_scan")
    taps, _, found = taps_of(model, IDS, last=last)
    kernel = first(model, given)
    if last:
        before, x, dt, a, b, c = kernel["args"][:6]
        x, dt, b, c = (part.unsqueeze(1) for part in (x, dt, b, c))
        gate, bias, out = kernel["z"].unsqueeze(1), kernel["dt_bias"], kernel["result"].unsqueeze(1)
    else:
        x, dt, a, b, c = kernel["args"][:5]
        x, dt, b, c = (part.transpose(1, 2) for part in (x, dt, b, c))
        gate, bias, (out, state) = kernel["z"].transpose(1, 2), kernel["delta_bias"], kernel["result"]
        out = out.transpose(1, 2)
        assert torch.equal(taps["state"], state)
    for tap, expected in (("x", x), ("v", x), ("dt_logit", dt), ("B", b), ("C", c), ("gate", gate)):
        assert torch.equal(taps[tap], expected), tap
    step = functional.softplus(dt + bias)
    assert torch.allclose(taps["dt"], step)
    assert torch.allclose(taps["log_decay"], step[..., None] * a)
    assert torch.allclose(taps["recurrence_out"] * functional.silu(gate), out, atol=1e-6)
    if last:
        now = before * taps["log_decay"][:, 0].exp() + (step[..., None] * b[:, :, None])[:, 0] * x[:, 0, :, None]
        assert torch.allclose(taps["state"], now, atol=1e-6)
    assert linear_map(block, found) is not None


@pytest.mark.parametrize(("ids", "last"), [(IDS, False), (LONG, False), (IDS, True)])
def test_lightning_attention(ids: Tensor, *, last: bool) -> None:
    model = build("minimax")
    _, module = mixer(model)
    own: Any = module
    taps, call, _ = taps_of(model, ids, last=last)
    stream = call.tensor(call.source)
    made = own.act_fn(own.qkv_proj(stream)).unflatten(-1, (4, 3, 8))
    for tap, expected in zip("qkv", made.unbind(-2), strict=True):
        assert torch.allclose(taps[tap], expected, atol=1e-6), tap
    assert torch.allclose(taps["gate"].flatten(2), own.output_gate(stream), atol=1e-6)
    if last:
        return
    state, outs = torch.zeros(2, 4, 8, 8), []
    for at in range(ids.shape[1]):  # arXiv:2401.04658, token by token
        q, k, v = (taps[tap][:, at] for tap in "qkv")
        state = state * (-own.slope_rate).exp() + k[..., None] * v[..., None, :]
        outs.append((q[..., None] * state).sum(-2))
    assert torch.allclose(taps["recurrence_out"], torch.stack(outs, 1), rtol=1e-4, atol=1e-5)
    assert torch.allclose(taps["state"], state, rtol=1e-4, atol=1e-5)


def test_real_gated_recurrences(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("recurrent_gemma")
    _, module = mixer(model)
    own: Any = module
    given: list[Any] = []
    scan = type(own.rg_lru)._rnn_scan  # the kernel

    def keeping(self: Any, **kwargs: Any) -> Any:
        given.append({**kwargs, "result": scan(self, **kwargs)})
        return given[-1]["result"]

    monkeypatch.setattr(type(own.rg_lru), "_rnn_scan", keeping)
    block = blocks(model, "mixer")[0]
    for ids, first in ((IDS, 0), (IDS[:, -1:], 11)):
        given.clear()
        where = torch.arange(first, first + ids.shape[1])[None]
        call = record(model, [block.path], ids, position_ids=where)[0][block.path]
        found = places(call.graph, call.source, call.output, block)
        taps, kernel = seen(call, found), given[0]
        assert torch.equal(taps["v"], kernel["hidden_states"])
        assert torch.allclose(taps["log_decay"].exp(), kernel["recurrent_gate"])
        assert torch.equal(taps["recurrence_out"], kernel["result"][0])
        assert torch.equal(taps["state"], kernel["result"][1])
        assert torch.allclose(taps["gate"], own.linear_y(call.tensor(call.source)), atol=1e-6)
        assert torch.allclose(taps["conv_in"], own.linear_x(call.tensor(call.source)), atol=1e-6)


@pytest.mark.parametrize("last", [False, True])
def test_weighted_means(monkeypatch: pytest.MonkeyPatch, *, last: bool) -> None:
    model = build("rwkv")
    _, module = mixer(model)
    given = keep(monkeypatch, module, "rwkv_linear_attention")
    made: list[Tensor] = []
    module.get_submodule("receptance").register_forward_hook(lambda _, __, out: made.append(out))
    taps, _, _ = taps_of(model, IDS[:1], last=last)
    kernel = first(model, given)
    _, _, key, value = kernel["args"][:4]
    out, state = kernel["result"]
    assert torch.equal(taps["k"], key)
    assert torch.equal(taps["v"], value)
    assert torch.equal(taps["recurrence_out"], out)
    assert torch.equal(taps["gate"], made[-1])
    if state is not None:
        assert torch.equal(taps["state"], state[0])


@pytest.mark.parametrize("last", [False, True])
def test_mlstm(*, last: bool) -> None:
    model = build("xlstm")
    _, module = mixer(model)
    own: Any = module
    made: list[Any] = []
    module.get_submodule("mlstm_backend").register_forward_hook(lambda _, __, out: made.append(out))
    taps, call, _ = taps_of(model, IDS, last=last)
    h, (state, *_) = made[-1]
    stream = call.tensor(call.source)
    for tap in ("q", "k", "v"):
        assert torch.equal(taps[tap].flatten(2), getattr(own, tap)(stream)), tap
    assert torch.equal(taps["gate"].flatten(2), own.ogate_preact(stream))
    assert torch.equal(taps["recurrence_out"], h.transpose(1, 2))
    assert torch.equal(taps["state"], state)


@pytest.mark.parametrize("last", [False, True])
def test_short_convolutions(*, last: bool) -> None:
    model = build("lfm2_moe")
    block, module = mixer(model)
    own: Any = module
    read: list[Tensor] = []
    module.get_submodule("out_proj").register_forward_pre_hook(lambda _, args: read.append(args[0]))
    taps, call, found = taps_of(model, IDS, last=last)
    b, gate, x = own.in_proj(call.tensor(call.source)).chunk(3, -1)
    assert torch.allclose(taps["conv_in"], b * x, atol=1e-6)
    assert torch.allclose(taps["gate"], gate, atol=1e-6)
    assert torch.allclose(taps["gate"] * taps["conv_out"], read[-1], atol=1e-6)
    used = linear_map(block, found)
    assert used is not None
    assert (used.v, used.out, used.shared) == ("conv_in", "conv_out", False)


@pytest.mark.parametrize(
    ("name", "v", "shared"),
    [
        ("qwen3_next", "v", True),
        ("kimi_linear", "v", True),
        ("mamba2", "x", True),
        ("minimax", "v", True),
        ("mamba", "v", False),
        ("recurrent_gemma", "v", False),
        ("rwkv", "v", False),
    ],
)
def test_what_goes_linearly_through_a_mixer(name: str, v: str, *, shared: bool) -> None:
    model = build(name)
    block, _ = mixer(model)
    _, _, found = taps_of(model, IDS, last=False)
    used = linear_map(block, found)
    assert used is not None
    assert (used.v, used.out, used.shared) == (v, "recurrence_out", shared)


EVERY = [*DELTA_RULES, *STATE_SPACES, *SCANS, "minimax", "recurrent_gemma", "rwkv", "xlstm", "lfm2_moe"]


@pytest.mark.parametrize("name", EVERY)
def test_what_comes_out_is_linear_in_what_goes_in_where_the_model_itself_runs_on(name: str) -> None:
    model = build(name)
    block, _ = mixer(model)
    _, _, found = taps_of(model, IDS, last=False)
    used = linear_map(block, found)
    assert used is not None
    v, out = f"{block.address}.{used.v}", f"{block.address}.{used.out}"
    with gb.attach(model) as session:
        made = []
        for factor in (0.0, 1.0, 2.0):
            with session.ablated(v, how=gb.Scale(factor)):
                made.append(session.cache(out, prompt=IDS)[out])
    first, second = made[1] - made[0], made[2] - made[1]
    assert first.abs().max() > 0
    assert (first - second).abs().max() < 1e-5 * first.abs().max()
    assert made[0].abs().max() < 1e-5 * made[1].abs().max()  # and nothing comes out where nothing goes in


@pytest.mark.parametrize(
    ("kind", "label"), [(Recurrent, "DeltaNet"), (GatedDelta, "GatedDeltaNet"), (ChannelDelta, "KDA")]
)
def test_delta_rules_of_anyone(kind: type[Any], label: str) -> None:
    torch.manual_seed(0)
    model: Any = Model(kind).eval()
    block = blocks(model, "mixer")[0]
    module = model.get_submodule(block.path)
    call = record(model, [block.path], LONG[:, :7] % 50)[0][block.path]
    taps = seen(call, places(call.graph, call.source, call.output, block))
    stream, heads = call.tensor(call.source), (3, -1)
    assert block.spec is not None
    assert block.spec.label == label
    for tap in "qkv":
        assert torch.allclose(taps[tap], getattr(module, tap)(stream).unflatten(-1, heads), atol=1e-6)
    assert torch.allclose(taps["beta"], module.beta(stream).sigmoid())
    assert torch.allclose(module.out(taps["recurrence_out"].flatten(-2)), call.tensor(call.output), atol=1e-6)
    if "log_decay" in taps:
        expected = functional.logsigmoid(module.fade(stream))
        assert torch.allclose(taps["log_decay"].flatten(2), expected, atol=1e-6)


def test_what_is_scanned_and_made_of_is_not_handed_out_as_one() -> None:
    torch.manual_seed(0)
    model: Any = Model(Selective).eval()
    block = blocks(model, "mixer")[0]
    call = record(model, [block.path], LONG[:, :7] % 50)[0][block.path]
    found = places(call.graph, call.source, call.output, block)
    assert isinstance(found["v"], Missing)
    assert linear_map(block, found) is None
    taps, module = seen(call, found), model.get_submodule(block.path)
    low, b, c = module.parts(taps["x"]).split([6, 5, 5], -1)
    assert torch.allclose(taps["B"], b, atol=1e-6)
    assert torch.allclose(taps["C"], c, atol=1e-6)
    step = functional.softplus(module.step(low))
    assert torch.allclose(taps["log_decay"], step[..., None] * -module.a.exp(), atol=1e-6)


@pytest.mark.parametrize("tap", ["dt", "log_decay", "dt_logit"])
def test_an_edit_of_what_a_kernel_repeats_reaches_every_copy(tap: str) -> None:
    model = build("mamba2")
    block, _ = mixer(model)
    with torch.no_grad():
        first = model(IDS[:, :-1], use_cache=True).cache_params
    change = gb.Scale(2.0)
    with torch.no_grad(), gb.attach(model) as session:
        with session.ablated(f"{block.address}.{tap}", how=change, positions=-1):
            step = model(IDS[:, -1:], cache_params=first, use_cache=True).logits[:, -1]
            whole = model(IDS).logits[:, -1]  # the form in chunks has it once
        untouched = model(IDS).logits[:, -1]
    assert torch.allclose(step, whole, atol=1e-4)
    assert not torch.allclose(whole, untouched, atol=1e-3)
