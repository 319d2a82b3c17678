"""Metrics: a number made of a prediction, so that ablations can be put side by side.

Each compares the next-token distribution with and without an ablation. All in float64, from the same logits that the
page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from glassblock.errors import PromptError
from glassblock.live import Distribution, Session
from glassblock.live.positions import whole

MetricName = Literal["logprob", "logit", "difference", "kl"]
Unit = Literal["nats", "logits"]
Measure = Callable[[Distribution, Distribution, Sequence[int]], float]


@dataclass(frozen=True, slots=True)
class _Definition:
    """How many tokens it is about, its unit, its words, and how it is measured (clean, now, tokens)."""

    tokens: int
    unit: Unit
    words: str
    measure: Measure


METRICS: dict[str, _Definition] = {
    "logprob": _Definition(1, "nats", "log-probability of {}", lambda _, now, ids: now.log_prob(ids[0])),
    "logit": _Definition(1, "logits", "logit of {}", lambda _, now, ids: now.score(ids[0]).logit),
    "difference": _Definition(
        2, "logits", "logit of {} minus {}", lambda _, now, ids: now.score(ids[0]).logit - now.score(ids[1]).logit
    ),
    "kl": _Definition(0, "nats", "KL divergence from the clean prediction", lambda clean, now, _: clean.kl_to(now)),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one prompt.

    Attributes
    ----------
    name
        ``logprob``, ``logit``, ``difference`` or ``kl``.
    tokens
        Ids of the tokens that it is about.
    words
        What it is, for people.
    """

    name: str
    tokens: tuple[int, ...]
    words: str

    @property
    def unit(self) -> Unit:
        """What it counts in."""
        return METRICS[self.name].unit

    def of(self, clean: Distribution, now: Distribution) -> float:
        """Return the metric of a prediction, which is compared with the clean one where the metric compares."""
        return METRICS[self.name].measure(clean, now, self.tokens)


def metric_of(session: Session, clean: Distribution, name: str, tokens: Sequence[str | int] = ()) -> Metric:
    """Return a metric by name.

    Parameters
    ----------
    session
        Knows the tokens.
    clean
        The clean prediction: where no tokens are given, its most probable ones are taken.
    name
        ``logprob``, ``logit``, ``difference`` (of the first token's logit and the second one's) or ``kl``.
    tokens
        The tokens that it is about, as text or ids.

    Raises
    ------
    PromptError
        If there is no such metric, or the tokens are not as many as it is about.
    """
    if name not in METRICS:
        raise PromptError(f"expected a metric of {', '.join(METRICS)}, got {name!r}.")
    known = METRICS[name]
    given = [tokens] if isinstance(tokens, str | int) else list(tokens)
    ids = [token_id(session, token) for token in given] if given else clean.top(known.tokens) if known.tokens else []
    if len(ids) != known.tokens:
        raise PromptError(
            f"expected {known.tokens} tokens for {name}, got {len(ids)}. Pass tokens=['Mary', 'John'], or none for the"
            " most probable ones."
        )
    return Metric(name, tuple(ids), known.words.format(*(_shown(session.decode(token)) for token in ids)))


def _shown(token: str) -> str:
    return token.strip() or repr(token)


def token_id(session: Session, token: str | int) -> int:
    """Return the id of a token that is given as text or as its id; text is first looked for in the last prediction.

    Raises
    ------
    PromptError
        If the text is no single token, or there is no such id.
    """
    rows = session.architecture.vocabulary
    if not isinstance(token, str):
        try:
            found = whole(token)
        except TypeError:
            raise PromptError(f"expected a token as text or as its id, got {token!r}. Try tokens=['Mary'].") from None
        if rows is not None and not 0 <= found < rows:
            raise PromptError(f"expected a token from 0 to {rows - 1}, got {found}.")
        return found
    predicted = session.last_run.predictions if session.last_run else ()
    same = [row.id for row in predicted if row.token == token]
    alike = [row.id for row in predicted if row.token.strip() == token.strip()]
    if same or alike:
        return (same or alike)[0]
    tokenizer: Any = session.tokenizer
    if tokenizer is None:
        raise PromptError(f"expected a token's id, because the session has no tokenizer, got {token!r}.")
    for text in (token, f" {token}"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) == 1 and session.decode(ids[0]).strip() == token.strip():
            return int(ids[0])
    raise PromptError(f"expected one token, got {token!r}, which is none of this tokenizer. Pass the id of one.")
