"""A diagram prints as a readable tree."""

from tiny_architecture import architecture

from glassblock.diagram import Diagram


def test_tree_folds_layers_and_names_what_matters() -> None:
    lines = [" ".join(line.split()) for line in str(Diagram(architecture((0, 1, 2, 4)))).splitlines()]
    assert lines[0] == "tiny · Tiny · 400 parameters, 250 active per token"
    assert "└─ L0-L2, L4 Layer x 4 · sequential, no norms 100 100.0 %" in lines
    assert "├─ attn GQA · 4 heads x 8, 2 key/value · window 16 · RoPE 40 40.0 %" in lines
    assert "└─ moe 4 experts, top 2 · softmax · hidden 16 · gated silu 60 60.0 %" in lines
