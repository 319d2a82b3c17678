"""Python's collector of cycles, which waits while a model is read.

It goes through all objects there are whenever their number has grown by a quarter. A hundred thousand layers are ten
million objects, no cycle among them, and to go through them takes longer than to read them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_waits() -> Iterator[None]:
    """Collect no cycles inside; afterwards, as before."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
