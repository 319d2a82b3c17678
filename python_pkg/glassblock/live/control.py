"""Control: the interventions in force, and the history that can undo them.

What a person does is a step in the history. What holds for the length of a ``with`` block stands beside it, so that
a step within the block keeps only itself. Both together are in force, and the engine takes them up at its next pass.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from glassblock.errors import InterventionError
from glassblock.ir import Architecture
from glassblock.live.history import History, Step
from glassblock.live.interventions import Intervention, Interventions, ablate_in_python
from glassblock.live.kinds import how_in_python, kind_of
from glassblock.live.positions import Positions
from glassblock.live.targets import check, target_of


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

    def asked(self, names: tuple[str, ...], how: Any, positions: Any = None) -> tuple[Intervention, ...]:
        """Check what was asked for and return it as interventions."""
        if not names:
            raise InterventionError("expected at least one address to ablate, got none. Try ablate('L0.mlp').")
        _check_names(names)
        kind, at = kind_of(how), Positions.of(positions)
        targets = [target_of(self._architecture, name) for name in names]
        for target in targets:
            check(target, kind, at)
        return tuple(Intervention(target, kind, at) for target in targets)

    def ablate(self, names: tuple[str, ...], how: Any, positions: Any = None) -> bool:
        """Add interventions as a step; say whether anything changed."""
        new = self.asked(names, how, positions)
        addresses = [item.address for item in new]
        at = "" if new[0].positions.everywhere else f" at {new[0].positions}"
        label = f"{new[0].how} {', '.join(addresses)}{at}"
        python = ablate_in_python(addresses, new[0].kind, new[0].positions)
        return self._step(label, python, lambda current: current.adding(new))

    def change(self, names: tuple[str, ...], how: Any) -> bool:
        """Put a kind in the place of all that is done to some addresses, as a step; say whether anything changed."""
        asked = self.asked(names, how)
        kind, found = asked[0].kind, [item.address for item in asked]

        def changed(current: Interventions) -> Interventions:
            new: list[Intervention] = []
            for item in current:
                if item.address not in found:
                    new.append(item)
                elif not any(one.address == item.address and one.positions == item.positions for one in new):
                    check(item.target, kind, item.positions)
                    new.append(Intervention(item.target, kind, item.positions))
            return Interventions().adding([*new, *(item for item in asked if item.address not in current)])

        quoted = ", ".join(f'"{address}"' for address in found)
        python = f"session.change({quoted}, how={how_in_python(kind)})"
        return self._step(f"{kind.name} {', '.join(found)}", python, changed)

    def restore(self, names: tuple[str, ...]) -> bool:
        """Take interventions away as a step, all of them where none is named; say whether anything changed."""
        _check_names(names)
        found = tuple(target_of(self._architecture, name).address for name in names)
        intact = [address for address in found if address not in self.history.current]
        if intact:
            raise InterventionError(
                f"expected what is ablated, got {', '.join(intact)}. In force: {self.history.current!r}."
            )
        label = f"restore {', '.join(found) or 'all'}"
        quoted = ", ".join(f'"{address}"' for address in found)
        return self._step(
            label, f"session.restore({quoted})", lambda current: current.without(found) if found else Interventions()
        )

    def undo(self) -> bool:
        """Go one step back; say whether there was one."""
        return self._travel(self.history.undo, self.history.redo)

    def redo(self) -> bool:
        """Go one step forward; say whether there was one."""
        return self._travel(self.history.redo, self.history.undo)

    @contextmanager
    def beside(self, names: tuple[str, ...], how: Any, positions: Any = None) -> Iterator[None]:
        """Ablate for the length of a ``with`` block, beside the history."""
        new = self.asked(names, how, positions)
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

    def _travel(self, move: Callable[[], bool], back: Callable[[], bool]) -> bool:
        with self._lock:
            if not move():
                return False
            try:
                self._use(self.history.current, self._beside)
            except BaseException:
                back()
                raise
            return True

    def _use(self, kept: Interventions, beside: Interventions) -> None:
        """Take up what the history has and what is beside it; an error changes nothing."""
        if torch._C._current_graph_task_id() != -1:  # noqa: SLF001 - torch has no public name for it
            raise InterventionError(
                "expected interventions to change between passes, but a backward pass is running in this thread, whose"
                " checkpoints may be computed again. Change them before forward or after backward."
            )
        together = kept.adding(beside)
        self._take_up(together)
        self.in_force, self._beside = together, beside


def _check_names(names: tuple[Any, ...]) -> None:
    if not all(isinstance(name, str) for name in names):
        raise InterventionError(
            f"expected addresses, each an argument of its own, got {names!r}. Try 'L0.mlp', 'L1.attn.H0'."
        )
