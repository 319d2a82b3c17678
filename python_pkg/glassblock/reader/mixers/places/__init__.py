"""Where the taps of a sequence mixer are, in a recording of one call of its module.

What goes into the state and what reads it is told apart by what each value is made of (`Look.made_of`), whatever the
form: in chunks, as a scan, token by token. What comes out of it is found backwards from the output
projection (`way_out`).
"""

from __future__ import annotations

from glassblock.reader.branches.place import Missing, Places
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.mixers.places.look import Look
from glassblock.reader.mixers.places.parallel import parallel
from glassblock.reader.mixers.places.recurrences import convolved, linear_recurrence, weighted_mean
from glassblock.reader.mixers.places.scans import selective_scan
from glassblock.reader.mixers.places.states import matrix_state
from glassblock.reader.operations.norms import norm_sites
from glassblock.reader.tracing.graph import Graph

_UNKNOWN: Places = dict.fromkeys(
    ("recurrence_out", "state"), Missing("no recurrence of a known form was seen, for all heads at once")
)
_KINDS = (matrix_state, selective_scan, linear_recurrence, weighted_mean, parallel, convolved)


def mixer_places(graph: Graph, source: int, output: int) -> Places:
    """Find the taps of a sequence mixer.

    Parameters
    ----------
    graph, source, output
        As for `attention_places`.

    Returns
    -------
    Places
        Empty where no state was seen, or one of a kind that is not known.
    """
    branch = whole_branch(graph, source, output, norm_sites(graph))
    look = Look(branch) if branch.ops else None
    if look is None:
        return {}
    found = next((found for kind in _KINDS if (found := kind(look))), {})
    return found or ({} if look.conv_in is None else {"conv_in": look.place(look.conv_in), **_UNKNOWN})
