"""Make the golden messages in ``protocol/golden/``, which the tests of both languages parse.

Each file holds ``definition`` (the name in the schema), ``message``, and for a frame its ``buffers`` in base64 with
the numbers that must come out of them. They are written from fixed data, by hand and not from the code that they
test; run this again only when the protocol changes.
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parent.parent / "protocol" / "golden"
NOT_MEASURED = float("nan")


def f32(*values: float) -> str:
    """Return numbers as base64 of little-endian float32."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")


def f16(*values: float) -> str:
    """Return numbers as base64 of little-endian float16."""
    return base64.b64encode(struct.pack(f"<{len(values)}e", *values)).decode("ascii")


def fact(value: Any, source: str = "observed", where: str = "") -> dict[str, Any]:
    """Return a fact."""
    return {"value": value, "source": source, "where": where}


def block(address: str, role: str, path: str, params: int, **more: Any) -> dict[str, Any]:
    """Return a block."""
    nothing: dict[str, Any] = {"cls": "Module", "spec": None, "ports": [], "parts": [], "notes": [], "reads": []}
    empty = {**nothing, "makes": ["batch", "tokens", 8], "weights": 0, "shared": None, "unique": None}
    empty["inside"] = None
    return {"address": address, "role": role, "path": path, "params": params, **empty, **more}


