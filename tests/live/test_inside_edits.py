"""What is edited inside of a block, against weight surgery, eager attention with another mask, and plain hooks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from tiny_models import VOCABULARY, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import InterventionError
from glassblock.live.inside import Inside
from glassblock.live.inside.standin import StandIn
from glassblock.reader.api import read_model

IDS = torch.randint(3, VOCABULARY, (2, 12), generator=torch.Generator().manual_seed(0))
ROTARY = ["llama", "gemma2", "olmo2", "mixtral", "qwen3_next", "gpt_oss"]


@contextmanager
def edited(
    model: nn.Module, role: str, tap: str, *changes: Callable[[Tensor], Tensor], every: bool = False
) -> Iterator[None]:
    """Edit a tap of the last block of a role, or of each of them."""
    architecture = read_model(model)
    blocks = [block.address for block in architecture.blocks() if block.role == role]
    edits = {address: {tap: changes} for address in (blocks if every else blocks[-1:])}
    inside = Inside(model, architecture, lambda block: edits.get(block, {}), lambda _: 0)
    inside.reach(edits)
    try:
        yield
    finally:
        inside.detach()


def logits(model: nn.Module) -> Tensor:
    """Return the logits of the ids."""
    with torch.no_grad():
        every: Tensor = model(IDS).logits
    return every


@pytest.mark.parametrize("name", [*ROTARY, "gpt2", "falcon", "gpt_neox", "cohere", "jamba"])
@pytest.mark.parametrize("tap", ["q_rot", "k_rot", "v", "z"])
def test_an_edit_that_changes_nothing_changes_no_bit(name: str, tap: str) -> None:
    model = tiny(name)
    before = logits(model)
    with edited(model, "attention", tap, lambda x: x.clone()):
        assert torch.equal(logits(model), before)
    assert torch.equal(logits(model), before)
    assert not any("forward" in vars(module) for module in model.modules())


@pytest.mark.parametrize("name", ROTARY)
def test_values_without_a_head_are_those_of_a_projection_without_it(name: str) -> None:
    model = tiny(name)
    cut = copy.deepcopy(model)
    attention = [module for module in cut.modules() if hasattr(module, "v_proj")][-1]
    channels = attention.head_dim
    with torch.no_grad():
        for parameter in attention.v_proj.parameters():
            parameter[channels : 2 * channels] = 0

    def without(v: Tensor) -> Tensor:
        return v.index_fill(2, torch.tensor(1), 0)

    with edited(model, "attention", "v", without):
        assert torch.equal(logits(model), logits(cut))


@pytest.mark.parametrize("name", ROTARY)
def test_queries_of_twice_the_size_are_those_of_a_projection_of_twice_the_size(name: str) -> None:
    model = tiny(name)
    twice = copy.deepcopy(model)
    attention = [module for module in twice.modules() if hasattr(module, "v_proj")][-1]
    if hasattr(attention, "q_norm"):
        with torch.no_grad():
            shift = 1 if "Qwen3Next" in type(attention.q_norm).__name__ else 0  # it multiplies by 1 + weight
            attention.q_norm.weight.add_(shift).mul_(2).sub_(shift)
    else:
        with torch.no_grad():
            for parameter in attention.q_proj.parameters():
                parameter.mul_(2)
    with edited(model, "attention", "q_rot", lambda q: q * 2):
        assert torch.allclose(logits(model), logits(twice), atol=1e-6)


@pytest.mark.parametrize("name", ["llama", "olmo2", "mixtral", "gemma2", "gpt_oss"])
def test_scores_that_are_cut_are_a_mask(name: str) -> None:
    """Cutting every edge from a token, in all layers, is the same as masking it."""
    model = tiny(name)
    mask = torch.ones_like(IDS)
    mask[:, 3] = 0
    positions = torch.arange(IDS.shape[1]).expand_as(IDS)
    with torch.no_grad():
        expected = model(IDS, attention_mask=mask, position_ids=positions).logits

    def cut(scores: Tensor) -> Tensor:
        return scores.index_fill(-1, torch.tensor(3), float("-inf"))

    with edited(model, "attention", "scores", cut, every=True):
        found = logits(model)
    seen = torch.arange(IDS.shape[1]) != 3
    assert torch.allclose(found[:, seen], expected[:, seen], atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "mixtral", "qwen3_next"])
def test_values_of_cached_tokens_are_edited_once(name: str) -> None:
    """Generation under an edit is what one pass over all tokens under the same edit says, token by token."""
    model = tiny(name)
    with edited(model, "attention", "v", lambda v: v * 0.5):
        out = model.generate(
            IDS[:1], max_new_tokens=6, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
        with torch.no_grad():
            whole = model(out.sequences).logits
    for step, each in enumerate(out.logits):
        assert torch.allclose(each, whole[:, IDS.shape[1] - 1 + step], atol=1e-5)


def test_gradients_flow_through_an_edit() -> None:
    model = tiny("llama")
    factor = torch.tensor(1.0, requires_grad=True)
    with edited(model, "attention", "z", lambda z: z * factor):
        model(IDS).logits.sum().backward()
    assert factor.grad is not None
    assert factor.grad.abs() > 0


def test_an_edit_of_what_is_not_there_is_refused_and_the_model_unharmed() -> None:
    model = tiny("llama")
    before = logits(model)
    with (
        edited(model, "attention", "gate", lambda x: x),
        pytest.raises(InterventionError, match="gate cannot be edited"),
    ):
        logits(model)
    assert torch.equal(logits(model), before)


def test_an_edit_of_another_shape_is_refused() -> None:
    model = tiny("llama")
    with edited(model, "attention", "z", lambda x: x[:1]), pytest.raises(Exception, match="to keep the shape"):
        logits(model)


def test_a_copy_of_the_model_is_free() -> None:
    model = tiny("llama")
    before = logits(model)
    with edited(model, "attention", "z", torch.zeros_like):
        twin = copy.deepcopy(model)
        assert not torch.equal(logits(model), before)
        assert torch.equal(logits(twin), before)
        with torch.no_grad():
            twin.model.layers[1].self_attn.o_proj.weight.zero_()
        assert not torch.equal(logits(twin), before)  # the copy runs its own weights


def test_what_was_there_before_is_put_back() -> None:
    module = nn.Linear(2, 2)
    own = module.forward
    first = StandIn(module, lambda forward, arguments: forward(*arguments[0]) + 1)
    second = StandIn(module, lambda forward, arguments: forward(*arguments[0]) + 1)
    x = torch.ones(1, 2)
    assert torch.equal(module(x), own(x) + 2)
    first.remove()
    assert torch.equal(module(x), own(x) + 1)
    second.remove()
    assert torch.equal(module(x), own(x))
    assert "forward" not in vars(module)
    vars(module)["forward"] = own
    StandIn(module, lambda forward, arguments: forward(*arguments[0]) + 1).remove()
    assert vars(module)["forward"] is own


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3_next", "gpt_neox", "falcon"])
@pytest.mark.parametrize("tap", ["q_input", "v_input"])
def test_an_input_of_one_head_is_projected_with_the_same_weights(name: str, tap: str) -> None:
    """Another input for every head alike is another input of the whole module, of which that head's part is taken."""
    model = tiny(name)
    block = [block for block in read_model(model).blocks() if block.role == "attention"][-1]
    made = {"q_input": "q", "v_input": "v"}[tap]

    def doubled(x: Tensor) -> Tensor:
        return torch.cat((x[:, :, :1] * 2, x[:, :, 1:]), 2)

    def values(change: Callable[[Tensor], Tensor] | None) -> Tensor:
        inside = Inside(model, read_model(model), lambda _: {tap: [change]} if change else {}, lambda _: 0)
        with inside.reading({block.address: {made}}) as found:
            logits(model)
        inside.detach()
        return found.tensors[block.address, made]

    clean, edited_head, every = values(None), values(doubled), values(lambda x: x * 2)
    assert torch.equal(edited_head[:, :, 1:], clean[:, :, 1:])
    assert torch.allclose(edited_head[:, :, 0], every[:, :, 0], atol=1e-6)
    assert not torch.allclose(edited_head[:, :, 0], clean[:, :, 0])


