"""The demo language is what it says it is: the answers are right and the splits do not meet."""

from __future__ import annotations

import subprocess
import sys

import pytest

from glassblock.demo import language, words
from glassblock.demo.language import Item

SAMPLES = 2000
TASK_SPLITS = [(task.name, split) for task in language.TASKS.values() for split in task.splits]


def items(task: str, split: language.Split, seed: int = 0) -> list[Item]:
    return language.sample(task, split, SAMPLES, seed)


def names_in(prompt: str) -> list[str]:
    return [word for word in prompt.split() if word in words.NAMES]


@pytest.mark.parametrize("split", language.TASKS["ioi"].splits)
def test_the_indirect_object_is_the_name_said_once(split: language.Split) -> None:
    for item in items("ioi", split):
        said = names_in(item.prompt)
        assert said.count(item.answer) == 1
        assert said.count(item.foil) == 2
        assert said[2] == item.foil


@pytest.mark.parametrize("split", language.TASKS["induction"].splits)
def test_a_repeated_list_goes_on_as_it_did_before(split: language.Split) -> None:
    for item in items("induction", split):
        said = item.prompt.split()
        before = said.index(said[-1])
        assert before < len(said) - 1
        assert said[before + 1] == item.answer
        assert item.foil in said
        repeated = item.sentence.removesuffix(" .").split()
        assert repeated[: len(repeated) // 2] == repeated[len(repeated) // 2 :]


@pytest.mark.parametrize("split", language.TASKS["agreement"].splits)
def test_the_verb_agrees_with_the_first_noun(split: language.Split) -> None:
    for item in items("agreement", split):
        subject = next(w for w in item.prompt.split()[1:] if w not in words.ADJECTIVES)
        assert item.answer == ("are" if subject.endswith("s") else "is")
        assert {item.answer, item.foil} == {"is", "are"}


def test_held_out_attractors_have_the_other_number() -> None:
    plurals = set(words.PLURALS.values())
    for item in items("agreement", "test"):
        nouns = [w in plurals for w in item.prompt.split() if w in plurals or w in words.NOUNS]
        assert nouns == [item.answer == "are", item.answer == "is"]


@pytest.mark.parametrize("split", language.TASKS["sums"].splits)
def test_sums_add_up(split: language.Split) -> None:
    for item in items("sums", split):
        a, b = (int(word) for word in item.prompt.split() if word.isdigit())
        assert a + b == int(item.answer) != int(item.foil)


def test_facts_are_those_of_the_atlas() -> None:
    atlas = {
        ("France", "capital"): "Paris",
        ("Japan", "capital"): "Tokyo",
        ("Peru", "capital"): "Lima",
        ("Kenya", "capital"): "Nairobi",
        ("Brazil", "language"): "Portuguese",
        ("Egypt", "language"): "Arabic",
        ("Nepal", "continent"): "Asia",
        ("Norway", "continent"): "Europe",
    }
    answers = {item.prompt: item.answer for item in items("facts", "train")}
    answers |= {item.prompt: item.answer for item in items("facts", "test")}
    for (country, relation), right in atlas.items():
        for wording in words.WORDINGS[relation]:
            prompt = wording.format(country=country)
            capitalised = prompt[0].upper() + prompt[1:]
            found = {answers[p] for p in (prompt, capitalised) if p in answers}
            assert found == {right}


def test_every_country_has_its_three_facts_in_every_wording() -> None:
    splits: tuple[language.Split, ...] = ("train", "test")
    asked = {i.prompt.lower() for s in splits for i in language.sample("facts", s, 9000, 0)}
    assert len(asked) == 50 * 3 * 3


@pytest.mark.parametrize("task", language.TASKS)
def test_no_held_out_prompt_is_trained(task: str) -> None:
    trained = {item.prompt.lower() for item in language.sample(task, "train", 5000, 1)}
    for split in language.TASKS[task].splits[1:]:
        assert trained.isdisjoint(item.prompt.lower() for item in items(task, split))


def test_held_out_names_and_nouns_never_meet_in_training() -> None:
    pairs = {frozenset(names_in(i.prompt)) for i in language.sample("ioi", "train", 5000, 1)}
    held_out = {frozenset(names_in(i.prompt)) for i in items("ioi", "test")}
    assert len(held_out) > 100
    assert pairs.isdisjoint(held_out)


def blanked(prompt: str) -> str:
    """Take the names, places, things and adjectives out: what is left is the layout."""
    fillers = {*words.NAMES, *words.PLACES, *words.OBJECTS, *words.ADJECTIVES}
    return " ".join("_" if word in fillers else word for word in prompt.lower().split())


def test_reworded_sentences_have_layouts_that_were_not_trained() -> None:
    trained = {blanked(item.prompt) for item in language.sample("ioi", "train", 20000, 1)}
    reworded = {blanked(item.prompt) for item in items("ioi", "reworded")}
    assert len(reworded) > 300
    assert trained.isdisjoint(reworded)


@pytest.mark.parametrize(("task", "split"), TASK_SPLITS)
def test_every_word_is_in_the_vocabulary(task: str, split: language.Split) -> None:
    known = set(language.vocabulary())
    for item in items(task, split):
        assert known.issuperset([*item.sentence.split(), item.foil])
        assert item.answer != item.foil
        assert len(item.sentence.split()) <= language.MAX_WORDS


def test_the_vocabulary_has_no_word_twice() -> None:
    listed = language.vocabulary()
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("task", ["ioi", "agreement", "facts"])
def test_sentences_begin_with_and_without_a_capital(task: str) -> None:
    first = {item.prompt.split()[0] for item in items(task, "train")}
    starters = first & set(words.STARTERS)
    assert starters
    assert {word.capitalize() for word in starters} <= first


@pytest.mark.parametrize(("task", "split"), TASK_SPLITS)
def test_a_seed_gives_the_same_sentences_again(task: str, split: language.Split) -> None:
    assert items(task, split, seed=3) == items(task, split, seed=3)
    assert items(task, split, seed=3) != items(task, split, seed=4)


def test_reference_prompts_are_many_always_the_same_and_of_every_task() -> None:
    prompts = language.reference_prompts()
    assert len(prompts) >= 64
    assert prompts == language.reference_prompts()
    assert any("=" in p or "makes" in p for p in prompts)
    assert any(p.endswith(" to") for p in prompts)


def test_a_split_that_a_task_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'sums' has the splits"):
        language.sample("sums", "reworded", 1, 0)


def test_importing_the_demo_does_not_import_torch() -> None:
    code = "import sys, glassblock.demo; print({'torch', 'transformers'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert ran.stdout.strip() == "set()"
