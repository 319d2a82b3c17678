"""Forwards of any origin: which make a frame, and that what runs again for its gradients is no pass."""

import copy
import threading
from typing import Any

import pytest
import torch
import transformers
from matrix.zoo import case
from tiny_models import VOCABULARY, PlainTransformer, config, text, tiny
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import glassblock as gb
from glassblock.live import Frame, Session


def encoder_decoder() -> Any:
    torch.manual_seed(0)
    settings = transformers.T5Config(vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
    return transformers.T5ForConditionalGeneration(settings).eval()


def shared_layers() -> Any:
    torch.manual_seed(0)
    settings = transformers.AlbertConfig(
        vocab_size=VOCABULARY,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return transformers.AlbertForMaskedLM(settings).eval()


def newest(session: Session) -> Frame:
    return session.frames[-1]


def measured(frame: Frame) -> set[str]:
    return {site.address for site in frame.layout.sites if not torch.tensor(frame.norm(site.address)).isnan().any()}


# ---- where a pass begins


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3_next", "mixtral"])
def test_base_model_that_is_called_makes_one_frame_without_logits(name: str) -> None:
    model = tiny(name)
    base = model.base_model
    with torch.no_grad(), gb.attach(model) as session:
        model(text())
        base(text())
        whole, below = session.frames
        assert whole.logits is not None
        assert below.logits is None
        assert below.token_ids is not None
        assert torch.equal(below.token_ids, text())
        assert below.stats.tobytes() == whole.stats.tobytes()


def test_decoder_that_is_called_makes_a_frame() -> None:
    model = tiny("llama")
    with torch.no_grad(), gb.attach(model) as session:
        model.get_decoder()(text())
        assert [frame.origin for frame in session.frames] == ["outside"]
        assert measured(newest(session)) == {site.address for site in session.layout.sites}


def test_one_layer_that_is_called_is_edited_and_not_recorded() -> None:
    model = tiny("llama")
    stream = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(0))
    positions = model.model.rotary_emb(stream, torch.arange(5)[None])
    layer = model.model.layers[0]
    with torch.no_grad(), gb.attach(model) as session:
        plain = layer(stream, position_embeddings=positions)
        session.ablate("L0.mlp", "L0.attn")
        assert not torch.equal(plain, stream)
        assert torch.equal(layer(stream, position_embeddings=positions), stream)
        assert not session.frames


def test_pipeline_makes_a_frame_for_each_token() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        pipe = transformers.pipeline("text-generation", model=model, tokenizer=_Words())
        pipe("1 2 3", max_new_tokens=3, do_sample=False)
        assert [frame.positions for frame in session.frames] == [3, 1, 1]


class _Words(transformers.PythonBackend):
    """Numbers as tokens."""

    def __init__(self) -> None:
        super().__init__(**dict.fromkeys(("pad_token", "eos_token"), "0"))

    @property
    def vocab_size(self) -> int:
        """Return how many there are."""
        return VOCABULARY

    def get_vocab(self) -> dict[str, int]:
        """Return all of them."""
        return {str(number): number for number in range(VOCABULARY)}

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        return text.split()

    def _convert_token_to_id(self, token: str) -> int:
        return int(token)

    def _convert_id_to_token(self, index: int) -> str:
        return str(index)


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, 2),
        ({"do_sample": True, "top_k": 5}, 2),
        ({"num_beams": 3}, 6),
        ({"cache_implementation": "static", "disable_compile": True}, 2),
        ({"use_cache": False}, 2),
    ],
)
def test_generate_of_the_users_own(options: dict[str, Any], rows: int) -> None:
    model = tiny("llama")
    untouched = copy.deepcopy(model)
    ids = torch.cat((text(7), text(7).flip(1)))

    def generate(which: Any) -> Tensor:
        torch.manual_seed(3)
        new: Tensor = which.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=4, eos_token_id=-1, pad_token_id=0, **options
        )
        return new

    with gb.attach(model) as session:
        assert torch.equal(generate(model), generate(untouched))
        frames = list(session.frames)
    if options.get("use_cache", True):
        assert [(frame.first, frame.positions) for frame in frames] == [(0, 7), (7, 1), (8, 1), (9, 1)]
    else:
        assert [(frame.first, frame.positions) for frame in frames] == [(0, 7), (0, 8), (0, 9), (0, 10)]
    assert {frame.stats.shape[1] for frame in frames} == {rows}
    assert not any(torch.tensor(frame.stats[..., 0]).isnan().any() for frame in frames)


