"""A Diagram: an architecture that displays itself. What `unfold` returns, with no weights and no live model."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from glassblock import surface
from glassblock.describe import tree
from glassblock.ir import Architecture, Block, Params
from glassblock.ir.costs import Cache, Flops, cache, flops_per_token, weight_bytes
from glassblock.ir.tally import Share, by_block


@dataclass(frozen=True)
class Counts(Params):
    """Exact counts of parameters, of the whole model and of each block.

    Attributes
    ----------
    total, trainable, embedding, active, lookup
        As in `Params`.
    """

    architecture: Architecture | None = field(default=None, repr=False)

    def by_block(self) -> tuple[Share, ...]:
        """Return the parameters of each kind of block and their share; the rows add up to the total."""
        assert self.architecture is not None
        return by_block(self.architecture)


@dataclass(frozen=True)
class Diagram(surface.Shown):
    """An architecture, to be looked at.

    Attributes
    ----------
    architecture
        What the model is.
    """

    architecture: Architecture

    @property
    def params(self) -> Counts:
        """Exact counts of parameters: ``.total``, ``.active`` and so on, and ``.by_block()``."""
        counts = {f.name: getattr(self.architecture.params, f.name) for f in fields(Params)}
        return Counts(**counts, architecture=self.architecture)

    def flops(self, context: int = 1, *, source: int | None = None, stack: str | None = None) -> Flops:
        """Count the operations that one token costs in one stack; see `glassblock.ir.costs.flops_per_token`.

        Parameters
        ----------
        context
            Tokens in sight, itself included.
        source
            Tokens of the encoder, where cross-attention looks at one. Not needed where the model fixes it (Whisper's
            1,500 frames); where neither says it, the result's ``left_out`` names the encoder, which is not counted.
        stack
            Name of the stack that the token runs through, such as ``vision``; where not given the main one, the last.
            What the others cost is not in it.

        Raises
        ------
        SourceError
            If there is no stack of that name, or a number of tokens is negative.
        """
        return flops_per_token(self.architecture, context, source=source, stack=stack)

    def weight_bytes(self, dtype: str = "bfloat16") -> int:
        """Return the bytes of all parameters at a dtype.

        Parameters
        ----------
        dtype
            ``float32``, ``bfloat16``, ``float8``, ``int4`` and so on.

        Raises
        ------
        SourceError
            If the dtype is not known.
        """
        return weight_bytes(self.architecture, dtype)

    def cache(self, context: int, dtype: str = "bfloat16", *, source: int | None = None) -> Cache:
        """Count the bytes that decoding keeps for one text; see `glassblock.ir.costs.cache`.

        Parameters
        ----------
        context
            Tokens that were read.
        dtype
            As for `weight_bytes`.
        source
            Tokens of the encoder, where cross-attention looks at one. Not needed where the model fixes it (Whisper's
            1,500 frames); where neither says it, the result's ``left_out`` names the encoder, which is not counted.

        Raises
        ------
        SourceError
            If the dtype is not known, or a number of tokens is negative.
        """
        return cache(self.architecture, context, dtype, source=source)

    def block(self, address: str) -> Block:
        """Return the block at an address or module path; see `Architecture.block`."""
        return self.architecture.block(address)

    def __str__(self) -> str:
        """Return the architecture as a readable tree, from the input to the output."""
        return tree(self.architecture)

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return f"Glassblock diagram of {self.architecture.name} ({self.params.total:,} parameters)"
