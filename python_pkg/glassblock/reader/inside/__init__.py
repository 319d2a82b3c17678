"""What is inside a block: its recorded operations, condensed to steps and wires."""

from __future__ import annotations

from glassblock.reader.inside.condense import inside_of

__all__ = ["inside_of"]
