"""Generation: the model's own ``generate``, which can be stopped, also from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from glassblock.errors import GlassblockError, ModelError, PromptError
from glassblock.live.positions import whole
from glassblock.live.run import Run


class Generation:
    """A generation that runs in the background.

    Parameters
    ----------
    work
        Generates, and returns the run.
    stop
        Set it to stop after the current token.
    on_error
        Called with what the work raises, which is also raised where the result is asked for.
    """

    def __init__(
        self, work: Callable[[], Run], stop: threading.Event, on_error: Callable[[BaseException], None]
    ) -> None:
        self._stop = stop
        self._on_error = on_error
        self._run: Run | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._go, args=(work,), name="glassblock-generate", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def __repr__(self) -> str:
        """Return whether it goes on."""
        return f"Generation({'done' if self.done else 'under way'})"

    def stop(self) -> None:
        """Stop after the current token."""
        self._stop.set()

    def result(self, timeout: float | None = None) -> Run:
        """Wait for the end and return the run.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None waits until it ends.

        Raises
        ------
        TimeoutError
            If it has not ended by then.
        """
        self._thread.join(timeout)
        if not self.done:
            raise TimeoutError(f"expected the generation to end within {timeout} s; it is still running. Stop it.")
        if self._error is not None:
            raise self._error
        assert self._run is not None
        return self._run

    def _go(self, work: Callable[[], Run]) -> None:
        try:
            self._run = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
            self._on_error(error)


def check_generates(model: nn.Module, inputs: dict[str, Any]) -> None:
    """Say what is missing, before anything starts.

    Raises
    ------
    ModelError
        If the model has no ``generate``.
    PromptError
        If the inputs are no ids, so that there is nothing to continue.
    """
    if not hasattr(model, "generate"):
        raise ModelError(
            f"expected a model with generate(), got {type(model).__name__}, which has none."
            " Use run(prompt) for one forward pass; frames are made for your own loop, too."
        )
    if not isinstance(inputs.get("input_ids"), Tensor):
        raise PromptError(
            f"expected token ids to continue, got inputs with {', '.join(inputs) or 'nothing'}."
            " Pass input_ids among them, or call model.generate yourself: its passes make frames, too."
        )


def generate_ids(model: Any, inputs: dict[str, Any], stop: threading.Event, **options: Any) -> Tensor:
    """Let a model generate until it ends or is stopped.

    Returns
    -------
    Tensor
        Ids of prompt and continuation, (batch, positions).

    Raises
    ------
    PromptError
        If there are options, and the model's ``generate`` does not take them.
    """
    from transformers import StoppingCriteria

    class Stop(StoppingCriteria):
        def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
            return torch.full((input_ids.shape[0],), stop.is_set(), dtype=torch.bool, device=input_ids.device)

    asked = sorted(set(options) - {"max_new_tokens"})
    pad = getattr(getattr(model, "generation_config", None), "pad_token_id", None)
    if pad is None:
        options.setdefault("pad_token_id", 0)
    criteria = [*(options.pop("stopping_criteria", None) or ()), Stop()]
    try:
        with torch.no_grad():
            made = model.generate(**inputs, **{"do_sample": False, **options}, stopping_criteria=criteria)
    except (TypeError, ValueError) as error:
        if isinstance(error, GlassblockError) or not asked:
            raise
        raise PromptError(
            f"expected options that the model's generate takes, got {', '.join(asked)}: it raised"
            f" {type(error).__name__}: {error}"
        ) from error
    ids: Tensor = getattr(made, "sequences", made)
    return ids


def new_tokens(count: Any) -> int:
    """Return how many tokens are to be generated.

    Raises
    ------
    PromptError
        If it is no whole number of at least one.
    """
    try:
        new = whole(count)
    except TypeError:
        new = 0
    if new < 1:
        raise PromptError(f"expected max_new_tokens as a whole number of at least 1, got {count!r}. Try 20.")
    return new
