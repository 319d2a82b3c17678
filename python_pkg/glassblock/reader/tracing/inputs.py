"""Inputs that a model can run on, found from what it says of itself.

The signature of ``forward`` says what there is to give, the configuration and the first layers say of which
shape (`clues`), and where that is not enough the model's complaint does (`complaints`): an error that names an
argument asks for it, "expected 5, got 4" asks for another dimension, "features: 576" asks for room in the
text. Everything that a model takes is given at first, so that each of its towers runs; what cannot be run is
left out, and that is said.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from glassblock.reader.tracing.clues import Clues
from glassblock.reader.tracing.complaints import ABOUT_SHAPES, MASKED, PAIR, learnt, needed_room, widths
from glassblock.reader.tracing.tensors import Maker
from glassblock.reader.tracing.wishes import (
    ALWAYS,
    BESIDE,
    HINTS,
    IMAGES,
    PERHAPS,
    SOUNDS,
    TEXTS,
    TOKENS,
    Wish,
    kinds_of,
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What ``forward`` is called with, what was left out, and whether the model may check what it got."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    checked: bool = True

    @property
    def tokens(self) -> int:
        """Length of the text, or of what takes its place."""
        leaves = [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, torch.Tensor)]
        texts = [leaf for leaf in leaves if is_text(leaf)]
        first = next(iter((*texts, *(leaf for leaf in leaves if leaf.ndim in (2, 3)))), None)
        return int(first.shape[1]) if first is not None else TOKENS


def is_text(given: Any) -> bool:
    """Whether something given is token ids."""
    return isinstance(given, torch.Tensor) and given.ndim == 2 and given.dtype == torch.long


def given(inputs: Any) -> Inputs:
    """Return inputs that a person gave: a tensor, a tuple of positional ones or a dictionary of keyword ones."""
    if isinstance(inputs, dict) or hasattr(inputs, "keys"):
        return Inputs(kwargs=dict(inputs))
    return Inputs(args=tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,))


class Finder:
    """Finds inputs for a model, and better ones from what it says of those it got."""

    def __init__(self, model: nn.Module) -> None:
        self._clues = Clues(model)
        self._takes = inspect.signature(model.forward).parameters
        self._main = str(getattr(model, "main_input_name", ""))

    def wishes(self) -> list[Wish]:
        """Return what to try: everything that the model takes, then less and less."""
        images = [name for name in IMAGES if name in self._takes][:1]
        sounds = [name for name in SOUNDS if name in self._takes][:1]
        texts = [name for name in TEXTS[: 4 if images or sounds else None] if name in self._takes][:1]
        media = [*dict.fromkeys([(*images, *sounds), tuple(images), tuple(sounds), ()])]
        found = []
        for text, some in [(texts, media[0]), ([], media[0]), *((texts, fewer) for fewer in media[1:])]:
            left_out = [name for name in (*texts, *images, *sounds) if name not in (*text, *some)]
            note = f"left out: {' and '.join(left_out)}" if left_out else ""
            if text or some or not left_out:
                found.append(Wish(self._with(*text, *some), note=note))
        return [wish for at, wish in enumerate(found) if wish not in found[:at]]

    def _with(self, *names: str) -> tuple[str, ...]:
        """Add to the main arguments what the model demands and what belongs to them."""
        demanded = [n for n, p in self._takes.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        beside = [n for kind in kinds_of(names) for n in BESIDE[kind]]
        beside += [hint for hint in HINTS if self._main in HINTS and not (names and hint == "inputs_embeds")]
        beside += ["pixel_attention_mask"] if "spatial_shapes" in self._takes else []
        wanted = dict.fromkeys([*names, *demanded, *beside, *ALWAYS])
        return tuple(name for name in wanted if name in self._takes)

    def make(self, wish: Wish) -> Inputs:
        """Make the tensors of a wish; whole numbers are as they have to be, others are zero."""
        maker = Maker(self._clues, self._takes, wish)
        kwargs: dict[str, Any] = {name: tensor for name in wish.names if (tensor := maker.tensor(name)) is not None}
        if not kwargs:
            return Inputs((maker.anything(),), {}, wish.note, wish.checked)
        if "use_cache" in self._takes:
            kwargs["use_cache"] = False
        return Inputs((), kwargs, wish.note, wish.checked)

    def better(self, wish: Wish, complaint: str) -> Wish | None:
        """Return what to try instead of a wish that the model refused; None if nothing comes to mind."""
        words = re.findall(r"\w+", f"{complaint} {complaint.lower()}")
        if wish.note and any(text in words for text in TEXTS[:4] if text in self._takes and text not in wish.names):
            return None  # what was left out is indispensable
        named = next((n for n in words if n in self._takes and n not in wish.names), None)
        if named is not None and "both" not in complaint and (with_it := self._adding(wish, named)) is not None:
            return with_it
        maker = Maker(self._clues, self._takes, wish)
        rooms = {kind: maker.room(kind) for kind in kinds_of(wish.names)}
        for kind, counts in needed_room(complaint, self._clues.width(), rooms).items():
            room = wish.room.get(kind)
            nearer = counts[counts.index(room) + 1 :] if room in counts else counts
            if nearer:
                return replace(wish, room={**wish.room, kind: nearer[0]})
        if "do not match" in complaint and wish.checked:
            return replace(wish, checked=False, note=f"{wish.note}; " * bool(wish.note) + f"not checked: {complaint}")
        if not wish.checked:
            return None
        if (laid := self._laid(wish, complaint)) is not None:
            return laid
        if (lesson := learnt(wish, complaint)) is not None:
            return lesson
        if (two := widths(complaint)) and two[0] not in wish.width:
            return replace(wish, width={**wish.width, two[0]: two[1]})
        if ABOUT_SHAPES.search(complaint) and "NoneType" not in complaint:
            return self._reshaped(wish, complaint)
        perhaps = (self._adding(wish, n) for n in PERHAPS if n in self._takes and n not in wish.names)
        return next((found for found in perhaps if found is not None), None)

    def _laid(self, wish: Wish, complaint: str) -> Wish | None:
        """Learn how many patches a picture has for a table of positions that is added whole."""
        found = re.search(r"of length (\d+) at -2!.*broadcastable to \[[\d, ]*?(\d+), \d+\]", complaint)
        if found is None or wish.laid:
            return None
        maker = Maker(self._clues, self._takes, wish)
        made = [maker.tensor(name) for name in wish.names if name in IMAGES]
        flat = any(one is not None and one.ndim == 3 and one.shape[1] == int(found[2]) for one in made)
        return replace(wish, laid=int(found[1])) if flat else None

    def _adding(self, wish: Wish, name: str) -> Wish | None:
        """Return the wish with one more argument; None if nothing is known about that, or it was left out."""
        if name in TEXTS and wish.note:
            return None
        more = replace(wish, names=self._with(*wish.names, name))
        return more if Maker(self._clues, self._takes, more).tensor(name) is not None else None

    def _reshaped(self, wish: Wish, complaint: str) -> Wish | None:
        """Take another shape for the image, or the sound: of as many dimensions as were expected, or the next."""
        maker = Maker(self._clues, self._takes, wish)
        masked = maker.tensor("pixel_attention_mask") if "pixel_attention_mask" in wish.names else None
        if masked is not None and (MASKED.search(complaint) or (masked.ndim > 2 and PAIR.search(complaint))):
            return _with_tiles_masked(wish, maker)
        expected = re.search(r"expected (\d+)(?:, got (\d+))?", complaint) if "unpack" in complaint else None
        shown = {name: sorted(tensor.shape) for name in wish.names if (tensor := maker.tensor(name)) is not None}
        said = [sorted(map(int, numbers.split(", "))) for numbers in re.findall(r"\[(\d+(?:, \d+)*)\]", complaint)]
        was, wanted = widths(complaint) or (0, 0)

        def other(name: str) -> bool:
            """Whether nothing says that it is this one: its shape, or two of its sizes in the wrong order."""
            turned = any(was * a == wanted * b for a, b in permutations(shown[name], 2)) if was != wanted else False
            return shown[name] not in said and not turned

        for name in sorted(shown, key=other):
            shapes, at = maker.shapes(name), wish.shape.get(name, 0)
            if expected:
                # It may have been taken apart or wrapped up before: then what counts is the difference.
                more = int(expected[1]) - int(expected[2] or expected[1])
                sizes = (len(shown[name]) + more, int(expected[1])) if more else (int(expected[1]),)
                later = range(at + 1, len(shapes))
                fits = [i for size in sizes for i in later if len(shapes[i]) == size]
                if fits:
                    return replace(wish, shape={**wish.shape, name: fits[0]})
            elif at + 1 < len(shapes):
                return replace(wish, shape={**wish.shape, name: at + 1})
        return None


def _with_tiles_masked(wish: Wish, maker: Maker) -> Wish | None:
    """Return the wish with a mask that chooses among the pictures of a text, and not among their points."""
    name = next((name for name in wish.names if name in IMAGES), "")
    several = [at for at, shape in enumerate(maker.shapes(name)) if len(shape) == 5]
    if not several or "pixel_attention_mask" in wish.shape:
        return None
    return replace(wish, shape={**wish.shape, name: several[0], "pixel_attention_mask": 1})
