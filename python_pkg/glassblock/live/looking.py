"""Looking inside: what was computed at and within blocks, in one pass or in every frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import replace

from torch import Tensor

from glassblock.errors import TapError
from glassblock.live.core import FRAMES, Core
from glassblock.live.effective import LIMIT, effective_attention
from glassblock.live.frames import Frame
from glassblock.live.prompts import Prompt
from glassblock.live.reading import read_taps


class Looking(Core):
    """What reads the model while it runs, and changes nothing."""

    @property
    def unread(self) -> dict[str, str]:
        """What is not read any more because reading it failed, by address, and why. Its rows are not measured."""
        return dict(self._engine.problems.unread)

    def cache(self, *names: str, prompt: Prompt | None = None) -> dict[str, Tensor]:
        """Run a prompt under the interventions in force, and return what was computed at and inside of blocks.

        The model runs as it always does: nothing is converted, its kernels are its own, its logits the same.

        Parameters
        ----------
        *names
            An address and a tap, ``L3.attn.pattern``, ``L0.mlp.post``, ``L2.mixer.beta``, ``L3.moe.E5.in``, or
            TransformerLens's name, ``blocks.3.attn.hook_pattern``. The table in ``docs/taps.md`` has all of them.
        prompt
            As for `run`; None runs the last one again.

        Returns
        -------
        dict of str to Tensor
            By the names that were given: copies, in the shapes of that table.

        Raises
        ------
        TapError
            If a name is no tap, with the nearest one; or if this model cannot offer it, with the reason.
        AddressError
            If a block is nothing in this model.
        PromptError
            As for `run`.
        """
        self._check_attached()
        subject = self._runner.subject(prompt)
        with self._doing("running"):
            return read_taps(self._engine.inside, names, lambda: self._runner.pass_quietly(subject, self.interventions))

    def effective_attention(self, name: str, prompt: Prompt | None = None, *, limit: int = LIMIT) -> Tensor:
        """Return the exact token-to-token matrix of a linear mixer: which source tokens its output is made of.

        A mixer without attention (GatedDeltaNet, Mamba, RWKV, …) is linear in its values, too. The model's own code is
        run on a basis of values: ``ceil(tokens / channels)`` times where the channels of a head share a matrix, once
        for each token where each channel has its own. The interventions in force hold in what comes before it.

        Parameters
        ----------
        name
            Address of the mixer, or its module path.
        prompt
            As for `run`; None takes the last one.
        limit
            Bytes that the matrix may take.

        Returns
        -------
        Tensor
            (batch, heads, tokens, tokens), or (batch, channels, tokens, tokens) where each channel has its own: row by
            target, column by source. Its product with `cache`'s ``v`` (of a state space ``x``) is ``recurrence_out``.

        Raises
        ------
        TapError
            If the block is no linear mixer, did not run, or the matrix would be larger than the limit.
        AddressError
            If the name is nothing in this model.
        PromptError
            As for `run`.
        """
        self._check_attached()
        subject = self._runner.subject(prompt)
        block = self.architecture.block(self.architecture.resolve(name))
        with self._doing("running"), self._engine.inside.capturing(block.address) as calls:
            self._runner.pass_quietly(subject, self.interventions)
            if not calls:
                raise TapError(f"{block.address} did not run on this prompt.")
            return effective_attention(calls[-1], limit)

    def watch(self, *names: str) -> None:
        """Read taps inside of blocks in every forward pass from now on, whoever starts it.

        They are in ``Frame.inside``, on the model's device, beside what each frame holds anyway.

        Parameters
        ----------
        *names
            As for `cache`, in the place of those that were watched: none ends it. Taps between blocks are refused,
            since frames describe them.

        Raises
        ------
        TapError, AddressError
            If a name is no tap inside of a block of this model.
        """
        self._check_attached()
        self._engine.watch(names)
        self._runner.forget_clean()

    def show(self, *names: str, on: Hashable) -> None:
        """Let frames hold what a page draws of taps inside of blocks, beside what is watched and what others show.

        Of a ``pattern`` the last queries of the first text, of a mixer's ``state``, ``beta`` and ``log_decay`` one
        number for each head and token: `Frame.shown`, small and on the host. What cannot be shown is in
        `Frame.unshown`, with the reason. Nothing is left on the model when nobody shows anything any more.

        Parameters
        ----------
        *names
            As for `cache`, in the place of those that were shown on this page: none ends it.
        on
            Who shows it.
        """
        with self._showing:
            before = self._shows.names
            self._shows = self._shows.on(on, names)
            if self._shows.names == before:
                return
            if self._status != "detached":
                self._engine.show(self._shows.names)
            self._runner.forget_clean()

    def frames_again(self) -> tuple[Frame, ...]:
        """Make the passes of the last run once more, unseen, for what is shown since: its frames then hold it.

        Returns
        -------
        tuple of Frame
            As `Run.frames`, with the numbers (`Frame.seq`) that they had; none where nothing was run.
        """
        self._check_attached()
        run = self._run
        if run is None:
            return ()
        again = self._runner.run_quietly(self._runner.subject(None), run.interventions).frames
        if self._run is not run or len(again) != len(run.frames):
            return ()
        frames = tuple(replace(new, seq=old.seq) for new, old in zip(again, run.frames, strict=True))
        self._run = replace(run, frames=frames)
        by_seq = {frame.seq: frame for frame in frames}
        self.frames = deque((by_seq.get(frame.seq, frame) for frame in list(self.frames)), maxlen=FRAMES)
        return frames
