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
    number of tokens a query may look back on, itself included; None is global. ``chunk`` is the length of
    the pieces of text within which alone a query looks. ``qk_norm`` is ``none``, ``per head`` or ``whole``.
    ``q_rank`` and ``kv_rank`` are the widths of latent bottlenecks (MLA), ``latent_norm`` says which of them
    is normalised: ``none``, ``q``, ``kv`` or ``q and kv``.

    ``position_bias`` is what is added to the scores by distance: ``none``, ``alibi`` (a slope for each head) or
    ``relative`` (learned). ``rope_theta`` and ``rope_scaling`` (``none``, ``linear``, ``yarn``, ``llama3`` ...)
    belong to the rotation and are None without one. ``prefix`` says that a part of the text sees itself whole
    before the causal rest. ``shared_kv`` is the layer whose keys and values are used where the block makes none.
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
    latent_norm: Fact[str] | None = None
    chunk: Fact[int] | None = None
    position_bias: Fact[str] | None = None
    rope_theta: Fact[float] | None = None
    rope_scaling: Fact[str] | None = None
    prefix: Fact[bool] | None = None
    shared_kv: Fact[int] | None = None

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

    ``family`` is ``delta rule``, ``state space``, ``linear attention``, ``recurrence``, ``convolution``, ``fourier``,
    ``attention without softmax``, ``pooling`` or ``token mixing``, by the operations that were seen; ``variant`` is the
    name that the field gives to this family with
    this ``decay``: GatedDeltaNet, KDA, Mamba, Mamba-2, RG-LRU, RWKV, lightning attention, short convolution. ``decay``
    says how the state forgets: ``none``, ``fixed`` (not by the input), ``per head``, ``per channel`` or ``per channel
    and state``. ``heads`` and ``v_head_dim`` are those of the values, ``kv_heads`` and
    ``head_dim`` those of queries and keys; in a state space model groups and state size. ``state`` is the shape
    of the state that one token leaves to the next, without the batch. ``conv`` is the width of the short
    convolution in tokens, ``conv_channels`` how many channels go through it.
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
    variant: Fact[str] | None = None
    decay: Fact[str] | None = None
    conv_channels: Fact[int] | None = None

    @property
    def label(self) -> str:
        """What it is called in the diagram."""
        return self.variant.value if self.variant is not None else self.family.value


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

    ``choice`` says who chooses: ``token`` (each token its experts) or ``expert`` (each expert its tokens).
    ``groups`` and ``groups_kept``: experts are chosen from the best few groups of them (DeepSeek). ``zero_experts``
    are choices that cost nothing, beyond ``experts``. ``bias_correction``: a bias is added to the scores for choosing,
    not for weighing (DeepSeek-V3). ``normalised``: the weights of the chosen are made to sum to one. ``scale``
    multiplies the sum of the routed experts.
    """

    kind: ClassVar[str] = "moe"

    experts: Fact[int]
    top_k: Fact[int]
    hidden: Fact[int]
    gated: Fact[bool]
    activation: Fact[str]
    router: Fact[str]
    shared_hidden: Fact[int]
    choice: Fact[str] | None = None
    groups: Fact[int] | None = None
    groups_kept: Fact[int] | None = None
    zero_experts: Fact[int] | None = None
    bias_correction: Fact[bool] | None = None
    normalised: Fact[bool] | None = None
    scale: Fact[float] | None = None

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
    """What makes vectors of the input: ``of`` says of what.

    A table of ``tokens``, ``positions`` or ``types``; a projection of ``patches`` of an image or ``frames`` of sound,
    whose ``rows`` are the numbers that go into one vector. ``scale`` multiplies what comes out.
    """

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
