"""Where the taps of a mixture of experts are, in a recording of one call of its module.

Routers see the tokens of all texts one after the other, so the shapes are (tokens of all texts, experts) and (tokens of
all texts, top k).
"""

from __future__ import annotations

from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.place import Missing, Place, Places
from glassblock.reader.branches.views import rows
from glassblock.reader.branches.whole import whole_branch
from glassblock.reader.feedforward.experts import Experts, find_experts
from glassblock.reader.feedforward.moe import experts_call
from glassblock.reader.feedforward.routing import Routing, find_routing
from glassblock.reader.tracing.graph import Graph

_BY_EXPERT = Missing("each expert chooses its tokens, so a token has no row of experts")
_NO_CHOICE = Missing("nothing is chosen: every token sees every expert")
_UNSEEN = Missing("its experts are not given them in one piece")


def mixture_places(graph: Graph, source: int, output: int) -> Places:
    """Find the taps of a mixture of experts.

    Parameters
    ----------
    graph, source, output
        As for `attention_places`.

    Returns
    -------
    Places
        Empty where no experts and no router were seen. ``expert_in`` is what the module with all experts is called
        with, next to ``indices`` and ``weights``: it is called again with other indices to see what one expert makes.
    """
    branch = whole_branch(graph, source, output)
    experts = find_experts(branch) if branch.ops else None
    routing = find_routing(branch, experts) if experts is not None else None
    if experts is None or routing is None:
        return {}
    logits = routing.logits.outputs[0] if routing.logits is not None else None
    return {
        "router_logits": Missing("no multiplication makes them") if logits is None else _place(graph, logits),
        **_chosen(branch, experts, routing),
        **_shared_gate(branch, routing),
    }


def _chosen(branch: Branch, experts: Experts, routing: Routing) -> Places:
    graph, call = branch.graph, experts_call(branch, experts)
    if call is not None:
        names = zip(("expert_in", "indices", "weights"), call.inputs, strict=False)
        return {name: _place(graph, value) for name, value in names}
    if not routing.choices or routing.choices[0].by_expert:
        missing = _BY_EXPERT if routing.choices else _NO_CHOICE
        return dict.fromkeys(("expert_in", "indices", "weights"), missing)
    choice = routing.choices[0]
    chosen = [v for v in choice.op.outputs if "int" in graph.values[v].dtype]
    weights = routing.weights()
    return {
        "expert_in": _UNSEEN,
        "indices": _place(graph, chosen[0]) if chosen and len(routing.choices) == 1 else _UNSEEN,
        "weights": _UNSEEN if weights is None else _place(graph, weights),
    }


def _shared_gate(branch: Branch, routing: Routing) -> Places:
    """Find a sigmoid of one number for each token, which is not the router's."""
    graph = branch.graph
    for op in branch.ops:
        single = op.name == "sigmoid" and graph.shape(op.inputs[0])[-1] == 1
        made = graph.producer(graph.same(op.inputs[0])) if single else None
        if made is not None and made is not routing.logits and graph.projection(made) is not None:
            return {"shared_gate": _place(graph, op.inputs[0])}
    return {}


def _place(graph: Graph, value: int) -> Place | Missing:
    view = rows(graph.shape(value))
    return Missing("they do not lie token by token") if view is None else Place(value, view)
