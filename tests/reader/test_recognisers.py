"""A recogniser that raises is passed over when a model is read, so that the rest is drawn; here none may."""

from __future__ import annotations

from functools import wraps

import pytest
import truth_table

from glassblock.reader import read_model
from glassblock.reader.branches.branch import Branch
from glassblock.reader.branches.recognise import Recognised, Recogniser
from glassblock.reader.layers import chain, nested
from glassblock.reader.layers.roles import RECOGNISERS


@pytest.mark.parametrize("name", truth_table.rows())
def test_no_recogniser_raises(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[str] = []

    def watched(recogniser: Recogniser) -> Recogniser:
        @wraps(recogniser)
        def recognise(branch: Branch) -> Recognised | None:
            try:
                return recogniser(branch)
            except Exception as error:
                raised.append(f"{recogniser.__name__} at {branch.path}: {error!r}")
                raise

        return recognise

    for module in (chain, nested):
        monkeypatch.setattr(module, "RECOGNISERS", tuple(map(watched, RECOGNISERS)))
    monkeypatch.setattr(chain, "nested", watched(nested.nested))
    read_model(truth_table.model(name))
    assert raised == []
