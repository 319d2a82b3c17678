"""The engine: hooks on a model, and what they do during a forward pass.

There is one hook for each side of a module that has a tap. A hook finds out which forward pass it belongs to
(each thread has its own), edits the tensor if an intervention says so, and hands the result to the recorder.
With nothing ablated a hook returns None, so the model's own tensors flow on: logits stay bit-identical.

The hooks on the model itself begin and end a pass. The end is called even when the forward raises, so that
no half pass is left behind. A call to a part of the model from outside, without a pass, is edited all the
same and not recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from glassblock.ir import Architecture, Side
from glassblock.live.arguments import (
    first_tensor,
    inputs_of,
    logits_of,
    names_of,
    output_tensor,
    replace_output,
    replace_tensor,
)
from glassblock.live.baseline import Observer
from glassblock.live.edits import Moment
from glassblock.live.events import warn
from glassblock.live.frames import Frame, Origin
from glassblock.live.hook import Hook
from glassblock.live.inside import Changes, Inside
from glassblock.live.interventions import Interventions
from glassblock.live.layout import Layout
from glassblock.live.materials import Materials
from glassblock.live.means import Collector
from glassblock.live.plan import Plan, plan
from glassblock.live.recorder import Recorder
from glassblock.live.taps import ExpertsTap, Tap, experts_taps_of, taps_of
from glassblock.live.transfer import Transfer


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Interventions, ready to be looked up."""

    plan: Plan = field(default_factory=Plan)
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Start:
    """How the next passes of a thread shall begin. ``prepared`` None: with what is in force."""

    origin: Origin
    prepared: _Prepared | None = None
    collector: Collector | None = None
    baseline: Observer | None = None


@dataclass(slots=True)
class _Pass:
    """One forward pass while it runs."""

    plan: Plan
    interventions: int
    origin: Origin
    recorder: Recorder | None = None
    collector: Collector | None = None
    moment: Moment = field(default_factory=Moment)


