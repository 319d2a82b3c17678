"""A model that has its tokens before the texts: what is at a position, by hand, and what frames say of it."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import glassblock as gb
from glassblock.live import Kind, Session

torch.manual_seed(0)
BATCH = torch.randint(1, 99, (2, 7))
REFERENCE = [torch.randint(1, 99, (3, 7)), torch.randint(1, 99, (3, 5))]
PADDED = {"input_ids": REFERENCE[0], "attention_mask": torch.ones(3, 7)}
PADDED["attention_mask"][0, :3] = 0


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(
        "xlnet", vocab_size=99, d_model=32, n_layer=2, n_head=4, d_inner=48, dropout=0.0, initializer_range=1.0
    )
    return transformers.AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture
def attached(model: Any) -> Iterator[Session]:
    with gb.attach(model, reference=[*REFERENCE, PADDED]) as session:
        yield session


def seen(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Return what the first feed-forward puts out, (batch, tokens, channels), by a hook of the test's own."""
    kept: list[Tensor] = []
    handle = model.transformer.layer[0].ff.layer_2.register_forward_hook(lambda *call: kept.append(call[-1]))
    with torch.no_grad():
        model(**inputs)
    handle.remove()
    return kept[0].transpose(0, 1)


def with_other(model: Any, other: Tensor) -> Tensor:
    """Return the logits with something else, (batch, tokens, channels), in the place of that."""
    handle = model.transformer.layer[0].ff.layer_2.register_forward_hook(lambda *_: other.transpose(0, 1))
    with torch.no_grad():
        logits: Tensor = model(BATCH).logits
    handle.remove()
    return logits


def by_hand(model: Any, kind: Kind) -> Tensor:
    own = seen(model, {"input_ids": BATCH})
    if isinstance(kind, gb.Freeze):
        return own
    if isinstance(kind, gb.Resample):
        other = seen(model, {"input_ids": torch.tensor([[3, 4, 5]])})
        return torch.cat((other.expand(2, -1, -1), own[:, 3:]), 1)
    values = [seen(model, {"input_ids": ids}) for ids in REFERENCE] + [seen(model, PADDED)]
    real = [torch.ones(3, 7), torch.ones(3, 5), PADDED["attention_mask"]]
    sums = sum(torch.nn.functional.pad((x * m[..., None]).sum(0), (0, 0, 0, 7 - x.shape[1]))
               for x, m in zip(values, real, strict=True))  # fmt: skip
    counts = sum(torch.nn.functional.pad(m.sum(0), (0, 7 - m.shape[1])) for m in real)
    assert isinstance(sums, Tensor)
    assert isinstance(counts, Tensor)
    mean = sums / counts[:, None] if kind == gb.Mean(by_position=True) else (sums.sum(0) / counts.sum()).expand(7, -1)
    return mean.expand(2, -1, -1)


@pytest.mark.parametrize("kind", [gb.Mean(), gb.Mean(by_position=True), gb.Freeze(), gb.Resample(prompt=[3, 4, 5])])
def test_kinds_act_at_positions(model: Any, attached: Session, kind: Kind) -> None:
    expected = with_other(model, by_hand(model, kind))  # before anything is ablated
    attached.run(BATCH)
    attached.ablate("L0.mlp", how=kind)
    logits = attached.run(BATCH).logits
    assert logits is not None
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=1e-4)


def test_frames_have_texts_before_tokens(model: Any, attached: Session) -> None:
    (frame,) = attached.run(BATCH).frames
    norms = seen(model, {"input_ids": BATCH}).norm(dim=-1)
    torch.testing.assert_close(torch.tensor(frame.norm("L0.mlp")), norms)
    assert frame.positions == 7
    (one,) = attached.run(BATCH[:1]).frames
    assert one.stats.shape[1:3] == (1, 7)


def test_streams_before_texts_are_not_taken_for_tokens() -> None:
    """Gemma 3n has four streams side by side, (streams, batch, tokens, channels): of four tokens sizes tell nothing."""
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
    }
    config = transformers.AutoConfig.for_model(
        "gemma3n_text", **sizes, vocab_size=99, vocab_size_per_layer_input=99, hidden_size_per_layer_input=8,
        num_hidden_layers=2, laurel_rank=4, num_kv_shared_layers=0, layer_types=["full_attention"] * 2,
        activation_sparsity_pattern=[0.0] * 2, pad_token_id=0,
    )  # fmt: skip
    model: Any = transformers.AutoModelForCausalLM.from_config(config).eval()
    kept: list[Tensor] = []
    handle = model.model.layers[0].register_forward_hook(lambda *call: kept.append(call[-1]))
    with gb.attach(model) as session:
        for tokens in (4, 6):
            (frame,) = session.run(torch.arange(1, tokens + 1)).frames
            assert kept[-1].shape == (4, 1, tokens, 32)
            torch.testing.assert_close(torch.tensor(frame.norm("L0")), kept[-1].norm(dim=-1)[:, 0])
    handle.remove()
