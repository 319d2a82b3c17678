"""Targets: what an intervention can be about, where it is tapped, and why not, where it cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from glassblock.errors import AddressError, InterventionError, TapError
from glassblock.ir import Architecture, Block, Layer, parse
from glassblock.live.edits import Along
from glassblock.live.kinds import Add, Cut, Kind, Noise, TargetKind, Zero
from glassblock.live.naming import Named, nearest, tap_names, tap_of, taps_on
from glassblock.live.positions import ALL, Positions

_ONLY_READ = frozenset({"in", "raw", "stream", "result", "load", "indices", "q_stream", "k_stream", "v_stream"})
"""Taps of blocks that are computed from others, stand for what several blocks share, or are no real numbers."""
_INDEXED: dict[str, TargetKind] = {"H": "head", "KV": "kv", "E": "expert", "N": "neuron"}


_BEGINNINGS: dict[str, Along] = {"batch x tokens": "tokens", "batch·tokens": "tokens", "batch x keys": "keys"}


@dataclass(frozen=True, slots=True)
class Target:
    """What an intervention is about.

    Attributes
    ----------
    address
        Canonical address.
    kind
        What it names.
    layer, block
        What it is, or what it is in; None where there is no such thing.
    index
        Of a head, a key/value head, an expert or a neuron.
    tap
        Of a tap inside a block its name.
    """

    address: str
    kind: TargetKind
    layer: Layer | None = field(default=None, compare=False, repr=False)
    block: Block | None = field(default=None, compare=False, repr=False)
    index: int = 0
    tap: str = ""

    def in_main(self, architecture: Architecture) -> bool:
        """Say whether it is in the main stack, or around it: there a cache holds the tokens before."""
        owner = self.block or self.layer
        where = None if owner is None else parse(owner.address)
        return where is None or where.stack in ("", architecture.stacks[-1].name)

    @property
    def along(self) -> Along | None:
        """How the positions of a tap are laid out, by its shape in the docs; None: it has none."""
        if self.kind != "tap" or self.block is None:
            return "tokens"
        shape = taps_on(self.block.role)[self.tap].shape
        if shape.endswith("tokens x keys"):
            return "weights"
        return next((along for start, along in _BEGINNINGS.items() if shape.startswith(start)), None)

    @property
    def port(self) -> str:
        """The port at which a tap can be edited as a whole."""
        port = {"z_gated": "z", "out": "out"}.get(self.tap, "")
        return port if port and self.block is not None and self.block.port(port) is not None else ""


def target_of(architecture: Architecture, name: str) -> Target:
    """Return what a name means: an address, a module path, or the name of a tap.

    Raises
    ------
    AddressError, TapError
        If it means nothing in the model, with the nearest names that do.
    """
    try:
        address = architecture.resolve(name)
    except AddressError:
        return _tap(architecture, name)
    where = parse(address)
    assert where is not None
    if where.layer is not None and not where.part:
        stack = next(stack for stack in architecture.stacks if stack.name == where.stack)
        return Target(address, "layer", layer=stack.layer(where.layer))
    if where.indexed is not None:
        letters, index = where.indexed
        return Target(address, _INDEXED[letters], block=architecture.block(where.block), index=index)
    return Target(address, "block", block=architecture.block(address))


def is_cross(architecture: Architecture, block: str) -> bool:
    """Say whether a block looks at the tokens of another stack."""
    where = parse(block)
    if where is None or where.layer is None:
        return False
    stack = next(stack for stack in architecture.stacks if stack.name == where.stack)
    return any(branch.block == block and branch.context is not None for branch in stack.layer(where.layer).branches)


def _tap(architecture: Architecture, name: str) -> Target:
    """Return the tap of a name. What is neither tap nor address is wrong as what it looks like."""
    try:
        named = tap_of(architecture, name)
    except (TapError, AddressError):
        before, _, last = name.rpartition(".")
        where = parse(before)
        of_block = where is not None and bool(where.part) and bool(nearest(last, tap_names()))
        if not last.startswith("hook_") and last not in tap_names() and not of_block:
            architecture.resolve(name)
        raise
    if isinstance(named.owner, Layer) and named.tap in ("in", "out"):
        return Target(named.address, "tap", layer=named.owner, tap=named.tap)
    if isinstance(named.owner, Layer) or named.expert is not None or named.tap in _ONLY_READ:
        raise InterventionError(f"{named.address} can be read and not edited. Edit {_instead(named)}.")
    return Target(named.address, "tap", block=named.owner, tap=named.tap)


def _instead(named: Named) -> str:
    if named.expert is not None or isinstance(named.owner, Layer):
        return f"{named.address.rpartition('.')[0]} itself"
    return "what it is made of"


def unavailable(architecture: Architecture, addresses: Iterable[str]) -> dict[str, str]:
    """Return those of some layers, blocks, heads and experts that cannot be ablated, with the reasons."""
    layers = {layer.address: layer for layer in architecture.layers()}
    blocks = {block.address: block for block in architecture.blocks()}
    reasons = ((address, refusal(_known(address, layers, blocks), Zero())) for address in addresses)
    return {address: reason for address, reason in reasons if reason}


def _known(address: str, layers: Mapping[str, Layer], blocks: Mapping[str, Block]) -> Target:
    """Return the target of a canonical address; to look up thousands one by one would take seconds."""
    if address in layers:
        return Target(address, "layer", layer=layers[address])
    where = parse(address)
    if where is None or where.indexed is None:
        return Target(address, "block", block=blocks[address])
    letters, index = where.indexed
    return Target(address, _INDEXED[letters], block=blocks[where.block], index=index)


def check(target: Target, kind: Kind, positions: Positions) -> None:
    """Refuse what cannot be done to a target.

    Raises
    ------
    InterventionError
        With the reason.
    """
    reason = refusal(target, kind) or _positions_refused(target, positions)
    if isinstance(kind, Cut) and positions != ALL:
        reason = reason or "a cut says itself at which tokens it holds. Give them as to_tokens, without positions."
    if reason:
        verb = "ablated" if kind.replaces else f"edited with {kind.name}"
        raise InterventionError(f"{target.address} cannot be {verb}: {reason}")
    if isinstance(kind, Add):
        width = _width(target)
        if width is not None:
            kind.check_width(width, target.address)


def refusal(target: Target, kind: Kind) -> str | None:
    """Return why a kind of intervention cannot be done to a target, or None where it can."""
    if target.kind not in kind.targets:
        others = ", ".join(sorted(kind.targets))
        return f"{kind.name} is for a {others}, and this is {_article(target.kind)} {target.kind}."
    if target.kind == "layer":
        return _layer_refused(target, kind)
    if target.block is None:
        return _stream_refused(target)
    if kind == Zero(renormalise=True) and target.kind != "expert":
        return "only the weights of experts can be renormalised."
    if isinstance(kind, Cut) and target.block.role != "attention":
        return "only an attention has edges to cut."
    known = target.block.path or (target.block.port("in") and target.block.port("out"))
    if (isinstance(kind, Cut) or target.kind == "neuron") and not known:
        return (
            f"{target.block.address} neither is a module nor begins and ends at modules, so its inside is not reached."
        )
    if target.kind == "expert":
        return _expert_refused(target.block, kind)
    if target.kind == "tap":
        return _tap_refused(target, kind)
    return None if isinstance(kind, Cut) or target.kind == "neuron" else _missing_port(target.block, target.kind)


def _layer_refused(target: Target, kind: Kind) -> str | None:
    assert target.layer is not None
    if kind.name in ("skip", "add", "noise"):
        return _stream_refused(target)
    blocks = {block.address: block for block in target.layer.blocks}
    if not target.layer.branches:
        return "no branch of it is known."
    reasons = (_missing_port(blocks[branch.block], "block") for branch in target.layer.branches)
    return next((reason for reason in reasons if reason), None)


def _stream_refused(target: Target) -> str | None:
    assert target.layer is not None
    path = target.layer.path
    return "no module is the layer, so what goes in and comes out cannot be edited." if "*" in path else None


def _expert_refused(block: Block, kind: Kind) -> str | None:
    if block.port("experts") is None and block.port("expert_modules") is None:
        return _no_parts(block)
    if getattr(kind, "by_position", False):
        return "at one position few reference prompts reach an expert; its mean is over all tokens."
    if block.port("experts") is None and (kind == Zero(renormalise=True) or isinstance(kind, Noise)):
        return "its experts are modules of their own, which do not see the router's weights or positions."
    return None


def _tap_refused(target: Target, kind: Kind) -> str | None:
    if target.tap == "out" and not target.port:
        return "its output is not that of a module."
    if target.along is None and kind.placed:
        return f"{target.tap} has no positions."
    if target.along == "weights" and kind.name in ("mean", "add", "noise"):
        return f"{target.tap} has one value for each pair of tokens, for which {kind.name} means nothing."
    return None


def _positions_refused(target: Target, positions: Positions) -> str | None:
    modules = target.kind == "expert" and target.block is not None and target.block.port("experts") is None
    if target.along is None and positions != ALL:
        return f"{target.tap} has no positions."
    if modules and positions != ALL:
        return "its experts are modules of their own, which are not told at which positions their tokens are."
    return None


def _missing_port(block: Block, kind: TargetKind) -> str | None:
    if kind in ("head", "kv"):
        return None if block.port("z") else _no_parts(block)
    if block.role in ("norm", "unembedding", "router"):
        article = "an" if block.role[0] in "aeiou" else "a"
        return f"{article} {block.role} adds nothing to the residual stream; ablate an attention, mixer or MLP instead."
    if block.port("out") is None:
        return f"its output is not that of a module. {' '.join(block.notes)}".strip()
    return None


def _no_parts(block: Block) -> str:
    return f"{block.address} offers no place where its parts can be told apart. {' '.join(block.notes)}".strip()


def _width(target: Target) -> int | None:
    """Return how many channels a target has, None where that is not known beforehand."""
    if target.kind == "neuron":
        return 1
    if target.kind in ("head", "kv") or target.port == "z":
        width = getattr(getattr(target.block, "spec", None), "v_head_dim", None)
        return None if width is None else int(width.value)
    if target.block is not None and target.kind == "tap" and target.tap != "out":
        return None
    block = target.block
    if target.layer is not None:
        block = next(
            (b for b in target.layer.blocks for branch in target.layer.branches if b.address == branch.block), None
        )
    width = block.makes[-1] if block is not None and block.makes else None
    return width if isinstance(width, int) else None


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
