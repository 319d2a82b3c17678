"""Every kind of intervention does what a hook written by hand does, in prefill, with a cache and in padded batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hands import (
    HEADS,
    IDS,
    NAMES,
    OTHER,
    ByHand,
    by_hand,
    decode,
    of_slice,
    only,
    padded,
    prefill,
    seen_by_hand,
)
from tiny_models import CONFIGS, WIDTH, tiny
from torch import Tensor, nn

import glassblock as gb

FORWARDS = (prefill, decode, padded)
REFERENCE = [IDS[:1, :5], OTHER]
WIDE = torch.linspace(-1, 1, WIDTH)
HEAD = WIDTH // HEADS


def put(values: Tensor, beyond: Tensor | None = None) -> ByHand:
    """Put (1 or batch, positions, channels) in the place of what is there."""

    def edit(x: Tensor, positions: range) -> Tensor:
        rows = []
        for at, position in enumerate(positions):
            if position < values.shape[1]:
                rows.append(values[:, position].expand(x.shape[0], -1))
            else:
                rows.append(x[:, at] if beyond is None else beyond.expand(x.shape[0], -1))
        return torch.stack(rows, 1).to(x.dtype)

    return edit


def means(seen: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the mean at each position and over all tokens, of (1, positions, channels) each."""
    longest = max(x.shape[1] for x in seen)
    rows = [torch.stack([x[0, at] for x in seen if at < x.shape[1]]).double().mean(0) for at in range(longest)]
    return torch.stack(rows).unsqueeze(0).float(), torch.cat([x[0] for x in seen]).double().mean(0).float()


Expected = Callable[[nn.Module, nn.Module, bool], ByHand]
"""Makes the edit by hand, given the model, the module and whether the tensor goes into it."""

REPLACING: dict[str, tuple[Any, Expected]] = {
    "zero": ("zero", lambda *_: lambda x, __: torch.zeros_like(x)),
    "mean": ("mean", lambda *at: put(torch.zeros(1, 0, 1), means(_references(*at))[1])),
    "mean by position": (gb.Mean(by_position=True), lambda *at: put(*means(_references(*at)))),
    "resample": (gb.Resample(prompt=OTHER), lambda model, module, into: put(_seen(model, module, OTHER, into))),
    "another row": (gb.Resample(row=1), lambda *_: lambda x, __: x[1:2].expand_as(x).clone()),
    "freeze": ("freeze", lambda model, module, into: put(_seen(model, module, OTHER, into))),
    "scale": (gb.Scale(-0.5), lambda *_: lambda x, __: -0.5 * x),
}


def _seen(model: nn.Module, module: nn.Module, ids: Tensor, into: bool) -> Tensor:
    return seen_by_hand(model, module, ids, into=into)


def _references(model: nn.Module, module: nn.Module, into: bool) -> list[Tensor]:
    return [_seen(model, module, ids, into) for ids in REFERENCE]


def compare(model: Any, forward: Any, expected: Tensor, *names: str, how: Any, positions: Any = None) -> None:
    """Intervene, and compare with what was expected; restored, everything is as before to the bit."""
    before = forward(model)
    with gb.attach(model, reference=REFERENCE) as session:
        session.run(OTHER)
        session.ablate(*names, how=how, positions=positions)
        torch.testing.assert_close(forward(model), expected, rtol=1e-4, atol=1e-5)
        session.restore()
        assert torch.equal(forward(model), before)
    assert not torch.allclose(expected, before, rtol=1e-4, atol=1e-5), "the edit by hand has to have an effect"


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("kind", REPLACING)
@pytest.mark.parametrize("name", NAMES)
def test_of_a_block(name: str, kind: str, forward: Any) -> None:
    model = tiny(name)
    module = model.get_submodule(NAMES[name].mlp.format(1))
    how, made = REPLACING[kind]
    with by_hand(module, made(model, module, False)):
        expected = forward(model)
    compare(model, forward, expected, "L1.moe" if name == "mixtral" else "L1.mlp", how=how)


@pytest.mark.parametrize("kind", REPLACING)
def test_where_all_tokens_of_a_batch_are_in_one_row(kind: str) -> None:
    """OPT's feed-forward blocks see (batch x tokens, channels): positions and rows are told apart all the same."""
    model = opt()
    module = model.model.decoder.layers[1].fc2
    how, made = REPLACING[kind]

    def flat(edit: ByHand) -> ByHand:
        return lambda x, _: edit(x.reshape(2, 12, -1), range(12)).reshape(x.shape)

    handle = module.register_forward_hook(lambda _, __, out: out.unsqueeze(0))  # for what is seen by hand
    edit = made(model, module, False)
    handle.remove()
    with by_hand(module, flat(only(edit, 3, 8)), prompt=WIDTH):
        expected = prefill(model)
    compare(model, prefill, expected, "L1.mlp", how=how, positions=[3, 8])


