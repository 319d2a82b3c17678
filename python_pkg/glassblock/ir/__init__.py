"""The intermediate representation: what a model is, as plain frozen data, without torch."""

from glassblock.ir.address import Address, nearest, parse
from glassblock.ir.architecture import VERSION, Architecture, Params, Trace
from glassblock.ir.block import UNUSED, Block, Port, Role, Side
from glassblock.ir.edge import Edge, EdgeKind
from glassblock.ir.facts import SOURCES, Fact, Source, assumed, from_config, from_module, observed
from glassblock.ir.inside import Inside, Shape, Step, StepKind, Wire
from glassblock.ir.layer import Branch, Group, Layer, Stack
from glassblock.ir.serialize import from_dict, to_dict
from glassblock.ir.specs import (
    SPECS,
    Attention,
    Embedding,
    FeedForward,
    Mixer,
    MixtureOfExperts,
    Norm,
    Spec,
    Unembedding,
)

__all__ = [
    "SOURCES",
    "SPECS",
    "UNUSED",
    "VERSION",
    "Address",
    "Architecture",
    "Attention",
    "Block",
    "Branch",
    "Edge",
    "EdgeKind",
    "Embedding",
    "Fact",
    "FeedForward",
    "Group",
    "Inside",
    "Layer",
    "Mixer",
    "MixtureOfExperts",
    "Norm",
    "Params",
    "Port",
    "Role",
    "Shape",
    "Side",
    "Source",
    "Spec",
    "Stack",
    "Step",
    "StepKind",
    "Trace",
    "Unembedding",
    "Wire",
    "assumed",
    "from_config",
    "from_dict",
    "from_module",
    "nearest",
    "observed",
    "parse",
    "to_dict",
]
