"""Linear attention: products of queries, keys and values without a softmax between them.

Katharopoulos et al., 2020, arXiv:2006.16236; with decay, RetNet (arXiv:2307.08621) and its kin.
"""

from __future__ import annotations

from glassblock.ir import Fact, observed
from glassblock.reader.branch import Branch


def linear_attention(branch: Branch) -> Fact[str] | None:
    """Claim a branch in which a product of activations is multiplied with an activation again."""
    graph = branch.graph
    products = [op for op in branch.ops if graph.product(op) is not None]
    if len(products) < 2 or any(op.name == "softmax" for op in branch.ops):
        return None
    first = products[0].outputs[0]
    for op in products[1:]:
        cone = graph.cone(op.outputs[0], first=products[0].index)
        if any(first in made.inputs for made in cone.ops):
            return observed("linear attention", "products of q, k and v with no softmax between")
    return None
