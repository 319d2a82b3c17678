"""A session on the bundled model. What is expected comes from the untouched model, or from surgery on its weights."""

import copy
import gc
import io
import math
import re
import threading
import time
from typing import Any

import pytest
import torch
import transformers
from conftest import PROMPT
from tiny_models import text as some_text
from tiny_models import tiny
from torch import Tensor, nn

import glassblock as gb
from glassblock.errors import AddressError, InterventionError, ModelError, PromptError
from glassblock.live import Frame, Run, Session


def model_of(session: Session) -> Any:
    """Return the model, with whatever attributes its class has."""
    return session.model


def ids_of(session: Session, text: str = PROMPT) -> Tensor:
    ids: Tensor = session.tokenizer(text, return_tensors="pt")["input_ids"]
    return ids


def logits(model: nn.Module, ids: Tensor) -> Tensor:
    with torch.no_grad():
        out: Tensor = model(ids).logits
    return out


def traces(model: nn.Module) -> list[str]:
    """Everything a session could have left: hooks, instance attributes that shadow methods."""
    left = []
    for path, module in model.named_modules():
        left += [f"{path} hook" for hooks in (module._forward_hooks, module._forward_pre_hooks) for _ in hooks]
        left += [f"{path}.forward"] if "forward" in vars(module) else []
    return left


def test_prediction_is_the_untouched_models(session: Session) -> None:
    untouched = copy.deepcopy(model_of(session))
    expected = logits(untouched, ids_of(session))
    run = session.run(PROMPT)
    assert run.logits is not None
    assert torch.equal(run.logits, expected)
    assert run.next_token == session.tokenizer.decode([int(expected[0, -1].argmax())])
    assert run.predictions[0].clean.prob == pytest.approx(expected[0, -1].double().softmax(-1).max().item(), rel=1e-12)


def test_ablated_head_equals_zeroed_weights(session: Session) -> None:
    surgery = copy.deepcopy(model_of(session))
    width = surgery.config.n_embd // surgery.config.n_head
    with torch.no_grad():  # Conv1D: rows of the weight are inputs, and head 2 is the third slice of them
        surgery.transformer.h[1].attn.c_proj.weight[2 * width : 3 * width] = 0
    session.ablate("L1.attn.H2")
    torch.testing.assert_close(session.run(PROMPT).logits, logits(surgery, ids_of(session)), rtol=1e-5, atol=1e-5)


def test_ablated_block_equals_a_hook_of_the_users_own(session: Session) -> None:
    ids = ids_of(session)
    handle = model_of(session).transformer.h[0].mlp.register_forward_hook(lambda _, __, out: torch.zeros_like(out))
    expected = logits(session.model, ids)
    handle.remove()
    session.ablate("L0.mlp")
    assert torch.equal(logits(session.model, ids), expected)


def test_mean_ablation_takes_the_mean_over_all_reference_tokens(session: Session) -> None:
    seen: list[Tensor] = []
    module = model_of(session).transformer.h[0].mlp
    handle = module.register_forward_hook(lambda _, __, out: seen.append(out[0].double()))
    for text in session._reference:
        logits(session.model, ids_of(session, str(text)))
    handle.remove()
    mean = torch.cat(seen).mean(0).float()
    handle = module.register_forward_hook(lambda _, __, out: mean.expand_as(out))
    expected = logits(session.model, ids_of(session))
    handle.remove()
    session.ablate("L0.mlp", how="mean")
    torch.testing.assert_close(logits(session.model, ids_of(session)), expected, rtol=1e-5, atol=1e-5)


def test_ablated_layer_passes_the_stream_unchanged(session: Session) -> None:
    ids = ids_of(session)
    shorter = copy.deepcopy(model_of(session))
    del shorter.transformer.h[2]
    session.ablate("L2")
    assert torch.equal(logits(session.model, ids), logits(shorter, ids))


def test_without_references_the_mean_is_that_of_the_prompt() -> None:
    demo = gb.demo()
    with gb.attach(demo.model, demo.tokenizer) as session:
        with pytest.raises(InterventionError, match=r"expected reference prompts.*nothing was run yet"):
            session.ablate("L0.mlp", how="mean")
        assert len(session.interventions) == 0
        session.run(PROMPT)
        session.ablate("L0.mlp", how="mean")
        session.run("3 + 4 =")  # the means stay those that were taken
        assert f"prompt that was run last when the first mean was taken, “{PROMPT}”" in session.reference_in_words