def test_assisted_generation_makes_frames_of_each_models_own_passes() -> None:
    model, assistant = tiny("llama"), tiny("llama", seed=1)
    untouched = copy.deepcopy(model)
    settings = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 0, "eos_token_id": -1}
    expected = untouched.generate(text(), **settings)
    with gb.attach(model) as session, gb.attach(assistant) as other:
        assert torch.equal(model.generate(text(), assistant_model=assistant, **settings), expected)
        assert session.frames
        assert other.frames
        assert {frame.layout for frame in session.frames} == {session.layout}


def test_encoder_and_decoder_are_measured_at_their_own_positions() -> None:
    """A frame has the positions of the stack that the model returns; an encoder that is called alone has its own."""
    model = encoder_decoder()
    source, target = text(9), text(4)
    norms: dict[str, Tensor] = {}
    model.decoder.block[1].register_forward_hook(lambda _, __, out: norms.update(dec=out[0].norm(dim=-1)))
    model.encoder.block[1].register_forward_hook(lambda _, __, out: norms.update(enc=out[0].norm(dim=-1)))
    with torch.no_grad(), gb.attach(model) as session:
        model(input_ids=source, decoder_input_ids=target)
        frame = newest(session)
        assert frame.token_ids is not None
        assert torch.equal(frame.token_ids, target)
        torch.testing.assert_close(torch.tensor(frame.norm("dec.L1")), norms["dec"])
        assert "enc.L1" not in measured(frame)
        model.get_encoder()(source)
        torch.testing.assert_close(torch.tensor(newest(session).norm("enc.L1")), norms["enc"])
        assert "dec.L1" not in measured(newest(session))


# ---- layers that share a module


def test_layers_that_share_a_module_are_measured_and_ablated_one_by_one() -> None:
    model = shared_layers()
    block = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    norms: list[Tensor] = []
    block.register_forward_hook(lambda _, __, out: norms.append(_first(out).norm(dim=-1)))
    calls = {"n": 0}

    def zero_in_the_second(_: nn.Module, __: Any, out: Tensor) -> Tensor | None:
        calls["n"] += 1
        return torch.zeros_like(out) if calls["n"] % 3 == 2 else None

    with torch.no_grad(), gb.attach(model) as session:
        model(text())
        for layer, norm in enumerate(norms):
            torch.testing.assert_close(torch.tensor(newest(session).norm(f"L{layer}")), norm)
        session.ablate("L1.mlp")
        ablated = model(text()).logits
    with torch.no_grad():
        handle = block.ffn_output.register_forward_hook(zero_in_the_second)
        assert torch.equal(model(text()).logits, ablated)
        handle.remove()
        assert not torch.equal(model(text()).logits, ablated)


def _first(out: Any) -> Tensor:
    found: Tensor = out[0] if isinstance(out, tuple) else out
    return found


# ---- batches


def test_padding_is_not_measured_and_says_that_it_is_padding() -> None:
    model = tiny("llama")
    ids = torch.cat((text(8), text(8)))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    with torch.no_grad(), gb.attach(model) as session:
        model(ids, attention_mask=mask)
        frame = newest(session)
        assert frame.padded is not None
        assert torch.equal(torch.tensor(frame.padded), mask == 0)
        unmeasured = torch.tensor(frame.stats[..., 0]).isnan()
        assert torch.equal(unmeasured, (mask == 0).expand_as(unmeasured))
        assert torch.equal(torch.tensor(frame.updates[..., 0]).isnan()[0], mask == 0)


def test_padding_in_front_is_left_behind_while_decoding() -> None:
    model = tiny("llama")
    ids = torch.cat((text(8), text(8)))
    mask = torch.ones_like(ids)
    mask[1, :3] = 0
    with gb.attach(model) as session:
        model.generate(ids, attention_mask=mask, max_new_tokens=3, do_sample=False, pad_token_id=0, eos_token_id=-1)
        for frame in list(session.frames)[1:]:
            assert not torch.tensor(frame.stats[..., 0]).isnan().any()


# ---- training


