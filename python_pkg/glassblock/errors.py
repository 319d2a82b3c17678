"""Every error Glassblock raises on purpose.

One base class, so that ``except GlassblockError`` catches all of them and nothing else. Each message
says three things in this order: what was expected, what came instead, and what to do about it.
Each class also derives from the built-in error a Python programmer would expect.
"""

from __future__ import annotations


class GlassblockError(Exception):
    """Base class of all errors that Glassblock raises on purpose."""


class SourceError(GlassblockError, ValueError):
    """`unfold` was given something it cannot find or read a model from."""


class ModelError(GlassblockError, TypeError):
    """The model is not one that can be drawn or attached to: no transformer, compiled, detached."""


class AddressError(GlassblockError, LookupError):
    """An address names no block of this model."""


class TapError(GlassblockError, LookupError):
    """What is asked for is no tap, or this model cannot offer it."""


class InterventionError(GlassblockError, ValueError):
    """An intervention cannot be carried out on this target."""


class PromptError(GlassblockError, ValueError):
    """A prompt cannot be run: no tokenizer, too long, empty."""


class DemoError(GlassblockError, ValueError):
    """A bundled model was asked for that does not exist."""


class MissingExtraError(GlassblockError, ImportError):
    """An optional package is needed for this, and it is not installed."""


class WireError(GlassblockError, ValueError):
    """A message between kernel and page does not follow the protocol."""