ATTENTION = {
    "kind": "attention",
    "heads": fact(2, where="q of scaled_dot_product_attention: 1 x 2 x 8 x 4"),
    "kv_heads": fact(1),
    "head_dim": fact(4),
    "v_head_dim": fact(4),
    "causal": fact(value=True),
    "rope_dims": fact(4),
    "qk_norm": fact("none"),
    "sinks": fact(value=False),
    "out_gate": fact(value=False),
    "window": fact(16, "config", "config.sliding_window"),
    "softcap": None,
    "scale": fact(0.5),
    "q_rank": None,
    "kv_rank": None,
    "latent_norm": None,
    "chunk": None,
    "position_bias": fact("none"),
    "rope_theta": fact(10000.0, "config", "config.rope_parameters"),
    "rope_scaling": fact("none", "config", "config.rope_parameters"),
    "prefix": None,
    "shared_kv": None,
}
MLP = {"kind": "mlp", "hidden": fact(32), "gated": fact(value=True), "activation": fact("silu")}
NORM = {"kind": "norm", "function": fact("rms"), "eps": fact(1e-6, "module")}
STEPS: list[tuple[str, str, str, list[int | str], int, list[str]]] = [
    ("stream", "input", "", ["batch", "tokens", 8], 0, []),
    ("up", "linear", "layers.0.mlp.up", ["batch", "tokens", 32], 256, []),
    ("gate", "linear", "layers.0.mlp.gate", ["batch", "tokens", 32], 256, ["pre"]),
    ("silu", "activation", "", ["batch", "tokens", 32], 0, []),
    ("multiply", "multiply", "", ["batch", "tokens", 32], 0, ["post"]),
    ("down", "linear", "layers.0.mlp.down", ["batch", "tokens", 8], 256, []),
    ("added to the stream", "output", "", ["batch", "tokens", 8], 0, []),
]
WIRES = [(0, 1, ""), (0, 2, ""), (2, 3, ""), (1, 4, ""), (3, 4, "gate"), (4, 5, ""), (5, 6, "")]
INSIDE = {
    "steps": [
        {
            "name": name,
            "op": op,
            "path": path,
            "shape": shape,
            "params": params,
            "taps": taps,
            "folded": 1,
            "unused": False,
        }
        for name, op, path, shape, params, taps in STEPS
    ],
    "wires": [{"source": source, "target": target, "label": label} for source, target, label in WIRES],
}
LAYER = {
    "address": "L0",
    "index": 0,
    "path": "layers.0",
    "cls": "Layer",
    "params": 1000,
    "blocks": [
        block("L0.norm1", "norm", "layers.0.n1", 8, spec=NORM),
        block(
            "L0.attn",
            "attention",
            "layers.0.attn",
            192,
            spec=ATTENTION,
            ports=[
                {"name": "in", "path": "layers.0.n1", "side": "input"},
                {"name": "out", "path": "layers.0.attn", "side": "output"},
                {"name": "z", "path": "layers.0.attn.o", "side": "input"},
            ],
        ),
        block("L0.norm2", "norm", "layers.0.n2", 8, spec=NORM),
        block("L0.mlp", "mlp", "layers.0.mlp", 768, spec=MLP, notes=["<b>not markup</b> 🧪"], inside=INSIDE),
    ],
    "branches": [
        {
            "block": "L0.attn",
            "reads": 0,
            "add": 1,
            "pre_norm": "L0.norm1",
            "post_norm": None,
            "stream_norm": None,
            "scale": None,
            "source": "observed",
            "context": None,
            "feeds": None,
            "joint_norm": None,
        },
        {
            "block": "L0.mlp",
            "reads": 1,
            "add": 2,
            "pre_norm": "L0.norm2",
            "post_norm": None,
            "stream_norm": None,
            "scale": fact(0.5, "config", "config.residual_multiplier"),
            "source": "observed",
            "context": "enc",
            "feeds": None,
            "joint_norm": "L0.norm2",
        },
    ],
    "entry_norm": None,
}
EMBEDDING = {"kind": "embedding", "rows": fact(100), "width": fact(8), "of": fact("tokens"), "scale": None}
UNEMBEDDING = {"kind": "unembedding", "rows": fact(100), "width": fact(8), "tied": fact(value=True), "softcap": None}
ARCHITECTURE = {
    "name": "tiny",
    "cls": "Tiny",
    "stacks": [
        {
            "name": "",
            "width": fact(8),
            "groups": [{"layers": [0, 1], "paths": ["layers.0", "layers.1"], "template": LAYER}],
            "inputs": [],
            "outputs": [],
            "streams": None,
            "used": fact(1, where="nothing is made of layers.1"),
        }
    ],
    "inputs": [block("embed", "embedding", "embed", 800, spec=EMBEDDING)],
    "outputs": [
        block("norm", "norm", "norm", 8, spec=NORM),
        block("unembed", "unembedding", "head", 800, spec=UNEMBEDDING),
    ],
    "params": {"total": 2808, "trainable": 2808, "embedding": 800, "active": 2808, "lookup": 0},
    "trace": {"rung": "meta", "escapes": ["item"], "notes": []},
    "context": fact(64, "config", "config.max_position_embeddings"),
    "edges": [
        {
            "source": "vision",
            "target": "",
            "kind": "merge",
            "via": [block("projector", "projector", "projector", 64)],
            "shape": ["batch", "patches", 8],
            "evidence": "observed",
            "leaves": [3, 7],
            "enters": [],
        }
    ],
    "phantoms": [block("mtp0", "mtp", "", 0, notes=["known of the checkpoint"])],
    "version": 3,
}
COMPARISON = {
    "a": ARCHITECTURE,
    "b": ARCHITECTURE,
    "rows": [
        {
            "part": "L0-L1 attn",
            "what": "kv_heads",
            "left": "1",
            "right": "2",
            "same": False,
            "a": "L0.attn",
            "b": "L0.attn",
        },
        {"part": "model", "what": "phantoms", "left": "1", "right": None, "same": False, "a": None, "b": None},
    ],
}
SITES = [("embed", "embed"), ("L0.attn.H0", "head"), ("L0.attn", "block"), ("L0", "layer")]
LAYOUT = {
    "sites": [{"address": address, "kind": kind} for address, kind in SITES],
    "stats": ["norm", "mean", "std", "absmax", "nonfinite"],
    "updates": ["L0.attn"],
}
ABLATION = {
    "address": "L0.attn.H0",
    "how": "mean",
    "sentence": "The output of L0.attn.H0 is replaced by its mean.",
    "cut": True,
    "python": 'session.ablate("L0.attn.H0", how="mean")',
}
KINDS = [
    {"name": "zero", "sign": "0", "sentences": {"block": "What {address} adds is replaced by zeros."}},
    {"name": "skip", "sign": "↷", "sentences": {"layer": "{address} returns what it was given."}},
]
RUN = {
    "id": 3,
    "prompt": "Mary and",
    "tokens": ["<bos>", "Mary", "and"],
    "generated": 0,
    "candidates": [
        {
            "token": "John",
            "id": 7,
            "clean": {"prob": 0.75, "logit": 4.5, "rank": 1},
            "ablated": {"prob": 0.25, "logit": 3.5, "rank": 2},
            "delta_prob": -0.5,
            "delta_logit": -1.0,
        }
    ],
    "kl": 0.125,
    "interventions": [ABLATION],
}
STATE = {
    "version": 1,
    "title": "tiny",
    "device": "cpu",
    "dtype": "float32",
    "status": "idle",
    "how": "zero",
    "kinds": KINDS,
    "reference": "mean over all tokens of 64 reference prompts",
    "prompt": "Mary and",
    "suggestions": [{"task": "names", "text": "Mary and", "answer": "John"}],
    "interventions": [ABLATION],
    "history": {
        "entries": [{"label": "mean L0.attn.H0", "python": 'session.ablate("L0.attn.H0", how="mean")'}],
        "cursor": 1,
    },
    "unavailable": {"L0": "no branch of it is known."},
    "unread": {"L1.mlp": "it raised ValueError."},
    "run": RUN,
    "problem": None,
}
PATTERN = {
    "name": "L0.attn.pattern",
    "shape": [2, 2, 3],
    "dtype": "float16",
    "first": 1,
    "queries": None,
    "keys": None,
}
WEIGHTS = [1.0, 0.0, 0.0, 0.25, 0.75, 0.0, 0.5, 0.5, 0.0, 0.0, 0.125, 0.875]
FRAME = {
    "type": "frame",
    "seq": 12,
    "missing": 3,
    "origin": "run",
    "first": 1,
    "positions": 2,
    "tokens": ["Mary", "and"],
    "predictions": [{"token": "John", "id": 7, "prob": 0.25}],
    "interventions": 1,
    "first_nonfinite": "L0.attn.H0",
    "inside": [PATTERN],
    "unread": {"L1.attn.pattern": "its block did not run in this pass"},
}
STATS = [
    *(1.0, 0.1, 0.2, 0.3, 0.0, 2.0, 0.1, 0.2, 0.3, 0.0),
    *(3.0, 0.1, 0.2, 0.3, 0.0, 4.0, 0.1, 0.2, 0.3, 1.0),
    *(5.0, 0.1, 0.2, 0.3, 0.0, 6.0, 0.1, 0.2, 0.3, 0.0),
    *([NOT_MEASURED] * 10),
]
UPDATES = [0.5, -0.25, 0.75, 1.0]
EFFECTS = {
    "type": "effects",
    "sweep": 2,
    "how": "zero",
    "metric": "logit of John",
    "unit": "logits",
    "prompt": "Mary and",
    "clean": 4.5,
    "first": 0,
    "rows": [
        {"address": "L0.attn.H0", "effect": -1.0, "why": None},
        {"address": "L0.attn", "effect": None, "why": "its logits are no finite numbers."},
    ],
    "total": 3,
    "python": 'session.sweep(["head", "block"])',
    "running": True,
}
MESSAGES: dict[str, dict[str, Any]] = {
    "architecture": {"definition": "Architecture", "message": ARCHITECTURE},
    "comparison": {"definition": "Comparison", "message": COMPARISON},
    "layout": {"definition": "FrameLayout", "message": LAYOUT},
    "state": {"definition": "SessionState", "message": STATE},
    "frame": {
        "definition": "Frame",
        "message": FRAME,
        "buffers": [f32(*STATS), f32(*UPDATES), f16(*WEIGHTS)],
        "expected": {
            "shape": [4, 2, 5],
            "norm": {"embed": [1.0, 2.0], "L0.attn.H0": [3.0, 4.0], "L0.attn": [5.0, 6.0], "L0": [None, None]},
            "nonfinite": {"L0.attn.H0": [0.0, 1.0]},
            "updates": {"L0.attn": [[0.5, -0.25], [0.75, 1.0]]},
            "inside": {"L0.attn.pattern": WEIGHTS},
        },
    },
    "matrix": {
        "definition": "Matrix",
        "message": {
            "type": "matrix",
            "id": 9,
            "inside": {**PATTERN, "name": "L0.mixer.effective", "first": 0},
            "interventions": 0,
        },
        "buffers": [f16(*WEIGHTS)],
    },
    "success": {"definition": "Success", "message": {"type": "reply", "id": 4, "ok": True, "effect": "now"}},
    "failure": {
        "definition": "Failure",
        "message": {
            "type": "reply",
            "id": 5,
            "ok": False,
            "error": {"kind": "AddressError", "message": "expected an address, got 'L9'."},
        },
    },
    "effects": {"definition": "Effects", "message": EFFECTS},
    "saved": {
        "definition": "Saved",
        "message": {"type": "saved", "id": 6, "name": "gpt.html", "done": 3, "total": 8, "running": True},
    },
    "ack": {"definition": "Ack", "message": {"type": "ack", "seq": 12}},
}
REQUESTS: dict[str, dict[str, Any]] = {
    "hello": {"version": 1},
    "run": {"prompt": "Mary and"},
    "generate": {"prompt": "Mary and", "max_new_tokens": 8},
    "stop": {},
    "ablate": {"targets": ["L0.attn.H0", "L0.mlp"], "how": "zero"},
    "restore": {"targets": []},
    "undo": {},
    "redo": {},
    "change": {"targets": ["L0.attn.H0"], "how": "noise"},
    "sweep": {"how": "zero", "metric": {"name": "difference", "tokens": [7, 9]}, "scope": ["head", "block"]},
    "watch": {"page": "a1b2", "names": ["L0.attn.pattern"]},
    "effective": {"name": "L0.mixer"},
    "save": {},
}
for number, (method, params) in enumerate(REQUESTS.items()):
    message = {"type": "request", "id": number, "method": method, "params": params}
    MESSAGES[f"request-{method}"] = {"definition": f"{method.capitalize()}Request", "message": message}


def main() -> None:
    """Write the files."""
    GOLDEN.mkdir(exist_ok=True)
    for name, content in MESSAGES.items():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"{len(MESSAGES)} golden messages in {GOLDEN.name}/")


if __name__ == "__main__":
    main()