def test_all_inputs_twice_as_large_are_a_module_that_is_given_twice_as_much() -> None:
    model = tiny("llama")
    twice = copy.deepcopy(model)
    attention = twice.model.layers[-1].self_attn
    with torch.no_grad():
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            projection.weight.mul_(2)
    architecture = read_model(model)
    block = [block for block in architecture.blocks() if block.role == "attention"][-1]
    edits = {block.address: {tap: [lambda x: x * 2] for tap in ("q_input", "k_input", "v_input")}}
    inside = Inside(model, architecture, lambda block: edits.get(block, {}), lambda _: 0)
    inside.reach(edits)
    assert torch.allclose(logits(model), logits(twice), atol=1e-6)
    inside.detach()


def test_inputs_of_heads_are_edited_by_name_also_while_decoding() -> None:
    model, cut = tiny("llama"), tiny("llama")
    with torch.no_grad():
        cut.model.layers[1].self_attn.v_proj.weight.zero_()
    with gb.attach(model) as session:
        session.ablate("L1.attn.v_input")
        ids = model.generate(IDS, max_new_tokens=4, do_sample=False)
    assert torch.equal(ids, cut.generate(IDS, max_new_tokens=4, do_sample=False))


@pytest.mark.parametrize(("tap", "at"), [("k_rot", 2), ("v", 3)])
def test_keys_and_values_that_are_kept_once_for_each_query_are_edited_for_all_of_them(tap: str, at: int) -> None:
    """Falcon's new architecture repeats them before its cache; in each group it makes two queries, a key, a value."""
    model = tiny("falcon_new")
    other = copy.deepcopy(model)
    projection = other.transformer.h[-1].self_attention.query_key_value
    with torch.no_grad():
        projection.weight.view(2, 4, 8, -1)[1, at] *= 3

    def tripled(x: Tensor) -> Tensor:
        assert x.shape[2] == 2
        return x * torch.tensor([1.0, 3.0])[:, None]

    def last(of: nn.Module) -> Tensor:
        with torch.no_grad():
            start = of(IDS[:, :-1], use_cache=True)
            step: Tensor = of(IDS[:, -1:], past_key_values=start.past_key_values).logits
        return step

    with edited(model, "attention", tap, tripled):
        assert torch.allclose(logits(model), logits(other), atol=1e-5)
        assert torch.allclose(last(model), last(other), atol=1e-5)
    assert not torch.allclose(logits(model), logits(other), atol=1e-5)


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradients_under_an_edit_are_the_same_with_checkpoints(reentrant: bool) -> None:
    """The first forward is rehearsed, the one that runs again is not: torch compares what both save."""
    plain, model = tiny("llama").train(), tiny("llama").train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": reentrant})
    for each in (plain, model):
        with gb.attach(each) as session:
            session.ablate("L1.attn.q", how=gb.Scale(2))
            session.ablate("L0.attn", how=gb.Cut([0], [-1]))
            session.ablate("L0.mlp", how=gb.Scale(0.5))
            each(IDS, labels=IDS).loss.backward()
    for expected, found in zip(plain.parameters(), model.parameters(), strict=True):
        assert expected.grad is not None
        assert found.grad is not None
        assert torch.allclose(found.grad, expected.grad, atol=1e-7)


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradients_go_past_a_skipped_layer_also_with_checkpoints(reentrant: bool) -> None:
    plain, model = tiny("llama").train(), tiny("llama").train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": reentrant})
    plain.model.layers[1].register_forward_hook(lambda _, args, __: args[0])
    plain(IDS, labels=IDS).loss.backward()
    with gb.attach(model) as session:
        session.ablate("L1", how="skip")
        model(IDS, labels=IDS).loss.backward()
    for expected, found in zip(plain.parameters(), model.parameters(), strict=True):
        if expected.grad is not None:
            assert found.grad is not None
            assert torch.allclose(found.grad, expected.grad, atol=1e-7)


@pytest.mark.parametrize("tap", ["attn.q", "attn.q_rot", "attn.v", "attn.scores", "attn.pattern", "attn.z", "mlp.post"])
@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_what_is_read_is_what_goes_on(name: str, tap: str) -> None:
    """Of a tap that is edited the edited values: here twice what they are without the edit."""
    with gb.attach(tiny(name)) as session:
        before = session.cache(f"L0.{tap}", prompt=IDS)[f"L0.{tap}"]
        session.ablate(f"L0.{tap}", how=gb.Scale(2))
        after = session.cache(f"L0.{tap}", prompt=IDS)[f"L0.{tap}"]
    seen = before.isfinite() & (before > torch.finfo(before.dtype).min / 2)  # what is masked stays so
    assert torch.allclose(after[seen], 2 * before[seen], atol=1e-6)
