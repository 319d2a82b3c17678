"""Framing: from what a pass handed over to the frame of it."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import nn

from glassblock.live.arguments import logits_of
from glassblock.live.frames import Frame, Part
from glassblock.live.inside import Findings
from glassblock.live.layout import Layout
from glassblock.live.passes import Pass
from glassblock.live.presence import Presence
from glassblock.live.problems import Problems
from glassblock.live.reading import Shown, Streamed
from glassblock.live.recorder import Recorder


class Framing:
    """Makes the frames of one model, and counts them.

    Parameters
    ----------
    model
        A pass that begins at it has logits; one that begins below its head has none.
    layout
        Rows of the frames.
    vocabulary
        How many logits there are; None where there are none.
    problems, presence
        Are told what could not be reduced, and which rows a pass saw.
    """

    def __init__(
        self, model: nn.Module, layout: Layout, vocabulary: int | None, problems: Problems, presence: Presence
    ) -> None:
        self.streamed = Streamed()
        """Taps that go into every frame."""
        self.shown = Shown()
        """Taps of which frames hold what pages draw."""
        self._model, self._layout, self._vocabulary = model, layout, vocabulary
        self._problems, self._presence = problems, presence
        self._seq = 0
        self._count = threading.Lock()

    @torch.no_grad()
    def frame(self, done: Pass, recorder: Recorder, output: Any, found: Findings | None) -> Frame:
        """Return the frame of a pass that is done.

        Parameters
        ----------
        done
            The pass.
        recorder
            What it handed over.
        output
            What the module at which it began returned.
        found
            What was read inside of blocks.
        """
        readings = recorder.finish()
        inside, unread = self.streamed.made(found)
        small, unshown = self.shown.made(found, readings.shape[0])
        shown = {
            name: Part(readings.add(of.numbers.contiguous()), of.dropped, tuple(of.numbers.shape))
            for name, of in small.items()
        }
        for address, why in recorder.failed.items():
            self._problems.not_reduced(address, [address], why)
        self._presence.compare(readings.order)
        logits = logits_of(output, self._vocabulary) if done.owner is self._model else None
        if logits is not None and logits.is_meta:
            logits = None
        with self._count:
            self._seq += 1
            seq = self._seq
        return Frame(
            seq=seq,
            origin=done.origin,
            layout=self._layout,
            interventions=done.prepared.count,
            token_ids=recorder.inputs.token_ids,
            # A copy: a view would keep the logits of all positions, for as long as the frame is kept.
            logits=None if logits is None else logits[:, -1].detach().to(torch.float32, copy=True),
            inside=inside,
            unread=unread,
            unshown=unshown,
            context_ids=recorder.inputs.context,
            _readings=readings,
            _transfer=readings.sent(),
            _shown=shown,
        )
