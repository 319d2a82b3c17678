"""Frames of forward passes that are unlike a plain run."""

from typing import Any

import pytest
import torch
from tiny_models import PlainTransformer, text, tiny
from torch import Tensor

import glassblock as gb


def test_frame_keeps_the_logits_of_the_last_position_and_no_others() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        out = model(text()).logits
        kept = session.frames[-1].logits
        assert kept is not None
        assert torch.equal(kept, out[:, -1])
        assert kept.untyped_storage().nbytes() == kept.numel() * kept.element_size()
        out.detach().zero_()  # whoever has the logits may write over them
        assert kept.any()


def test_logits_are_found_behind_a_loss() -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        _, logits = model(text(), labels=text(), return_dict=False)[:2]
        kept = session.frames[-1].logits
        assert kept is not None
        assert torch.equal(kept, logits[:, -1])


class PositionsFirst(PlainTransformer):
    """Looks up positions, which have no batch, before tokens."""

    def forward(self, ids: Tensor) -> Any:
        """Return logits."""
        stream = self.positions(torch.arange(ids.shape[1])) + self.embed(ids)
        for block in self.blocks.values():
            stream = block(stream)
        return self.head(self.norm(stream))


def test_batch_is_measured_whatever_comes_first() -> None:
    model = PositionsFirst()
    ids = text(6).repeat(2, 1)
    with gb.attach(model, inputs=ids) as session:
        model(ids)
        frame = session.frames[-1]
        assert frame.stats.shape[1:3] == (2, 6)
        assert not torch.tensor(frame.stats[..., 0]).isnan().any()


def test_size_of_a_frame_is_that_of_all_that_it_holds_once_it_was_looked_at() -> None:
    with gb.attach(tiny("llama")) as session:
        (frame,) = session.run(text(6).repeat(1, 10)).frames
        parts = frame.stats, frame.updates, *frame._arrays, frame.logits, frame.token_ids
        held = sum(part.nbytes for part in parts if part is not None)
        assert held <= frame.nbytes < 1.25 * held


def test_kept_frames_are_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("llama")
    with gb.attach(model) as session:
        model(text())
        monkeypatch.setattr("glassblock.live.core.FRAMES_BYTES", 3 * session.frames[-1].nbytes)
        for _ in range(5):
            model(text())
        assert [frame.seq for frame in session.frames] == [4, 5, 6]
