"""A live model is read without being touched."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from tiny_models import logits, tiny
from torch import nn
from transformers import LlavaConfig, LlavaForConditionalGeneration

from glassblock.errors import ModelError
from glassblock.reader import read_model
from glassblock.reader.tracing.twin import twin


def state_of(model: nn.Module) -> list[Any]:
    """Everything about a model that reading it must leave as it was."""
    tensors = [*model.named_parameters(remove_duplicate=False), *model.named_buffers()]
    return [
        [(name, id(t), t.data_ptr(), t._version, t.device, t.dtype, t.requires_grad) for name, t in tensors],
        [(name, id(m), m.training, sorted(vars(m))) for name, m in model.named_modules()],
        [{key: list(value.items()) for key, value in vars(m).items() if "hooks" in key} for m in model.modules()],
    ]


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "mixtral", "qwen3_next", "mamba2", "plain"])
def test_nothing_of_the_model_changes(name: str) -> None:
    model = tiny(name).train()
    model.register_forward_hook(lambda *_: None)
    before, clean = state_of(model), logits(model.eval())
    model.train()
    generator = torch.get_rng_state()
    read_model(model)
    assert state_of(model) == before
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.equal(logits(model.eval()), clean)


def test_the_configuration_keeps_its_attention_implementation() -> None:
    model = tiny("llama")
    before = model.config.to_dict()
    read_model(model)
    assert model.config.to_dict() == before
    assert model.config._attn_implementation == "sdpa"


def test_training_mode_reads_as_evaluation_mode_does() -> None:
    model = tiny("gpt2")
    assert read_model(model.train()).stacks == read_model(model.eval()).stacks


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_precision(dtype: torch.dtype) -> None:
    assert read_model(tiny("llama").to(dtype)).stacks == read_model(tiny("llama")).stacks


def test_weights_may_be_on_the_meta_device() -> None:
    assert read_model(tiny("llama").to("meta")).stacks == read_model(tiny("llama")).stacks


def test_hooks_do_not_run_and_what_they_hold_is_not_copied() -> None:
    model = tiny("llama")
    ran: list[str] = []

    class Holder:
        def __init__(self) -> None:
            self.lock = threading.Lock()  # cannot be copied

        def hook(self, *_: Any) -> None:
            ran.append("hook")

    model.model.layers[0].register_forward_hook(Holder().hook)
    model.session = Holder()
    read_model(model)
    assert ran == []


def test_what_accelerate_puts_around_a_forward_is_left_out() -> None:
    model = tiny("llama")
    layer = model.model.layers[1]
    layer._hf_hook, layer._old_forward = object(), layer.forward

    def offloaded(*_: Any, **__: Any) -> None:
        raise AssertionError("the hook of a live model ran")

    layer.forward = offloaded
    assert read_model(model).stacks == read_model(tiny("llama")).stacks
    assert layer.forward is offloaded


def test_a_model_that_ran_before_reads_as_it_did() -> None:
    # transformers puts hooks on a model when hidden states are first asked for, and notes on it that they are there;
    # LLaVA asks its vision tower for them
    vision: dict[str, Any] = {"image_size": 16, "patch_size": 8, "hidden_size": 32, "intermediate_size": 48}
    text: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "vocab_size": 99}
    small: dict[str, Any] = {"num_attention_heads": 4, "num_hidden_layers": 3}
    vision |= small | {"model_type": "clip_vision_model"}
    text |= small | {"model_type": "llama"}
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=98, vision_feature_layer=-2)
    model = LlavaForConditionalGeneration(config).eval()
    before = read_model(model)
    tokens = torch.tensor([[1, 98, 98, 98, 98, 2]])
    model(input_ids=tokens, pixel_values=torch.zeros(1, 3, 16, 16))
    assert read_model(model) == before
    assert before.trace.rung == "meta"
    assert before.edges[0].leaves == (1,)


def test_a_twin_has_no_memory_and_keeps_ties() -> None:
    model = tiny("gpt2")
    copy: Any = twin(model)
    assert {p.device.type for p in copy.parameters()} == {"meta"}
    assert copy.lm_head.weight is copy.transformer.wte.weight
    assert not any(module.training for module in copy.modules())


def test_a_compiled_model_is_told_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"got a compiled one .* `model\._orig_mod`"):
        read_model(torch.compile(tiny("plain")))  # type: ignore[arg-type]
