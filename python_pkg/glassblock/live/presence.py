"""Presence: whether hooks are still where they were put: a module may be replaced, hooks may be cleared by others."""

from __future__ import annotations

from glassblock.errors import InterventionError
from glassblock.ir import parse
from glassblock.live.attached import Attached
from glassblock.live.interventions import Interventions
from glassblock.live.layout import Layout
from glassblock.live.problems import Problems
from glassblock.live.taps import ExpertsTap, Tap


class Presence:
    """Looks for the hooks of one engine, and says what is gone.

    Parameters
    ----------
    attached
        The hooks.
    layout
        Says which rows a tap fills.
    problems
        Are told.
    """

    def __init__(self, attached: Attached, layout: Layout, problems: Problems) -> None:
        self._attached, self._layout, self._problems = attached, layout, problems
        self._orders: set[tuple[int, ...]] = set()

    def check(self, interventions: Interventions) -> None:
        """Look whether what is edited is still where hooks were put.

        Raises
        ------
        InterventionError
            If its module was replaced since: a pass would go by unedited.
        """
        if not len(interventions):
            return
        self.look_around()
        for item in interventions:
            where = parse(item.address)
            gone = {item.address, where.block if where else ""} & self._problems.lost
            if gone:
                raise InterventionError(f"{item.address} would not be edited: {self._problems.unread[gone.pop()]}")

    def look_around(self) -> None:
        """Look whether hooks are still where they were put, and say what is no longer read."""
        for tap in self._attached.gone():
            self._problems.gone(tap.key, self.addresses(tap))

    def addresses(self, tap: Tap | ExpertsTap) -> list[str]:
        """Return the addresses of the rows that a tap fills, or what it is called where it fills none."""
        row = getattr(tap, "row", None)
        if row is None:
            return [tap.key]
        rows = getattr(tap, "heads", None) or getattr(tap, "experts", 1)
        return [site.address for site in self._layout.sites[row : row + rows]]

    def compare(self, order: tuple[int, ...]) -> None:
        """Look around where a pass saw other rows than any before it."""
        if order not in self._orders:
            if self._orders:
                self.look_around()
            self._orders.add(order)
