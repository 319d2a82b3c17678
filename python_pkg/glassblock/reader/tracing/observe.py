"""Run the model once and record it, on the highest rung of the fallback ladder that holds.

``meta`` first: shapes only, and nothing is allocated. Where a model refuses the meta device, fake tensors say
they are on the CPU and have no numbers either. What a model does with numbers of its own is seen when it gets
made-up ones. Where that fails too, the module tree is all there is, and what is drawn between its parts is
assumed and marked so. Each rung is tried on the inputs that let all towers run, before any is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from glassblock.errors import ModelError
from glassblock.ir import Trace
from glassblock.reader.tracing.complaints import about_inputs
from glassblock.reader.tracing.fold import Fold
from glassblock.reader.tracing.inputs import Finder, Inputs, given
from glassblock.reader.tracing.record import Recording
from glassblock.reader.tracing.rungs import Rung, is_configured, run
from glassblock.reader.tracing.stages import within_stages

_COMPLAINTS = 8
"""How often a model may complain about its inputs before less is given to it."""
_ATTEMPTS = 14
"""How often it may complain in all before it is given the least."""


@dataclass(slots=True)
class Observation:
    """A model, and one forward pass through it where one could be made."""

    model: nn.Module
    fold: Fold
    trace: Trace
    recording: Recording | None = None
    inputs: Inputs | None = None


def observe(model: nn.Module, fold: Fold, inputs: Any = None) -> Observation:
    """Trace one forward pass.

    Parameters
    ----------
    model
        A model on the meta device. Running it leaves it as it was.
    fold
        Which of its modules are alike.
    inputs
        Example inputs: a tensor, a tuple of positional ones or a dictionary of keyword ones. Without
        them inputs are found.

    Raises
    ------
    ModelError
        If the model cannot run on the inputs that were given.
    """
    ladder = _Ladder(model, fold)
    found = ladder.climb([given(inputs)]) if inputs is not None else ladder.search()
    if found is not None:
        return found
    if inputs is not None:
        raise ModelError(
            f"expected inputs that {type(model).__name__} can run on, got {_describe(inputs)}:"
            f" {ladder.failures[0].rstrip('.') if ladder.failures else 'nothing to run'}. Pass a tensor, a tuple of"
            " positional inputs or a dictionary of keyword inputs."
        )
    return Observation(model, fold, Trace("tree", (), tuple(dict.fromkeys(ladder.failures))))


class _Ladder:
    """Tries rungs and inputs, and keeps what went wrong."""

    def __init__(self, model: nn.Module, fold: Fold) -> None:
        self._model, self._fold = model, fold
        self._choices = (True, False) if is_configured(model) else (True,)
        self._tried: dict[tuple[int, Rung, bool], Inputs] = {}
        self.failures: list[str] = []

    def search(self) -> Observation | None:
        """Find inputs, and the highest rung that holds on them."""
        refused = []
        for inputs, complaint in self._settled():
            if isinstance(inputs, Observation):
                return inputs
            refused.append(inputs)
            found = None if about_inputs(complaint) else self._first(("meta", "fake"), inputs)
            if found is not None:
                return found
        rungs: tuple[Rung, ...] = ("meta", "fake", "real")
        most_and_least = (refused[0], refused[-1])
        return next((found for inputs in most_and_least if (found := self._first(rungs, inputs)) is not None), None)

    def climb(self, candidates: list[Inputs]) -> Observation | None:
        """Try all rungs on inputs that are given."""
        found = (self._first(("meta", "fake", "real"), inputs) for inputs in candidates)
        return next((observation for observation in found if observation is not None), None)

    def _settled(self) -> Iterator[tuple[Inputs | Observation, str]]:
        """Go through inputs than which none better is known, with the last complaint, or what was seen on them."""
        finder = Finder(self._model)
        wishes = finder.wishes()
        for first in wishes:
            if len(self.failures) >= _ATTEMPTS and first is not wishes[-1]:
                continue
            wish = first
            for _ in range(_COMPLAINTS):
                inputs = finder.make(wish)
                tried = self._try("meta", inputs, written_out=True)
                if isinstance(tried, Observation):
                    yield tried, ""
                    return
                better = finder.better(wish, tried)
                if better is None:
                    break
                wish = better
            assert isinstance(tried, str)
            yield inputs, tried

    def _first(self, rungs: tuple[Rung, ...], inputs: Inputs) -> Observation | None:
        """Try rungs from the highest: each with operations written out, then with the model's own kernels."""
        for rung in rungs:
            for written_out in self._choices if rung != "real" else (True,):
                if (id(inputs), rung, written_out) in self._tried:
                    continue
                tried = self._try(rung, inputs, written_out=written_out)
                if isinstance(tried, Observation):
                    return tried
        return None

    def _try(self, rung: Rung, inputs: Inputs, *, written_out: bool) -> Observation | str:
        """Run the model once; what it complained about where it does not run."""
        self._tried[id(inputs), rung, written_out] = inputs
        try:
            fold = self._fold
            recording = run(self._model, fold, inputs, rung, written_out=written_out)
            while (deeper := within_stages(self._model, fold, recording)) is not None:
                fold = deeper
                recording = run(self._model, fold, inputs, rung, written_out=written_out)
        except Exception as error:  # noqa: BLE001  # a model may fail in any way
            self.failures.append(f"it did not run {_HOW[rung]}: {type(error).__name__}: {_short(error)}")
            return str(error)
        idle = [f"not run: {container}" for container in _never_called(fold, recording)]
        told = rung != "meta" or bool(inputs.note and (idle or not inputs.checked))
        notes = (*self.failures, inputs.note) if told else ()  # what was left out is no loss where everything ran
        trace = Trace(rung, tuple(sorted(set(recording.escapes))), tuple(dict.fromkeys(filter(None, (*notes, *idle)))))
        return Observation(self._model, fold, trace, recording, inputs)


_HOW: dict[Rung, str] = {
    "meta": "without weights",
    "fake": "with stand-in tensors",
    "real": "with made-up numbers",
}


def _never_called(fold: Fold, recording: Recording) -> list[str]:
    """Return the containers of layers of which none ran, as those of a tower that was given nothing."""
    ran = {fold.containers[call.path] for call in recording.calls if call.path in fold.containers}
    return [container for container in dict.fromkeys(fold.containers.values()) if container not in ran]


def _describe(inputs: Any) -> str:
    def one(leaf: Any) -> str:
        return f"{leaf.dtype} {tuple(leaf.shape)}" if isinstance(leaf, torch.Tensor) else repr(leaf)

    return ", ".join(one(leaf) for leaf in tree_leaves(dict(inputs) if hasattr(inputs, "keys") else inputs))


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "..."
