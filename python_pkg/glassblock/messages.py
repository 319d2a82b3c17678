"""From live objects to what is on the wire: each function builds one definition of the protocol.

The widget sends these, the export writes them into a page; both show the same because both take it from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from glassblock import wire
from glassblock.describe import Comparison
from glassblock.errors import TapError
from glassblock.experiments import Effect, Sweep
from glassblock.ir import Architecture, parse, to_dict
from glassblock.live import PLAIN, TARGETS, Candidate, Frame, Intervention, Kind, Layout, Run, Score, Session
from glassblock.wire import types_generated as wt

PREDICTIONS = 5
"""How many of the most probable tokens a frame names."""

PATTERN = 3
"""Dimensions of what has queries and keys: their numbers are between 0 and 1, and halves are enough."""

MATRIX_BYTES = 4 << 20
"""Size of a matrix that a page is sent at most; it comes once, and not with every frame."""

LOGIT = float(np.finfo(np.float32).max)
"""What stands for an infinite logit (a token that a model rules out): JSON has no infinity."""


def comparison(value: Comparison) -> wt.Comparison:
    """Return two architectures and every fact of both."""
    rows = [cast("wt.ComparisonRow", asdict(row)) for row in value.rows]
    return {"a": architecture(value.a), "b": architecture(value.b), "rows": rows}


def architecture(value: Architecture) -> wt.Architecture:
    """Return an architecture as a message."""
    return cast("wt.Architecture", to_dict(value))


def layout(value: Layout) -> wt.FrameLayout:
    """Return the meaning of a session's frames."""
    return {
        "sites": [{"address": site.address, "kind": site.kind} for site in value.sites],
        "stats": list(value.stats),
        "updates": list(value.updates),
    }


def intervention(value: Intervention) -> wt.Intervention:
    """Return one intervention, with its sentence and its line."""
    return {
        "address": value.address,
        "how": value.how,
        "sentence": value.sentence,
        "cut": value.cut,
        "python": value.python,
    }


def kind(value: Kind) -> wt.Kind:
    """Return what a click may do, with a sentence for each kind of target."""
    return {
        "name": value.name,
        "sign": value.sign,
        "sentences": {target: value.words(target, "{address}") for target in TARGETS if target in value.targets},
    }


def run(value: Run) -> wt.RunSummary:
    """Return a run without its tensors."""
    return {
        "id": value.id,
        "prompt": value.prompt,
        "tokens": list(value.tokens),
        "generated": value.generated,
        "candidates": [_candidate(row) for row in value.predictions if not math.isnan(row.clean.prob)],
        "kl": _finite(value.kl),
        "interventions": [intervention(item) for item in value.interventions],
    }


def state(session: Session, problem: str | None = None) -> wt.SessionState:
    """Return what a page must know to draw a session, and what went wrong in the background."""
    parameter = next(session.model.parameters(), None)
    last = session.last_run
    first = session.suggestions[0][1] if session.suggestions else ""
    return {
        "version": wire.VERSION,
        "title": session.title,
        "device": str(parameter.device) if parameter is not None else "",
        "dtype": str(parameter.dtype).removeprefix("torch.") if parameter is not None else "",
        "status": cast("Any", session.status),
        "how": "zero",
        "kinds": [kind(plain) for plain in PLAIN],
        "reference": session.reference_in_words,
        "prompt": last.prompt if last else first,
        "suggestions": [{"task": task, "text": text, "answer": answer} for task, text, answer in session.suggestions],
        "interventions": [intervention(item) for item in session.interventions],
        "history": {
            "entries": [{"label": step.label, "python": step.python} for step in session.history.steps],
            "cursor": session.history.cursor,
        },
        "unavailable": session.unavailable(),
        "unread": session.unread,
        "run": run(last) if last else None,
        "problem": problem,
    }


def effects(sweep: Sweep, number: int, rows: Sequence[Effect], first: int, *, running: bool) -> wt.Effects:
    """Return the rows of a sweep from one of them on.

    Parameters
    ----------
    sweep
        What is swept.
    number
        Which sweep it is.
    rows
        All rows so far.
    first
        The first that is told.
    running
        Whether there will be more.
    """
    return {
        "type": "effects",
        "sweep": number,
        "how": sweep.kind.name,
        "metric": sweep.metric.words,
        "unit": sweep.metric.unit,
        "prompt": sweep.prompt,
        "clean": _finite(sweep.clean),
        "first": first,
        "rows": [{"address": row.address, "effect": _finite(row.effect), "why": row.why} for row in rows[first:]],
        "total": len(sweep),
        "python": sweep.python,
        "running": running,
    }


