"""Two architectures side by side, fact by fact.

Stacks are paired by name, blocks outside the layers by address, kinds of layer by the work they do (`pairs`).
Within a pair of layers, blocks are paired by their part (``attn``, ``mlp``), norms by where
they stand. What has no counterpart stands alone in its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from glassblock import surface
from glassblock.describe.facts import entering, facts_of, leaving, predicted, ranges, text, value_text
from glassblock.describe.pairs import paired
from glassblock.describe.side_by_side import WIDTH, Row, side_by_side
from glassblock.ir import Architecture, Block, Branch, Group, Layer, Stack
from glassblock.ir.costs import cache
from glassblock.table import wrapped

Facts = dict[str, str]
BRANCH = "branch "
"""What the facts begin with that say how a branch runs."""
LEGEND = (
    "A branch reads the stream after so many additions, goes through its blocks, and is added to the stream:"
    " 'after 1: norm2 -> mlp -> + 2' is the second addition."
)
"""How the facts about branches are read, in a line."""


@dataclass(frozen=True)
class Comparison(surface.Shown):
    """Two architectures and every fact of both. Displays itself; prints as a table of what differs.

    Attributes
    ----------
    a, b
        The architectures.
    rows
        All facts, those that agree included.
    """

    a: Architecture
    b: Architecture
    rows: tuple[Row, ...]

    @property
    def differences(self) -> tuple[Row, ...]:
        """The rows in which they differ."""
        return tuple(row for row in self.rows if not row.same)

    def table(self, width: int = WIDTH) -> str:
        """Return a table of what differs, as text.

        Parameters
        ----------
        width
            Columns of the terminal; what is longer goes on in the next line.
        """
        different = self.differences
        lines: list[str] = []
        if different:
            lines += side_by_side((self.a.name, self.b.name), different, width)
        else:
            lines.append("No fact differs.")
        lines += wrapped(f"{len(different)} facts differ, {len(self.rows) - len(different)} agree.", width)
        if any(row.what.startswith(BRANCH) for row in different):
            lines += wrapped(LEGEND, width)
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return a table of what differs."""
        return self.table()

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return f"Glassblock comparison of {self.a.name} and {self.b.name} ({len(self.differences)} facts differ)"


def compare(a: Architecture, b: Architecture) -> Comparison:
    """Compare two architectures fact by fact.

    Parameters
    ----------
    a, b
        What the models are.
    """
    rows = [*_rows("model", _model(a), _model(b), None, None)]
    for left, right in _stacks(a, b):
        rows += _stack_rows(a, b, left, right)
    rows += _blocks("phantom", a.phantoms, b.phantoms)
    return Comparison(a, b, tuple(rows))


def _rows(part: str, left: Facts | None, right: Facts | None, a: str | None, b: str | None) -> Iterator[Row]:
    for what in dict.fromkeys((*(left or ()), *(right or ()))):
        one, other = (facts.get(what) if facts is not None else None for facts in (left, right))
        yield Row(part, what, one, other, one == other, a, b)


def _model(architecture: Architecture) -> Facts:
    params, kept = architecture.params, cache(architecture, 1)
    ran = architecture.trace.rung != "tree"
    return {
        "class": architecture.cls,
        "parameters": value_text(params.total),
        "active per token": value_text(params.active),
        "embedding": value_text(params.embedding),
        **({what: value_text(number) for what, number in predicted(architecture).items()} or {"vocabulary": "none"}),
        "context": text(architecture.context),
        "cache a token (bytes, bfloat16)": value_text(kept.growing) if ran else "not known",
        "state (bytes, bfloat16)": value_text(kept.state) if ran else "not known",
        "edges": ", ".join(_edges(architecture)) or "none",
    }


def _edges(architecture: Architecture) -> Iterator[str]:
    stacks = {stack.name: stack for stack in architecture.stacks}
    for edge in architecture.edges:
        start = f"{edge.source} {leaving(stacks[edge.source], edge)}".rstrip()
        end = f"{edge.target or 'main'} {entering(edge)}".rstrip()
        yield f"{start} -> {end} ({edge.kind})"


def _stacks(a: Architecture, b: Architecture) -> Iterator[tuple[Stack | None, Stack | None]]:
    """Pair the main stacks, and the others by name."""
    right = {stack.name: stack for stack in b.stacks[:-1]}
    for stack in a.stacks[:-1]:
        yield stack, right.pop(stack.name, None)
    yield from ((None, stack) for stack in right.values())
    yield a.stacks[-1], b.stacks[-1]


def _stack_rows(a: Architecture, b: Architecture, left: Stack | None, right: Stack | None) -> Iterator[Row]:
    name = next((stack.name for stack in (left, right) if stack is not None and stack.name), "")
    yield from _rows(name or "layers", _stack_facts(left), _stack_facts(right), None, None)
    (left_below, left_above), (right_below, right_above) = _around(a, left), _around(b, right)
    yield from _blocks("", left_below, right_below)
    for one, other in paired(left.groups if left else (), right.groups if right else ()):
        yield from _layer_rows(one, other, a.name if other is None else b.name if one is None else None)
    yield from _blocks("", left_above, right_above)


