"""The widgets: an architecture on the page, and a session on the page.

Durable state is in traits, small enough to be saved with a notebook. What streams (frames) and what is asked
(requests, replies) are custom messages and never saved. Handlers may run in any thread: the main one, a
subshell's, a background generation's.
"""

from __future__ import annotations

import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from glassblock import messages, wire
from glassblock.describe import Comparison
from glassblock.errors import GlassblockError
from glassblock.ir import Architecture
from glassblock.live import Event, Frame, Session
from glassblock.widget.dispatch import Effect, carry_out
from glassblock.widget.saving import Saving
from glassblock.widget.stream import FrameStream
from glassblock.widget.sweeps import Sweeps
from glassblock.widget.watching import Watching
from glassblock.wire import types_generated as wt

_STATIC = Path(__file__).parent.parent / "static"
_log = logging.getLogger("glassblock")


class DiagramWidget(anywidget.AnyWidget):
    """An architecture, drawn.

    Parameters
    ----------
    architecture
        What to draw.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    architecture = t.Dict().tag(sync=True)
    # Not `layout`: every Jupyter widget has one already, the CSS one, and its view looks for it.
    frame_layout = t.Dict(allow_none=True, default_value=None).tag(sync=True)
    state = t.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, architecture: Architecture, **traits: Any) -> None:
        super().__init__(architecture=messages.architecture(architecture), **traits)


class ComparisonWidget(anywidget.AnyWidget):
    """Two architectures side by side, drawn.

    Parameters
    ----------
    comparison
        What to draw.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    comparison = t.Dict().tag(sync=True)

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(comparison=messages.comparison(comparison))


