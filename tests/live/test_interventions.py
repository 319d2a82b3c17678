"""Sets of interventions: how they compose, what contradicts, what is refused, what history and sentences say."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import PROMPT
from hands import IDS, OTHER, by_hand, call, decode, prefill
from kinds import Attention, Model
from tiny_models import WIDTH, tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import AddressError, InterventionError, TapError
from glassblock.live import Run, Session
from glassblock.live.kinds import PLAIN, Kind, table
from glassblock.live.naming import taps_on

DOCS = Path(__file__).resolve().parents[2] / "docs" / "interventions.md"


def logits_of(run: Run) -> Tensor:
    assert run.logits is not None
    return run.logits


def strings(session: Session) -> list[str]:
    return [str(item) for item in session.interventions]


# ---- composition


def test_a_kind_takes_the_place_of_all_that_is_done_to_an_address_in_one_step(session: Session) -> None:
    session.run(PROMPT)
    session.ablate("L1.mlp", how=gb.Scale(0.5))
    session.ablate("L1.mlp", how="zero", positions=[2, 3])
    session.ablate("L1.mlp", "L0.attn.H1")
    steps = len(session.history.steps)
    session.change("L1.mlp", how="noise")
    assert strings(session) == ["noise L1.mlp", "noise L1.mlp at positions 2 and 3", "zero L0.attn.H1"]
    assert len(session.history.steps) == steps + 1
    assert session.history.steps[-1].python == 'session.change("L1.mlp", how="noise")'
    changed = logits_of(session.run())
    session.restore()
    session.ablate("L1.mlp", how="noise")
    session.ablate("L1.mlp", how="noise", positions=[2, 3])
    session.ablate("L0.attn.H1")
    assert torch.equal(logits_of(session.run()), changed)
    for _ in range(5):  # the three ablations, the restoration, and the change itself
        session.undo()
    assert strings(session) == ["scale L1.mlp", "zero L1.mlp at positions 2 and 3", "zero L1.mlp", "zero L0.attn.H1"]


def test_what_is_not_ablated_yet_is_ablated_by_a_change_and_a_kind_that_is_not_for_it_changes_nothing(
    session: Session,
) -> None:
    session.ablate("L1.mlp")
    session.change("L0.mlp", "L1.mlp", how="mean")
    assert strings(session) == ["mean L1.mlp", "mean L0.mlp"]
    with pytest.raises(InterventionError, match="skip"):
        session.change("L1.mlp", how="skip")
    assert strings(session) == ["mean L1.mlp", "mean L0.mlp"]


def test_what_changes_a_value_composes_in_order(session: Session) -> None:
    model: Any = session.model
    vector = torch.linspace(-1, 1, 128)
    ids = session.tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    with by_hand(model.transformer.h[1].mlp, lambda x, _: 2 * (x * 0.5 + vector), prompt=15):
        expected = call(model, ids)
    session.ablate("L1.mlp", how=gb.Scale(0.5))
    session.ablate("L1.mlp", how=gb.Add(vector))
    session.ablate("L1.mlp", how=gb.Scale(2))
    torch.testing.assert_close(logits_of(session.run(PROMPT)), expected, rtol=1e-5, atol=1e-5)


def test_what_replaces_a_value_is_replaced_in_its_place(session: Session) -> None:
    session.ablate("L1.mlp")
    session.ablate("L1.mlp", how=gb.Scale(2))
    session.ablate("L1.mlp", how="mean")
    assert strings(session) == ["mean L1.mlp", "scale L1.mlp"]
    session.ablate("L1.mlp", positions=[3])
    session.ablate("L1.mlp", how=gb.Resample(prompt="3 + 4 ="), positions=[3])
    session.ablate("L1.mlp", positions=[4])
    assert strings(session)[2:] == ["resample L1.mlp at position 3", "zero L1.mlp at position 4"]
    session.ablate("L1.mlp", positions=[4])
    assert len(session.history.steps) == 6, "what is so already is no step"
    session.restore("L1.mlp")
    assert strings(session) == []


def test_positions_beside_each_other_are_those_together() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        together = logits_of(_ran(session, [2, 7]))
        session.restore()
        session.ablate("L0.mlp", positions=2)
        session.ablate("L0.mlp", positions=slice(7, 8))
        assert torch.equal(logits_of(session.run(IDS)), together)


def _ran(session: Session, positions: Any) -> Run:
    session.ablate("L0.mlp", positions=positions)
    return session.run(IDS)


class InOneRow(Attention):
    """Attention that puts all tokens of a batch in one row before the output projection, as vision towers do."""

    def forward(self, stream: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.into(stream).chunk(3, -1))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(-1, stream.shape[-1])).view_as(stream)
        return result


@pytest.mark.parametrize("positions", [None, [2, 7]])
def test_heads_of_an_attention_that_puts_all_tokens_in_one_row(positions: list[int] | None) -> None:
    torch.manual_seed(0)
    model, ids = Model(InOneRow).eval(), IDS % 50
    at = torch.arange(ids.numel()) % ids.shape[1]
    rows = torch.ones_like(at, dtype=torch.bool) if positions is None else torch.isin(at, torch.tensor(positions))

    def without(_: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        z = args[0].clone()
        z[rows, z.shape[-1] // 2 :] = 0  # the second of two heads
        return (z,)

    handle = model.layers[0].mixer.out.register_forward_pre_hook(without)
    with torch.no_grad():
        expected = model(ids)
    handle.remove()
    with gb.attach(model, inputs=ids) as session, torch.no_grad():
        session.ablate("L0.attn.H1", positions=positions)
        torch.testing.assert_close(model(ids), expected)


def test_negative_positions_count_from_the_end_of_what_a_pass_sees() -> None:
    model = tiny("gpt2")
    with by_hand(model.transformer.h[0].mlp, lambda x, _: torch.cat((x[:, :-1], 0 * x[:, -1:]), 1)):
        expected = decode(model)
    with gb.attach(model) as session:
        session.ablate("L0.mlp", positions=-1)
        torch.testing.assert_close(decode(model), expected, rtol=1e-5, atol=1e-5)


def test_positions_of_what_a_cache_holds_for_all_keys() -> None:
    """The oracle is the same text in one go."""
    model = tiny("deepseek_v3")
    with gb.attach(model) as session, torch.no_grad():
        session.run(IDS[:1])
        session.ablate("L1.attn.kv_latent", how=gb.Scale(0.5), positions=[1])
        expected = model(IDS[:1], use_cache=False).logits[:, -1]
        cache = model(IDS[:1, :-1], use_cache=True).past_key_values
        torch.testing.assert_close(model(IDS[:1, -1:], past_key_values=cache).logits[:, -1], expected)


def test_positions_may_be_given_in_every_way(session: Session) -> None:
    for given, words in (
        (3, "position 3"),
        ([3, 5, 3], "positions 3 and 5"),
        (torch.tensor([1, 2, 4]), "positions 1, 2 and 4"),
        (range(2), "positions 0 and 1"),
        (slice(2, None), "positions 2 to the end"),
        (slice(0, 6, 2), "positions 0 to 5, in steps of 2"),
    ):
        session.ablate("L0.mlp", positions=given)
        assert strings(session) == [f"zero L0.mlp at {words}"]
        session.restore()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("L1", "skip"), ("L1.moe", "zero")),
        (("L1.attn.H0", gb.Scale(2)), ("L1", "skip")),
        (("L1", gb.Scale(2)), ("L1", "skip")),
        (("L1", "skip"), ("L1.attn.q", "zero")),
        (("L1.moe.E0", gb.Zero(renormalise=True)), ("L1.moe.E0", "zero")),
        (("L1.moe.E0", "zero"), ("L1.moe.E0", gb.Zero(renormalise=True))),
        (("L1.moe.E0", gb.Scale(2)), ("L1.moe.E0", gb.Zero(renormalise=True))),
    ],
)
def test_contradictions_are_refused_and_what_was_stays(first: tuple[str, Any], second: tuple[str, Any]) -> None:
    with gb.attach(tiny("mixtral")) as session:
        session.ablate(first[0], how=first[1])
        before = logits_of(session.run(IDS))
        with pytest.raises(InterventionError, match=r"expected interventions that agree.*session\.restore\(\"L1"):
            session.ablate(second[0], how=second[1])
        with (
            pytest.raises(InterventionError, match="expected interventions that agree"),
            session.ablated(second[0], how=second[1]),
        ):
            pass
        assert torch.equal(logits_of(session.run(IDS)), before)
        session.restore()
        session.ablate(second[0], how=second[1])  # alone it may stand


def test_skipped_layer_may_be_steered_after_it() -> None:
    model = tiny("llama")
    layer = model.model.layers[1]
    with gb.attach(model) as session:
        session.ablate("L1", how="skip")
        session.ablate("L1", how=gb.Add([0.5] * WIDTH))
        found = prefill(model)
    given: list[Tensor] = []
    layer.register_forward_pre_hook(lambda _, args: given.append(args[0].clone()))
    with by_hand(layer, lambda *_: given[-1] + 0.5):
        torch.testing.assert_close(found, prefill(model), rtol=1e-5, atol=1e-5)


# ---- noise, freezing, gradients


def test_noise_is_of_the_size_of_the_values_and_always_the_same() -> None:
    model = tiny("llama")
    seen: list[Tensor] = []
    model.model.layers[1].input_layernorm.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    prefill(model)
    clean = seen[-1]
    with gb.attach(model) as session:
        session.ablate("L0", how=gb.Noise(size=2.0, seed=3))
        once = prefill(model)
        noise = (seen[-1] - clean) / clean.std(-1, unbiased=False, keepdim=True)
        assert abs(float(noise.mean())) < 0.4
        assert 1.8 < float(noise.std()) < 2.2
        torch.testing.assert_close(noise[0], noise[1], rtol=1e-3, atol=1e-4)  # the same in every row
        assert float((noise[0, 0] - noise[0, 1]).abs().max()) > 0.1, "at each position other noise"
        assert torch.equal(prefill(model), once)
        session.restore()
        session.ablate("L0", how=gb.Noise(size=2.0, seed=4))
        assert not torch.allclose(prefill(model), once, atol=1e-3)


def test_noise_is_the_same_in_prefill_and_with_a_cache() -> None:
    model = tiny("gpt2")
    tokens = torch.cat((IDS, torch.tensor([[11, 12, 13, 14]] * 2)), 1)
    with gb.attach(model) as session:
        session.ablate("L1.attn.H1", "L0.mlp.N3", "L2", how="noise")
        torch.testing.assert_close(decode(model), call(model, tokens), rtol=1e-4, atol=1e-4)


def test_freezing_follows_the_last_prompt(session: Session) -> None:
    """What is frozen is unmoved by ablations below it: the later layers see what they saw in the clean run."""
    for prompt in (PROMPT, "the capital of France is"):
        clean = logits_of(session.run(prompt))
        with session.ablated("L0.attn", "L0.mlp"):
            assert not torch.allclose(logits_of(session.run(prompt)), clean, atol=1e-2)
            with session.ablated("L0.attn", "L0.mlp", "L1", "L2", "embed", how="freeze"):
                torch.testing.assert_close(logits_of(session.run(prompt)), clean, rtol=1e-4, atol=1e-4)
    session.ablate("L0.mlp", how="freeze")
    session.run(PROMPT)
    session.run("3 + 4 =")
    assert torch.equal(logits_of(session.run()), logits_of(session.preview("L0.mlp", how="freeze")))
    assert session.run().kl == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("how", "edit"),
    [(gb.Scale(0.5), lambda x, _: 0.5 * x), (gb.Add([2.0] * WIDTH), lambda x, _: x + 2.0)],
)
def test_gradients_flow_as_by_hand(how: Any, edit: Any) -> None:
    model = tiny("llama")
    weight = model.model.layers[0].mlp.up_proj.weight
    with by_hand(model.model.layers[1].mlp, edit):
        model(IDS, labels=IDS).loss.backward()
    expected, weight.grad = weight.grad, None
    with gb.attach(model) as session:
        session.ablate("L1.mlp", how=how)
        model(IDS, labels=IDS).loss.backward()
    torch.testing.assert_close(weight.grad, expected)


def test_gradients_flow_through_every_kind_that_keeps_something() -> None:
    model = tiny("mixtral")
    vector = [0.1] * WIDTH
    with gb.attach(model) as session:
        session.ablate("L2", "L1.attn.H1", how="noise", positions=slice(2, None))
        session.ablate("L1.moe.E0", how=gb.Add(vector))
        session.ablate("L1.attn", how=gb.Cut(0, [3, 4]))
        session.ablate("L1.attn.q", how=gb.Scale(0.5))
        model(IDS, labels=IDS).loss.backward()
    grads = [parameter.grad for parameter in model.parameters()]
    assert all(grad is not None and grad.isfinite().all() for grad in grads)


def test_changing_interventions_during_backward_is_refused(session: Session) -> None:
    model: Any = session.model
    ids = session.tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    errors: list[Exception] = []

    def change(_: Tensor) -> None:
        try:
            session.ablate("L0.mlp")
        except InterventionError as error:
            errors.append(error)

    loss = model(ids, labels=ids).loss
    loss.register_hook(change)
    loss.backward()
    assert "a backward pass is running" in str(errors[0])
    assert strings(session) == []
    session.ablate("L0.mlp")


def test_undoing_during_backward_is_refused_and_undoes_nothing(session: Session) -> None:
    model: Any = session.model
    ids = session.tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    session.ablate("L0.mlp")

    def undo(_: Tensor) -> None:
        with pytest.raises(InterventionError, match="a backward pass is running"):
            session.undo()

    loss = model(ids, labels=ids).loss
    loss.register_hook(undo)
    loss.backward()
    assert list(session.history.current) == list(session.interventions)
    assert strings(session) == ["zero L0.mlp"]


# ---- bad input


@pytest.mark.parametrize(
    ("names", "how", "positions", "words"),
    [
        ("L0.mlp", "ziro", None, "got 'ziro'. Nearest: zero"),
        ("L0.mlp", "resample", None, r"'resample' needs settings: how=gb\.Resample"),
        ("L0.mlp", "scale", None, r"'scale' needs settings: how=gb\.Scale"),
        ("L0.mlp", 3, None, "expected how to be a kind or one of zero"),
        ("L0.mlp", gb.Add([1.0] * 5), None, "expected a vector of 128 numbers, as many as L0.mlp has channels, got 5"),
        ("L0.attn.H1", gb.Add([1.0] * 128), None, "expected a vector of 32 numbers, as many as L0.attn.H1"),
        ("L0.mlp.N1", gb.Add([1.0] * 2), None, "expected a vector of 1 numbers"),
        ("L0.mlp", "skip", None, "skip is for a layer, and this is a block"),
        ("L0.mlp", gb.Cut(0), None, "only an attention has edges to cut"),
        ("L0.attn", gb.Cut(0, [3]), [3], "Give them as to_tokens, without positions"),
        ("L0.mlp", gb.Zero(renormalise=True), None, "only the weights of experts"),
        ("L0.attn.pattern", "mean", None, "one value for each pair of tokens"),
        ("L0.mlp", "zero", [], "at least one position"),
        ("L0.mlp", "zero", "3", "expected positions as a whole number"),
        ("L0.mlp", "zero", 1.5, "expected positions as a whole number"),
        ("L0.mlp", "zero", slice(None, None, -1), "with a positive step"),
        ("L0.mlp", "freeze", None, "nothing was run yet"),
        ("L0.mlp.N999", "zero", None, "names nothing in it"),
        ("L0.attn.KV0", "zero", None, "names nothing in it"),
        ("L0.attn.patern", "zero", None, "names nothing in it|Nearest: pattern"),
    ],
)
def test_bad_input_is_refused_in_words(session: Session, names: str, how: Any, positions: Any, words: str) -> None:
    ids = session.tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    before = call(session.model, ids)
    with pytest.raises((InterventionError, AddressError, TapError), match=words):
        session.ablate(names, how=how, positions=positions)
    assert strings(session) == []
    assert torch.equal(call(session.model, ids), before)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gb.Scale(float("nan")), "expected a finite number as factor of Scale, got nan"),
        (lambda: gb.Scale("x"), "expected a finite number as factor of Scale, got 'x'"),  # type: ignore[arg-type]
        (lambda: gb.Noise(size=float("inf")), "finite number as size of Noise"),
        (lambda: gb.Noise(seed=0.5), "whole number as seed"),  # type: ignore[arg-type]
        (lambda: gb.Add([1.0, float("nan")]), "expected finite numbers to add, got 1 that are not"),
        (lambda: gb.Add(torch.zeros(2, 2)), r"got shape \(2, 2\)"),
        (lambda: gb.Add("abc"), "expected a vector of numbers to add, got str"),
        (gb.Resample, "expected a prompt or a row of the batch to resample from, got neither"),
        (lambda: gb.Resample("text", 1), "got both"),
        (lambda: gb.Resample(torch.zeros(2, 3).long()), "the token ids of one prompt"),
        (lambda: gb.Cut(slice(None)), "nothing would be left to look at"),
    ],
)
def test_settings_are_checked(make: Any, words: str) -> None:
    with pytest.raises(InterventionError, match=words):
        make()


@pytest.mark.parametrize(
    ("how", "positions", "words"),
    [
        ("zero", 15, "expected positions of L0.attn within the 15 tokens of the prompt, got 15"),
        ("zero", [3, -16], "got -16"),
        ("zero", slice(20, None), "got 20"),
        (gb.Cut(15, -1), None, "expected from_tokens of L0.attn within the 15 tokens"),
        (gb.Cut(0), None, "leaves nothing to the one at position 0"),
        (gb.Cut(slice(0, 3), [2]), None, "leaves nothing to the one at position 2"),
        (gb.Resample(row=1), None, "of which there are 1, got row 1"),
    ],
)
def test_what_does_not_fit_the_prompt_is_said_when_it_is_run(
    session: Session, how: Any, positions: Any, words: str
) -> None:
    clean = session.run(PROMPT)
    session.ablate("L0.attn", how=how, positions=positions)
    with pytest.raises(InterventionError, match=words):
        session.run(PROMPT)
    session.restore()
    assert torch.equal(logits_of(session.run()), logits_of(clean))


def test_positions_of_what_is_generated_fit(session: Session) -> None:
    session.ablate("L0.attn", positions=[17])
    session.generate(PROMPT, 5)
    with pytest.raises(InterventionError, match="within the 17 tokens"):
        session.generate(PROMPT, 2)


def test_rows_and_batches_that_do_not_fit_are_said_in_the_forward() -> None:
    model = tiny("llama")
    before = prefill(model)
    with gb.attach(model) as session:
        session.ablate("L0.mlp", how=gb.Resample(row=2))
        with pytest.raises(InterventionError, match="of which there are 2, got row 2"):
            prefill(model)
        session.restore()
        session.run(IDS)
        session.ablate("L0.mlp", how="freeze")
        with pytest.raises(InterventionError, match=r"expected a batch of 2.*got one of 3"):
            call(model, IDS[[0, 1, 0]])
        session.restore()
        assert torch.equal(prefill(model), before)


@pytest.mark.parametrize("ran", [False, True])
@pytest.mark.parametrize("tap", ["q_latent", "gate", "q_normed"])
def test_tap_that_the_model_cannot_offer_is_refused_before_any_forward(tap: str, ran: bool) -> None:
    model = tiny("llama")
    before = prefill(model)
    with gb.attach(model) as session:
        if ran:
            session.run(IDS)
        with pytest.raises(InterventionError, match=r"L0\.attn\.\w+ cannot be edited: "):
            session.ablate(f"L0.attn.{tap}")
        with pytest.raises(InterventionError, match=r"expected a vector of 8 numbers, as many as L0\.attn\.q has"):
            session.ablate("L0.attn.q", how=gb.Add([1.0] * 9))
        with pytest.raises(InterventionError, match=r"expected a vector of 32 numbers, as many as L0\.in has"):
            session.ablate("L0.in", how=gb.Add([1.0] * 9))
        assert strings(session) == []
        assert torch.equal(prefill(model), before)


def test_no_reference_prompt_reaches_an_expert() -> None:
    """One token visits two of four experts: the others have no mean."""
    token = IDS[:1, :1]
    refused = []
    with gb.attach(tiny("mixtral"), reference=[token]) as session:
        visited = [site.address for site in session.layout.sites if site.address.startswith("L0.moe.E")]
        weights = session.run(token).frames[0]
        for address in visited:
            try:
                session.ablate(address, how="mean")
            except InterventionError as error:
                assert f"expected reference prompts that reach {address}" in str(error)  # noqa: PT017
                refused.append(address)
        assert refused == [address for address in visited if not weights.norm(address).any()]
        assert len(refused) == 2


def names_in(session: Session) -> list[str]:
    """Return what can be named in a model, and taps that it may or may not have."""
    named = list(session.architecture.addresses())
    for block in session.architecture.blocks():
        named += [f"{block.address}.{tap}" for tap in taps_on(block.role)]
        named += [f"{block.address}.N3"] if block.neurons else []
    return named + [f"{layer.address}.{tap}" for layer in session.architecture.layers() for tap in ("in", "out")]


@pytest.mark.parametrize("name", ["gpt2", "llama", "olmo2", "mixtral", "deepseek_v3", "qwen3_next", "mamba2", "jamba"])
def test_whatever_is_asked_for_is_done_or_refused_in_words_and_can_be_restored(name: str) -> None:
    model, draw = tiny(name), random.Random(name)
    before = prefill(model)
    kinds: list[Kind] = [*PLAIN, gb.Mean(by_position=True), gb.Resample(row=1), gb.Scale(0.5), gb.Cut(0, [5, 6])]
    kinds += [gb.Zero(renormalise=True), gb.Add([0.5] * WIDTH), gb.Add([0.5] * 8)]
    done = 0
    with gb.attach(model, inputs=IDS, reference=[OTHER]) as session:
        session.run(IDS)
        names = names_in(session)
        for _ in range(60):
            try:
                session.ablate(
                    draw.choice(names), how=draw.choice(kinds), positions=draw.choice([None, [3], slice(2, 9), -1])
                )
            except (InterventionError, TapError, AddressError):
                continue
            prefill(model)
            done += 1
            if len(session.interventions) > 3:
                session.restore()
                assert torch.equal(prefill(model), before)
    assert done > 5
    assert torch.equal(prefill(model), before)


# ---- history, sentences, names


def test_history_of_every_kind_can_be_pasted(session: Session) -> None:
    session.run(PROMPT)
    session.ablate("L1.attn.H2", how=gb.Noise(seed=1), positions=[3])
    session.ablate("L0.mlp", how=gb.Mean(by_position=True))
    session.ablate("L2", how="skip", positions=slice(4, None))
    session.ablate("L0", how=gb.Add(torch.randn(128, generator=torch.Generator().manual_seed(0)), factor=0.3))
    session.ablate("L0.attn", how=gb.Cut([0, 1], slice(5, 9)))
    session.ablate("L1.mlp", how=gb.Resample(prompt="3 + 4 ="))
    session.ablate("L1.mlp.N5", how=gb.Scale(1 / 3))
    session.ablate("L1.attn.q", how="freeze")
    session.undo()
    session.ablate("L1.attn.z", how=gb.Resample(prompt=torch.tensor([5, 6, 7])))
    session.restore("L0.mlp")
    there = session.run()
    steps = len(session.history.steps)
    for _ in range(steps):
        session.undo()
    assert strings(session) == []
    for _ in range(steps):
        session.redo()
    assert torch.equal(logits_of(session.run()), logits_of(there))
    with gb.demo("gpt") as other:
        other.run(PROMPT)
        exec(session.history.to_python(), {"session": other, "gb": gb})  # noqa: S102 - what a person would paste
        assert other.interventions == session.interventions
        assert torch.equal(logits_of(other.run(PROMPT)), logits_of(there))


def test_every_intervention_has_a_line_of_python_that_makes_it() -> None:
    with gb.attach(tiny("mixtral")) as session:
        session.run(OTHER)
        session.ablate("L1.moe.E1", how=gb.Zero(renormalise=True), positions=-1)
        session.ablate("L1.attn.KV1", how=gb.Resample(row=-1))
        for item in list(session.interventions):
            session.restore()
            exec(item.python, {"session": session, "gb": gb})  # noqa: S102
            assert list(session.interventions) == [item]


def test_docs_have_the_sentences_of_the_code() -> None:
    assert table() in DOCS.read_text()


def test_sentence_says_what_where_and_at_which_positions(session: Session) -> None:
    session.ablate("L1.attn.H2", how=gb.Scale(0.5), positions=[3, 4])
    assert [item.sentence for item in session.interventions] == [
        "Only at positions 3 and 4: The output of L1.attn.H2, before the output projection, is multiplied by 0.5."
    ]


def test_kinds_are_small_and_of_value() -> None:
    assert gb.Noise(seed=1) == gb.Noise(1.0, 1) != gb.Noise()
    vector = torch.ones(3)
    added = gb.Add(vector)
    vector[0] = 5
    assert added == gb.Add((1.0, 1.0, 1.0))
    assert {gb.Zero(), gb.Zero()} == {gb.Zero()}
