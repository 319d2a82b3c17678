"""The session: a model with its architecture, taps, interventions, runs and frames.

Everything a person can do on the page is a method of it; what it can do stands in the files of what it is made of.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from glassblock import surface
from glassblock.diagram import Diagram
from glassblock.live.intervening import Intervening
from glassblock.live.looking import Looking
from glassblock.live.running import Running


class Session(Running, Looking, Intervening):
    """A live model. Made by `glassblock.attach`; also a context manager that detaches at its end.

    - running: `run`, `generate`, `stop`; `last_run`, `status`, `frames`
    - looking inside: `cache`, `effective_attention`; `watch`, `show`, `frames_again`, `unread`
    - intervening: `ablate`, `change`, `restore`, `undo`, `redo`, `ablated`; `interventions`, `history`, `unavailable`
    - measuring, with nothing left behind: `preview`, `previewer`, `sweep`
    - the rest: `diagram`, `save`, `decode`, `reference_in_words`, `subscribe`, `detach`

    Parameters
    ----------
    model
        A model in memory, on any device. It keeps its weights, kernels and outputs.
    architecture
        What it is, as the reader read it.
    tokenizer
        For prompts that are text.
    reference
        Prompts over which mean ablation takes its means.
    title
        What to call it.
    suggestions
        Prompts worth trying, as (task, text, answer).

    Attributes
    ----------
    frames
        The last 64 forward passes that were seen, of at most 256 MiB together.
    layout
        The meaning of the rows of a frame.
    """

    @property
    def diagram(self) -> Diagram:
        """The architecture as a diagram of its own, without the live model."""
        return Diagram(self.architecture)

    @property
    def reference_in_words(self) -> str:
        """Over what mean ablation takes its means."""
        if self._reference:
            return f"mean over all tokens of {len(self._reference)} reference prompts"
        where = self._runner.means_over
        when = f" when the first mean was taken, “{textwrap.shorten(where, 80, placeholder=' …')}”" if where else ""
        return f"mean over all tokens of the prompt that was run last{when} (no reference prompts were given)"

    def decode(self, token: int) -> str:
        """Return a token as text; its id in angle brackets where there is no tokenizer, or it has no text for it."""
        return self._prompts.decode(token)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Save as a self-contained page (``.html``) or as a picture (``.svg``); the ending says as what.

        The page holds the diagram, the last run, and the effect of each single ablation; of a long text the values of
        its last tokens, as many of each run as fit into 8 MiB for all. The picture shows the
        last run with what is ablated now, and needs no browser.

        Parameters
        ----------
        path
            Where to.
        **options
            Of a picture: ``theme`` (``"light"``, ``"dark"``), ``width`` (CSS pixels of a diagram, 300 to 820),
            ``folded`` (whether layers of one kind share a card) and ``opened`` (the address of a block that shows its
            inside). Of a page: ``progress``, which is called after each
            ablation with how many were made and how many there are; where it returns False, no more are made.

        Raises
        ------
        SourceError
            If the path ends in something else, or an option is not one of these.
        PromptError
            If nothing was run and the session knows no prompt.
        """
        return surface.save(self, path, **options)

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detach."""
        self.detach()

    def __repr__(self) -> str:
        """Return what it is and what is in force."""
        return f"Glassblock session on {self.title} ({self._status}, {len(self.interventions)} ablated)"

    def _repr_mimebundle_(self, **_: Any) -> surface.MimeBundle:
        return surface.display(self)
