"""The sweep: the exact effect of every single ablation on a metric, one forward pass each.

A sweep measures as one goes through it, so that whoever asked can show how far it is, and stop. It holds on to the
prompt that was run last when it began, and to nothing else: history and interventions stay as they are.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from glassblock.errors import AddressError, InterventionError, PromptError
from glassblock.experiments.effects import Effect, Effects
from glassblock.experiments.metrics import Metric, metric_of
from glassblock.live import Distribution, Kind, Run, Session
from glassblock.live.kinds import how_in_python, kind_of

SCOPES = ("head", "block", "expert", "layer")
"""What can be swept by one word."""

Progress = Callable[[int, int], object]


class Sweep:
    """A sweep of the prompt that was run last. Going through it measures.

    Parameters
    ----------
    session, targets, how, metric, tokens
        As for `sweep`.

    Attributes
    ----------
    addresses
        What will be ablated, in order.
    metric
        What is measured.
    clean
        The metric with nothing ablated.
    """

    def __init__(
        self,
        session: Session,
        targets: str | Iterable[str] | None = None,
        how: str | Kind = "zero",
        metric: str = "logprob",
        tokens: Sequence[str | int] = (),
    ) -> None:
        if session.last_run is None:
            raise PromptError("expected a session that has run a prompt, got one that has not. Run one: run('...').")
        targets = _listed(targets)
        self.kind = kind_of(how)
        self._session = session
        self._asked, self._tokens = targets, tokens
        self._before = _clean(session)
        self._preview = session.previewer()
        self.prompt = session.last_run.prompt
        self.metric: Metric = metric_of(session, self._before, metric, tokens)
        self.clean = self.metric.of(self._before, self._before)
        self._kinds = {site.address: site.kind for site in session.layout.sites}
        self.addresses = _addresses(session, targets, self.kind)

    def __len__(self) -> int:
        """Return how many ablations there are."""
        return len(self.addresses)

    def __iter__(self) -> Iterator[Effect]:
        """Ablate each, alone, and yield what it did."""
        for address in self.addresses:
            yield self._measure(address)

    def close(self) -> None:
        """Let go of the prompt's clean pass, which may be large; what was measured can still be told."""
        self._preview = _closed

    def effects(self, rows: Sequence[Effect]) -> Effects:
        """Return what was measured, with what was done."""
        how = how_in_python(self.kind).strip('"')
        metric = self.metric
        return Effects(self.prompt, how, metric.words, metric.unit, self.clean, tuple(rows), len(self))

    @property
    def python(self) -> str:
        """The line that does the same."""
        targets = [] if self._asked is None else [repr_of(self._asked)]
        tokens = [self._session.decode(token) for token in self.metric.tokens] if self._tokens else []
        options = [
            *([] if self.kind == kind_of("zero") else [f"how={how_in_python(self.kind)}"]),
            *([] if self.metric.name == "logprob" else [f'metric="{self.metric.name}"']),
            *([f"tokens={repr_of(tokens)}"] if tokens else []),
        ]
        return f"session.sweep({', '.join([*targets, *options])})"

    def _measure(self, address: str) -> Effect:
        kind = str(self._kinds.get(address, "block"))
        try:
            run = self._preview(address, how=self.kind)
        except InterventionError as error:
            return Effect(address, kind, math.nan, math.nan, str(error))
        now = run.ablated
        value = math.nan if now is None else self.metric.of(self._before, now)
        why = "its logits are not all finite numbers." if math.isnan(value) else None
        return Effect(address, kind, value - self.clean, value, why)


def sweep(
    session: Session,
    targets: str | Iterable[str] | None = None,
    how: str | Kind = "zero",
    metric: str = "logprob",
    tokens: Sequence[str | int] = (),
    *,
    progress: Progress | None = None,
) -> Effects:
    """Measure what each single ablation does to the prediction of the last prompt; see `Session.sweep`."""
    if progress is not None and not callable(progress):
        raise PromptError(
            f"expected progress as a function of how many are done and how many there are, got {progress!r}."
            " Try progress=print."
        )
    plan = Sweep(session, targets, how, metric, tokens)
    rows: list[Effect] = []
    try:
        for row in plan:
            rows.append(row)
            if progress is not None and progress(len(rows), len(plan)) is False:
                break
    except KeyboardInterrupt:
        warnings.warn(f"stopped: {len(rows)} of {len(plan)} ablations were measured", RuntimeWarning, stacklevel=2)
    return plan.effects(rows)


def repr_of(names: str | Sequence[str]) -> str:
    """Return a name or a list of them as Python."""
    quoted = [f'"{name}"' for name in ([names] if isinstance(names, str) else names)]
    return quoted[0] if isinstance(names, str) else f"[{', '.join(quoted)}]"


def _closed(*_: str, **__: object) -> Run:
    raise PromptError("expected a sweep that is open, got one that was closed. Begin another: session.sweep().")


def _clean(session: Session) -> Distribution:
    run = session.last_run
    if run is None or run.clean is None:
        raise PromptError("expected a run with a prediction, but this model returns no logits over a vocabulary.")
    if math.isnan(run.clean.log_prob(0)):
        raise PromptError("expected a prediction, but not all logits of the clean run are finite numbers.")
    return run.clean


def _listed(targets: Any) -> str | Sequence[str] | None:
    """Return targets as they can be gone through more than once."""
    if targets is None or isinstance(targets, str):
        return targets
    if not isinstance(targets, Iterable):
        raise AddressError(
            f"expected targets as one of {', '.join(SCOPES)}, an address, or a list of these, got {targets!r}."
            " Leave them out to sweep everything."
        )
    return tuple(targets)


def _addresses(session: Session, targets: str | Sequence[str] | None, kind: Kind) -> tuple[str, ...]:
    """Return what is to be ablated: kinds of addresses by their word, and addresses."""
    asked = [targets] if isinstance(targets, str) else targets
    fit = {scope for scope in SCOPES if scope in kind.targets}
    words = (fit - {"layer"} or fit) if asked is None else asked  # whole layers where it is for nothing else
    named = [] if asked is None else [session.architecture.resolve(name) for name in asked if name not in SCOPES]
    unavailable = session.unavailable()
    sites = [site for site in session.layout.sites if site.kind in words and site.address not in unavailable]
    found = tuple(dict.fromkeys([*(site.address for site in sites), *named]))
    if not found:
        raise InterventionError(f"expected something that can be ablated with {kind.name}, got {targets!r}.")
    return found
