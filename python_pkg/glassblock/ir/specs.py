"""What is particular to each kind of block: one frozen dataclass for each kind.

A spec holds facts, never guesses without a name: each field is a `Fact`, and a field that does not
apply is None. A new kind of block is a new class here and its entry in `SPECS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from glassblock.ir.facts import Fact


@dataclass(frozen=True, slots=True)
class Attention:
    """Softmax attention: queries against keys, a weighted sum of values.

    Dimensions are numbers of channels. ``head_dim`` is that of queries and keys, ``v_head_dim`` that of
    values. ``rope_dims`` counts the channels of a head that are rotated (0: none). ``window`` is the
    number of tokens a query may look back on, itself included; None is global. ``qk_norm`` is ``none``,
    ``per head`` or ``whole``. ``q_rank`` and ``kv_rank`` are the widths of latent bottlenecks (MLA).
    """

    kind: ClassVar[str] = "attention"

    heads: Fact[int]
    kv_heads: Fact[int]
    head_dim: Fact[int]
    v_head_dim: Fact[int]
    causal: Fact[bool]
    rope_dims: Fact[int]
    qk_norm: Fact[str]
    sinks: Fact[bool]
    out_gate: Fact[bool]
    window: Fact[int] | None = None
    softcap: Fact[float] | None = None
    scale: Fact[float] | None = None
    q_rank: Fact[int] | None = None
    kv_rank: Fact[int] | None = None

    @property
    def label(self) -> str:
        """The name the field gives it: MLA, MHA, MQA or GQA."""
        if self.kv_rank is not None:
            return "MLA"
        if self.kv_heads.value == self.heads.value:
            return "MHA"
        return "MQA" if self.kv_heads.value == 1 else "GQA"


@dataclass(frozen=True, slots=True)
class Mixer:
    """A sequence mixer without a softmax over tokens: state space, linear attention, recurrence.

    ``family`` is ``delta rule``, ``state space``, ``linear attention``, ``recurrence`` or ``convolution``,
    by the operations that were seen. ``heads`` and ``v_head_dim`` are those of the values, ``kv_heads`` and
    ``head_dim`` those of queries and keys; in a state space model groups and state size. ``state`` is the shape
    of the state that one token leaves to the next, without the batch. ``conv`` is the width of the short
    convolution in tokens.
    """

    kind: ClassVar[str] = "mixer"

    family: Fact[str]
    out_gate: Fact[bool]
    heads: Fact[int] | None = None
    kv_heads: Fact[int] | None = None
    head_dim: Fact[int] | None = None
    v_head_dim: Fact[int] | None = None
    state: Fact[tuple[int, ...]] | None = None
    conv: Fact[int] | None = None

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return self.family.value


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A dense feed-forward block. ``hidden`` is its inner width, ``gated`` says SwiGLU-like."""

    kind: ClassVar[str] = "mlp"

    hidden: Fact[int]
    gated: Fact[bool]
    activation: Fact[str]

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return f"gated {self.activation.value}" if self.gated.value else self.activation.value


@dataclass(frozen=True, slots=True)
class MixtureOfExperts:
    """A router and its experts.

    ``hidden`` is the inner width of one expert, ``shared_hidden`` that of the expert every token goes
    through (0: there is none). ``router`` is the function that makes weights of the logits.
    """

    kind: ClassVar[str] = "moe"

    experts: Fact[int]
    top_k: Fact[int]
    hidden: Fact[int]
    gated: Fact[bool]
    activation: Fact[str]
    router: Fact[str]
    shared_hidden: Fact[int]

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return f"{self.experts.value} experts, top {self.top_k.value}"


@dataclass(frozen=True, slots=True)
class Norm:
    """A normalisation: ``layer`` subtracts the mean, ``rms`` does not."""

    kind: ClassVar[str] = "norm"

    function: Fact[str]
    eps: Fact[float] | None = None

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return {"layer": "LayerNorm", "rms": "RMSNorm"}.get(self.function.value, self.function.value)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A table of vectors: of tokens or of positions. ``scale`` multiplies what is looked up."""

    kind: ClassVar[str] = "embedding"

    rows: Fact[int]
    width: Fact[int]
    of: Fact[str]
    scale: Fact[float] | None = None

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return self.of.value


@dataclass(frozen=True, slots=True)
class Unembedding:
    """The map from the residual stream to logits. ``tied`` says that it is the embedding's weight."""

    kind: ClassVar[str] = "unembedding"

    rows: Fact[int]
    width: Fact[int]
    tied: Fact[bool]
    softcap: Fact[float] | None = None

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return "tied to embed" if self.tied.value else "untied"


Spec = Attention | Mixer | FeedForward | MixtureOfExperts | Norm | Embedding | Unembedding
SPECS: tuple[type[Spec], ...] = (
    Attention,
    Mixer,
    FeedForward,
    MixtureOfExperts,
    Norm,
    Embedding,
    Unembedding,
)