def opt() -> Any:
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "word_embed_proj_dim": WIDTH, "ffn_dim": 48, "num_hidden_layers": 2}
    settings = transformers.AutoConfig.for_model("opt", vocab_size=97, num_attention_heads=4, dropout=0.0, **sizes)
    auto: Any = transformers.AutoModelForCausalLM
    model = auto.from_config(settings).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return model


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("kind", REPLACING)
@pytest.mark.parametrize("name", NAMES)
def test_of_a_head_at_two_positions(name: str, kind: str, forward: Any) -> None:
    model = tiny(name)
    module = model.get_submodule(NAMES[name].heads.format(0))
    how, made = REPLACING[kind]
    whole = made(model, module, True)

    def head(x: Tensor, positions: range) -> Tensor:
        return torch.cat((x[..., : 2 * HEAD], whole(x, positions)[..., 2 * HEAD : 3 * HEAD], x[..., 3 * HEAD :]), -1)

    with by_hand(module, only(head, 6, 13), into=True):  # 13 is reached with a cache
        expected = forward(model)
    compare(model, forward, expected, "L0.attn.H2", how=how, positions=[6, 13])


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("name", ["llama", "mixtral", "falcon", "falcon_new"])
def test_key_value_head_is_all_query_heads_that_read_it(name: str, forward: Any) -> None:
    """Zeroing the values of a key/value head by hand, in the projection that makes them."""
    model = tiny(name)
    if name == "falcon":  # one key/value head: its values are the last channels of the fused projection
        module, start = model.transformer.h[0].self_attention.query_key_value, WIDTH + HEAD
        address = "L0.attn.KV0"
    elif name == "falcon_new":  # for each key/value head its queries, its key and its value stand together
        module, start, address = model.transformer.h[0].self_attention.query_key_value, 7 * HEAD, "L0.attn.KV1"
    else:
        module, start, address = model.model.layers[0].self_attn.v_proj, HEAD, "L0.attn.KV1"
    with by_hand(module, of_slice(lambda x, _: torch.zeros_like(x), start, start + HEAD)):
        expected = forward(model)
    compare(model, forward, expected, address, how="zero")


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("name", [name for name, names in NAMES.items() if names.neurons])
def test_neuron_is_a_channel_into_the_down_projection(name: str, forward: Any) -> None:
    model = tiny(name)
    module = model.get_submodule(NAMES[name].neurons.format(1))
    with by_hand(module, only(of_slice(lambda x, _: 3 * x, 17, 18), 2, 3, 4, 14), into=True):
        expected = forward(model)
    compare(model, forward, expected, "L1.mlp.N17", how=gb.Scale(3), positions=[2, 3, 4, 14])


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("address", "place", "vector"),
    [("L0", "layer", WIDE), ("L1.attn", "attention", WIDE), ("L1.attn.H1", "heads", WIDE[:HEAD])],
)
def test_steering_adds_a_vector(name: str, address: str, place: str, vector: Tensor, forward: Any) -> None:
    model = tiny(name)
    layer = int(address[1])
    module = model.get_submodule(getattr(NAMES[name], place).format(layer))
    edit: ByHand = lambda x, _: x + 2.5 * vector  # noqa: E731
    into = place == "heads"
    with by_hand(module, only(of_slice(edit, HEAD, 2 * HEAD) if into else edit, *range(3, 20)), into=into):
        expected = forward(model)
    compare(model, forward, expected, address, how=gb.Add(vector, factor=2.5), positions=slice(3, None))


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("name", NAMES)
def test_skipped_layer_returns_what_it_was_given(name: str, forward: Any) -> None:
    model = tiny(name)
    module = model.get_submodule(NAMES[name].layer.format(1))
    given: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, args: given.append(args[0].clone()))
    with by_hand(module, lambda *_: given[-1]):
        expected = forward(model)
    handle.remove()
    compare(model, forward, expected, "L1", how="skip")
    compare(model, forward, prefill_at(model, module, forward), "L1", how="skip", positions=[0, 5])


def prefill_at(model: Any, module: nn.Module, forward: Any) -> Tensor:
    """Return what comes out with a layer skipped at two positions."""
    given: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, args: given.append(args[0].clone()))
    with by_hand(module, only(lambda *_: given[-1], 0, 5)):
        expected: Tensor = forward(model)
    handle.remove()
    return expected


@pytest.mark.parametrize("name", CONFIGS)
def test_any_layer_of_any_architecture_can_be_skipped(name: str) -> None:
    model = tiny(name)
    with gb.attach(model, inputs=IDS) as session:
        layers = list(session.architecture.layers())
    for layer in layers:
        module = model.get_submodule(layer.path)
        given: list[Tensor] = []
        keep = module.register_forward_pre_hook(lambda _, args, given=given: given.append(args[0].clone()))
        with by_hand(module, lambda *_, given=given: given[-1]):
            expected = prefill(model)
        keep.remove()
        with gb.attach(model, inputs=IDS) as session:
            session.ablate(layer.address, how="skip")
            torch.testing.assert_close(prefill(model), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("forward", [prefill, decode])
@pytest.mark.parametrize("name", ["gpt2", "llama", "falcon", "olmo2"])
def test_layer_is_all_of_its_blocks(name: str, forward: Any) -> None:
    model = tiny(name)
    names = NAMES[name]
    blocks = [model.get_submodule(path.format(1)) for path in (names.mlp, names.attention)]
    with by_hand(blocks[0], lambda x, _: 0.3 * x), by_hand(blocks[1], lambda x, _: 0.3 * x):
        expected = forward(model)
    compare(model, forward, expected, "L1", how=gb.Scale(0.3))
