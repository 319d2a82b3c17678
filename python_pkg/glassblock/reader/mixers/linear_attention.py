"""Linear attention: products of queries, keys and values without a softmax between them.

Katharopoulos et al., 2020, arXiv:2006.16236. With a decay that the text does not change it is lightning attention
(arXiv:2401.04658), or retention (arXiv:2307.08621) where queries and keys go in without a function; with one that it
does change gated linear attention (arXiv:2312.06635), and mLSTM (arXiv:2405.04517) where a running maximum keeps
exponential gates in bounds.
"""

from __future__ import annotations

from glassblock.ir import observed
from glassblock.reader.activations import activation_of
from glassblock.reader.mixers.common import Claim, Mixing

_MAXIMA = ("maximum", "max", "amax")


def linear_attention(mixing: Mixing) -> Claim | None:
    """Claim a branch with a state for each head, or in which a product of activations is multiplied again."""
    if any(op.name == "softmax" for op in mixing.branch.ops):
        return None
    if mixing.state is not None and mixing.dims[0]:
        family = observed("linear attention", "keys and values are summed in a state for each head")
    elif _twice(mixing):
        family = observed("linear attention", "products of q, k and v with no softmax between")
    else:
        return None
    return Claim(family, _variant(mixing))


def _twice(mixing: Mixing) -> bool:
    """Whether a product of activations goes into another one."""
    if len(mixing.products) < 2:
        return False
    graph, first = mixing.graph, mixing.products[0]
    for op in mixing.products[1:]:
        cone = graph.cone(op.outputs[0], first=first.index)
        if any(first.outputs[0] in made.inputs for made in cone.ops):
            return True
    return False


def _variant(mixing: Mixing) -> str:
    decay = mixing.decay.value
    if mixing.shifted:
        return "RWKV"
    if decay == "fixed":
        return "lightning attention" if _feature_map(mixing) else "retention"
    if decay == "per head" and any(op.name in _MAXIMA for op in mixing.branch.ops):
        return "mLSTM"
    return "gated linear attention" if decay != "none" else "linear attention"


def _feature_map(mixing: Mixing) -> bool:
    """Whether queries go through a function before the products."""
    factors = mixing.graph.product(mixing.products[0]) if mixing.products else None
    return factors is not None and activation_of(mixing.branch.back(factors[0]).ops) is not None