def trained(model: Any, ids: Tensor) -> list[Tensor]:
    model.zero_grad()
    model(ids, labels=ids, use_cache=False).loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) > 0 and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("checkpointing", [None, True, False], ids=["plain", "reentrant", "not reentrant"])
@pytest.mark.parametrize("name", ["llama", "mixtral", "qwen3_next"])
def test_gradients_are_bit_identical_and_a_step_is_one_pass(name: str, checkpointing: bool | None) -> None:
    model, ids = tiny(name), text()
    if checkpointing is not None:
        model.train()
        model.gradient_checkpointing_enable({"use_reentrant": checkpointing})
    expected = trained(copy.deepcopy(model), ids)
    with gb.attach(model) as session:
        assert same(trained(model, ids), expected)
        assert len(session.frames) == 1
        frame = newest(session)
        assert not torch.tensor(frame.stats[..., 0]).isnan().any()
        with torch.no_grad():
            model(ids, use_cache=False)
        torch.testing.assert_close(torch.tensor(newest(session).stats), torch.tensor(frame.stats), equal_nan=True)
    assert same(trained(model, ids), expected)


@pytest.mark.parametrize("checkpointing", [True, False], ids=["reentrant", "not reentrant"])
def test_what_runs_again_sees_the_interventions_of_its_own_forward(checkpointing: bool) -> None:
    """The oracle is the same step without checkpoints, which runs nothing again."""
    model, ids = tiny("llama").train(), text()
    plain = copy.deepcopy(model)
    model.gradient_checkpointing_enable({"use_reentrant": checkpointing})
    with gb.attach(plain) as oracle:
        oracle.ablate("L0.mlp", "L1.attn.H1")
        expected = trained(plain, ids)
    with gb.attach(model) as session:
        session.ablate("L0.mlp", "L1.attn.H1")
        assert same(trained(model, ids), expected)
        model.zero_grad()
        loss = model(ids, labels=ids, use_cache=False).loss
        session.restore()  # between the forward and its gradients
        loss.backward()
        found = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
        assert same(found, expected)
        assert len(session.frames) == 2


@pytest.mark.parametrize("checkpointing", [True, False], ids=["reentrant", "not reentrant"])
def test_what_is_read_and_edited_inside_of_blocks_leaves_checkpoints_alone(checkpointing: bool) -> None:
    """The oracle is the same step without checkpoints; torch counts what they save, once and again."""
    model, ids = tiny("llama").train(), text()
    plain = copy.deepcopy(model)
    model.gradient_checkpointing_enable({"use_reentrant": checkpointing})
    steps: list[list[Tensor]] = []
    for one in (plain, model):
        with gb.attach(one) as session:
            session.watch("L0.attn.pattern", "L0.attn.q_rot", "L1.mlp.post")
            steps.append(trained(one, ids))
            assert not newest(session).unread
            session.ablate("L0.attn.q", how=gb.Scale(0.5))
            session.ablate("L1.attn.pattern", how=gb.Scale(0.5))
            one.zero_grad()
            steps.append(trained(one, ids))
    assert same(steps[2], steps[0])
    assert same(steps[3], steps[1])
    assert not same(steps[1], steps[0])


@pytest.mark.parametrize("reentrant", [True, False])
def test_whole_model_that_runs_again_makes_no_second_frame(reentrant: bool) -> None:
    model = PlainTransformer()
    with gb.attach(model.eval(), inputs=text()) as session:
        stream = torch.zeros(1, requires_grad=True)

        def run(_: Tensor) -> Tensor:
            found: Tensor = model(text())
            return found

        out: Any = checkpoint(run, stream, use_reentrant=reentrant)
        assert len(session.frames) == 1
        out.sum().backward()
        assert len(session.frames) == 1
        assert model.head.weight.grad is not None


def test_shared_layer_that_is_called_on_its_own_is_the_first_each_time() -> None:
    model, stream = shared_layers(), torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(0))
    block = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    with gb.attach(model) as session, torch.no_grad():
        session.run(text())
        plain = _first(block(stream))
        session.ablate("L0.attn.q", how=gb.Scale(0.5))
        edited = [_first(block(stream)) for _ in range(4)]
    assert not torch.equal(edited[0], plain)
    assert all(torch.equal(other, edited[0]) for other in edited)