def frame(value: Frame, session: Session, *, last: int | None = None, missing: int = 0) -> tuple[wt.Frame, list[bytes]]:
    """Return a frame's header and its two buffers, those of the first row of the batch.

    Parameters
    ----------
    value
        The frame.
    session
        Decodes its tokens.
    last
        Send no more than so many of the last positions.
    missing
        How many frames of its series the page does not have.
    """
    stats, updates = value.stats[:, :1], value.updates[:, :1]
    rows, _, positions, n_stats = stats.shape
    sent = min(wire.columns(rows, n_stats, positions), last or positions)
    ids = [] if value.token_ids is None else value.token_ids.reshape(-1, value.token_ids.shape[-1])[0].tolist()
    header: wt.Frame = {
        "type": "frame",
        "seq": value.seq,
        "missing": missing,
        "origin": value.origin,
        "first": value.first + positions - sent,
        "positions": sent,
        "tokens": [session.decode(token) for token in ids[len(ids) - sent :]],
        "predictions": _probable(value, session),
        "interventions": value.interventions,
        "first_nonfinite": value.first_nonfinite,
        "inside": [],
        "unread": dict(value.unshown),
    }
    buffers = [wire.buffer(stats[:, 0, positions - sent :]), wire.buffer(updates[:, 0, positions - sent :])]
    for name, (numbers, dropped) in value.shown.items():
        entry, data = inside(name, numbers, dropped, value, session)
        header["inside"].append(entry)
        buffers.append(data)
    return header, buffers


def inside(name: str, numbers: NDArray[Any], dropped: int, value: Frame, session: Session) -> tuple[wt.Tapped, bytes]:
    """Return what a frame has of a tap: its header and its buffer.

    Parameters
    ----------
    name
        Of the tap.
    numbers
        Heads x queries x keys, or heads x tokens.
    dropped
        How many queries of the pass were left out before the first.
    value
        The frame: tells the text of the encoder, where there is one.
    session
        Decodes its tokens.
    """
    queries, keys, ours = _texts(name, numbers, value, session)
    entry: wt.Tapped = {
        "name": name,
        "shape": [*numbers.shape],
        "dtype": "float16" if numbers.ndim == PATTERN else "float32",
        "first": dropped + (value.first if ours else 0),
        "queries": queries,
        "keys": keys,
    }
    return entry, wire.buffer(numbers, "<f2" if numbers.ndim == PATTERN else "<f4")


def _texts(
    name: str, numbers: NDArray[Any], value: Frame, session: Session
) -> tuple[list[str] | None, list[str] | None, bool]:
    """Return the tokens of queries and keys where they are not the frame's, and whether the queries are the frame's."""
    main = session.architecture.stacks[-1]
    where = parse(name.rpartition(".")[0])
    ours = where is None or where.layer is None or where.stack == main.name
    branches = main.layer(where.layer).branches if ours and where is not None and where.layer is not None else ()
    crossed = any(branch.block == str(where) and branch.context is not None for branch in branches)
    if ours and not crossed:
        return None, None, True
    ids = [] if value.context_ids is None else value.context_ids.reshape(-1, value.context_ids.shape[-1])[0].tolist()
    fits = numbers.ndim == PATTERN and len(ids) == numbers.shape[-1]
    known = [session.decode(token) for token in ids] if fits else []
    return (None if crossed else known), known, ours


def matrix(identity: int, name: str, value: Tensor, session: Session) -> tuple[wt.Matrix, bytes]:
    """Return the matrix of a linear mixer, as it was asked for: its header and its buffer.

    Raises
    ------
    TapError
        If it is larger than what a page is sent.
    """
    numbers = value[0].float().cpu().numpy()
    if numbers.nbytes > MATRIX_BYTES:
        raise TapError(
            f"expected a matrix of at most {MATRIX_BYTES >> 20} MiB to draw, got {numbers.nbytes / 2**20:.0f} MiB:"
            f" {' x '.join(map(str, numbers.shape))}. Read it in Python: session.effective_attention({name!r})."
        )
    entry: wt.Tapped = {
        "name": f"{name}.effective",
        "shape": [*numbers.shape],
        "dtype": "float32",
        "first": 0,
        "queries": None,
        "keys": None,
    }
    count = len(session.interventions)
    return {"type": "matrix", "id": identity, "inside": entry, "interventions": count}, wire.buffer(numbers)


def _probable(value: Frame, session: Session) -> list[wt.FramePrediction]:
    if value.logits is None:
        return []
    logits = value.logits[0].cpu().double().numpy()
    with np.errstate(invalid="ignore"):
        shifted = np.exp(logits - logits.max())
    probs = shifted / shifted.sum()
    if not np.isfinite(probs).all():
        return []
    count = min(PREDICTIONS, len(probs))
    least = np.partition(probs, -count)[-count]
    among = np.flatnonzero(probs >= least)  # to sort a vocabulary for its first few takes longer than all else here
    best = among[np.argsort(-probs[among], kind="stable")][:count]
    return [{"token": session.decode(int(token)), "id": int(token), "prob": float(probs[token])} for token in best]


def _candidate(row: Candidate) -> wt.Candidate:
    return {
        "token": row.token,
        "id": row.id,
        "clean": _score(row.clean),
        "ablated": None if row.ablated is None or math.isnan(row.ablated.prob) else _score(row.ablated),
        "delta_prob": _finite(row.delta_prob),
        "delta_logit": _finite(row.delta_logit),
    }


def _score(score: Score) -> Any:
    logit = max(-LOGIT, min(score.logit, LOGIT))
    return {"prob": score.prob, "logit": logit, "rank": score.rank}


def _finite(value: float | None) -> float | None:
    """Return a number that JSON has: None for NaN and the infinities."""
    return value if value is not None and math.isfinite(value) else None
