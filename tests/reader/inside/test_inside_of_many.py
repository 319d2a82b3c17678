"""What holds of the inside of every block, for many types of models: no parameter lost or counted twice, no circle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from transformers import AutoConfig

from glassblock.ir import Architecture, Block, Inside, from_dict, to_dict
from glassblock.reader import read

_MOST = 36
"""Steps of the largest block: sparse attention that indexes what it looks at."""
_SMALL = {"num_hidden_layers": 4}
_GIVEN: dict[str, dict[str, Any]] = {
    "bart": {"architectures": ["BartForConditionalGeneration"]},
    "clip": {},
    "gpt_neo": {},
    "zamba": {},
    "zamba2": {},
    "t5": {"architectures": ["T5ForConditionalGeneration"]},
    "dbrx": {"attn_config": {"rope_theta": 500_000.0, "clip_qkv": 8.0}},
}
KINDS = (
    "albert bamba bart bert biogpt blenderbot bloom clip codegen cohere cohere2 ctrl dbrx deberta-v2"
    " deepseek_v2 deepseek_v3 deepseek_v4 diffllama doge ernie4_5_moe exaone4 falcon falcon_h1 falcon_mamba"
    " fnet gemma gemma2 gemma3_text glm4_moe gpt2 gpt_neo gpt_neox gpt_oss gptj granitemoe helium jamba jetmoe"
    " kimi_linear lfm2 longcat_flash mamba mamba2 minimax mistral mixtral mobilebert modernbert mpt nemotron_h"
    " olmo2 olmoe opt phi phi3 qwen2_moe qwen3 qwen3_moe qwen3_next recurrent_gemma rwkv smollm3 stablelm swin"
    " t5 vit whisper xglm xlm xlnet xlstm zamba zamba2 zaya"
).split()


@cache
def architecture(kind: str) -> Architecture:
    return read(AutoConfig.for_model(kind, **_GIVEN.get(kind, _SMALL)))


def blocks(kind: str) -> Iterator[Block]:
    """Go through the blocks of a model whose work was seen, each group's once."""
    for stack in architecture(kind).stacks:
        for group in stack.groups:
            observed = {branch.block for branch in group.template.branches if branch.source == "observed"}
            yield from (block for block in group.template.blocks if block.address in observed)


def insides(kind: str) -> Iterator[tuple[Block, Inside]]:
    for block in blocks(kind):
        assert block.inside is not None, block.address
        yield block, block.inside


@pytest.mark.parametrize("kind", KINDS)
def test_each_parameter_is_at_one_step(kind: str) -> None:
    for block, inside in insides(kind):
        assert sum(step.params for step in inside.steps) == block.params, block.address


@pytest.mark.parametrize("kind", KINDS)
def test_wires_lead_from_inputs_to_the_output_and_never_back(kind: str) -> None:
    for block, inside in insides(kind):
        steps = inside.steps
        where = block.address
        assert [step.op for step in steps].count("output") == 1, where
        assert steps[-1].op == "output", where
        kinds = [step.op == "input" for step in steps]
        assert kinds == sorted(kinds, reverse=True), f"{where}: inputs come first"
        assert all(wire.source < wire.target for wire in inside.wires), where
        before: dict[int, set[int]] = {}
        for wire in inside.wires:
            before.setdefault(wire.target, set()).add(wire.source)
        reached, queue = {len(steps) - 1}, [len(steps) - 1]
        while queue:
            new = before.get(queue.pop(), set()) - reached
            reached |= new
            queue += new
        assert any(steps[at].name == "input" for at in reached), f"{where}: nothing flows through it"
        for at, step in enumerate(steps):
            assert step.unused == (at not in reached and step.op != "input"), f"{where}: {step.name}"


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_few_have_names_and_carry_each_tap_once(kind: str) -> None:
    for block, inside in insides(kind):
        assert 3 <= len(inside.steps) <= _MOST, block.address
        assert all(step.name for step in inside.steps), block.address
        taps = [tap for step in inside.steps for tap in step.taps]
        assert len(taps) == len(set(taps)), block.address


def test_the_same_model_gives_the_same_insides() -> None:
    assert read(AutoConfig.for_model("jamba")) == read(AutoConfig.for_model("jamba"))


def test_insides_are_saved_and_read_again() -> None:
    original = architecture("deepseek_v3")
    assert from_dict(to_dict(original)) == original