@pytest.mark.parametrize("reentrant", [True, False])
def test_shared_layers_that_run_again_are_edited_as_the_layer_that_they_were(reentrant: bool) -> None:
    model = shared_layers()
    block = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    plain, forward = copy.deepcopy(model), block.forward

    def again(hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
        return checkpoint(lambda x: forward(x, *args, **kwargs), hidden, use_reentrant=reentrant)

    with gb.attach(plain) as oracle:
        oracle.ablate("L1.mlp", "L0.attn.H1")
        oracle.ablate("L0.attn.q", how=gb.Scale(0.5))
        expected = _step(plain)
    with gb.attach(model) as session:
        session.ablate("L1.mlp", "L0.attn.H1")
        session.ablate("L0.attn.q", how=gb.Scale(0.5))
        block.forward = again
        assert same(_step(model), expected)


def _step(model: Any) -> list[Tensor]:
    model.zero_grad()
    model(text(), labels=text()).loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


# ---- several at once


def test_sessions_on_one_model_and_on_a_part_of_it_see_the_same_pass() -> None:
    model = tiny("llama")
    with torch.no_grad():
        before = model(text()).logits
        with gb.attach(model) as whole:
            second = Session(model, whole.architecture)
            with gb.attach(model.model) as part:
                assert torch.equal(model(text()).logits, before)
                assert len(whole.frames) == len(second.frames) == len(part.frames) == 1
                second.ablate("L0.mlp")
                assert not torch.equal(model(text()).logits, before)
                assert [s.frames[-1].interventions for s in (whole, second, part)] == [0, 1, 0]
                assert not whole.frames[-1].norm("L0.mlp").any() or not second.frames[-1].norm("L0.mlp").any()
            second.detach()
            assert torch.equal(model(text()).logits, before)


def test_modules_that_other_threads_call_are_edited_and_nothing_breaks() -> None:
    """As data-parallel code does: the layers of one forward run in threads of their own."""
    model = tiny("llama")
    untouched = copy.deepcopy(model)

    def in_a_thread(module: nn.Module) -> None:
        forward = module.forward

        def call(*args: Any, **kwargs: Any) -> Any:
            found: list[Any] = []

            def work() -> None:
                with torch.no_grad():
                    found.append(forward(*args, **kwargs))

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return found[0]

        module.forward = call

    with torch.no_grad(), gb.attach(model) as session:
        for layer in model.model.layers:
            in_a_thread(layer)
        # Threads of their own share the work out otherwise, and add in another order.
        assert torch.allclose(model(text()).logits, untouched(text()).logits, atol=1e-6)
        assert {"embed", "L0", "L1"} <= measured(newest(session))
        session.ablate("L0.mlp", "L0.attn", "L1.mlp", "L1.attn")
        stream = untouched.model.norm(untouched.model.embed_tokens(text()))
        assert torch.equal(model(text()).logits, untouched.lm_head(stream))


def test_static_cache_counts_on_its_device_and_is_not_asked() -> None:
    model = tiny("llama")
    cache = transformers.StaticCache(config("llama"), max_cache_len=32)
    with torch.no_grad(), gb.attach(model) as session:
        model(text(6), past_key_values=cache)
        model(text(6)[:, :2], past_key_values=cache)
        assert [(frame.first, frame.positions) for frame in session.frames] == [(0, 6), (6, 2)]


@pytest.mark.parametrize("name", ["mamba", "mamba2", "falcon_mamba"])
def test_caches_of_states_alone_go_on_counting(name: str) -> None:
    """Positions of decoded tokens are those in the sequence, though such a cache does not say how long it is."""
    chosen = case(name)
    model = chosen.make(None)
    ids = torch.randint(3, 50, (1, 6), generator=torch.Generator().manual_seed(0))
    with gb.attach(model) as session:
        written = model.generate(ids, max_new_tokens=4, do_sample=False)
        assert [frame.first for frame in session.frames] == [0, 6, 7, 8]
        before = written
        session.ablate("L0.mixer", positions=0)
        first = model.generate(ids, max_new_tokens=4, do_sample=False, output_logits=True, return_dict_in_generate=True)
        with torch.no_grad():
            whole = model(first.sequences).logits
    assert before.shape == first.sequences.shape
    for step, logits in enumerate(first.logits):
        assert torch.allclose(logits, whole[:, 5 + step], atol=1e-4)