def _stack_facts(stack: Stack | None) -> Facts | None:
    if stack is None:
        return None
    return {
        "number": value_text(stack.n_layers),
        "kinds": value_text(len(stack.groups)),
        "width": text(stack.width),
        "residual streams": "1" if stack.streams is None else text(stack.streams),
        "layers used": "all" if stack.used is None else text(stack.used),
    }


def _around(architecture: Architecture, stack: Stack | None) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    return ((), ()) if stack is None else architecture.around(stack)


def _layer_rows(one: Group | None, other: Group | None, only: str | None) -> Iterator[Row]:
    """Compare two kinds of layer, or list one that only the model of that name has."""
    part = " / ".join(dict.fromkeys(ranges(group.layers, 2) for group in (one, other) if group is not None))
    part = part if only is None else f"{part} (only in {only})"
    left, right = (group.template if group is not None else None for group in (one, other))
    addresses = (left.address if left else None, right.address if right else None)
    yield from _rows(part, _layer_facts(one), _layer_facts(other), *addresses)
    yield from _blocks(part, left.blocks if left else (), right.blocks if right else (), left, right)


def _layer_facts(group: Group | None) -> Facts | None:
    if group is None:
        return None
    layer = group.template
    return {
        "layers": ranges(group.layers),
        "parameters": value_text(layer.params),
        **{f"{BRANCH}{n + 1}": _branch(layer, branch) for n, branch in enumerate(layer.branches)},
    }


def _branch(layer: Layer, branch: Branch) -> str:
    """Write a branch as it runs: ``after 0: norm1 -> attn -> + 1``."""
    part = layer.part
    steps = [part(name) for name in (branch.pre_norm, branch.block, branch.post_norm) if name is not None]
    scale = f" x {value_text(branch.scale.value)}" if branch.scale is not None else ""
    after = f" -> {part(branch.stream_norm)}" if branch.stream_norm is not None else ""
    joint = f"({part(branch.joint_norm)}) " if branch.joint_norm is not None else ""
    goes = f"{joint}+ {branch.add}{after}" if branch.feeds is None else part(branch.feeds)
    reads = "" if branch.reads is None else f"after {branch.reads}: "
    return f"{reads}{' -> '.join(steps)}{scale} -> {goes}"


def _blocks(
    part: str, left: Iterable[Block], right: Iterable[Block], one: Layer | None = None, other: Layer | None = None
) -> Iterator[Row]:
    """Pair blocks by their part, and norms by where they stand."""
    ones, others = _placed(left, one), _placed(right, other)
    matched: list[tuple[str | None, str | None]] = [(name, name) for name in ones if name in others]
    # A mixer that takes the place of an attention stands beside it: the same half of the layer.
    lone = [[n for n in mine if n not in yours] for mine, yours in ((ones, others), (others, ones))]
    for norms in (False, True):
        x_names, y_names = ([name for name in names if name.startswith("norm ") is norms] for names in lone)
        matched += list(zip_longest(x_names, y_names))
    for x, y in matched:
        a, b = ones.get(x or ""), others.get(y or "")
        names = " / ".join(dict.fromkeys(name for name in (x, y) if name))
        words = f"{part} {names}".strip()
        alike = a is not None and b is not None and type(a.spec) is type(b.spec)
        left_facts, right_facts = (_block(block, everything=alike) for block in (a, b))
        yield from _rows(words, left_facts, right_facts, a.address if a else None, b.address if b else None)


def _placed(blocks: Iterable[Block], layer: Layer | None) -> dict[str, Block]:
    """Name the blocks of a layer: ``attn``, ``norm before attn``."""
    if layer is None:
        return {block.address: block for block in blocks}
    names = {block.address: layer.part(block.address) for block in blocks}
    for branch in layer.branches:
        where = {"before": branch.pre_norm, "after": branch.post_norm, "of the stream after": branch.stream_norm}
        for word, norm in where.items():
            if norm is not None:
                names[norm] = f"norm {word} {names[branch.block]}"
    return {names[block.address]: block for block in blocks}


def _block(block: Block | None, *, everything: bool) -> Facts | None:
    """Return the facts of a block; those that do not apply to it only beside a counterpart of the same kind."""
    if block is None:
        return None
    facts: Facts = {"kind": block.spec.label if block.spec is not None else block.role}
    if block.role != "norm":
        counted = block.role != "mtp" or block.params > 0
        facts["parameters"] = value_text(block.params) if counted else "not counted"
    facts.update((what, text(fact)) for what, fact in facts_of(block.spec) if everything or fact is not None)
    return facts
