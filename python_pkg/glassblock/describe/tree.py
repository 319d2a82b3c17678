"""The architecture as a tree for the terminal, from the input to the output.

Each block with its address, what it is, the parameters of one such block and the share of the whole that all of its
copies have. Layers that are alike are one branch of the tree; facts that were assumed end in a question mark.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from glassblock.describe.facts import entering, leaving, predicted, ranges, summary, value_text
from glassblock.ir import UNUSED, Architecture, Block, Branch, Group, Layer, Norm, Stack
from glassblock.ir.costs import cache, crossing_bytes
from glassblock.ir.sources import fixed_length

_NAME = 12
_SHARE = 7
_WIDTH = 120
_NARROWEST = 60
_SMALLEST = 0.1


@dataclass(slots=True)
class _Node:
    """A line of the tree and what hangs below it."""

    name: str
    phrases: tuple[str, ...] = ()
    params: int | None = None
    held: int | None = None
    below: list[_Node] = field(default_factory=list)


def tree(architecture: Architecture, width: int = _WIDTH) -> str:
    """Return an architecture as a readable tree.

    Parameters
    ----------
    architecture
        What the model is.
    width
        Columns of the terminal, at least 60; what is longer goes on in the next line.
    """
    width = max(width, _NARROWEST)
    lines = [line for text in _head(architecture) for line in textwrap.wrap(text, width, subsequent_indent="  ")]
    lines.append(f"{'parameters of one':>{width - _SHARE - 1}} {'of all':>{_SHARE}}")
    nodes = [node for stack in architecture.stacks for node in _stack(architecture, stack)]
    nodes += [_Node(block.address, (block.cls, *block.notes)) for block in architecture.phantoms]
    lines += _drawn(nodes, "", architecture.params.total, width)
    lines += textwrap.wrap("; ".join(_legend(architecture)), width, subsequent_indent="  ")
    if any(re.search(r" \?( |$)", line) for line in lines):
        lines.append("? assumed: neither seen in a forward pass nor stated")
    for note in architecture.trace.notes:
        lines += textwrap.wrap(f"! {note}", width, subsequent_indent="  ")
    return "\n".join(lines)


def _head(architecture: Architecture) -> Iterator[str]:
    params = architecture.params
    active = "" if params.active == params.total else f", {params.active:,} active per token"
    named = [architecture.name, architecture.cls] if architecture.name != architecture.cls else [architecture.cls]
    yield f"{' · '.join(named)} · {params.total:,} parameters{active}"
    words = [f"width {architecture.stacks[-1].width.value:,}"]
    words += [f"{what} {number:,}" for what, number in predicted(architecture).items()]
    if architecture.context is not None:
        words.append(f"context {architecture.context.value:,}")
    kept = cache(architecture, 1)
    if kept.growing:
        words.append(f"cache {kept.growing:,} bytes a token in bfloat16")
    words += _crossing(architecture, more=bool(kept.growing))
    if kept.state:
        words.append(f"state {kept.state:,} bytes")
    words.append(_RUNGS[architecture.trace.rung])
    yield " · ".join(words)


def _crossing(architecture: Architecture, *, more: bool) -> Iterator[str]:
    """Say what is kept of the stacks that the main one looks at."""
    for name, kept in crossing_bytes(architecture).items():
        length = fixed_length(architecture, name, architecture.stacks[-1].name)
        of = f"each token of {name}" if length is None else f"the {length:,} tokens of {name}"
        if kept:
            size = f"{kept * (length or 1):,}"
            yield f"{size} more for {of}" if more else f"cache {size} bytes in bfloat16 for {of}"


_RUNGS = {
    "meta": "traced without weights",
    "fake": "traced with stand-in tensors",
    "real": "traced with made-up numbers",
    "tree": "read from the module tree alone",
}


def _stack(architecture: Architecture, stack: Stack) -> list[_Node]:
    inputs, outputs = architecture.around(stack)
    nodes = [_block(block, block.address.removeprefix(f"{stack.name}.")) for block in inputs]
    nodes += [_group(stack, group) for group in stack.groups]
    nodes += [_block(block, block.address.removeprefix(f"{stack.name}.")) for block in outputs]
    for edge in (edge for edge in architecture.edges if edge.source == stack.name):
        nodes += [_block(block, block.address) for block in edge.via]
        shape = " x ".join(map(value_text, edge.shape))
        nodes.append(_Node(f"-> {edge.target or 'main'}", (edge.kind, shape, leaving(stack, edge), entering(edge))))
    if not stack.name:
        return nodes
    phrases = (f"{stack.n_layers} layers", f"width {stack.width.value:,}", _streams(stack), _unused(stack))
    return [_Node(stack.name, phrases, below=nodes)]


def _unused(stack: Stack) -> str:
    """Say which layers run for nothing."""
    if stack.used is None:
        return ""
    unused = range(stack.used.value, stack.n_layers)
    return f"{ranges(unused)} run{'s' if len(unused) == 1 else ''} for nothing"


def _streams(stack: Stack) -> str:
    return f"{stack.streams.value} residual streams" if stack.streams is not None else ""


def _group(stack: Stack, group: Group) -> _Node:
    layer, copies = group.template, len(group.layers)
    kind = f"{layer.cls} x {copies}" if copies > 1 else layer.cls
    arranged = _arrangement(layer.branches, side_by_side=stack.streams is not None)
    phrases = (kind, arranged, *(() if stack.name else (_streams(stack), _unused(stack))))
    node = _Node(ranges(group.layers), phrases, layer.params, group.params)
    for block in layer.blocks:
        name = layer.part(block.address)
        drawn = _block(block, name, group.held(block), *_beside_stream(layer, block.address))
        if block.spec is None:  # a block of blocks, such as a bottleneck
            drawn.below += [_block(part, part.address.rpartition(".")[2]) for part in block.parts]
        node.below.append(drawn)
    return node


def _beside_stream(layer: Layer, address: str) -> Iterator[str]:
    """Say what a block reads, feeds or norms, where that is not the ordinary stream of its layer."""
    if address == layer.entry_norm:
        yield "on the stream, first"
    for branch in layer.branches:
        if branch.block == address and branch.context is not None:
            yield f"looks at {branch.context}"
        if branch.block == address and branch.feeds is not None:
            yield f"feeds {layer.part(branch.feeds)}, not the stream"
    if any(branch.joint_norm == address for branch in layer.branches):
        yield "of their sum"


_WORDS = {
    "sequential": "each block reads what the one before has added",
    "parallel": "blocks read the same stream",
    "side by side": "blocks read streams of their own",
    "in a chain": "a block feeds the next and not the stream",
    "norms before and after": "around each block",
    "pre-norm": "a norm before each block",
    "norms after": "after each block, before it is added",
    "post-norm": "the stream is normed after each addition",
}
"""What the words mean that say how branches follow each other."""


def _legend(architecture: Architecture) -> Iterator[str]:
    """Explain the words about branches that the tree has used."""
    said = {
        word
        for stack in architecture.stacks
        for group in stack.groups
        for word in _arrangement(group.template.branches, side_by_side=stack.streams is not None)
        .removesuffix(" ?")
        .split(", ")
    }
    yield from (f"{word}: {meaning}" for word, meaning in _WORDS.items() if word in said)


def _arrangement(branches: tuple[Branch, ...], *, side_by_side: bool) -> str:
    """Say how the branches of a layer follow each other, and where their norms are."""
    if not branches:
        return "no branches understood"
    reads = [branch.reads for branch in branches if branch.feeds is None]
    order = (
        "in a chain"
        if len(reads) < len(branches)
        else "sequential"
        if len(set(reads)) == len(reads)
        else "side by side"
        if side_by_side
        else "parallel"
    )
    pre, post = any(b.pre_norm for b in branches), any(b.post_norm for b in branches)
    norms = {(True, True): "norms before and after", (True, False): "pre-norm", (False, True): "norms after"}
    stream = any(b.stream_norm for b in branches)
    placed = norms.get((pre, post), "post-norm" if stream else "no norms")
    return f"{order}, {placed}" + (" ?" if any(b.source == "assumed" for b in branches) else "")


def _block(block: Block, name: str, held: int | None = None, *more: str) -> _Node:
    shared = f"shared by {block.shared.value} blocks" if block.shared is not None else ""
    words = (block.spec.label,) if isinstance(block.spec, Norm) else summary(block.spec) or (block.cls or block.role,)
    more += ("runs for nothing",) if UNUSED in block.notes else ()
    return _Node(name, (*words, *more, shared), block.params, block.held if held is None else held)


def _drawn(nodes: list[_Node], indent: str, total: int, width: int) -> Iterator[str]:
    for index, node in enumerate(nodes):
        last = index == len(nodes) - 1
        below = f"{indent}{'   ' if last else '│  '}"
        count = (
            ""
            if node.params is None
            else f"{node.params:,} {_share(node.params if node.held is None else node.held, total):>{_SHARE}}"
        )
        name = f"{indent}{'└─' if last else '├─'} {node.name:<{max(_NAME - len(indent), 1)}} "
        further = f"{below}{'│' if node.below else ' '}".ljust(_NAME + 4)
        room = width - (max(len(count), _SHARE + 16) + 1 if count else 0)
        if len(name) > room:
            yield name.rstrip()
            name = further
        first, *rest = _filled(node.phrases, room - len(name), width - len(further))
        yield f"{name}{first}".ljust(width - len(count)) + count if count else f"{name}{first}".rstrip()
        yield from (f"{further}{line}" for line in rest)
        yield from _drawn(node.below, below, total, width)


def _filled(phrases: tuple[str, ...], first: int, further: int) -> list[str]:
    """Put phrases into lines of so many columns; only one that is longer than a line is broken, between its words."""
    lines, room = [""], first
    for phrase in (phrase for phrase in phrases if phrase):
        joined = f"{lines[-1]} · {phrase}" if lines[-1] else phrase
        if len(joined) <= room:
            lines[-1] = joined
        elif lines == [""]:
            lines = _broken(phrase, first, further)
        else:
            lines += _broken(phrase, further, further)
        room = further if len(lines) > 1 else first
    return lines


def _broken(phrase: str, first: int, further: int) -> list[str]:
    """Begin a phrase in a line of its own, or, where it is longer than that, in the first and break it."""
    if len(phrase) <= first:
        return [phrase]
    start = textwrap.wrap(phrase, max(first, 1), break_long_words=False)[0]
    if len(phrase) <= further or len(start) > first:
        return ["", *textwrap.wrap(phrase, further)]
    return [start, *textwrap.wrap(phrase[len(start) :].lstrip(), further)]


def _share(part: int, total: int) -> str:
    if not total or not part:
        return ""
    percent = 100 * part / total
    return f"{percent:.1f} %" if percent >= _SMALLEST else f"<{_SMALLEST} %"
