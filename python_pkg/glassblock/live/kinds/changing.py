"""Kinds that change a value and keep something of it: they go on with what the interventions before them made."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from operator import index
from typing import Any, ClassVar

import torch
from torch import Tensor

from glassblock.errors import InterventionError
from glassblock.live.kinds.kind import Here, Kind, TargetKind, check_number


@dataclass(frozen=True, slots=True)
class Scale(Kind):
    """The value times a factor.

    Parameters
    ----------
    factor
        What it is multiplied by.
    """

    factor: float

    name: ClassVar[str] = "scale"
    sign: ClassVar[str] = "*"

    def __post_init__(self) -> None:
        """Check the factor."""
        object.__setattr__(self, "factor", check_number("Scale", "factor", self.factor))

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the multiple."""
        return x * self.factor

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return f"is multiplied by {self.factor:g}"


@dataclass(frozen=True, slots=True)
class Add(Kind):
    """The value plus a vector at every token: steering.

    Parameters
    ----------
    vector
        As many numbers as the target has channels. They are copied.
    factor
        What the vector is multiplied by.
    """

    vector: Any
    factor: float = 1.0

    name: ClassVar[str] = "add"
    sign: ClassVar[str] = "+"

    def __post_init__(self) -> None:
        """Take the vector as numbers that cannot change."""
        object.__setattr__(self, "factor", check_number("Add", "factor", self.factor))
        object.__setattr__(self, "vector", _numbers(self.vector))

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the sum."""
        self.check_width(x.shape[-1], here.address)
        return x + self.factor * _tensor(self.vector, x.dtype, x.device)

    def check_width(self, width: int, address: str) -> None:
        """Refuse a vector that does not fit.

        Raises
        ------
        InterventionError
            If it has not as many numbers as the target has channels.
        """
        if len(self.vector) != width:
            raise InterventionError(
                f"expected a vector of {width} numbers, as many as {address} has channels, got {len(self.vector)}."
            )

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        return f"gets {self._times}a given vector added, at every token"

    @property
    def _times(self) -> str:
        return "" if self.factor == 1 else f"{self.factor:g} times "

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        if target != "layer":
            return Kind.words(self, target, address)
        return f"The residual stream after {address} {self.predicate}."


@dataclass(frozen=True, slots=True)
class Noise(Kind):
    """The value plus Gaussian noise: for one seed, address and position the same on every device and in every row.

    Parameters
    ----------
    size
        Standard deviation of the noise, in standard deviations of each token's own values.
    seed
        Another seed is other noise.
    """

    size: float = 1.0
    seed: int = 0

    name: ClassVar[str] = "noise"
    sign: ClassVar[str] = "~"
    placed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "size", check_number("Noise", "size", self.size))
        try:
            object.__setattr__(self, "seed", index(self.seed))
        except TypeError:
            raise InterventionError(f"expected a whole number as seed of Noise, got {self.seed!r}.") from None

    def act(self, x: Tensor, here: Here) -> Tensor:
        """Return the sum."""
        of = here.whole if math.prod(x.shape[2:]) == 1 else x  # one neuron has no spread of its own
        spread = of.detach().float().flatten(2).std(-1, unbiased=False)
        scale = (self.size * spread).reshape(*spread.shape, *[1] * (x.ndim - 2))
        return x + (scale * self._noise(x, here)).to(x.dtype)

    def _noise(self, x: Tensor, here: Here) -> Tensor:
        """Return noise of size 1, (tokens, ...); made on the CPU, one position after the other."""
        generator = torch.Generator()
        rows = []
        for position in range(here.start, here.start + x.shape[1]):
            generator.manual_seed(zlib.crc32(f"{self.seed} {here.address} {position}".encode()))
            rows.append(torch.randn(math.prod(x.shape[2:]), generator=generator))
        return torch.stack(rows).reshape(x.shape[1:]).to(x.device)

    @property
    def predicate(self) -> str:
        """What happens to the value."""
        times = "the" if self.size == 1 else f"{self.size:g} times the"
        return (
            f"gets Gaussian noise added, with {times} standard deviation of its values at each token (seed {self.seed})"
        )

    def words(self, target: TargetKind, address: str) -> str:
        """Return the sentence."""
        if target == "neuron":
            return Kind.words(self, target, address).replace("of its values", "of all neurons of its block")
        if target != "layer":
            return Kind.words(self, target, address)
        return f"The residual stream after {address} {self.predicate}."


@lru_cache(maxsize=64)
def _tensor(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return numbers as a tensor, which is put on a device once and not in each pass."""
    return torch.tensor(numbers, dtype=dtype, device=device)


def _numbers(vector: Any) -> tuple[float, ...]:
    """Return a vector's numbers.

    Raises
    ------
    InterventionError
        If it is none, or not all of them are finite.
    """
    try:
        x = torch.as_tensor(vector).detach().to(device="cpu", dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise InterventionError(f"expected a vector of numbers to add, got {type(vector).__name__}.") from None
    if x.ndim != 1 or not x.numel():
        raise InterventionError(f"expected a vector to add, one number for each channel, got shape {tuple(x.shape)}.")
    if not x.isfinite().all():
        raise InterventionError(f"expected finite numbers to add, got {int((~x.isfinite()).sum())} that are not.")
    return tuple(x.tolist())
