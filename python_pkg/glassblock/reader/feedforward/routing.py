"""The router of a mixture of experts: how logits become a choice and weights.

A *choice* is an operation that finds the largest of some scores: `topk`, `argmax`, `max` whose indices are used,
`sort`. The last one over as many scores as there are experts chooses experts; earlier ones over fewer choose groups of
them. What happens to the logits before and after says the rest, and only numbers count there: a mask of truth values
that was made from scores is not the scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from glassblock.ir import Fact, observed
from glassblock.reader.branches.branch import Branch
from glassblock.reader.feedforward.experts import Experts
from glassblock.reader.tracing.graph import Graph, argument, show
from glassblock.reader.tracing.record import Call, Op

_FUNCTIONS = ("softmax", "log_softmax", "sigmoid", "logsigmoid", "softplus", "relu", "exp")
_SUMS = ("sum", "logsumexp", "norm", "linalg_vector_norm")


@dataclass(frozen=True, slots=True)
class Choice:
    """An operation that chooses.

    Attributes
    ----------
    op
        The operation.
    of
        Among how many it chooses.
    takes
        How many it takes.
    by_expert
        Whether it chooses tokens for each expert.
    looked_up
        Whether it is no choice by scores, but read from a table by the token.
    """

    op: Op
    of: int
    takes: int
    by_expert: bool = False
    looked_up: bool = False


@dataclass
class Routing:
    """The router of one branch, and what is asked of it.

    Attributes
    ----------
    branch, experts
        Where it routes.
    choices
        The choices of experts, usually one.
    logits
        The multiplication that makes the logits.
    """

    branch: Branch
    experts: Experts
    choices: list[Choice]
    logits: Op | None

    @property
    def graph(self) -> Graph:
        """The recording."""
        return self.branch.graph

    @property
    def width(self) -> int:
        """Among how many a token chooses: the experts and the choices that are none."""
        return max((choice.of for choice in self.choices), default=self.experts.total + self.experts.idle_zero)

    @property
    def first(self) -> int:
        """Index of the first choice; of the first work of an expert where nothing is chosen."""
        return self.choices[0].op.index if self.choices else self.experts.ops[0].index

    def call(self) -> Call | None:
        """Return the module that routes; None where that is the block itself."""
        block = self.branch.call or self.branch.stream.call
        for op in [*(choice.op for choice in self.choices[:1]), *([self.logits] if self.logits else [])]:
            own = self.graph.call_of(op)
            if own is not None and own.index != block.index and block.index in own.parents:
                return own
        return None

    @cached_property
    def _scores(self) -> dict[int, Op]:
        """Operations on the logits, by index: all numbers in them are logits, or parameters."""
        if self.logits is None:
            return {}
        graph, known, found = self.graph, set(self.logits.outputs), {}
        for op in self.branch.ops:
            if op.index <= self.logits.index or graph.heavy(op):
                continue
            floats = [v for v in op.inputs if self._counts(v)]
            if any(v in known for v in floats) and all(v in known or self._constant(v) for v in floats):
                known.update(v for v in op.outputs if self._counts(v))
                found[op.index] = op
        return found

    def _counts(self, value: int) -> bool:
        return "float" in self.graph.values[value].dtype

    def _constant(self, value: int) -> bool:
        """Whether a value is made without the token: from parameters and buffers."""
        cone = self.graph.cone(value, first=self.branch.stream.call.first)
        return not any(v in self.branch.stream.states for v in cone.edge) and not any(map(self.graph.heavy, cone.ops))

    def function(self) -> Fact[str]:
        """Return the function that makes weights of the logits, and on which side of the choice it is."""
        before = [op for op in self._scores.values() if op.index < self.first and op.name in _FUNCTIONS]
        after = [op for op in self._scores.values() if op.index > self.first and op.name in _FUNCTIONS]
        chosen = [v for choice in self.choices for v in choice.op.outputs[:1] if self._counts(v)]
        feeding = self._feeding(before)
        if feeding:
            name = self._named(feeding[-1])
            return observed(name, f"{name} of {show(self.graph.shape(feeding[-1].inputs[0]))}, then the choice")
        if after:
            op = after[0]
            kept = self.graph.shape(op.inputs[0])[-1] == self.top_k().value or self._made_from(op.inputs[0], chosen)
            name = self._named(op) + (" of the top k" if kept and self.choices else "")
            return observed(name, f"the choice, then {op.name} of {show(self.graph.shape(op.inputs[0]))}")
        return observed("linear", "the logits as they are")

    def _feeding(self, functions: list[Op]) -> list[Op]:
        """Keep the functions whose result is chosen from, or weighs where nothing is chosen."""
        if not self.choices or self.choices[0].looked_up:
            return functions
        cone = {op.index for op in self.graph.cone(self.choices[0].op.inputs[0], first=self.branch.start).ops}
        return [op for op in functions if op.index in cone]

    def _named(self, op: Op) -> str:
        roots = [other for other in self._scores.values() if other.name == "sqrt" and op.outputs[0] in other.inputs]
        plain = {"logsigmoid": "sigmoid", "log_softmax": "softmax"}.get(op.name, op.name)
        return f"sqrt {plain}" if roots else plain

    def _made_from(self, value: int, sources: Iterable[int]) -> bool:
        """Whether numbers of these values are in another one."""
        graph, wanted = self.graph, set(sources)
        cone = graph.cone(value, wanted, self.branch.start, lambda op: not self._counts(op.outputs[0]))
        return bool(wanted & cone.edge)

    def top_k(self) -> Fact[int]:
        """Return how many experts see one token."""
        if not self.choices:
            return observed(self.experts.total, "nothing is chosen: every expert sees every token")
        first = self.choices[0]
        where = f"{first.op.name} of {show(self.graph.shape(first.op.inputs[0]))}"
        if first.by_expert:
            tokens = self.graph.shape(first.op.inputs[0])[_dim(first.op)]
            share = max(1, round(self.experts.total * first.takes / tokens))
            return observed(share, f"on average: each expert takes {first.takes} of {tokens} tokens, {where}")
        return observed(sum(choice.takes for choice in self.choices), where)

    def chooser(self) -> Fact[str]:
        """Return who chooses: each token its experts, or each expert its tokens."""
        if self.choices and self.choices[0].by_expert:
            return observed("expert", f"{self.choices[0].op.name} along the tokens")
        return observed("token", "the choice is among the experts" if self.choices else "every token sees every expert")

    def groups(self) -> tuple[Fact[int], Fact[int]] | None:
        """Return how many groups of experts there are and how many of them are kept."""
        if not self.choices:
            return None
        for op in reversed(self.graph.cone(self.choices[0].op.inputs[0], first=self.branch.start).named("topk")):
            of, kept = self.graph.shape(op.inputs[0])[_dim(op)], self.graph.shape(op.outputs[0])[_dim(op)]
            masks = any(user.name.startswith("scatter") for user in self.graph.consumers[op.outputs[1]])
            if masks and kept < of < self.width and self.width % of == 0:
                where = f"topk of {show(self.graph.shape(op.inputs[0]))} makes a mask"
                return observed(of, where), observed(kept, where)
        return None

    def bias(self) -> Fact[bool]:
        """Whether something is added to the scores for choosing that the weights do not have."""
        for op in self._scores.values():
            if op.index >= self.first or op.name != "add" or not self.choices:
                continue
            names = [self.graph.values[self.graph.same(v)].name for v in op.inputs]
            name = next((name for name in names if name), None)
            if name is None:
                continue
            users = {user.index for v in self.choices[0].op.outputs[:1] for user in self.graph.consumers[v]}
            if not users & {used.index for used in self.branch.ops}:
                return observed(value=True, where=f"{name} is added before the choice, and not to the weights")
        return observed(value=False, where="nothing is added for the choice alone")

    def normalised(self) -> Fact[bool]:
        """Whether the weights of the chosen are made to sum to one."""
        for op in self._scores.values():
            if op.index < self.first:
                continue
            if op.name == "softmax" and self.graph.shape(op.inputs[0])[-1] == self.top_k().value:
                return observed(value=True, where="softmax of the chosen")
            if op.name in ("div", "sub") and len(op.inputs) > 1:
                made = self.graph.cone(op.inputs[1], {op.inputs[0]}, self.first)
                if made.named(*_SUMS):
                    return observed(value=True, where=f"{op.name} by the sum of the chosen")
            if op.name == "normalize":
                return observed(value=True, where="operation normalize")
        return observed(value=False, where="the weights of the chosen are used as they are")

    def weights(self) -> int | None:
        """Return the last value with a weight for each choice of each token; None if it is followed by a function."""
        scores, (choice, *others) = list(self._scores.values()), self.choices
        functions = [op.index for op in scores if op.name in _FUNCTIONS]
        made = [v for op in (choice.op, *scores) if op.index >= self.first for v in op.outputs if self._counts(v)]
        takes, size = choice.takes, self.graph.size(choice.op.outputs[0])
        fitting = [v for v in made if self.graph.shape(v)[-1] == takes and self.graph.size(v) == size]
        late = [v for v in fitting if (self.graph.values[v].op or 0) >= max(functions, default=0)]
        return late[-1] if late and not others else None

    def scale(self, routed: Iterable[Op]) -> Fact[float] | None:
        """Return the number that the sum of the routed experts is multiplied by; None for one.

        Parameters
        ----------
        routed
            The operations from the experts to the end of the block.
        """
        product = 1.0
        for op in (*(op for op in self._scores.values() if op.index > self.first), *routed):
            scaled = self.graph.scaling(op)
            product *= (scaled[1] or 1.0) if scaled else 1.0
        return observed(product, "the weights are multiplied by a number") if product != 1 else None


def find_routing(branch: Branch, experts: Experts) -> Routing | None:
    """Find what routes to the experts; None if nothing does."""
    graph = branch.graph
    choices = [choice for op in branch.ops if (choice := _choice(graph, op, experts)) is not None]
    last = choices[-1:] if choices and choices[-1].op.name == "topk" else choices
    width = max((choice.of for choice in last), default=experts.total)
    makes = [op for op in branch.ops if graph.heavy(op) and op not in experts.ops]
    fitting = [op for op in makes if width in graph.shape(op.outputs[0])]
    if not last:
        # Each expert may have several slots to fill (Soft MoE).
        slots = fitting or [op for op in makes if graph.shape(op.outputs[0])[-1] % experts.total == 0]
        return Routing(branch, experts, _looked_up(branch, slots, experts.total), slots[0]) if slots else None
    before = graph.cone(last[0].op.inputs[0], first=branch.start).ops
    logits = [op for op in fitting if op in before] or [op for op in makes if op in before]
    return Routing(branch, experts, last, logits[-1] if logits else None)


def _looked_up(branch: Branch, makes: list[Op], total: int) -> list[Choice]:
    """Find experts that a table names for each token (hash routing, Roller et al. 2021, arXiv:2106.04426)."""
    graph = branch.graph
    for op in branch.ops:
        if op.name != "gather" or len(op.inputs) < 2 or op.index < makes[0].index:
            continue
        cone = graph.cone(op.inputs[1], first=branch.stream.call.first)
        table = next((v for made in cone.ops for v in made.inputs if graph.values[v].name), None)
        if table is not None and "int" in graph.values[table].dtype:
            return [Choice(op, total, graph.shape(op.inputs[1])[-1], looked_up=True)]
    return []


def _choice(graph: Graph, op: Op, experts: Experts) -> Choice | None:
    """Return an operation as a choice among the experts; None if it is none."""
    takes = _takes(graph, op)
    if takes is None:
        return None
    scores, dim = graph.shape(op.inputs[0]), _dim(op)
    others = [size for at, size in enumerate(scores) if at != dim % len(scores)]
    whole = scores[dim] % graph.recording.tokens == 0
    part = scores[dim] < experts.total or (dim % len(scores) < len(scores) - 1 and scores[-1] == experts.total)
    if (whole or part) and scores[dim] != experts.total and experts.total in others:
        return Choice(op, experts.total, takes, by_expert=True)
    return Choice(op, scores[dim], takes) if scores[dim] >= experts.total else None


def _takes(graph: Graph, op: Op) -> int | None:
    """Return how many of the largest an operation takes; None if it takes no indices."""
    if not op.inputs or "float" not in graph.values[op.inputs[0]].dtype:
        return None
    if op.name == "topk":
        return graph.shape(op.outputs[0])[_dim(op)]
    if op.name == "argmax":
        return 1
    if op.name == "max" and len(op.outputs) > 1 and graph.consumers[op.outputs[1]]:
        return 1
    if op.name in ("sort", "argsort"):
        cuts = [graph.shape(user.outputs[0])[-1] for user in graph.consumers[op.outputs[-1]] if user.name == "getitem"]
        return min(cuts, default=None)
    return None


def _dim(op: Op) -> int:
    """Return the dimension along which an operation chooses."""
    given = argument(op, 2 if op.name == "topk" else 1, "dim")
    return given if isinstance(given, int) else -1
