"""A fact is a value together with where it came from.

The promise of the diagram is that what it says is what the model does. So no number stands alone: it
carries its source, from the strongest to the weakest.

========== ==================================================================================
observed   seen in the traced forward pass: an operation, a shape, a call's argument
module     read from the built module tree: a parameter's shape, a module's attribute
config     read from the configuration, and not contradicted by what was observed
assumed    neither seen nor stated; a default of the field
========== ==================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Source = Literal["observed", "module", "config", "assumed"]
SOURCES: tuple[Source, ...] = ("observed", "module", "config", "assumed")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value and its provenance.

    Attributes
    ----------
    value
        What is known.
    source
        How it is known.
    where
        The evidence, for a reader: an operation with its shapes, a module path, a config key.
    """

    value: T
    source: Source
    where: str = ""

    def __str__(self) -> str:
        """Return the value and its source, as in ``4 (observed)``."""
        return f"{self.value} ({self.source})"


def observed(value: T, where: str = "") -> Fact[T]:
    """Return a fact that was seen in the traced forward pass."""
    return Fact(value, "observed", where)


def from_module(value: T, where: str = "") -> Fact[T]:
    """Return a fact that was read from the module tree."""
    return Fact(value, "module", where)


def from_config(value: T, where: str = "") -> Fact[T]:
    """Return a fact that was read from the configuration."""
    return Fact(value, "config", where)


def assumed(value: T, where: str = "") -> Fact[T]:
    """Return a fact that nothing stated."""
    return Fact(value, "assumed", where)
