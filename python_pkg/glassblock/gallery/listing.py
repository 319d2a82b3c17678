"""The gallery as a value: the names when iterated, a table when shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import overload

from glassblock.gallery.entries import PREFIX, Entry, Seen, entry, names
from glassblock.table import table, wrapped

_COLUMNS = ("name", "kind", "parameters", "published", "source")
_RIGHT = {"parameters", "published"}
_FOR_TERMINALS = ("name", "parameters", "kind", "published")
_WIDTH = 120
_ROOM = (0, 0, 64, 100)
"""Columns of a terminal from which on each of these has room in the table."""


class Gallery(Sequence[str]):
    """The names in the gallery. Shows itself as a table; each name with ``gallery:`` before it can be unfolded."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return names()[index]

    def __len__(self) -> int:
        return len(names())

    def __repr__(self) -> str:
        return self.table()

    def table(self, width: int = _WIDTH) -> str:
        """Return the table of all models as text.

        Parameters
        ----------
        width
            Columns of the terminal. What has no room is left out as a column and never cut; `about` says all of it.
        """
        columns = [column for column, least in zip(_FOR_TERMINALS, _ROOM, strict=True) if width >= least]
        places = [_COLUMNS.index(column) for column in columns]
        return table(
            columns, ([row[at] for at in places] for row in _rows()), {"parameters"}, {"name", "parameters"}, width
        )

    def about(self, name: str, width: int = _WIDTH) -> str:
        """Return all that is known of one model's size, with its sources in full.

        Parameters
        ----------
        name
            One of the names, with ``gallery:`` before it or not.
        width
            Columns of the terminal.

        Raises
        ------
        SourceError
            If there is none of that name.
        """
        known = entry(name.removeprefix(PREFIX))
        lines = [known.title]
        for label, text in _about(known):
            first, *rest = wrapped(text, max(width - _LABEL, 20))
            if len(first) > width - _LABEL:  # an address stands at the edge, and can be copied whole
                lines += [label, first, *rest]
            else:
                lines += [f"{label:<{_LABEL}}{first}", *(f"{'':<{_LABEL}}{line}" for line in rest)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(_cell("th", column, column) for column in _COLUMNS)
        body = "".join(
            f"<tr>{''.join(_cell('td', column, text) for column, text in zip(_COLUMNS, row, strict=True))}</tr>"
            for row in _rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_LABEL = 12
_SEEN: dict[Seen, str] = {
    "read": "a public copy of the source was read",
    "quoted": "public text quotes the figure from the source",
    "from memory": "cited from memory; nothing of the source could be seen",
}


def _about(known: Entry) -> Iterator[tuple[str, str]]:
    published = known.published
    yield "kind", known.kind
    yield "parameters", f"{known.parameters:,}"
    yield "published", published.counted
    if published.active:
        yield "", f"{published.active} active per token ({published.convention})"
    yield "source", published.source
    if published.address:
        yield "address", published.address
    yield "seen", _SEEN[published.seen]
    yield "unfold it", f"glassblock unfold {PREFIX}{known.name}"


def _rows() -> list[tuple[str, ...]]:
    return [_row(entry(name)) for name in names()]


def _row(one: Entry) -> tuple[str, ...]:
    published = one.published
    sizes = published.counted + (f", {published.active} active" if published.active else "")
    return one.name, one.kind, f"{one.parameters:,}", sizes, published.source


def _cell(tag: str, column: str, text: str) -> str:
    side = "right" if column in _RIGHT else "left"
    return f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>'
