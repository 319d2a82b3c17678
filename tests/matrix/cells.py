"""Cells of the matrix: what was checked, what cannot apply and why, what is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from glassblock.errors import GlassblockError


class CannotApplyError(Exception):
    """Raised by a check that has nothing to check in this architecture; its words are the reason."""


@dataclass
class Cell:
    """One architecture in one column.

    Attributes
    ----------
    passed
        Names of what held.
    reasons
        For what cannot apply, why.
    failures
        For what does not hold, in words.
    """

    passed: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def checking(self, name: str) -> Iterator[None]:
        """Note how a check ends: it held, cannot apply, or failed."""
        try:
            yield
        except CannotApplyError as reason:
            self.reasons[name] = str(reason)
        except GlassblockError as refusal:
            self.failures[name] = f"refused: {_line(refusal)}"
        except Exception as error:  # noqa: BLE001  # whatever goes wrong is what the table is about
            self.failures[name] = _line(error)
        else:
            self.passed.append(name)

    @property
    def mark(self) -> str:
        """In the table: how many held, how many cannot apply, how many failed."""
        if self.failures:
            return f"**FAIL {len(self.failures)}** of {len(self.passed) + len(self.failures)}"
        if not self.passed:
            return "n/a" if self.reasons else ""
        return f"{len(self.passed)}" + (f" (n/a {len(self.reasons)})" if self.reasons else "")


def _line(error: BaseException) -> str:
    name = "" if isinstance(error, (AssertionError, GlassblockError)) else f"{type(error).__name__}: "
    return (name + " ".join(str(error).split()))[:300] or type(error).__name__


Check = Callable[[], None]
