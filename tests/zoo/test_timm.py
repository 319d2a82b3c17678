"""timm's vision transformers: what is read of them against their published sizes and their code.

Sizes are those of the papers: ViT-Ti/16, DeiT-Ti distilled, BEiT-B/16, EVA-02-Ti/14, the parallel ViT of Touvron et al.
2022 (arXiv:2203.09795). Counts are compared with an independent one of the built module.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kinds import told
from zoo_packages import package

from glassblock.errors import ModelError
from glassblock.ir import Architecture
from glassblock.reader import read_model

timm = package("timm")


def model(name: str) -> Any:
    """Build one of timm's models without weights."""
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False)


def read(name: str) -> Architecture:
    """Read it, and see that it was run and counted exactly."""
    built = model(name)
    found = read_model(built)
    assert found.trace.rung == "meta"
    assert found.params.total == sum(p.numel() for p in built.parameters())
    return found


@pytest.mark.parametrize(
    ("name", "layers", "width", "heads", "patch", "hidden"),
    [
        ("vit_tiny_patch16_224", 12, 192, 3, 16 * 16 * 3, 768),
        ("vit_base_patch32_224", 12, 768, 12, 32 * 32 * 3, 3072),
        ("deit_tiny_distilled_patch16_224", 12, 192, 3, 16 * 16 * 3, 768),
        ("beit_base_patch16_224", 12, 768, 12, 16 * 16 * 3, 3072),
        ("eva02_tiny_patch14_224", 12, 192, 3, 14 * 14 * 3, 512),
    ],
)
def test_a_plain_vision_transformer(name: str, layers: int, width: int, heads: int, patch: int, hidden: int) -> None:
    architecture = read(name)
    stack = architecture.stacks[0]
    assert (stack.n_layers, stack.width.value, len(stack.groups)) == (layers, width, 1)
    embed = architecture.block("embed").spec
    assert told(embed, "rows", "width", "of") == {"rows": patch, "width": width, "of": "patches"}
    attention = architecture.block("L3.attn").spec
    assert told(attention, "heads", "kv_heads", "head_dim", "causal") == {
        "heads": heads,
        "kv_heads": heads,
        "head_dim": width // heads,
        "causal": False,
    }
    assert told(architecture.block("L3.mlp").spec, "hidden") == {"hidden": hidden}
    assert [(b.reads, b.add) for b in stack.layer(0).branches] == [(0, 1), (1, 2)]
    assert all(branch.pre_norm for branch in stack.layer(0).branches)
    assert architecture.block("norm").role == "norm"


def test_positions_and_classes() -> None:
    architecture = read("vit_tiny_patch16_224")
    assert told(architecture.block("pos_embed").spec, "rows", "width") == {"rows": 14 * 14 + 1, "width": 192}
    assert architecture.vocabulary == 1000


def test_rotation_of_patches_and_a_gated_feed_forward() -> None:
    architecture = read("eva02_tiny_patch14_224")
    assert told(architecture.block("L0.attn").spec, "rope_dims") == {"rope_dims": 64}
    assert told(architecture.block("L0.mlp").spec, "gated", "activation") == {"gated": True, "activation": "silu"}


def test_windows_of_patches_in_stages() -> None:
    architecture = read("swin_tiny_patch4_window7_224")
    layers = list(architecture.layers())
    heads = [next(block.heads for block in layer.blocks if block.role == "attention") for layer in layers]
    assert heads == [3] * 2 + [6] * 2 + [12] * 6 + [24] * 2
    assert [stack.width.value for stack in architecture.stacks] == [96, 192, 384, 768]
    # Patches are merged on the way: four of them, side by side, are projected to twice the width.
    merging = [block for edge in architecture.edges for block in edge.via if block.role == "projector"]
    assert [block.params for block in merging] == [4 * width * 2 * width for width in (96, 192, 384)]
    spec = architecture.block("stage3.L5.attn").spec
    assert told(spec, "chunk", "position_bias", "head_dim") == {
        "chunk": 49,
        "position_bias": "relative",
        "head_dim": 32,
    }


def test_pairs_of_blocks_in_parallel() -> None:
    architecture = read("vit_small_patch16_18x2_224")
    layer = architecture.stacks[0].layer(7)
    assert [(b.block, b.reads, b.add) for b in layer.branches] == [
        ("L7.attn", 0, 1),
        ("L7.attn2", 0, 1),
        ("L7.mlp", 1, 2),
        ("L7.mlp2", 1, 2),
    ]
    assert architecture.stacks[0].n_layers == 18


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "poolformer_s12"])
def test_a_convolutional_network_is_no_transformer(name: str) -> None:
    with pytest.raises(ModelError, match="no such layers were found"):
        read_model(model(name))


def test_a_stream_with_its_channels_first_is_not_followed_and_said_not_to_be() -> None:
    found = read_model(model("coatnet_pico_rw_224"))
    assert found.trace.rung == "tree"
    assert found.stacks[0].width.source == "assumed"
