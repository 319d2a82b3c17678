"""The reader: from anything that names a model to its architecture, observed and not written down.

========================  ==========================================================================
`resolve`, `twin`         a source, or a live model, becomes a model on the meta device
`fold`, `stages`          which layers are alike, and which of nested containers holds the layers
`inputs`, `clues`         what a model can run on
`observe`, `rungs`        the ladder: what takes the place of its numbers
`trace`                   one forward pass is recorded; what needs numbers is `known`, or `escapes` answers
`record`, `graph`         what was recorded, and questions about it
`residual`, `branch`      what was added to the stream, and where each branch begins and ends
`roles`                   what the branches are: `attention`, `moe`, `mixers`, `feedforward`
`ports`, `params`         where a live model is tapped; exact counts
`layers`, `assemble`      all of it as an Architecture; `fallback` where nothing could be observed
========================  ==========================================================================
"""

from glassblock.reader.api import read, read_model

__all__ = ["read", "read_model"]
