"""Kinds that change which way values go: around a layer, or not from some tokens to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.live.kinds.kind import Here, Kind, TargetKind
from glassblock.live.positions import Positions


@dataclass(frozen=True, slots=True)
class Skip(Kind):
    """A layer returns the stream that it was given. It still runs, so its cache is written."""

    name: ClassVar[str] = "skip"
    sign: ClassVar[str] = "↷"
    replaces: ClassVar[bool] = True
    targets: ClassVar[frozenset[TargetKind]] = frozenset({"layer"})

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return what the layer was given."""
        assert here.supply is not None
        given = here.supply.rows
        assert given is not None
        if given.shape != x.shape:
            raise InterventionError(
                f"expected a layer that returns what it could have been given, got {here.address}, which was given"
                f" {tuple(given.shape)} and returns {tuple(x.shape)}. Zero its blocks instead."
            )
        return given

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return "returns the residual stream as it was given; it still runs, and writes its cache"

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        return f"{address} {self.predicate}."


@dataclass(frozen=True, slots=True)
class Cut(Kind):
    """Tokens do not attend to others, in one head or in all heads of an attention.

    Parameters
    ----------
    from_tokens
        Positions of the tokens that are not looked at: a whole number, several of them, a slice, or None for all.
    to_tokens
        Positions of the tokens that do not look, likewise.
    """

    from_tokens: Any
    to_tokens: Any = None

    name: ClassVar[str] = "cut"
    sign: ClassVar[str] = "/"
    placed: ClassVar[bool] = True
    targets: ClassVar[frozenset[TargetKind]] = frozenset({"block", "head", "kv"})

    def __post_init__(self) -> None:
        """Take the positions as something that cannot change."""
        object.__setattr__(self, "from_tokens", Positions.of(self.from_tokens))
        object.__setattr__(self, "to_tokens", Positions.of(self.to_tokens))
        if self.from_tokens.everywhere:
            raise InterventionError(
                "expected some tokens that are not looked at, got all: nothing would be left to look at."
                " Zero the attention or the head instead."
            )

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return scores (batch, tokens, heads, keys) that are minus infinity where the cut is."""
        columns = self.from_tokens.mask(here.keys, x.shape[-1], x.device)
        rows = self.to_tokens.mask(here.start, x.shape[1], x.device)
        return x.masked_fill(rows[:, None, None] & columns, float("-inf"))

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return f"pays no attention to {self.from_tokens}; its softmax runs over the rest"

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        who = f"every query head that reads {address}" if target == "kv" else address
        return f"At {self.to_tokens}, {who} {self.predicate}."

    @property
    def python(self) -> str:
        """What a person would write for it."""
        more = "" if self.to_tokens.everywhere else f", {self.to_tokens.python}"
        return f"gb.Cut({self.from_tokens.python}{more})"


def cut_off(cut: Cut, length: int, *, causal: bool) -> int | None:
    """Return the first token that a cut leaves nothing to look at, None where there is none."""
    gone = set(cut.from_tokens.within(length))
    seen = ((to, range(to + 1 if causal else length)) for to in cut.to_tokens.within(length))
    return next((to for to, keys in seen if gone.issuperset(keys)), None)
