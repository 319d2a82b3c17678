"""The IR: addresses, folding, and JSON without loss."""

import json
from dataclasses import replace

import pytest
from tiny_architecture import architecture, attention

from glassblock import wire
from glassblock.errors import AddressError, SourceError
from glassblock.ir import (
    Address,
    Attention,
    Port,
    Stack,
    from_dict,
    observed,
    parse,
    to_dict,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("L3", Address("", 3, "", "")),
        ("L3.attn", Address("", 3, "attn", "")),
        ("L3.attn.H7", Address("", 3, "attn", "H7")),
        ("L12.moe.E5", Address("", 12, "moe", "E5")),
        ("L12.moe.shared", Address("", 12, "moe", "shared")),
        ("enc.L0.attn.KV1", Address("enc", 0, "attn", "KV1")),
        ("embed", Address("", None, "embed", "")),
        ("dec.norm", Address("dec", None, "norm", "")),
    ],
)
def test_address_is_parsed_and_written_back(text: str, address: Address) -> None:
    assert parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "L", "L3.", "model.layers.0.attn", "L3.attn.H", "L3.attn.H7.x"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse(text) is None


def test_folded_layer_is_written_out_at_its_own_address_and_path() -> None:
    layer = architecture().stacks[0].layer(2)
    assert (layer.address, layer.index, layer.path) == ("L2", 2, "model.layers.2")
    assert [block.address for block in layer.blocks] == ["L2.attn", "L2.moe"]
    assert layer.blocks[0].ports == (Port("z", "model.layers.2.attn.o", "input"),)
    assert layer.blocks[1].parts[0].path == "model.layers.2.moe.gate"
    assert [branch.block for branch in layer.branches] == ["L2.attn", "L2.moe"]


def test_layers_come_in_order_whatever_the_groups() -> None:
    one = architecture((0, 2)).stacks[0].groups[0]
    other = architecture((1,)).stacks[0].groups[0]
    stack = Stack("", observed(32), (one, other))
    assert [layer.index for layer in stack.layers()] == [0, 1, 2]


def test_addresses_name_heads_and_experts() -> None:
    names = list(architecture((0,)).addresses())
    assert names == [
        "L0",
        *("L0.attn", "L0.attn.H0", "L0.attn.H1", "L0.attn.H2", "L0.attn.H3", "L0.attn.KV0", "L0.attn.KV1"),
        *("L0.moe", "L0.moe.E0", "L0.moe.E1", "L0.moe.E2", "L0.moe.E3"),
        "L0.moe.router",
    ]


def test_module_path_means_the_same_block() -> None:
    assert architecture().resolve("model.layers.1.attn") == "L1.attn"
    assert architecture().block("model.layers.1.attn") == architecture().block("L1.attn")


def test_unknown_address_names_the_nearest_ones() -> None:
    with pytest.raises(AddressError, match=r"got 'L1\.atn\.H2'.*Nearest: L1\.attn\.H2.*L0 to L2"):
        architecture().resolve("L1.atn.H2")


def test_json_round_trip_is_lossless_and_follows_the_schema() -> None:
    original = architecture()
    data = json.loads(json.dumps(to_dict(original)))
    wire.validator("Architecture").validate(data)
    assert from_dict(data) == original


def test_another_version_is_refused() -> None:
    data = to_dict(replace(architecture(), version=0))
    with pytest.raises(SourceError, match="expected an architecture of version 3, got version 0"):
        from_dict(data)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (attention(8, 8), "MHA"),
        (attention(8, 2), "GQA"),
        (attention(8, 1), "MQA"),
        (attention(1, 1), "MHA"),
        (attention(8, 8, observed(512)), "MLA"),
    ],
)
def test_attention_is_called_what_the_field_calls_it(spec: Attention, label: str) -> None:
    assert spec.label == label
