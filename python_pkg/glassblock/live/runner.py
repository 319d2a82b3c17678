"""The runner: forward passes that the session itself starts, clean and under the interventions in force.

The clean pass of a prompt is kept, so that a click costs one forward pass and not two. Passes are made without
gradients but outside inference mode, so that tensors can be checked for being overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import PromptError
from glassblock.ir import Architecture
from glassblock.live.arguments import logits_of
from glassblock.live.baseline import Baseline, Comparison
from glassblock.live.collecting import Collecting
from glassblock.live.engine import Engine
from glassblock.live.fits import check_fits
from glassblock.live.frames import Frame
from glassblock.live.generation import generate_ids
from glassblock.live.guard import check_attachable
from glassblock.live.interventions import Interventions
from glassblock.live.predictions import Distribution, candidates
from glassblock.live.prompts import Prompt, Prompts
from glassblock.live.run import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one forward pass gave."""

    logits: Tensor | None
    prediction: Distribution | None
    frame: Frame | None
    baseline: Baseline = field(default_factory=Baseline)


@dataclass(slots=True)
class Subject:
    """What was run last: the prompt, the inputs made of it, and its clean outcome once that is known."""

    prompt: Prompt
    inputs: dict[str, Any]
    generated: int = 0
    clean: Outcome | None = None
    weights: int | None = None


