"""Control: the interventions in force, and the history that can undo them.

What a person does is a step in the history. What holds for the length of a ``with`` block stands beside it, so that
a step within the block keeps only itself. Both together are in force, and the engine takes them up at its next pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glassblock.errors import InterventionError
from glassblock.ir import Architecture
from glassblock.live.history import History, Step
from glassblock.live.interventions import Intervention, Interventions, check_how, targets


class Control:
    """The interventions of one session.

    Parameters
    ----------
    architecture
        Says what can be ablated.
    take_up
        Puts a set in force; raises where it cannot be.
    """

    def __init__(self, architecture: Architecture, take_up: Callable[[Interventions], None]) -> None:
        self.history = History()
        self.in_force = Interventions()
        self._architecture = architecture
        self._take_up = take_up
        self._beside = Interventions()
        self._lock = threading.RLock()

    def asked(self, names: tuple[str, ...], how: str) -> tuple[Intervention, ...]:
        """Check what was asked for and return it as interventions."""
        if not names:
            raise InterventionError("expected at least one address to ablate, got none. Try ablate('L0.mlp').")
        if not all(isinstance(name, str) for name in names):
            raise InterventionError(
                f"expected addresses, each an argument of its own, got {names!r}. Try ablate('L0.mlp', 'L1.attn.H0')."
            )
        kind = check_how(how)
        return tuple(Intervention(address, kind) for address in targets(self._architecture, names))

    def ablate(self, names: tuple[str, ...], how: str) -> bool:
        """Add ablations as a step; say whether anything changed."""
        new = self.asked(names, how)
        label = f"{how} {', '.join(item.address for item in new)}"
        arguments = ", ".join(_quoted(item.address) for item in new)
        python = f"session.ablate({arguments}, how={_quoted(how)})"
        return self._step(label, python, lambda current: current.adding(new))

    def restore(self, names: tuple[str, ...]) -> bool:
        """Take ablations away as a step, all of them where none is named; say whether anything changed."""
        found = tuple(self._architecture.resolve(name) for name in names)
        intact = [address for address in found if address not in self.history.current]
        if intact:
            raise InterventionError(
                f"expected what is ablated, got {', '.join(intact)}. In force: {self.history.current!r}."
            )
        label = f"restore {', '.join(found) or 'all'}"
        python = f"session.restore({', '.join(map(_quoted, found))})"
        return self._step(label, python, lambda current: current.without(found) if found else Interventions())

    def undo(self) -> bool:
        """Go one step back; say whether there was one."""
        return self._travel(self.history.undo)

    def redo(self) -> bool:
        """Go one step forward; say whether there was one."""
        return self._travel(self.history.redo)

    @contextmanager
    def beside(self, names: tuple[str, ...], how: str) -> Iterator[None]:
        """Ablate for the length of a ``with`` block, beside the history."""
        new = self.asked(names, how)
        with self._lock:
            before = self._beside
            self._use(self.history.current, before.adding(new))
        try:
            yield
        finally:
            with self._lock:
                self._use(self.history.current, before)

    def _step(self, label: str, python: str, change: Callable[[Interventions], Interventions]) -> bool:
        with self._lock:
            after = change(self.history.current)
            if after == self.history.current:
                return False
            self._use(after, self._beside)
            self.history.push(Step(label, python, after))
            return True

    def _travel(self, move: Callable[[], bool]) -> bool:
        with self._lock:
            moved = move()
            self._use(self.history.current, self._beside)
            return moved

    def _use(self, kept: Interventions, beside: Interventions) -> None:
        """Take up what the history has and what is beside it; an error changes nothing."""
        together = kept.adding(beside)
        self._take_up(together)
        self.in_force, self._beside = together, beside


def _quoted(text: str) -> str:
    return f'"{text}"'