def test_undo_and_redo_bring_back_exactly_the_numbers(session: Session) -> None:
    clean = session.run(PROMPT)
    session.ablate("L1.attn.H0")
    one = session.run()
    session.ablate("L0.mlp", how="mean")
    session.undo()
    assert torch.equal(_logits(session.run()), _logits(one))
    session.undo()
    assert torch.equal(_logits(session.run()), _logits(clean))
    assert not session.undo()
    session.redo()
    assert torch.equal(_logits(session.run()), _logits(one))
    assert session.history.to_python() == 'session.ablate("L1.attn.H0", how="zero")'


def test_history_as_python_does_the_same(session: Session) -> None:
    session.ablate("L1.attn.H0", "L0.mlp")
    session.ablate("L2.mlp", how="mean")
    session.restore("L0.mlp")
    there = session.run(PROMPT)
    with gb.demo("gpt") as other:
        exec(session.history.to_python(), {"session": other})  # noqa: S102 - this is what a person would paste
        assert torch.equal(_logits(other.run(PROMPT)), _logits(there))


def test_ablated_is_a_context_beside_the_history(session: Session) -> None:
    clean = session.run(PROMPT)
    with session.ablated("L1.attn.H0"):
        assert session.run().kl != 0
    assert not session.history.steps
    assert torch.equal(_logits(session.run(PROMPT)), _logits(clean))


def test_steps_within_ablated_are_kept_without_it(session: Session) -> None:
    with session.ablated("L0.mlp"):
        session.ablate("L1.mlp")
        assert [item.address for item in session.interventions] == ["L1.mlp", "L0.mlp"]
        session.undo()
        assert [item.address for item in session.interventions] == ["L0.mlp"]
        session.redo()
    assert [item.address for item in session.interventions] == ["L1.mlp"]
    assert session.history.current == session.interventions


def test_prompt_that_cannot_be_run_is_not_the_last_one(session: Session) -> None:
    clean = session.run(PROMPT)
    with pytest.raises(RuntimeError, match="size of tensor"):
        session.run({"inputs_embeds": torch.randn(1, 4, 7)})
    assert torch.equal(_logits(session.run()), _logits(clean))


def test_preview_leaves_everything_as_it_is(session: Session) -> None:
    session.ablate("L0.mlp")
    run = session.run(PROMPT)
    frames = len(session.frames)
    preview = session.preview("L1.attn.H0")
    assert [item.address for item in preview.interventions] == ["L1.attn.H0"]
    assert session.last_run is run
    assert len(session.frames) == frames
    assert [item.address for item in session.interventions] == ["L0.mlp"]


def test_frame_has_the_norms_of_what_passed(session: Session) -> None:
    seen: dict[str, Tensor] = {}
    block = model_of(session).transformer.h[1]
    handles = [
        block.register_forward_hook(lambda _, __, out: seen.update(layer=out if isinstance(out, Tensor) else out[0])),
        block.mlp.register_forward_hook(lambda _, __, out: seen.update(mlp=out)),
        block.attn.c_proj.register_forward_pre_hook(lambda _, args: seen.update(z=args[0])),
        block.ln_2.register_forward_pre_hook(lambda _, args: seen.update(stream=args[0])),
    ]
    frame = session.run(PROMPT).frames[0]
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(torch.tensor(frame.norm("L1")), seen["layer"].norm(dim=-1))
    torch.testing.assert_close(torch.tensor(frame.norm("L1.mlp")), seen["mlp"].norm(dim=-1))
    head = seen["z"][..., 96:128]
    torch.testing.assert_close(torch.tensor(frame.norm("L1.attn.H3")), head.norm(dim=-1))
    ratio, cosine = torch.tensor(frame.updates[frame.layout.update_row["L1.mlp"]]).unbind(-1)
    torch.testing.assert_close(ratio, seen["mlp"].norm(dim=-1) / seen["stream"].norm(dim=-1))
    torch.testing.assert_close(cosine, torch.cosine_similarity(seen["mlp"], seen["stream"], dim=-1))


