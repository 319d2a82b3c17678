"""The history of interventions: what can be undone, redone and copied as Python."""

from __future__ import annotations

from dataclasses import dataclass

from glassblock.live.interventions import Interventions


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes
    ----------
    label
        What was done, for people.
    python
        The line that does the same.
    after
        The interventions in force after it.
    """

    label: str
    python: str
    after: Interventions


class History:
    """Steps in order, and how many of them are in force."""

    def __init__(self) -> None:
        self._steps: tuple[Step, ...] = ()
        self._cursor = 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, those that were undone included."""
        return self._steps

    @property
    def cursor(self) -> int:
        """How many steps are in force; those after can be redone."""
        return self._cursor

    @property
    def current(self) -> Interventions:
        """The interventions in force."""
        return self._steps[self._cursor - 1].after if self._cursor else Interventions()

    def push(self, step: Step) -> None:
        """Add a step; what was undone before is forgotten."""
        self._steps = (*self._steps[: self._cursor], step)
        self._cursor += 1

    def undo(self) -> bool:
        """Go one step back; False where there is none."""
        if not self._cursor:
            return False
        self._cursor -= 1
        return True

    def redo(self) -> bool:
        """Go one step forward; False where there is none."""
        if self._cursor == len(self._steps):
            return False
        self._cursor += 1
        return True

    def to_python(self) -> str:
        """Return the steps in force as Python, for a session of the name ``session``."""
        steps = [step.python for step in self._steps[: self._cursor]]
        imports = ["import glassblock as gb"] if any("gb." in step for step in steps) else []
        return "\n".join([*imports, *steps])

    def __repr__(self) -> str:
        """Return the steps, with a bar where the present is."""
        labels = [step.label for step in self._steps]
        labels.insert(self._cursor, "|")
        return f"History({' '.join(labels)})"
