"""Running a model: once, or token by token."""

from __future__ import annotations

from typing import Any, Literal, overload

from glassblock.errors import PromptError
from glassblock.live.core import Core
from glassblock.live.generation import Generation, check_generates, new_tokens
from glassblock.live.prompts import Prompt
from glassblock.live.run import Run


class Running(Core):
    """What runs the model."""

    def run(self, prompt: Prompt | None = None) -> Run:
        """Run a prompt once, clean and, where something is ablated, once more under the interventions.

        Parameters
        ----------
        prompt
            Text, token ids (positions,) or (batch, positions), or a dict of the model's keyword arguments.
            None runs the last one again; its clean pass is then not repeated.

        Returns
        -------
        Run
            Predictions for the token after the last position of the first row.

        Raises
        ------
        PromptError
            If the prompt is empty, too long, or text without a tokenizer; or None and there was none before.
        """
        self._check_attached()
        with self._doing("running"):
            run = self._runner.run(self._runner.subject(prompt), self.interventions)
            if not run.frames:
                self._engine.problems.silent()
            return self._finish(run)

    @overload
    def generate(
        self,
        prompt: Prompt | None = ...,
        max_new_tokens: int = ...,
        *,
        background: Literal[False] = ...,
        **options: Any,
    ) -> Run: ...

    @overload
    def generate(
        self, prompt: Prompt | None = ..., max_new_tokens: int = ..., *, background: Literal[True], **options: Any
    ) -> Generation: ...

    def generate(
        self, prompt: Prompt | None = None, max_new_tokens: int = 20, *, background: bool = False, **options: Any
    ) -> Run | Generation:
        """Let the model continue a prompt under the interventions in force, which may change meanwhile.

        Parameters
        ----------
        prompt
            As for `run`; None continues the last prompt again, without what was generated after it.
        max_new_tokens
            How many tokens at most.
        background
            Return at once; the generation goes on in a thread.
        **options
            For the model's own ``generate``; it is greedy where ``do_sample=True`` is not among them.

        Returns
        -------
        Run or Generation
            The run over prompt and continuation; in the background a handle whose ``result()`` is that run.

        Raises
        ------
        PromptError
            As for `run`; or if a generation is under way, or there are no ids to continue.
        ModelError
            If the model cannot generate, or the session was detached meanwhile.
        """
        self._check_attached()
        max_new_tokens = new_tokens(max_new_tokens)
        asked = self._runner.subject(None).prompt if prompt is None else prompt
        inputs = self._prompts.encode(asked, room=max_new_tokens)
        check_generates(self.model, inputs)
        with self._starting:
            if self._status == "generating":
                raise PromptError("expected no generation to be under way, but one is. Stop it first: session.stop().")
            self._runner.stop.clear()
            self._status = "generating"
        self._tell("status", "generating")

        def work() -> Run:
            try:
                subject = self._runner.generate(asked, inputs, max_new_tokens=max_new_tokens, **options)
                self._check_attached()
                return self._finish(self._runner.run(subject, self.interventions))
            finally:
                if self._status == "generating":
                    self._set_status("idle")

        if not background:
            return work()
        return Generation(work, self._runner.stop, on_error=lambda error: self._tell("problem", error))

    def stop(self) -> None:
        """Stop the generation after its current token."""
        self._runner.stop.set()