def test_change_is_the_distance_from_the_clean_activations(session: Session) -> None:
    block = model_of(session).transformer.h[1]
    seen: list[Tensor] = []
    handle = block.mlp.register_forward_hook(lambda _, __, out: seen.append(out))
    session.run(PROMPT)
    session.ablate("L1.attn.H0")
    clean, other = session.run().frames
    handle.remove()
    before, after = seen[0], seen[-1]
    row = other.layout.row
    change = torch.tensor(other.stats[..., -1])
    torch.testing.assert_close(change[row["L1.mlp"]], (after - before).norm(dim=-1) / before.norm(dim=-1))
    assert (change[row["L0.mlp"]] == 0).all(), "below the ablation nothing changes, to the bit"
    assert change[row["L1.attn.H0"]] == pytest.approx(1.0), "a head that is zeroed is all of its norm away"
    assert (change[row["L1.attn.H1"]] == 0).all()
    assert torch.tensor(clean.stats[..., -1]).isnan().all()


def test_change_is_from_its_own_clean_pass_whatever_another_thread_begins(session: Session) -> None:
    session.run(PROMPT)
    session.ablate("L1.mlp", how="mean")
    with torch.no_grad():
        next(session.model.parameters()).mul_(1)  # written over: clean pass, mean and ablated pass are made anew
    main, passes, reached, go_on = threading.get_ident(), 0, threading.Event(), threading.Event()

    def look_elsewhere() -> None:
        session.show("L0.attn.pattern", on="a page")  # the clean pass has to be made again
        session.preview("L0.mlp")

    other = threading.Thread(target=look_elsewhere)

    def hook(*_: Any) -> None:
        nonlocal passes
        if threading.get_ident() != main:
            reached.set()
            assert go_on.wait(10)
            return
        passes += 1
        if passes == 2:  # the mean's, after the clean pass
            other.start()
            assert reached.wait(10)

    handle = session.model.register_forward_pre_hook(hook)
    changes = session.run().frames[-1].stats[..., -1]
    handle.remove()
    go_on.set()
    other.join()
    assert reached.is_set()
    assert (changes[session.layout.row["L1.mlp"]] > 0).all()


def test_every_forward_makes_a_frame_whoever_starts_it(session: Session) -> None:
    ids = ids_of(session)
    session.model(ids)
    assert (session.frames[-1].origin, session.frames[-1].first) == ("outside", 0)
    model_of(session).generate(ids, max_new_tokens=3, do_sample=False, pad_token_id=0)
    assert [(frame.first, frame.positions) for frame in list(session.frames)[-3:]] == [
        (0, ids.shape[1]),
        (ids.shape[1], 1),
        (ids.shape[1] + 1, 1),
    ]
    logits_in_frame = session.frames[-1].logits
    assert logits_in_frame is not None
    assert logits_in_frame.shape == (1, model_of(session).config.vocab_size)


def test_inference_mode_is_read_as_well(session: Session) -> None:
    with torch.inference_mode():
        session.model(ids_of(session))
    assert not torch.tensor(session.frames[-1].stats[..., 0]).isnan().any()


def test_training_step_still_works(session: Session) -> None:
    out = model_of(session)(ids_of(session), labels=ids_of(session))
    out.loss.backward()
    assert model_of(session).transformer.h[0].mlp.c_fc.weight.grad is not None
    numbers = list(session.frames[-1]._transfer._here.values())
    assert numbers
    assert not any(part.requires_grad for part in numbers)


def test_intervention_reaches_the_next_token_of_a_running_generate(session: Session) -> None:
    ids = ids_of(session)
    seen: list[int] = []

    def watch(event: str, what: Any) -> None:
        if event == "frame":
            seen.append(what.interventions)
            if len(seen) == 3:
                session.ablate("L0.mlp")

    session.subscribe(watch)
    model_of(session).generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)
    assert seen == [0, 0, 0, 1, 1, 1]


