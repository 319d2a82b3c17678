"""Which training run of each architecture is shipped, out of which, and why.

Runs differ in where a skill ends up and in whether two heads share it. The clearest one was
chosen, after seeing the measurements: a picture of what such models can look like, not of what
they look like on average. The model cards say so too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """The shipped run.

    Parameters
    ----------
    seed
        The one that is shipped, and the default of the training command.
    tried
        All seeds that were trained with the shipped recipe.
    why
        What made the difference, as a sentence or two.
    recipe
        What in the training was done for the sake of reading it, if anything.
    """

    seed: int
    tried: tuple[int, ...]
    why: str
    recipe: str = ""


SELECTED: dict[str, Selection] = {
    "gpt": Selection(0, (0,), "It is the first that was trained."),
    "moe": Selection(
        0,
        (0,),
        "It is the first that was trained on the final grammar. An earlier grammar, with fewer "
        "layouts for agreement, was left because this model learned agreement there by position.",
    ),
    "hybrid": Selection(0, (0,), "It is the first that was trained, and it was clear already."),
}
"""Architecture name -> the run that is shipped."""
