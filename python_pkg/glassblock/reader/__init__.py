"""The reader: from anything that names a model to its architecture, observed and not written down.

========================  ==========================================================================
`resolve`, `build`        a source becomes a model on the meta device; `saved` architectures come back as they were
`twin`                    so does a live model, without a change to it
`fold`, `stages`          which layers are alike, and which of nested containers holds the layers
`inputs`, `clues`         what a model can run on
`observe`, `rungs`        the ladder: what takes the place of its numbers
`trace`                   one forward pass is recorded; what needs numbers is `known`, or `escapes` answers
`record`, `graph`         what was recorded, and questions about it
`runs`, `flow`            the layers of each stack in their order, and what flows from one stack to another
`below`, `above`          what is around each stack; `edges` are between them
`residual`, `streams`     what was added to the stream, or to several; `branch` is the work in between
`roles`                   what the branches are: `attention`, `moe`, `mixers`, `feedforward`
`ports`                   where a live model is tapped
`params`, `work`          exact counts of parameters and of multiply-adds; `shapes` with their dimensions by name
`phantoms`                what the checkpoint holds and the module tree does not
`layers`, `assemble`      all of it as an Architecture; `fallback` where nothing could be observed
========================  ==========================================================================
"""

from glassblock.reader.api import read, read_model

__all__ = ["read", "read_model"]