class Runner:
    """Runs prompts on one model.

    Parameters
    ----------
    model, engine, prompts
        Of the session.
    architecture
        What the model is.
    reference
        Prompts over which means are taken.
    """

    def __init__(
        self,
        model: nn.Module,
        engine: Engine,
        prompts: Prompts,
        architecture: Architecture,
        reference: Sequence[Prompt] = (),
    ) -> None:
        self._model = model
        self._engine = engine
        self._prompts = prompts
        self._architecture = architecture
        self._vocabulary = architecture.vocabulary
        self._collecting = Collecting(engine, prompts, self._call, reference)
        self._subject: Subject | None = None
        self._runs = 0
        self._weights: int | None = None
        self._local = threading.local()
        self.stop = threading.Event()
        self.means_over: str | None = None
        """The prompt over which means were taken, where there were no reference prompts: they stay those of it."""

    def provide(self, interventions: Interventions) -> None:
        """Collect the values that interventions ask for.

        Raises
        ------
        InterventionError
            If there is nothing to take them of.
        """
        self._provide(interventions, self._subject)

    def _provide(self, interventions: Interventions, last: Subject | None) -> bool:
        renewed = self._collecting.provide(interventions, None if last is None else last.inputs)
        if last is not None and self.means_over is None and self._collecting.means_over is last.inputs:
            self.means_over = self._prompts.text(last.prompt)
        return renewed

    def seen(self, frame: Frame) -> bool:
        """Take note of a frame, in the thread in which it was made; say whether others shall see it, too."""
        self._local.frame = frame
        return not getattr(self._local, "quiet", False)

    def forget_clean(self) -> None:
        """Make the clean pass of the last prompt once more when it is run again: more is to be seen in it."""
        if self._subject is not None:
            self._subject.clean = None

    def subject(self, prompt: Prompt | None) -> Subject:
        """Return what is to be run: a new prompt, or with None the last one that ran.

        Raises
        ------
        PromptError
            If the prompt is no good, or there was none before.
        """
        if prompt is not None:
            return Subject(prompt, self._prompts.encode(prompt))
        if self._subject is None:
            raise PromptError("expected a prompt, because nothing was run before. Pass one: run('...').")
        return self._subject

    def run(self, subject: Subject, interventions: Interventions) -> Run:
        """Run a subject, clean if that is not known yet, and under the interventions if there are any."""
        check_fits(self._architecture, interventions, subject.inputs)
        check_attachable(self._model)  # what was compiled since runs without hooks
        self._engine.check(interventions)
        weights = _weights(self._model)
        changed, self._weights = self._weights not in (None, weights), weights
        if changed:
            self._engine.materials.clear()
        clean = subject.clean  # read once: another thread may forget it, or be making it
        if clean is None or subject.weights != weights:
            clean = self._forward(subject, Interventions(), Baseline())
            subject.clean, subject.weights = clean, weights
        renewed = self._provide(interventions, subject) or changed
        other = self._forward(subject, interventions, clean.baseline) if len(interventions) else None
        if not getattr(self._local, "quiet", False):  # what nobody is shown is neither the last run nor counted
            self._subject = subject  # not before: a prompt that the model cannot run is not the last one
            self._runs += 1
        if renewed:
            self._engine.use_again()
        last = other or clean
        before, after = clean.prediction, other.prediction if other else None
        return Run(
            id=self._runs,
            prompt=self._prompts.text(subject.prompt),
            tokens=tuple(
                self._prompts.tokens(subject.inputs.get("decoder_input_ids", subject.inputs.get("input_ids")))
            ),
            generated=subject.generated,
            predictions=candidates(before, after, self._prompts.decode) if before else (),
            logits=last.logits,
            interventions=interventions,
            kl=before.kl_to(after) if before and after else None,
            frames=tuple(outcome.frame for outcome in (clean, other) if outcome and outcome.frame),
            clean=before,
            ablated=after,
        )

    def run_quietly(self, subject: Subject, interventions: Interventions) -> Run:
        """Run a subject without showing its frames to anybody."""
        self._local.quiet = True
        try:
            return self.run(subject, interventions)
        finally:
            self._local.quiet = False

    def pass_quietly(self, subject: Subject, interventions: Interventions) -> None:
        """Make one forward pass that nobody is shown, for whoever watches the model meanwhile."""
        self._local.quiet = True
        try:
            with self._engine.passes("run", interventions), torch.no_grad():
                self._call(subject.inputs)
        finally:
            self._local.quiet = False

    def generate(self, prompt: Prompt, inputs: dict[str, Any], **options: Any) -> Subject:
        """Let the model continue, and return prompt and continuation as a subject."""
        interventions = self._engine.interventions
        check_fits(self._architecture, interventions, inputs, room=options.get("max_new_tokens") or 0)
        if self._provide(interventions, Subject(prompt, inputs)):
            self._engine.use_again()
        with self._engine.passes("generate"):
            ids = generate_ids(self._model, inputs, self.stop, **options)
        if "decoder_input_ids" in inputs:  # the text that is continued is the decoder's
            new = int(ids.shape[-1] - inputs["decoder_input_ids"].shape[-1])
            return Subject(prompt, {**inputs, "decoder_input_ids": ids}, new)
        new = int(ids.shape[-1] - inputs["input_ids"].shape[-1])
        mask = inputs.get("attention_mask")
        if mask is None or bool(mask.all()):
            return Subject(prompt, {"input_ids": ids}, new)
        return Subject(prompt, {"input_ids": ids, "attention_mask": nn.functional.pad(mask, (0, new), value=1)}, new)

    def _forward(self, subject: Subject, interventions: Interventions, baseline: Baseline) -> Outcome:
        output = self._pass(subject, interventions, baseline)
        if self._local.frame and self._local.frame.lost:  # now it is known what to read at once
            output = self._pass(subject, interventions, baseline)
        logits = logits_of(output, self._vocabulary)
        prediction = None if logits is None else Distribution(logits[0, _last(subject.inputs, logits)])
        return Outcome(logits, prediction, self._local.frame, baseline)

    def _pass(self, subject: Subject, interventions: Interventions, baseline: Baseline) -> Any:
        self._local.frame = None
        clean = not len(interventions)
        observer = baseline if clean else Comparison(baseline)
        with self._engine.passes("clean" if clean else "run", interventions, observer), torch.no_grad():
            return self._call(subject.inputs)

    def _call(self, inputs: dict[str, Any]) -> Any:
        """Call the model; a plain module may not name its ids ``input_ids``, so those go by position."""
        if set(inputs) == {"input_ids"}:
            return self._model(inputs["input_ids"])
        return self._model(**inputs)


def _last(inputs: dict[str, Any], logits: Tensor) -> int:
    """Return the position of the first row's last token: behind it there may be padding."""
    mask = inputs.get("attention_mask")
    if not isinstance(mask, Tensor) or mask.shape[-1] != logits.shape[1] or "decoder_input_ids" in inputs:
        return -1
    tokens = mask[0].nonzero() if mask.ndim == 2 else mask.new_empty(0)
    return int(tokens[-1]) if len(tokens) else -1


def _weights(model: nn.Module) -> int:
    """Return a number that is another one once weights were written over: by an optimizer, by hand."""
    return hash(tuple(None if weight.is_inference() else weight._version for weight in model.parameters()))