def test_generate_is_the_models_own(session: Session) -> None:
    ids = ids_of(session)
    expected = model_of(session).generate(ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
    run = session.generate(PROMPT, max_new_tokens=5)
    assert list(run.tokens) == [session.decode(int(token)) for token in expected[0]]
    assert run.generated == 5


def test_generation_in_the_background_can_be_stopped(session: Session) -> None:
    slow = session.subscribe(lambda event, _: time.sleep(0.05) if event == "frame" else None)
    generation = session.generate(PROMPT, max_new_tokens=40, background=True)
    time.sleep(0.3)
    assert str(session.status) == "generating"
    with pytest.raises(PromptError, match="expected no generation to be under way"):
        session.generate(PROMPT)
    session.stop()
    run = generation.result(timeout=10)
    slow()
    assert 0 < run.generated < 40
    assert session.status == "idle"


def test_detached_leaves_no_trace(session: Session) -> None:
    ids = ids_of(session)
    session.ablate("L0.mlp", "L1.attn.H0")
    session.detach()
    session.detach()
    assert traces(session.model) == []
    assert torch.equal(logits(session.model, ids), logits(gb.demo().model, ids))
    with pytest.raises(ModelError, match=r"expected an attached session.*Attach again"):
        session.run(PROMPT)


def test_error_in_the_users_forward_leaves_the_session_usable(session: Session) -> None:
    clean = session.run(PROMPT)

    def explode(*_: object) -> None:
        raise RuntimeError("user code")

    handle = model_of(session).transformer.h[1].register_forward_hook(explode)
    with pytest.raises(RuntimeError, match="user code"):
        session.model(ids_of(session))
    handle.remove()
    assert torch.equal(_logits(session.run(PROMPT)), _logits(clean))


def test_error_in_a_subscriber_never_reaches_the_forward(session: Session) -> None:
    def broken(event: str, _: object) -> None:
        raise ValueError(event)

    session.subscribe(broken)
    with pytest.warns(RuntimeWarning, match="a subscriber was dropped, because it raised ValueError"):
        session.model(ids_of(session))
    session.model(ids_of(session))


def test_copy_of_an_attached_model_is_free_of_the_session(session: Session) -> None:
    expected = logits(session.model, ids_of(session))
    buffer = io.BytesIO()
    torch.save(session.model, buffer)
    buffer.seek(0)
    copies = [copy.deepcopy(model_of(session)), torch.load(buffer, weights_only=False)]
    session.ablate("L0.mlp")
    frames = len(session.frames)
    for model in copies:
        assert torch.equal(logits(model, ids_of(session)), expected)
    assert len(session.frames) == frames


def test_attaching_again_leaves_nothing_of_the_earlier_session(session: Session) -> None:
    """As when a notebook's cell is run again: what was ablated then must not hide in what is called clean now."""
    model = model_of(session)
    before = logits(model, ids_of(session))
    earlier = gb.attach(model, session.tokenizer)
    earlier.ablate("L0.mlp")
    with pytest.warns(UserWarning, match="the earlier session on .* was detached"):
        later = gb.attach(model, session.tokenizer)
    assert earlier.status == "detached"
    assert torch.equal(_logits(later.run(PROMPT)), before)
    later.detach()


def test_what_a_cell_shows_is_short(session: Session) -> None:
    run = session.run(PROMPT)
    assert repr(run) == str(run)
    assert repr(session.frames[-1]) == "Frame 1 (clean): 1 x 15 tokens from 0, 0 ablated"
    assert repr(session.architecture) == "Architecture(gpt: 3 layers, 652,032 parameters)"
    assert {"attach", "demo", "unfold", "Session"} <= set(dir(gb))


def test_tab_completion_knows_a_session(session: Session) -> None:
    jedi = pytest.importorskip("jedi", reason="comes with IPython")
    names = {found.name for found in jedi.Interpreter("session.", [{"session": session}]).complete()}
    assert {"ablate", "run", "undo", "status"} <= names


def test_training_mode_is_said(session: Session) -> None:
    model = copy.deepcopy(model_of(session)).train()
    with pytest.warns(UserWarning, match="training mode"):
        gb.attach(model).detach()


def test_threads_have_passes_of_their_own(session: Session) -> None:
    prompts = [PROMPT, "the capital of France is", "3 + 4 ="]
    expected = [logits(session.model, ids_of(session, text)) for text in prompts]
    results: dict[int, list[Frame]] = {}

    def work(index: int) -> None:
        for _ in range(10):
            out = logits(session.model, ids_of(session, prompts[index]))
            assert torch.equal(out, expected[index])
        results[index] = [frame for frame in session.frames if frame.positions == expected[index].shape[1]]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 1, 2]
    assert all(frames for frames in results.values())


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda s: s.ablate("L1.atn.H2"), AddressError, r"got 'L1\.atn\.H2'.*Nearest: L1\.attn\.H2"),
        (lambda s: s.ablate(["L0.mlp"]), InterventionError, "each an argument of its own"),
        (lambda s: s.ablate("unembed"), InterventionError, "an unembedding adds nothing"),
        (lambda s: s.ablate("norm"), InterventionError, "norm cannot be ablated: a norm adds nothing"),
        (lambda s: s.ablate(), InterventionError, "expected at least one address"),
        (lambda s: s.ablate("L0.mlp", how="boil"), InterventionError, "one of zero, mean, .*, got 'boil'"),
        (lambda s: s.restore("L0.mlp"), InterventionError, "expected what is ablated, got L0.mlp"),
        (lambda s: s.run(), PromptError, "nothing was run before"),
        (lambda s: s.run("  "), PromptError, "got an empty one"),
        (lambda s: s.run("Mary " * 100), PromptError, "expected at most 64 tokens.*got 101 tokens"),
        (lambda s: s.generate(PROMPT, 60), PromptError, "got 15 tokens and 60 more to generate"),
        (lambda s: s.run(3), PromptError, "expected text, a tensor of ids or a dict of inputs, got int"),
        (lambda s: s.run(torch.tensor([1, 10_000])), PromptError, r"expected token ids from 0 to \d+, got 10000"),
        (lambda s: s.run(torch.randn(1, 4)), PromptError, "expected token ids of shape"),
    ],
)
def test_bad_input_is_refused_in_words_and_changes_nothing(
    session: Session, call: Any, error: type[Exception], words: str
) -> None:
    before = logits(session.model, ids_of(session))
    with pytest.raises(error, match=words):
        call(session)
    assert torch.equal(logits(session.model, ids_of(session)), before)
    assert len(session.interventions) == 0


