"""Blocks and their ports: what a person would name, and where it can be tapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glassblock.ir.facts import Fact
from glassblock.ir.inside import Inside, Shape
from glassblock.ir.specs import Attention, FeedForward, Mixer, MixtureOfExperts, Spec

Role = Literal[
    "attention", "mixer", "mlp", "moe", "norm", "embedding", "unembedding", "router", "projector", "mtp", "other"
]
Side = Literal["input", "output"]
UNUSED = "it runs for nothing: what the model returns is not made of it"
"""The note of a block that runs and reaches nothing."""


@dataclass(frozen=True, slots=True)
class Port:
    """A place on a live model where a block's tensor passes: the input or output of one module.

    Attributes
    ----------
    name
        ``in``: the stream as the block reads it, before its norm. ``out``: what it adds to the stream.
        ``z``: the outputs of all heads side by side, (..., heads x v_head_dim).
        ``experts``: hidden states, indices and weights going into stacked experts.
        ``expert_modules``: the container of experts that are modules of their own.
    path
        Path of the module in the model.
    side
        Whether the tensor is the module's first input or its first output.
    """

    name: str
    path: str
    side: Side


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the model that a person would name.

    Attributes
    ----------
    address
        Its short name, ``L3.attn``.
    role
        What it is for.
    path
        Module path. Empty where no single module is the block.
    cls
        Class of that module, for the reader's information only.
    params
        Number of parameters in it, each tied weight counted once within the block.
    spec
        What is particular to its kind. None where the role is not understood.
    ports
        Where a live model is tapped.
    parts
        Blocks within it: router, experts, shared expert.
    notes
        What could not be understood or tapped, in words.
    reads, makes
        Shapes of the tensor that goes in and of the one that comes out. Empty where they are not known.
    weights
        Multiply-adds with learned matrices for one token: the size of each matrix as often as a token meets it.
    shared
        How many blocks of the model use these same parameters. None where no other does.
    unique
        Parameters of all its copies, the same block in layers that are alike, that no block before it holds. None
        where each copy has its own.
    inside
        The operations that were seen in it, condensed. None where none were.
    """

    address: str
    role: Role
    path: str
    cls: str
    params: int
    spec: Spec | None = None
    ports: tuple[Port, ...] = ()
    parts: tuple[Block, ...] = ()
    notes: tuple[str, ...] = ()
    reads: Shape = ()
    makes: Shape = ()
    weights: int = 0
    shared: Fact[int] | None = None
    unique: int | None = None
    inside: Inside | None = None

    @property
    def held(self) -> int:
        """Parameters that no block before it holds, of a block that is no copy of others."""
        return self.params if self.unique is None else self.unique

    def port(self, name: str) -> Port | None:
        """Return the port of that name, or None."""
        return next((port for port in self.ports if port.name == name), None)

    @property
    def heads(self) -> int:
        """How many heads can be named in it: 0 for a block without heads."""
        if isinstance(self.spec, Attention | Mixer) and self.spec.heads is not None:
            return self.spec.heads.value
        return 0

    @property
    def experts(self) -> int:
        """How many routed experts can be named in it: 0 for a block without experts."""
        return self.spec.experts.value if isinstance(self.spec, MixtureOfExperts) else 0

    @property
    def kv_heads(self) -> int:
        """How many key/value heads can be named in it: 0 where no neighbouring query heads share one."""
        routed = any(
            part.role == "moe" for part in self.parts
        )  # heads of several experts share, which are no neighbours
        if isinstance(self.spec, Attention) and self.spec.kv_rank is None and not routed:
            count = self.spec.kv_heads.value
            return count if 0 < count < self.heads and self.heads % count == 0 else 0
        return 0

    @property
    def neurons(self) -> int:
        """How many neurons can be named in it: channels that go into the down projection of a dense feed-forward."""
        return self.spec.hidden.value if isinstance(self.spec, FeedForward) else 0

    def count(self, letters: str) -> int:
        """Return how many of its parts are named with these letters: ``H``, ``KV``, ``E`` or ``N``."""
        return {"H": self.heads, "KV": self.kv_heads, "E": self.experts, "N": self.neurons}[letters]
