"""The engine: hooks on a model, and what they do during a forward pass.

There is one hook for each side of a module that has a tap. A hook finds out which forward pass it belongs to
(each thread has its own), edits the tensor if an intervention says so, and hands the result to the recorder.
With nothing ablated a hook returns None, so the model's own tensors flow on: logits stay bit-identical.

The hooks at the entrances of the model begin and end a pass (`passes.py`). The end is called even when the forward
raises, so that no half pass is left behind. Hooks do not keep the session alive: when nobody holds it any more, they
go. What goes wrong in looking on never reaches the forward: that tap is switched off, and it is said.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.ir import Architecture, Side
from glassblock.live.arguments import (
    Inputs,
    first_tensor,
    inputs_of,
    names_of,
    output_tensor,
    replace_output,
    replace_tensor,
)
from glassblock.live.attached import Attached, ByLayer
from glassblock.live.baseline import Observer
from glassblock.live.edits import Moment
from glassblock.live.frames import Frame, Origin
from glassblock.live.framing import Framing
from glassblock.live.hook import Hook, weakly
from glassblock.live.inside import Change, Inside, Turns
from glassblock.live.interventions import Interventions
from glassblock.live.layout import Layout
from glassblock.live.lengths import Lengths
from glassblock.live.materials import Materials
from glassblock.live.means import Collector
from glassblock.live.passes import Pass, Passes, Prepared, Start, entrances, without_numbers
from glassblock.live.plan import Plan, plan
from glassblock.live.presence import Presence
from glassblock.live.problems import Problems
from glassblock.live.reading import Shown, Streamed, wanted_by
from glassblock.live.recorder import Recorder
from glassblock.live.taps import ExpertsTap, Tap, edges_of, experts_taps_of, taps_of


class Engine:
    """Hooks on a model: reads every tap, edits by the interventions in force, makes frames.

    Parameters
    ----------
    model
        The model. Hooks are put on it, and stand-ins for the ``forward`` of blocks inside of which something is wanted.
    architecture
        Its architecture, whose ports say where the taps are.
    layout
        Rows of the frames.
    on_frame
        Called with each frame at the end of its pass, in the thread of the forward.
    on_problem
        Called with a sentence when something can no longer be read.
    """

    def __init__(
        self,
        model: nn.Module,
        architecture: Architecture,
        layout: Layout,
        on_frame: Callable[[Frame], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self._model = model
        self._architecture = architecture
        self._layout = layout
        self._on_frame = on_frame
        self._passes = Passes()
        self._answers = threading.local()
        self._in_force, self._used = Prepared(), Interventions()
        self.materials = Materials()
        """Values that were collected for interventions to put in the place of others."""
        self.problems = Problems(on_problem)
        self._overwritten: set[str] = set()
        self._attached = Attached(model)
        self._presence = Presence(self._attached, layout, self.problems)
        self._framing = Framing(model, layout, architecture.vocabulary, self.problems, self._presence)
        self._lengths = Lengths()
        self.inside = Inside(model, architecture, weakly(self._inside_changes, {}), weakly(self._turn, 0))
        self._finalizer = weakref.finalize(self, _let_go, self._attached, self.inside)
        self._finalizer.atexit = False

    def attach(self) -> None:
        """Put the hooks on the model. From here on other threads may run it, so whoever gets frames has to be ready."""
        attached, doors = self._attached, list(entrances(self._model, self._architecture))
        try:
            for module in doors:
                attached.before(module, Hook(self, Engine._begin, names_of(module)), first=True)
            attached.tap(taps_of(self._architecture, self._layout), self._hook)
            for path, tap in experts_taps_of(self._architecture, self._layout):
                module = self._model.get_submodule(path)
                attached.before(module, Hook(self, Engine._into_experts, tap))
                attached.after(module, Hook(self, Engine._out_of_experts))
                attached.keys.update(f"{tap.key}.E{expert}" for expert in range(tap.experts))
            for module in doors:
                attached.at_the_end(module, Hook(self, Engine._end))
        except BaseException:
            self.detach()
            raise

    def use(self, interventions: Interventions) -> None:
        """Take up a set of interventions, from the next forward pass on."""
        self._in_force, self._used = self._prepare(interventions), interventions

    @property
    def interventions(self) -> Interventions:
        """What is in force."""
        return self._used

    def watch(self, names: Iterable[str]) -> None:
        """Let these taps go into every frame, in the place of those that did."""
        streamed = Streamed.of(self.inside, names)
        self.inside.reach(streamed.wanted)
        self._framing.streamed = streamed
        self._stream()

    def show(self, names: Iterable[str]) -> None:
        """Let frames hold what pages draw of these taps, in the place of those before; nothing else of them is kept."""
        self._framing.shown = Shown.of(self.inside, names)
        self._stream()
        self.inside.let_go(but=self._framing.shown.taps.wanted)

    def _stream(self) -> None:
        every = (*self._framing.streamed.recipes.values(), *self._framing.shown.taps.recipes.values())
        self.inside.stream(wanted_by(every))

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
        with self._passes.next(Start(origin, chosen, baseline=baseline)):
            yield

    @contextmanager
    def collecting(self, collector: Collector, tried: Plan | None = None) -> Iterator[None]:
        """Let a collector see the passes that this thread starts within; they make no frames.

        They are clean, but for a plan that is to be tried.
        """
        prepared = Prepared() if tried is None else Prepared(tried, 1)
        self.inside.reach(prepared.plan.inside)
        with self._passes.next(Start("clean", prepared, collector)):
            yield

    def detach(self) -> None:
        """Remove every hook, also while a forward is under way. Again does no harm."""
        _let_go(self._attached, self.inside)
        self._in_force = Prepared()
        self._passes.forget()

    def _prepare(self, interventions: Interventions) -> Prepared:
        prepared = plan(self._architecture, interventions, self.materials)
        self.inside.reach(prepared.inside)
        self.reach((*prepared.taps, *prepared.skipped))
        return Prepared(prepared, len(interventions))

    def reach(self, keys: Iterable[str]) -> None:
        """Put taps where there are none yet."""
        missing = set(keys) - self.keys
        if missing:
            self._attached.tap(edges_of(self._architecture), self._hook, missing)

    @property
    def keys(self) -> set[str]:
        """What taps and experts are called that are read and edited."""
        return self._attached.keys

    def _inside_changes(self, block: str) -> Mapping[str, Sequence[Change]]:
        """Return the edits inside of a block that are in force in this thread's pass, bound to it."""
        current = self._current()
        edits = current.plan.inside.get(block, {})
        return {tap: [partial(edit, moment=current.moment) for edit in of] for tap, of in edits.items()}

    def _turn(self, shared: Turns) -> int:
        return self._passes.turn(self._current(), id(shared), len(shared.blocks))

    # ---- hooks

    def _hook(self, side: Side, turns: ByLayer) -> Hook:
        return Hook(self, Engine._into if side == "input" else Engine._out_of, turns)

    def _begin(self, names: tuple[str, ...], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        current = self._passes.begin(module, self._in_force)
        if current is None:
            return
        self.inside.begin()
        try:
            inputs = inputs_of(names, args, kwargs, self._lengths)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in looking must not stop the model
            self.problems.missed("What the model was given", error)
            inputs = Inputs()
        self._passes.given(current, Moment(inputs.first, inputs.order))
        if current.collector is not None:
            current.collector.begin(inputs.order, inputs.mask)
        if current.collector is None and not without_numbers():
            baseline = self._passes.baseline
            current.recorder = Recorder(self._layout, self._overwritten, baseline)
            current.recorder.inputs = inputs

    def _end(self, module: nn.Module, _: tuple[Any, ...], __: dict[str, Any], output: Any) -> None:
        done = self._passes.end(module)
        found = self.inside.end() if done is not None else None
        if done is None or done.recorder is None or output is None:
            return
        try:
            self._on_frame(self._framing.frame(done, done.recorder, output, found))
        except Exception as error:  # noqa: BLE001 - likewise
            self.problems.missed("A forward pass", error)

    def _into(self, turns: ByLayer, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x = first_tensor(args, kwargs)
        new = None if x is None else self._through(turns, x)
        return None if x is None or new is None or new is x else replace_tensor(args, kwargs, x, new)

    def _out_of(self, turns: ByLayer, _: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        x = output_tensor(output)
        new = None if x is None else self._through(turns, x)
        return None if x is None or new is None or new is x else replace_output(output, x, new)

    def _through(self, turns: ByLayer, x: Tensor) -> Tensor:
        """Let the taps edit and observe a tensor, in their order; the same object comes back if none edits."""
        current = self._current()
        turn = self._passes.turn(current, id(turns), len(turns)) if len(turns) > 1 else 0
        edited, seen, off = current.prepared.count > 0, current.owner is not None, self.problems.off
        for tap in turns[turn]:
            if edited:
                x = tap.edit(x, current.plan, current.moment)
            if seen and not (off and tap in off):
                self._look(tap, current, x)
        return x

    def _look(self, tap: Tap | ExpertsTap, current: Pass, *seen: Any) -> None:
        """Let a tap observe, outside of the graph: checkpoints count what is saved for gradients."""
        observe: Callable[..., None] = tap.observe
        try:
            if not current.graph:
                observe(*seen, current.recorder, current.collector)
                return
            with torch.no_grad():
                observe(*seen, current.recorder, current.collector)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in looking must not stop the model
            self.problems.failed(tap, tap.key, self._presence.addresses(tap), error)

    def _into_experts(self, tap: ExpertsTap, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current, routed = self._current(), tap.routing(args, kwargs)
        self._answers.of = None
        if routed is None:
            return None
        if current.owner is not None and tap not in self.problems.off:
            self._look(tap, current, module, routed)
        weights, answers = tap.edit(module, routed, current.plan, current.moment)
        self._answers.of = answers  # what edited experts put out, to be added to the others' sum
        return None if weights is routed.weights else replace_tensor(args, kwargs, routed.weights, weights)

    def _out_of_experts(self, _: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        answers: Tensor | None = getattr(self._answers, "of", None)
        self._answers.of = None
        if answers is None or not isinstance(output, Tensor):
            return None
        return output + answers.to(output.dtype).reshape(output.shape)

    def _current(self) -> Pass:
        return self._passes.current(self._in_force)

    def check(self, interventions: Interventions) -> None:
        """Look whether what is edited is still where hooks were put.

        Raises
        ------
        InterventionError
            If its module was replaced since: a pass would go by unedited.
        """
        self._presence.check(interventions)

    def compiled(self) -> None:
        """Say that the model was compiled since: what is compiled is neither read nor edited."""
        self.problems.compiled()


def _let_go(attached: Attached, inside: Inside) -> None:
    attached.remove()
    inside.detach()