class Engine:
    """Hooks on a model: reads every tap, edits by the interventions in force, makes frames.

    Parameters
    ----------
    model
        The model. Nothing but hooks is put on it.
    architecture
        Its architecture, whose ports say where the taps are.
    layout
        Rows of the frames.
    on_frame
        Called with each frame at the end of its pass, in the thread of the forward.
    """

    def __init__(
        self, model: nn.Module, architecture: Architecture, layout: Layout, on_frame: Callable[[Frame], None]
    ) -> None:
        self._model = model
        self._architecture = architecture
        self._layout = layout
        self._on_frame = on_frame
        self._local = threading.local()
        self._seq = 0
        self._count = threading.Lock()
        self._in_force, self._used = _Prepared(), Interventions()
        self.materials = Materials()
        """Values that were collected for interventions to put in the place of others."""
        self._overwritten: set[str] = set()
        self._handles: list[RemovableHandle] = []
        self._vocabulary = architecture.vocabulary
        self._names = names_of(model)
        self.inside = Inside(model, architecture, self._inside_changes)
        self._attach()

    def use(self, interventions: Interventions) -> None:
        """Take up a set of interventions, from the next forward pass on."""
        self._in_force, self._used = self._prepare(interventions), interventions

    @property
    def interventions(self) -> Interventions:
        """What is in force."""
        return self._used

    def use_again(self) -> None:
        """Take up the same interventions with the values that were collected since."""
        self.use(self._used)

    @contextmanager
    def passes(
        self, origin: Origin, interventions: Interventions | None = None, baseline: Observer | None = None
    ) -> Iterator[None]:
        """Mark the forward passes that this thread starts within.

        Parameters
        ----------
        origin
            What their frames shall say.
        interventions
            What shall be in force in them, whatever is in force elsewhere; None follows what is in force.
        baseline
            Keeps their activations, or compares them with those of a clean pass.
        """
        chosen = None if interventions is None else self._prepare(interventions)
        with self._next(_Start(origin, chosen, baseline=baseline)):
            yield

    @contextmanager
    def collecting(self, collector: Collector) -> Iterator[None]:
        """Let a collector see the passes that this thread starts within; they are clean, and make no frames."""
        with self._next(_Start("clean", _Prepared(), collector)):
            yield

    def detach(self) -> None:
        """Remove every hook. Again does no harm."""
        while self._handles:
            self._handles.pop().remove()
        self.inside.detach()

    def _prepare(self, interventions: Interventions) -> _Prepared:
        prepared = plan(self._architecture, interventions, self.materials)
        self.inside.reach(prepared.inside)
        return _Prepared(prepared, len(interventions))

    def _inside_changes(self) -> Changes:
        """Return the edits inside of blocks that are in force in this thread's pass, bound to it."""
        current = self._current()
        return {
            block: {tap: [partial(edit, moment=current.moment) for edit in edits] for tap, edits in of.items()}
            for block, of in current.plan.inside.items()
        }

    @contextmanager
    def _next(self, start: _Start) -> Iterator[None]:
        before = getattr(self._local, "start", None)
        self._local.start = start
        try:
            yield
        finally:
            self._local.start = before

    # ---- hooks

    def _attach(self) -> None:
        modules = dict(self._model.named_modules())
        try:
            begin = self._model.register_forward_pre_hook(Hook(self._begin), with_kwargs=True, prepend=True)
            self._handles.append(begin)
            for (path, side), taps in taps_of(self._architecture, self._layout).items():
                self._hook(modules[path], side, taps)
            for path, experts in experts_taps_of(self._architecture, self._layout):
                self._hook_experts(modules[path], experts)
            end = self._model.register_forward_hook(Hook(self._end), with_kwargs=True, always_call=True)
            self._handles.append(end)
        except BaseException:
            self.detach()
            raise

    def _hook(self, module: nn.Module, side: Side, taps: list[Tap]) -> None:
        if side == "input":
            self._handles.append(module.register_forward_pre_hook(Hook(self._input_hook(taps)), with_kwargs=True))
        else:
            self._handles.append(module.register_forward_hook(Hook(self._output_hook(taps))))

    def _hook_experts(self, module: nn.Module, tap: ExpertsTap) -> None:
        before, after = self._experts_hooks(tap)
        self._handles.append(module.register_forward_pre_hook(Hook(before), with_kwargs=True))
        self._handles.append(module.register_forward_hook(Hook(after)))

    def _begin(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        start: _Start = getattr(self._local, "start", None) or _OUTSIDE
        prepared = start.prepared or self._in_force
        current = _Pass(prepared.plan, prepared.count, start.origin, collector=start.collector)
        if start.collector is None:
            current.recorder = Recorder(self._layout, self._overwritten, start.baseline)
        self._local.current = current
        self.inside.begin()
        with self._observing("the inputs"):
            inputs = inputs_of(self._names, args, kwargs)
            current.moment = Moment(inputs.first, inputs.tokens)
            if current.recorder:
                current.recorder.inputs = inputs

    def _end(self, _: nn.Module, __: tuple[Any, ...], ___: dict[str, Any], output: Any) -> None:
        done: _Pass | None = getattr(self._local, "current", None)
        self._local.current = None
        if done is None or done.recorder is None or output is None:
            return
        with self._observing("frame"), torch.no_grad():
            self._on_frame(self._frame(done, done.recorder, output))

    def _frame(self, done: _Pass, recorder: Recorder, output: Any) -> Frame:
        readings = recorder.finish()
        logits = logits_of(output, self._vocabulary)
        with self._count:
            self._seq += 1
            seq = self._seq
        return Frame(
            seq=seq,
            origin=done.origin,
            layout=self._layout,
            interventions=done.interventions,
            token_ids=recorder.inputs.token_ids,
            # A copy: a view would keep the logits of all positions, for as long as the frame is kept.
            logits=None if logits is None else logits[:, -1].detach().to(torch.float32, copy=True),
            _readings=readings,
            _transfer=Transfer(readings.parts),
        )

    def _input_hook(self, taps: list[Tap]) -> Callable[..., Any]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            x = first_tensor(args, kwargs)
            new = self._through(taps, x)
            return None if x is None or new is None or new is x else replace_tensor(args, kwargs, x, new)

        return hook

    def _output_hook(self, taps: list[Tap]) -> Callable[..., Any]:
        def hook(_: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
            x = output_tensor(output)
            new = self._through(taps, x)
            return None if x is None or new is None or new is x else replace_output(output, x, new)

        return hook

    def _through(self, taps: list[Tap], x: Tensor | None) -> Tensor | None:
        """Let the taps edit and observe a tensor, in their order; the same object comes back if none edits."""
        if x is None:
            return None
        current = self._current()
        for tap in taps:
            x = tap.edit(x, current.plan, current.moment)
            with self._observing(tap.key):
                tap.observe(x, current.recorder, current.collector)
        return x

    def _experts_hooks(self, tap: ExpertsTap) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            current, routed = self._current(), tap.routing(args, kwargs)
            self._local.answers = None
            if routed is None:
                return None
            with self._observing(tap.key):
                tap.observe(module, routed, current.recorder, current.collector)
            weights, answers = tap.edit(module, routed, current.plan, current.moment)
            self._local.answers = answers  # what edited experts put out, to be added to the others' sum
            return None if weights is routed.weights else replace_tensor(args, kwargs, routed.weights, weights)

        def after(_: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
            answers: Tensor | None = getattr(self._local, "answers", None)
            self._local.answers = None
            if answers is None or not isinstance(output, Tensor):
                return None
            return output + answers.to(output.dtype).reshape(output.shape)

        return before, after

    def _current(self) -> _Pass:
        """Return the pass of this thread; a part that is called on its own is edited and not recorded."""
        current: _Pass | None = getattr(self._local, "current", None)
        if current is not None:
            return current
        loose: Moment = self._local.__dict__.setdefault("loose", Moment())
        return _Pass(self._in_force.plan, self._in_force.count, "outside", moment=loose)

    @contextmanager
    def _observing(self, what: str) -> Iterator[None]:
        """Keep an error of ours away from the user's forward: it is said, and the forward goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in looking must not stop the model
            warn(f"Glassblock could not read {what}: {type(error).__name__}: {error}. The model is not affected.")


_OUTSIDE = _Start("outside")
