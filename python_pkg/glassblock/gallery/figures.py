"""Figures as people print them: ``671B``, ``12.9B``, ``1T``, ``20,554,567,680``."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

_UNITS = {"": 0, "K": 3, "M": 6, "B": 9, "T": 12}
_FIGURE = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)([KMBT]?)")


def reproduces(count: int, figure: str) -> bool:
    """Whether a count, rounded half up to the digits of a printed figure, is that figure.

    >>> reproduces(46_702_792_704, "46.7B")
    True
    >>> reproduces(7_615_616_512, "7B")
    False

    Raises
    ------
    ValueError
        If the figure is not one.
    """
    match = _FIGURE.fullmatch(figure)
    if match is None:
        raise ValueError(f"expected a figure such as '46.7B' or '20,554,567,680', got {figure!r}.")
    digits, unit = Decimal(match[1].replace(",", "")), _UNITS[match[2]]
    return Decimal(count).scaleb(-unit).quantize(digits, rounding=ROUND_HALF_UP) == digits
