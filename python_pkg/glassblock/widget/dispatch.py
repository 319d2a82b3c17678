"""Requests from the page: each is one call on the Session, and one line of Python would do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from glassblock.errors import WireError
from glassblock.live import Session
from glassblock.wire import VERSION

Effect = Literal["now", "next forward"]
Method = Callable[[Session, dict[str, Any]], None]


def _run(session: Session, params: dict[str, Any]) -> None:
    session.run(params["prompt"])


def _generate(session: Session, params: dict[str, Any]) -> None:
    session.generate(params["prompt"], params["max_new_tokens"], background=True)


def _stop(session: Session, _: dict[str, Any]) -> None:
    session.stop()


def _ablate(session: Session, params: dict[str, Any]) -> None:
    session.ablate(*params["targets"], how=params["how"])


def _change(session: Session, params: dict[str, Any]) -> None:
    session.change(*params["targets"], how=params["how"])


def _restore(session: Session, params: dict[str, Any]) -> None:
    session.restore(*params["targets"])


def _undo(session: Session, _: dict[str, Any]) -> None:
    session.undo()


def _redo(session: Session, _: dict[str, Any]) -> None:
    session.redo()


def _hello(_: Session, params: dict[str, Any]) -> None:
    if params["version"] != VERSION:
        raise WireError(
            f"expected a page of protocol version {VERSION}, got {params['version']}."
            " Reload the page, so that it loads this version of Glassblock."
        )


METHODS: dict[str, Method] = {
    "hello": _hello,
    "run": _run,
    "generate": _generate,
    "stop": _stop,
    "ablate": _ablate,
    "change": _change,
    "restore": _restore,
    "undo": _undo,
    "redo": _redo,
}


def carry_out(session: Session, method: str, params: dict[str, Any]) -> Effect:
    """Carry out a request.

    Returns
    -------
    str
        ``"now"``, or ``"next forward"`` while the model generates: the token after the current one sees it.
    """
    METHODS[method](session, params)
    return "next forward" if session.status == "generating" else "now"
