"""The demo language: small English from a grammar, with five tasks.

The tasks are chosen because they live in different parts of a transformer. Naming the indirect
object and continuing a repeated list need information moved from earlier tokens, which is what
attention does; capitals and sums are looked up, which is what MLPs and experts do; agreement needs
a subject to be found past a noun of the other number. That is what makes single ablations readable.

Every sentence belongs to one split, decided by a hash of what it is made of (`_held_out`), never
by a random draw. So training can sample for ever without meeting a held-out sentence, and the
splits are the same in every process and for every seed:

============  ==================================  =====================================
task          held out from training (``test``)   also not trained (``reworded``)
============  ==================================  =====================================
``ioi``       the pair of names                   the layout of the sentence
``induction`` the list of words                   lists longer than any trained
``agreement`` the pair of nouns                   how many adjectives each noun has
``facts``     the wording of this fact
``sums``      this order and wording of the sum
============  ==================================  =====================================

A model trained on a few rigid layouts learns indirect objects by a shortcut that fails as soon as
the sentence is reworded; hence the many layouts here, and a split that measures it.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from glassblock.demo import words

Split = Literal["train", "test", "reworded"]

MAX_WORDS = 40
"""No sentence is longer than this, its answer and tail included."""


@dataclass(frozen=True)
class Item:
    """One sentence, cut where the model has to answer.

    Parameters
    ----------
    task
        A key of `TASKS`.
    prompt
        Words separated by single spaces; the answer follows it directly.
    answer
        The right next word.
    foil
        The wrong word that is the most tempting: the giver, another word of the list, the verb of
        the other number, another country's capital, a sum next to the right one.
    tail
        What ends the sentence after the answer.
    """

    task: str
    prompt: str
    answer: str
    foil: str
    tail: str

    @property
    def sentence(self) -> str:
        """The whole sentence, in words separated by single spaces."""
        return f"{self.prompt} {self.answer} {self.tail}"


@dataclass(frozen=True)
class Task:
    """A skill: how to sample a sentence for it, and its share of the training text."""

    name: str
    title: str
    share: float
    splits: tuple[Split, ...]
    sample: Callable[[Split, random.Random], Item]


def _held_out(*parts: object, one_in: int) -> bool:
    """Tell whether these parts are held out: a hash, so that it never depends on a seed."""
    return zlib.crc32(" ".join(map(str, parts)).encode()) % one_in == 0


def _start(sentence: str, rng: random.Random) -> str:
    """Write the first word with a capital in half of the sentences that may have one."""
    first = sentence.split(" ", 1)[0]
    if first in words.STARTERS and rng.random() < 0.5:
        return sentence[0].upper() + sentence[1:]
    return sentence


def _other_than(right: str, choices: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice([choice for choice in choices if choice != right])


def _indirect_object_layout(split: Split, rng: random.Random) -> str:
    """Draw a layout; those of ``reworded`` are in no other split."""
    while True:
        lead = rng.choice(words.SUBORDINATE_LEADS + words.MAIN_LEADS)
        subordinate = lead in words.SUBORDINATE_LEADS
        link = rng.choice(words.SUBORDINATE_LINKS if subordinate else words.MAIN_LINKS)
        scene = rng.choice(words.SCENES + words.RESERVED_SCENES)
        gift = f"{rng.choice(words.TRANSFERS)} {rng.choice(words.GIFTS)}"
        layout = f"{lead} {scene} {link} {gift} to".strip()
        reserved = scene in words.RESERVED_SCENES or _held_out("layout", layout, one_in=8)
        if reserved == (split == "reworded"):
            return layout


def _indirect_object(split: Split, rng: random.Random) -> Item:
    layout = _indirect_object_layout(split, rng)
    while True:
        a, b = rng.sample(words.NAMES, 2)
        if _held_out(*sorted((a, b)), one_in=8) == (split != "train"):
            break
    giver, receiver = rng.sample((a, b), 2)
    prompt = layout.format(
        a=a,
        b=b,
        giver=giver,
        place=rng.choice(words.PLACES),
        adjective=rng.choice(words.ADJECTIVES),
        object=rng.choice(words.OBJECTS),
    )
    return Item("ioi", _start(prompt, rng), receiver, giver, ".")


_LIST_WORDS = (
    *words.NAMES,
    *words.PLACES,
    *words.OBJECTS,
    *words.NOUNS,
    *words.PLURALS.values(),
    *words.ADJECTIVES,
)


def _induction(split: Split, rng: random.Random) -> Item:
    while True:
        length = rng.randint(10, 12) if split == "reworded" else rng.randint(4, 9)
        listed = rng.sample(_LIST_WORDS, length)
        if _held_out("list", *listed, one_in=8) == (split != "train"):
            break
    said = rng.randint(1, length - 1)
    answer = listed[said]
    prompt = " ".join(listed + listed[:said])
    foil = _other_than(answer, tuple(listed), rng)
    return Item("induction", prompt, answer, foil, " ".join([*listed[said + 1 :], "."]))


def _agreement_layout(split: Split, rng: random.Random) -> tuple[int, ...]:
    """Draw how many adjectives each noun has, subject first; those of ``reworded`` are its own."""
    while True:
        # A layout with one attractor that is not trained is, in training, always the beginning of
        # a longer one: a preposition would be as right there as the verb, so it is not asked.
        attractors = 2 if split == "reworded" else rng.choice((0, 1, 1, 1, 2, 2))
        adjectives = tuple(rng.choice((0, 0, 1, 2)) for _ in range(attractors + 1))
        reserved = attractors > 0 and _held_out("attractors", *adjectives, one_in=5)
        if reserved == (split == "reworded") and (split != "test" or attractors == 1):
            return adjectives


def _agreement(split: Split, rng: random.Random) -> Item:
    layout = _agreement_layout(split, rng)
    while True:
        nouns = rng.sample(words.NOUNS, len(layout))
        held_out = any(_held_out(nouns[0], other, one_in=8) for other in nouns[1:])
        if held_out == (split != "train"):
            break
    plural = rng.random() < 0.5
    phrases = []
    for place, (noun, count) in enumerate(zip(nouns, layout, strict=True)):
        # After a held-out subject every noun has the other number: the hard case.
        other = place > 0 and (split != "train" or rng.random() < 0.6)
        written = words.PLURALS[noun] if plural != other else noun
        phrases.append(" ".join(["the", *rng.sample(words.ADJECTIVES, count), written]))
    prompt = phrases[0] + "".join(f" {rng.choice(words.PREPOSITIONS)} {p}" for p in phrases[1:])
    verb, wrong = ("are", "is") if plural else ("is", "are")
    return Item("agreement", _start(prompt, rng), verb, wrong, f"{rng.choice(words.ADJECTIVES)} .")


def _fact(split: Split, rng: random.Random) -> Item:
    country = rng.choice(tuple(words.COUNTRIES))
    column, (relation, wordings) = rng.choice(tuple(enumerate(words.WORDINGS.items())))
    unseen = zlib.crc32(f"{country} {relation}".encode()) % len(wordings)
    seen = tuple(w for index, w in enumerate(wordings) if index != unseen)
    wording = rng.choice(seen) if split == "train" else wordings[unseen]
    answer = words.COUNTRIES[country][column]
    foil = _other_than(answer, tuple(fact[column] for fact in words.COUNTRIES.values()), rng)
    return Item("facts", _start(wording.format(country=country), rng), answer, foil, ".")


_SUM_WORDINGS = ("{} + {} =", "{} plus {} makes")


def _sum(split: Split, rng: random.Random) -> Item:
    a, b = rng.randrange(10), rng.randrange(10)
    # A sum can be asked in four forms (two if a == b), and one of them is never trained.
    forms = [w.format(*terms) for w in _SUM_WORDINGS for terms in sorted({(a, b), (b, a)})]
    unseen = zlib.crc32(f"{min(a, b)} {max(a, b)}".encode()) % len(forms)
    prompt = rng.choice([f for i, f in enumerate(forms) if (i == unseen) == (split != "train")])
    near = tuple(str(n) for n in (a + b - 2, a + b - 1, a + b + 1, a + b + 2) if 0 <= n <= 18)
    return Item("sums", prompt, str(a + b), rng.choice(near), ".")


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("ioi", "indirect objects", 0.26, ("train", "test", "reworded"), _indirect_object),
        Task("induction", "induction", 0.20, ("train", "test", "reworded"), _induction),
        Task("agreement", "agreement", 0.16, ("train", "test", "reworded"), _agreement),
        Task("facts", "facts", 0.24, ("train", "test"), _fact),
        Task("sums", "one-digit sums", 0.14, ("train", "test"), _sum),
    )
}
"""The tasks by name, in the order in which they are shown."""


def sample(task: str, split: Split, count: int, seed: int) -> list[Item]:
    """Draw sentences of one task from one split.

    Parameters
    ----------
    task
        A key of `TASKS`.
    split
        ``train``, ``test`` or ``reworded``, if the task has it.
    count
        How many; the same sentence may come twice where the split is small (facts, sums).
    seed
        Of the draw. It has no say in which split a sentence belongs to.

    Raises
    ------
    ValueError
        If the task has no such split.
    """
    chosen = TASKS[task]
    if split not in chosen.splits:
        raise ValueError(f"task {task!r} has the splits {chosen.splits}, not {split!r}")
    rng = random.Random(seed)
    return [chosen.sample(split, rng) for _ in range(count)]


def mixed(rng: random.Random) -> Item:
    """Draw one training sentence, each task with its share of the text."""
    tasks = list(TASKS.values())
    (task,) = rng.choices(tasks, [task.share for task in tasks])
    return task.sample("train", rng)


def reference_prompts(count: int = 128, seed: int = 7) -> tuple[str, ...]:
    """Give the prompts over which mean ablation takes its means: training text, always the same."""
    rng = random.Random(seed)
    return tuple(mixed(rng).prompt for _ in range(count))


def vocabulary() -> list[str]:
    """List every word of the language once, in an order that does not change."""
    layouts = (
        *words.SUBORDINATE_LEADS,
        *words.MAIN_LEADS,
        *words.SUBORDINATE_LINKS,
        *words.MAIN_LINKS,
        *words.SCENES,
        *words.RESERVED_SCENES,
        *words.TRANSFERS,
        *words.GIFTS,
        *(wording for wordings in words.WORDINGS.values() for wording in wordings),
    )
    fixed = [word for text in layouts for word in text.split() if not word.startswith("{")]
    facts = [word for country, known in words.COUNTRIES.items() for word in (country, *known)]
    capitals = [word.capitalize() for word in words.STARTERS]
    signs = ["is", "are", "+", "=", "plus", "makes", "."]
    every = [*_LIST_WORDS, *facts, *words.NUMBERS, *words.PREPOSITIONS, *words.STARTERS]
    return list(dict.fromkeys([*every, *capitals, *fixed, *signs]))
