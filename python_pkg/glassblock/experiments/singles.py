"""Every single ablation of one prompt: each head, block and expert on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from glassblock.errors import InterventionError, PromptError
from glassblock.live import Intervention, Kind, Run, Session

KINDS = ("head", "expert", "block")
SINGLE_HOWS = ("zero", "mean")
"""Kinds of ablation that are tried of each."""


def single_targets(session: Session) -> list[str]:
    """Return the addresses that can be ablated on their own: heads, experts, blocks, in the order of the model."""
    unavailable = session.unavailable()
    return [site.address for site in session.layout.sites if site.kind in KINDS and site.address not in unavailable]


def single_ablations(session: Session, hows: Sequence[str | Kind] = SINGLE_HOWS) -> Iterator[tuple[Intervention, Run]]:
    """Run the last prompt once for each single ablation; history and interventions stay as they are.

    It stays with the prompt that was run last when it was called, whatever is run meanwhile. An expert that no
    reference prompt reached has no mean, so its mean ablation is left out.

    Parameters
    ----------
    session
        A session that has run a prompt.
    hows
        Which kinds of ablation.

    Returns
    -------
    Iterator of Intervention and Run
        What was ablated, and what it did to the prediction; each is run when it is asked for.

    Raises
    ------
    PromptError
        If the session has run no prompt.
    """
    if session.last_run is None:
        raise PromptError("expected a session that has run a prompt, got one that has not. Run one: run('...').")
    return _each(session.previewer(), single_targets(session), hows)


def _each(
    preview: Callable[..., Run], addresses: Sequence[str], hows: Sequence[str | Kind]
) -> Iterator[tuple[Intervention, Run]]:
    for address in addresses:
        for how in hows:
            try:
                run = preview(address, how=how)
            except InterventionError:
                continue
            yield next(iter(run.interventions)), run
