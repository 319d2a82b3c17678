"""The architecture as a readable tree."""

from tiny_architecture import architecture

from glassblock.diagram import Diagram


def test_tree_folds_layers_and_names_what_matters() -> None:
    text = str(Diagram(architecture((0, 1, 2, 4))))
    assert text.splitlines()[0] == "tiny · Tiny · 400 parameters, 250 active per token"
    assert "L0-L2, L4  Layer x 4 · 100 parameters each" in text
    assert "attn     GQA, 4 heads, window 16 · 40" in text
    assert "moe      4 experts, top 2, " not in text
    assert "moe      4 experts, top 2 · 60" in text