def test_text_without_a_tokenizer_is_refused_and_ids_are_not(session: Session) -> None:
    with gb.attach(session.model) as bare:
        with pytest.raises(PromptError, match=r"no tokenizer.*attach\(model, tokenizer\)"):
            bare.run(PROMPT)
        assert bare.run(ids_of(session)).predictions[0].token.startswith("<")


def test_ids_can_be_typed_where_there_is_no_tokenizer(session: Session) -> None:
    ids = ids_of(session)
    with gb.attach(session.model) as bare:
        of_tensor = bare.run(ids).predictions[0]
        words = [str(token) for token in ids[0].tolist()]
        for typed in (" ".join(words), ", ".join(words), " ".join(f"<{word}>" for word in words)):
            assert bare.run(typed).predictions[0] == of_tensor
        for wrong in ("3 four", "<3", "3 -4", "3.5"):
            with pytest.raises(PromptError, match="Type ids, such as"):
                bare.run(wrong)
        with pytest.raises(PromptError, match="999999"):
            bare.run("3 999999")


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected a torch\.nn\.Module, got str.*from_pretrained"):
        gb.attach("gpt2")  # type: ignore[arg-type]


def test_compiled_model_is_refused_with_the_remedy(session: Session) -> None:
    with pytest.raises(ModelError, match=r"not compiled.*_orig_mod"):
        gb.attach(torch.compile(session.model))  # type: ignore[arg-type]
    whole = copy.deepcopy(model_of(session))
    whole.transformer.h[0].compile()
    with pytest.raises(ModelError, match=r"its part 'transformer\.h\.0'"):
        gb.attach(whole)


def test_what_is_no_transformer_is_refused_and_left_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ModelError):
        gb.attach(model, inputs=torch.randn(1, 4))
    assert traces(model) == []


def test_session_and_model_can_be_collected() -> None:
    import weakref

    session = gb.demo()
    session.run(PROMPT)
    model = weakref.ref(session.model)
    session.detach()
    del session
    gc.collect()
    assert model() is None


def _logits(run: Run) -> Tensor:
    assert run.logits is not None
    return run.logits


def test_the_last_frame_is_that_of_the_last_run() -> None:
    with gb.attach(tiny("llama")) as session:
        clean = session.run(some_text()).frames[-1]
        session.ablate("L0.attn.H1")
        session.run()
        session.undo()
        session.run()
        assert session.frames[-1] is clean
        session.watch("L0.attn.pattern")
        session.run()
        assert set(session.frames[-1].inside) == {"L0.attn.pattern"}


