"""Kinds that put something else in the place of a value: nothing, a mean, a value of other text or of the clean run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, ClassVar

import torch
from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.live.kinds.kind import EVERYWHERE, Here, Kind, TargetKind, Want


@dataclass(frozen=True, slots=True)
class Zero(Kind):
    """Zeros.

    Parameters
    ----------
    renormalise
        Of an expert: scale the routing weights of the others that were chosen, so that their sum is what it was.
    """

    renormalise: bool = False

    name: ClassVar[str] = "zero"
    sign: ClassVar[str] = "0"
    replaces: ClassVar[bool] = True

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(x)

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return "is replaced by zeros"

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        if target != "expert":
            return Kind.words(self, target, address)
        others = (
            "those of the others that were chosen are scaled, so that their sum stays what it was"
            if self.renormalise
            else "the other experts keep theirs"
        )
        return f"The routing weight of {address} is set to zero; {others}."


@dataclass(frozen=True, slots=True)
class Mean(Kind):
    """The mean over the reference prompts.

    Parameters
    ----------
    by_position
        At each position the mean of the reference prompts there; beyond the longest of them that over all tokens.
    """

    by_position: bool = False

    name: ClassVar[str] = "mean"
    sign: ClassVar[str] = "μ"
    replaces: ClassVar[bool] = True
    placed: ClassVar[bool] = True

    @property
    def want(self) -> Want:
        """Means."""
        return Want("means" if self.by_position else "mean")

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the mean at each position."""
        assert here.supply is not None
        return here.supply.at(x, here.start)

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        if self.by_position:
            return (
                "is replaced by its mean over the reference prompts at the same position, and beyond the longest of"
                " them by its mean over all their tokens"
            )
        return "is replaced by its mean over all tokens of the reference prompts"

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        if target != "expert":
            return Kind.words(self, target, address)
        return (
            f"The output of {address}, before it is weighted, is replaced by its mean over the tokens of the reference"
            " prompts that were routed to it."
        )


@dataclass(frozen=True, slots=True)
class Resample(Kind):
    """The value on other text, position by position: on another prompt, or on another row of the same batch.

    Parameters
    ----------
    prompt
        Text or token ids. Positions beyond it keep their own value.
    row
        Row of the batch, counted from 0; negative from the end.
    """

    prompt: Any = None
    row: int | None = None

    name: ClassVar[str] = "resample"
    sign: ClassVar[str] = "⇄"
    replaces: ClassVar[bool] = True
    placed: ClassVar[bool] = True
    targets: ClassVar[frozenset[TargetKind]] = EVERYWHERE - {"expert"}

    def __post_init__(self) -> None:
        """Take the prompt as something that cannot change."""
        if (self.prompt is None) == (self.row is None):
            raise InterventionError(
                "expected a prompt or a row of the batch to resample from, got"
                f" {'neither' if self.prompt is None else 'both'}."
                " Try how=gb.Resample(prompt='some other text') or how=gb.Resample(row=1)."
            )
        if self.row is None:
            object.__setattr__(self, "prompt", _fixed(self.prompt))
        else:
            object.__setattr__(self, "row", _whole(self.row))

    @property
    def want(self) -> Want | None:
        """The other prompt's."""
        return None if self.prompt is None else Want("prompt", self.prompt)

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the other values."""
        if self.row is None:
            assert here.supply is not None
            return here.supply.at(x, here.start)
        if not -x.shape[0] <= self.row < x.shape[0]:
            raise InterventionError(
                f"expected a row of the batch to resample {here.address} from, of which there are {x.shape[0]},"
                f" got row {self.row}. Run a batch that has it, or restore the intervention."
            )
        return x[self.row % x.shape[0]].unsqueeze(0).expand_as(x).clone()  # the model may write over it

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        if self.row is not None:
            return f"is replaced, position by position, by that of row {self.row} of the same batch"
        text = self.prompt if isinstance(self.prompt, str) else f"{len(self.prompt)} given tokens"
        which = f"“{textwrap.shorten(text, 60, placeholder=' …')}”"
        return f"is replaced, position by position, by what it is on {which}; positions beyond that keep theirs"


@dataclass(frozen=True, slots=True)
class Freeze(Kind):
    """The value of the clean run of the session's last prompt, position by position; beyond it values are their own."""

    name: ClassVar[str] = "freeze"
    sign: ClassVar[str] = "="
    replaces: ClassVar[bool] = True
    placed: ClassVar[bool] = True
    targets: ClassVar[frozenset[TargetKind]] = EVERYWHERE - {"expert"}

    @property
    def want(self) -> Want:
        """The clean run's."""
        return Want("clean")

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the clean values."""
        assert here.supply is not None
        return here.supply.at(x, here.start)

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return "is held at what it is in the clean run of the last prompt; positions beyond that keep theirs"


def _fixed(prompt: Any) -> str | tuple[int, ...]:
    """Return text as it is, and the ids of one prompt as whole numbers."""
    if isinstance(prompt, str):
        return prompt
    ids = prompt.tolist() if isinstance(prompt, Tensor) else prompt
    if isinstance(ids, Sequence) and len(ids) == 1 and isinstance(ids[0], Sequence):
        ids = ids[0]
    try:
        return tuple(index(one) for one in ids)
    except TypeError:
        raise InterventionError(
            f"expected text or the token ids of one prompt to resample from, got {type(prompt).__name__}."
        ) from None


def _whole(row: Any) -> int:
    try:
        return index(row)
    except TypeError:
        raise InterventionError(f"expected a row of the batch as a whole number, got {row!r}.") from None