class SessionWidget(DiagramWidget):
    """A live session, drawn, with everything that a person can do to it.

    Parameters
    ----------
    session
        The session to show. The widget follows it and sends it what the page asks.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stream = FrameStream(self._send_frame)
        self._watching = Watching(session)
        self._push_lock = threading.Lock()
        self._problem: str | None = None
        self._old_problem = False
        self._newest = 0
        self._refreshing = False
        self._sweeps = Sweeps(self._send_effects, lambda error: self._ended("sweep", error))
        self._saving = Saving(self._send_saved, lambda error: self._ended("saving of the page", error))
        super().__init__(
            session.architecture,
            frame_layout=messages.layout(session.layout),
            state=messages.state(session),
        )
        self.on_msg(self._on_message)
        _answer_while_a_cell_runs(self)
        self._unsubscribe = session.subscribe(self._on_event)

    # ---- from the session

    def _on_event(self, event: Event, what: Any) -> None:
        if event == "frame":
            self._watching.forget()
            if what.origin == "clean" and what.seq > self._newest and self._session.status != "generating":
                self._stream.begin()  # a clean pass that is shown again is of the same text
            self._newest = max(what.seq, self._newest)
            self._stream.push(what)
        elif event == "interventions":
            self._show_effect()
        elif event == "problem":
            ended = isinstance(what, BaseException)
            self._say(f"The generation ended: {type(what).__name__}: {what}" if ended else str(what))
        elif event == "run":
            if self._old_problem:  # a run that went well is the answer to what went wrong before it
                self._problem = None
            if self._session.status != "running":  # else its end pushes
                self._push_state()
        elif event == "status":
            self._on_status(what)

    def _on_status(self, status: str) -> None:
        if status == "idle":
            self._catch_up()
            return
        self._old_problem = True
        if status == "generating":
            self._stream.begin()
        if status != "running":
            self._push_state()

    def _say(self, problem: str) -> None:
        """Say what went wrong, until a run that begins later goes well."""
        self._problem, self._old_problem = problem, False
        self._push_state()

    def _catch_up(self) -> None:
        """Run once more where a click came while the session ran: the page shows a run under what is in force."""
        run = self._session.last_run
        if run is not None and run.interventions != self._session.interventions and not self._refreshing:
            self._show_effect()
        else:
            self._push_state()

    def _show_effect(self) -> None:
        """Run the last prompt again, so that the page shows what the interventions do to it."""
        session = self._session
        if session.last_run is None or session.status != "idle":
            self._push_state()
            return
        self._refreshing = True
        try:
            session.run()
        except Exception as error:  # noqa: BLE001 - said in words; the interventions stay in force
            self._push_state()
            warnings.warn(f"the prompt could not be run again: {error}", RuntimeWarning, stacklevel=2)
        finally:
            self._refreshing = False

    def _push_state(self) -> None:
        with self._push_lock:
            self.set_trait("state", messages.state(self._session, self._problem))

    def _send_frame(self, frame: Frame, missing: int) -> None:
        session = self.__dict__.get("_session")
        if session is None:  # closed while its numbers were on their way
            return
        try:
            header, buffers = messages.frame(frame, session, missing=missing)
        except Exception as error:  # noqa: BLE001 - the page goes on with the next one
            self._say(f"A frame could not be shown: {type(error).__name__}: {error}")
            return
        self.send(header, buffers=buffers)

    # ---- from the page

    def _on_message(self, _: Any, content: Any, __: list[memoryview]) -> None:
        try:
            message: Any = wire.decode(content)
            if message["type"] == "ack":
                self._stream.acknowledge(message["seq"])
                return
            effect = self._carry_out(message)
        except GlassblockError as error:
            self._fail(content, type(error).__name__, str(error))
            return
        except Exception as error:  # noqa: BLE001 - the page is told, the log has the rest
            _log.exception("a request of the page failed")
            self._fail(content, "InternalError", f"{type(error).__name__}: {error}")
            return
        if message["method"] == "hello":
            self._greet()
        self.send({"type": "reply", "id": message["id"], "ok": True, "effect": effect})

    def _carry_out(self, message: Any) -> Effect:
        """Carry out a request: what is about the page is done here, what is about the session is one call on it."""
        method, params = message["method"], message["params"]
        if method == "watch":
            return self._watch(params["page"], params["names"])
        if method == "effective":
            matrix = self._session.effective_attention(params["name"])
            header, data = messages.matrix(message["id"], params["name"], matrix, self._session)
            self.send(header, buffers=[data])
            return "now"
        self._problem = None
        if method == "sweep":
            self._sweeps.start(self._session, **params)
            return "now"
        if method == "save":
            self._saving.start(self._session, message["id"])
            return "now"
        if method == "stop":
            self._sweeps.stop()
            self._saving.stop()
        return carry_out(self._session, method, params)

    def _send_effects(self, message: wt.Effects) -> None:
        self.send(message)

    def _send_saved(self, message: wt.Saved, text: bytes | None) -> None:
        self.send(message, buffers=None if text is None else [text])

    def _ended(self, what: str, error: Exception) -> None:
        if self.comm is None:  # closed meanwhile: nobody is there to be told
            return
        self._say(f"The {what} ended: {type(error).__name__}: {error}")

    def _watch(self, page: str, names: list[str]) -> Effect:
        """Let frames hold what a page shows, those of the last run at once."""
        session = self._session
        more = self._watching.ask(page, names)
        if session.status != "idle":
            return "next forward"
        run, last = session.last_run, session.frames[-1] if session.frames else None
        if more and run is not None and last is not None and last.seq in {frame.seq for frame in run.frames}:
            for frame in session.frames_again():
                self._stream.push(frame)
        return "now"

    def _greet(self) -> None:
        """Send a page that has just opened the picture as it is."""
        self._push_state()
        self._stream.restart()
        run = self._session.last_run
        for frame in run.frames if run else ():
            self._stream.push(frame)
        self._sweeps.tell_again()

    def _fail(self, content: Any, kind: str, message: str) -> None:
        identity = wire.request_id(content)
        if identity is None:
            _log.warning("a message of a page was dropped: %s", message)
            return
        self.send({"type": "reply", "id": identity, "ok": False, "error": {"kind": kind, "message": message}})

    def close(self) -> None:
        """Stop following the session, close and let go of it: anywidget keeps a widget whose bundle may be reloaded."""
        self._unsubscribe()
        self._sweeps.end()
        self._saving.stop()
        self._watching.end()
        self._stream.end()  # its frames are large, and this may be kept
        super().close()
        self.__dict__.pop("_session", None)


def _answer_while_a_cell_runs(widget: SessionWidget) -> None:
    """Let a click reach the kernel while a cell runs.

    ipykernel sends a page's message to the shell that last sent on its comm. For a widget that a running cell
    made or updates that is the main shell, which is busy until the cell ends. With subshells available, the
    message shall go where the page sent it instead.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, default: default  # noqa: SLF001 - guarded by hasattr