def test_weights_that_were_changed_meanwhile_make_another_clean_run() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        before = session.run(some_text()).logits
        with torch.no_grad():
            model.model.layers[0].mlp.down_proj.weight.mul_(2)
            expected = model(some_text()).logits
        after = session.run().logits
        session.ablate("L1.mlp", how="mean")
        session.run()
        with torch.no_grad():
            model.model.layers[1].mlp.down_proj.weight.mul_(3)
        mean = session.run().logits
    with gb.attach(model) as session:
        session.run(some_text())
        session.ablate("L1.mlp", how="mean")
        fresh = session.run().logits
    assert before is not None
    assert after is not None
    assert mean is not None
    assert fresh is not None
    assert torch.equal(after, expected)
    assert not torch.equal(after, before)
    assert torch.equal(mean, fresh)


def test_a_model_that_was_compiled_since_is_not_run_as_if_it_were_not() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        session.ablate("L0.attn.H0")
        model.compile(backend="eager")
        with pytest.raises(ModelError, match="compiled"):
            session.run(some_text())


def test_padding_is_in_no_mean() -> None:
    """The mean over a padded prompt is that over the same prompt without its padding."""
    ids = some_text(9)
    padded = {
        "input_ids": torch.cat((torch.full((1, 4), 5), ids), 1),
        "attention_mask": torch.cat((torch.zeros(1, 4, dtype=torch.long), torch.ones_like(ids)), 1),
        "position_ids": torch.cat((torch.zeros(1, 4, dtype=torch.long), torch.arange(9)[None]), 1),
    }
    found: list[Tensor] = []
    for reference in ({"input_ids": ids}, padded):
        with gb.attach(tiny("llama"), reference=[reference]) as session:
            session.ablate("L1.mlp", "L0.attn.H1", how="mean")
            logits = session.run(some_text()).logits
            assert logits is not None
            found.append(logits)
    assert torch.allclose(found[0], found[1], atol=1e-5)


def test_what_is_no_number_is_said_to_be_none() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        session.run(some_text())
        with torch.no_grad():
            model.lm_head.weight[0] = float("nan")
        session.ablate("L0.attn.H1")
        run = session.run()
    assert run.kl is not None
    assert math.isnan(run.kl)


def test_what_was_replaced_since_is_not_said_to_be_ablated() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        session.run(some_text())
        session.ablate("L1.mlp")
        model.model.layers[1].mlp = copy.deepcopy(model.model.layers[1].mlp)
        with pytest.warns(RuntimeWarning, match="replaced"), pytest.raises(InterventionError, match="attach again"):
            session.run()
        session.restore()
        session.run()


def test_an_encoder_decoder_is_run_and_continued() -> None:
    sizes: dict[str, Any] = {"d_model": 32, "num_heads": 4, "num_layers": 2, "d_kv": 8, "d_ff": 48, "vocab_size": 97}
    sizes["decoder_start_token_id"] = 1
    config = transformers.T5Config(**sizes)
    model = transformers.T5ForConditionalGeneration(config).eval()
    ids = some_text(7)
    with gb.attach(model) as session:
        run = session.run(ids)
        expected = model.generate(ids, max_new_tokens=4, do_sample=False)
        written = session.generate(ids, max_new_tokens=4)
    assert run.predictions[0].id == int(expected[0, 1])
    assert written.generated == expected.shape[1] - 1
    assert written.tokens == tuple(f"<{token}>" for token in expected[0].tolist())


def test_a_prompt_that_is_padded_at_its_end_is_predicted_at_its_last_token() -> None:
    ids = some_text(6)
    padded = {
        "input_ids": torch.cat((ids, torch.full((1, 3), 5)), 1),
        "attention_mask": torch.tensor([[1] * 6 + [0] * 3]),
    }
    with gb.attach(tiny("llama")) as session:
        expected, found = session.run(ids).predictions, session.run(padded).predictions
    assert [each.id for each in found] == [each.id for each in expected]
    assert found[0].clean.prob == pytest.approx(expected[0].clean.prob, rel=1e-5)


def test_help_begins_with_all_that_a_session_can_do() -> None:
    """Its methods stand in several files; a person looks in one place."""
    told = set(re.findall(r"`([a-z_]+)`", str(Session.__doc__)))
    assert {name for name in dir(Session) if not name.startswith("_")} <= told
