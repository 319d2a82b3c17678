"""A recording: what a page without a kernel has to know, each single ablation computed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from glassblock import messages
from glassblock.errors import PromptError
from glassblock.experiments import SINGLE_HOWS, single_ablations, single_targets
from glassblock.export.patterns import Patterns, as_text, matrices, showing
from glassblock.live import CLEAN_ROWS, Frame, Intervention, Run, Session
from glassblock.wire import types_generated as wt

FRAMES_BYTES = 8 << 20
"""Size of all frames together: of a longer text, as many of the last positions are kept as fit, of each run as many."""


Progress = Callable[[int, int], object]
"""Is told how many of how many ablations were made; what returns False ends it with those that there are."""


def record(session: Session, progress: Progress | None = None) -> wt.Recording:
    """Record the last run of a session, clean, and each single ablation of it.

    Parameters
    ----------
    session
        What to record.
    progress
        Called after each ablation with how many were made, and how many there are in all. Where it returns False,
        no more are made.

    Raises
    ------
    PromptError
        If nothing was run and the session knows no prompt.
    """
    _last_run(session)
    with showing(session) as end:
        return _record(session, progress, end)


def _record(session: Session, progress: Progress | None, no_more_patterns: Callable[[], None]) -> wt.Recording:
    frames = session.frames_again()
    last, ablations = _last_run(session), single_ablations(session)  # of one prompt, whatever is run meanwhile
    clean = (frames or last.frames)[0]
    patterns = Patterns(clean, session)
    if not patterns.of_ablations:  # reading what is thrown away would take most of the time
        no_more_patterns()
    total = len(single_targets(session)) * len(SINGLE_HOWS)
    # As many of each: what an ablation changes is shown where both it and the clean run were kept.
    kept = max(1, FRAMES_BYTES // (4 * len(clean.layout.sites) * len(clean.layout.stats) * (total + 1)))
    return {
        "state": _clean_state(session, last),
        "matrices": matrices(session, last),
        "frame": _frame(clean, session, patterns, last=kept),
        "ablations": [
            {
                "address": item.address,
                "how": item.how,
                "python": item.python,
                "sentence": item.sentence,
                "run": messages.run(run),
                "frame": _frame(run.frames[-1], session, patterns, last=kept),
            }
            for item, run in _told(ablations, total, progress)  # one at a time: a run holds its logits
        ],
    }


def _told(
    ablations: Iterable[tuple[Intervention, Run]], total: int, progress: Progress | None
) -> Iterator[tuple[Intervention, Run]]:
    """Go through ablations and say how far one is."""
    for done, made in enumerate(ablations, 1):
        yield made
        if progress is not None and progress(done, total) is False:
            return


def record_run(session: Session) -> dict[str, Any]:
    """Record the last run of a session as it is, with what is ablated: what a picture of it needs.

    Raises
    ------
    PromptError
        If nothing was run and the session knows no prompt.
    """
    run = _last_run(session)
    if run.interventions != session.interventions:  # changed since: the picture shows what is in force
        run = session.run()
    frames = run.frames
    first_and_last = dict.fromkeys((frames[0], frames[-1])) if frames else ()
    return {
        "layout": messages.layout(session.layout),
        "state": messages.state(session),
        "frames": [_frame(frame, session, None, last=1) for frame in first_and_last],
    }


def _last_run(session: Session) -> Run:
    """Return the last run; of a session that has run nothing yet, its first suggestion's."""
    if session.last_run is None:
        if not session.suggestions:
            raise PromptError("expected a session that has run a prompt, got one that has not. Run one: run('...').")
        return session.run(session.suggestions[0][1])
    return session.last_run


def _clean_state(session: Session, last: Run) -> wt.SessionState:
    """Return the state as it is with nothing ablated, whatever is ablated in the session."""
    state = messages.state(session)
    run = messages.run(last)
    run["interventions"], run["kl"] = [], None
    run["candidates"] = [
        {**row, "ablated": None, "delta_prob": None, "delta_logit": None}
        for row in run["candidates"]
        if row["clean"]["rank"] <= CLEAN_ROWS
    ]
    state["run"], state["interventions"], state["status"] = run, [], "idle"
    state["kinds"] = [kind for kind in state["kinds"] if kind["name"] in SINGLE_HOWS]
    state["history"] = {"entries": [], "cursor": 0}
    return state


def _frame(frame: Frame, session: Session, patterns: Patterns | None, *, last: int) -> wt.RecordedFrame:
    header, (stats, updates, *_) = messages.frame(frame, session, last=last)
    header["inside"], inside, header["unread"] = ([], [], {}) if patterns is None else patterns.of(frame)
    return {
        "header": header,
        "stats": as_text(stats),
        "updates": as_text(updates),
        "inside": [as_text(data) for data in inside],
    }
