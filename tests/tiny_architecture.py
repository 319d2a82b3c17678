"""A small Architecture, written by hand, for tests that need no model."""

from glassblock.ir import (
    Architecture,
    Attention,
    Block,
    Branch,
    Fact,
    Group,
    Layer,
    MixtureOfExperts,
    Params,
    Port,
    Stack,
    Trace,
    assumed,
    from_config,
    observed,
)


def attention(heads: int, kv_heads: int, kv_rank: Fact[int] | None = None) -> Attention:
    return Attention(
        heads=observed(heads),
        kv_heads=observed(kv_heads),
        head_dim=observed(8),
        v_head_dim=observed(8),
        causal=assumed(value=True),
        rope_dims=observed(8),
        qk_norm=observed("none"),
        sinks=observed(value=False),
        out_gate=observed(value=False),
        window=from_config(16, "config.sliding_window"),
        kv_rank=kv_rank,
    )


def architecture(layers: tuple[int, ...] = (0, 1, 2)) -> Architecture:
    moe = MixtureOfExperts(
        observed(4), observed(2), observed(16), observed(True), observed("silu"), observed("softmax"), observed(0)
    )
    template = Layer(
        address="L0",
        index=0,
        path="model.layers.0",
        cls="Layer",
        params=100,
        blocks=(
            Block(
                "L0.attn",
                "attention",
                "model.layers.0.attn",
                "Attn",
                40,
                attention(4, 2),
                (Port("z", "model.layers.0.attn.o", "input"),),
            ),
            Block(
                "L0.moe",
                "moe",
                "model.layers.0.moe",
                "MoE",
                60,
                moe,
                parts=(Block("L0.moe.router", "router", "model.layers.0.moe.gate", "Gate", 4),),
            ),
        ),
        branches=(Branch("L0.attn", 0, 1), Branch("L0.moe", 1, 2)),
    )
    group = Group(layers, tuple(f"model.layers.{index}" for index in layers), template)
    params = Params(total=400, trainable=400, embedding=100, active=250)
    return Architecture(
        "tiny", "Tiny", (Stack("", observed(32), (group,)),), (), (), params, Trace("meta"), observed(64)
    )
