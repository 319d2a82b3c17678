"""Where taps are inside feed-forward blocks and mixtures: against what their modules get and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from calls import blocks, decoded, record, seen
from tiny_models import VOCABULARY, tiny
from torch import Tensor, nn

from glassblock.reader.branches.place import Missing
from glassblock.reader.insides import places
from glassblock.reader.tracing.watch import Watched

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"num_key_value_heads": 2, "head_dim": 8}
MORE: dict[str, Any] = {
    "phi3": {**SIZES, "pad_token_id": 0},
    "bloom": {"hidden_size": 32, "n_head": 4, "n_layer": 2},
    "qwen2_moe": {
        **SIZES,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 40,
    },
    "llama4_text": {**SIZES, "num_local_experts": 4, "intermediate_size_mlp": 40},
}


def build(name: str) -> nn.Module:
    if name not in MORE:
        built: nn.Module = tiny(name)
        return built
    torch.manual_seed(0)
    auto: Any = transformers.AutoModelForCausalLM
    settings = transformers.AutoConfig.for_model(name, vocab_size=VOCABULARY, **MORE[name])
    model: nn.Module = auto.from_config(settings).eval()
    return model


def recorded(model: nn.Module, role: str, *, last: bool = False) -> tuple[Any, Watched, str]:
    block = blocks(model, role)[-1]
    call = (decoded(model, [block.path], IDS) if last else record(model, [block.path], IDS)[0])[block.path]
    return places(call.graph, call.source, call.output, block), call, block.path


def kept(model: nn.Module, **watch: str) -> dict[str, Tensor]:
    """Keep what modules return, or what they are given where the name begins with ``into_``."""
    found: dict[str, Tensor] = {}
    for name, path in watch.items():
        module = model.get_submodule(path)
        if name.startswith("into_"):
            module.register_forward_pre_hook(lambda _, args, name=name: found.update({name: args[0]}))
        else:
            module.register_forward_hook(lambda _, __, out, name=name: found.update({name: out}))
    return found


def _half(at: int) -> Callable[[Tensor], Tensor]:
    return lambda made: made.chunk(2, -1)[at]


def _whole(made: Tensor) -> Tensor:
    return made


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("name", "up", "down", "pre", "linear"),
    [
        ("gpt2", "c_fc", "c_proj", _whole, None),
        ("gpt_neox", "dense_h_to_4h", "dense_4h_to_h", _whole, None),
        ("bloom", "dense_h_to_4h", "dense_4h_to_h", _whole, None),
        ("phi3", "gate_up_proj", "down_proj", _half(0), _half(1)),
        ("llama", "gate_proj", "down_proj", _whole, None),
        ("gemma2", "gate_proj", "down_proj", _whole, None),
    ],
)
def test_what_the_function_gets_and_the_projection_down(
    name: str, up: str, down: str, pre: Any, linear: Any, *, last: bool
) -> None:
    model = build(name)
    path = blocks(model, "mlp")[-1].path
    modules = kept(model, up=f"{path}.{up}", into_down=f"{path}.{down}")
    gated = {} if not hasattr(model.get_submodule(path), "up_proj") else kept(model, linear=f"{path}.up_proj")
    found, call, _ = recorded(model, "mlp", last=last)
    taps = seen(call, found)
    assert torch.equal(taps["pre"], pre(modules["up"]))
    assert torch.equal(taps["post"], modules["into_down"])
    assert taps["pre"].shape == (2, 1 if last else 12, taps["post"].shape[-1])
    expected = gated.get("linear") if linear is None else linear(modules["up"])
    assert ("pre_linear" in taps) == (expected is not None)
    if expected is not None:
        assert torch.equal(taps["pre_linear"], expected)


class Glu(nn.Module):
    """A gated unit as torch has it."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 20), nn.Linear(10, 8)

    def forward(self, stream: Tensor) -> Tensor:
        """Gate the first half by the second."""
        result: Tensor = self.down(nn.functional.glu(self.up(stream)))
        return result


def test_the_second_half_of_a_glu_goes_into_the_function() -> None:
    from glassblock.reader.feedforward.places import feed_forward_places

    model = nn.Sequential(Glu()).eval()
    call = record(model, ["0"], torch.randn(2, 5, 8))[0]["0"]
    taps = seen(call, feed_forward_places(call.graph, call.source, call.output))
    linear, pre = model[0].up(call.tensor(call.source)).chunk(2, -1)
    assert torch.equal(taps["pre"], pre)
    assert torch.equal(taps["pre_linear"], linear)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", ["mixtral", "qwen3_next", "qwen2_moe", "gpt_oss"])
def test_the_router_of_a_mixture(name: str, *, last: bool) -> None:
    model = build(name)
    path = blocks(model, "moe")[-1].path
    router = "router" if name == "gpt_oss" else "gate"
    modules: dict[str, Any] = kept(model, routed=f"{path}.{router}", into_experts=f"{path}.experts")
    found, call, _ = recorded(model, "moe", last=last)
    taps = seen(call, found)
    logits, weights, indices = modules["routed"]
    assert torch.allclose(taps["router_logits"], logits)
    assert torch.equal(taps["weights"], weights)
    assert torch.equal(taps["indices"], indices)
    assert torch.equal(taps["expert_in"], modules["into_experts"])
    assert taps["indices"].shape == taps["weights"].shape == (2 if last else 24, 2)


@pytest.mark.parametrize("name", ["qwen3_next", "qwen2_moe"])
def test_the_gate_of_a_shared_expert(name: str) -> None:
    model = build(name)
    path = blocks(model, "moe")[-1].path
    modules = kept(model, gate=f"{path}.shared_expert_gate")
    found, call, _ = recorded(model, "moe")
    assert torch.equal(seen(call, found)["shared_gate"], modules["gate"])


def test_weights_that_are_spread_over_all_experts_are_said_to_be_missing() -> None:
    found, call, path = recorded(build("llama4_text"), "moe")
    assert isinstance(found["weights"], Missing)
    assert isinstance(found["expert_in"], Missing)
    assert seen(call, found)["indices"].shape == (24, 1), path
