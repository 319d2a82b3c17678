"""The protocol: golden messages, and what a page may not send."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from glassblock import wire
from glassblock.errors import WireError

GOLDEN = sorted((Path(__file__).parents[2] / "protocol" / "golden").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_message_is_valid(path: Path) -> None:
    golden = json.loads(path.read_text())
    wire.validator(golden["definition"]).validate(golden["message"])


@pytest.mark.parametrize("path", [path for path in GOLDEN if "request" in path.stem], ids=lambda path: path.stem)
def test_golden_request_is_decoded(path: Path) -> None:
    message = json.loads(path.read_text())["message"]
    assert wire.decode(message) == message


def test_buffer_writes_the_bytes_of_the_golden_frame() -> None:
    golden = json.loads(next(path for path in GOLDEN if path.stem == "frame").read_text())
    stats = np.frombuffer(base64.b64decode(golden["buffers"][0]), "<f4").reshape(golden["expected"]["shape"])
    assert wire.buffer(stats.astype(np.float64)) == base64.b64decode(golden["buffers"][0])
    assert stats[1, :, 0].tolist() == golden["expected"]["norm"]["L0.attn.H0"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("click", "expected a message of type request or ack, got 'click'"),
        ({"type": "request", "id": 1, "method": "explode", "params": {}}, "expected a method of hello, run"),
        ({"type": "request", "id": 1, "method": [], "params": {}}, r"expected a method of .* got \[\]"),
        ({"type": "request", "id": 1, "method": "run", "params": {}}, "malformed RunRequest: params: 'prompt'"),
        (
            {"type": "request", "id": 1, "method": "ablate", "params": {"targets": "L0", "how": "zero"}},
            "malformed AblateRequest: params/targets: 'L0' is not of type 'array'",
        ),
        (
            {"type": "request", "id": 1, "method": "ablate", "params": {"targets": [], "how": 3}},
            "params/how: 3 is not of type 'string'",
        ),
        ({"type": "ack", "seq": "last"}, "malformed Ack: seq"),
    ],
)
def test_malformed_message_is_refused_in_words(message: object, words: str) -> None:
    with pytest.raises(WireError, match=words.replace("/", "/")):
        wire.decode(message)


def test_large_frame_is_cut_to_its_last_positions() -> None:
    assert wire.columns(rows=10, stats=5, positions=64) == 64
    assert wire.columns(rows=10_000, stats=5, positions=64) == (1 << 20) // (10_000 * 5 * 4)
    assert wire.columns(rows=10**9, stats=5, positions=64) == 1
