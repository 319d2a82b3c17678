"""The reader: from a source or a model to its Architecture, by observing what it does."""
