"""What a kind of intervention is: something that is done to a tensor, and a sentence that says what.

A kind is a small frozen dataclass whose fields are its settings. It knows nothing of models, addresses or hooks: it
is given the part of a tensor that an intervention is about, always as (batch, tokens, ...), and what else it asked for.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from glassblock.errors import InterventionError

TargetKind = Literal["layer", "block", "head", "kv", "expert", "neuron", "tap"]

SUBJECTS: dict[TargetKind, str] = {
    "layer": "What each block of {} adds to the residual stream",
    "block": "What {} adds to the residual stream",
    "head": "The output of {}, before the output projection,",
    "kv": "The output of every query head that reads {}, before the output projection,",
    "expert": "The output of {}, before it is weighted,",
    "neuron": "The activation of {}, before the down projection,",
    "tap": "{}",
}
"""How a sentence begins for each kind of target."""

EVERYWHERE: frozenset[TargetKind] = frozenset(SUBJECTS)


@dataclass(frozen=True, slots=True)
class Want:
    """Values that a kind needs of other passes of the model.

    ``mean``: over all tokens of the reference prompts; ``means``: at each position of them; ``prompt``: of another
    prompt; ``clean``: of the clean run of the last prompt.
    """

    of: Literal["mean", "means", "prompt", "clean"]
    prompt: Any = None


@dataclass(frozen=True, slots=True)
class Supply:
    """Values to be put in the place of others, by position.

    Attributes
    ----------
    rows
        (batch or 1, positions, ...), from the first position of the sequence on. None: there are none.
    beyond
        (...), for positions that ``rows`` has not. None: those keep their own.
    """

    rows: Tensor | None = None
    beyond: Tensor | None = None

    def at(self, x: Tensor, start: int) -> Tensor:
        """Return what stands in the place of a tensor (batch, tokens, ...) whose first token is at this position.

        It is a tensor of its own: the model may write over it.
        """
        other = (x if self.beyond is None else _shaped(self.beyond.to(x), x.shape[2:]).expand_as(x)).clone()
        if self.rows is None or start >= self.rows.shape[1]:
            return other
        known = _like(self.rows[:, start : start + x.shape[1]].to(x), x)
        if known.shape[0] not in (1, x.shape[0]):
            raise InterventionError(
                f"expected a batch of {known.shape[0]}, as in the run that the values are of, got one of {x.shape[0]}."
                " Run that batch, or restore the intervention."
            )
        known = known.expand(x.shape[0], *known.shape[1:])
        return torch.cat((known, other[:, known.shape[1] :]), 1)

    def part(self, groups: int, start: int, length: int) -> Supply:
        """Return what is for some neighbours among equal groups of channels, that is heads, or neurons."""
        rows, beyond = (
            None if x is None else x.reshape(*x.shape[:-1], groups, -1).narrow(-2, start, length).flatten(-2)
            for x in (self.rows, self.beyond)
        )
        return Supply(rows, beyond)


def _like(known: Tensor, x: Tensor) -> Tensor:
    """Return values in the shape of a tensor's own: weights of attention with as many keys as it has.

    Raises
    ------
    InterventionError
        If it has another number of channels.
    """
    if known.ndim == x.ndim == 4 and known.shape[3] != x.shape[3]:
        return torch.nn.functional.pad(known, (0, x.shape[3] - known.shape[3]))
    return _shaped(known, (*known.shape[:2], *x.shape[2:]))


def _shaped(known: Tensor, shape: tuple[int, ...]) -> Tensor:
    if known.numel() != math.prod(shape):
        raise InterventionError(
            f"expected values of shape {shape}, as they are where they shall stand, got {tuple(known.shape)}."
            " The model ran otherwise when they were taken; restore the intervention."
        )
    return known.reshape(shape)


@dataclass(frozen=True, slots=True)
class Here:
    """What a kind is told beside the tensor.

    Attributes
    ----------
    address
        Of the target.
    start
        Position of the first token in the sequence.
    keys
        Of weights of attention the position of the first key.
    whole
        The tensor of which a part is edited, (batch, tokens, ...).
    supply
        What the kind wanted.
    """

    address: str
    start: int
    whole: Tensor
    supply: Supply | None = None
    keys: int = 0


class Kind(ABC):
    """A kind of intervention.

    Attributes
    ----------
    name, sign
        What stands for it, as a word and as one character.
    replaces
        Whether nothing of the value is kept, so that of two the later one stands.
    placed
        Whether what it does depends on where in the sequence a token is.
    targets
        What it can be done to.
    """

    name: ClassVar[str]
    sign: ClassVar[str]
    replaces: ClassVar[bool] = False
    placed: ClassVar[bool] = False
    targets: ClassVar[frozenset[TargetKind]] = EVERYWHERE

    @property
    def want(self) -> Want | None:
        """Values of other passes that it needs."""
        return None

    @abstractmethod
    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return what shall stand in the place of a tensor (batch, tokens, ...); a new one, or the same."""

    @property
    @abstractmethod
    def predicate(self) -> str:
        """What happens to the value, as the end of a sentence."""

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence that says exactly what it does to a target."""
        return f"{SUBJECTS[target].format(address)} {self.predicate}."

    @property
    def python(self) -> str:
        """What a person would write for it."""
        settings = ((field.name, getattr(self, field.name), field.default) for field in fields(self))  # type: ignore[arg-type]
        given = ", ".join(f"{name}={value!r}" for name, value, default in settings if value != default)
        return f"gb.{type(self).__name__}({given})"


def check_number(kind: str, name: str, value: Any) -> float:
    """Return a setting as a number.

    Raises
    ------
    InterventionError
        If it is none, or not finite.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InterventionError(f"expected a finite number as {name} of {kind}, got {value!r}.")
    return number
