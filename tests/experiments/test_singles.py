"""Every single ablation of a prompt."""

import pytest
import torch
from tiny_models import tiny

import glassblock as gb
from glassblock.errors import PromptError
from glassblock.experiments import single_ablations, single_targets


def test_expert_that_no_token_reached_has_no_mean_ablation() -> None:
    with gb.attach(tiny("mixtral")) as session:  # one token reaches 2 of the 4 experts of each layer
        session.run(torch.tensor([[5]]))
        done = {(item.address, item.how) for item, _ in single_ablations(session)}
        assert {address for address, how in done if how == "zero"} == set(single_targets(session))
        left_out = [address for address, how in done if how == "zero" and (address, "mean") not in done]
        assert len(left_out) == 2 * 3
        assert all(".moe.E" in address for address in left_out)


def test_nothing_to_ablate_before_a_run() -> None:
    with gb.attach(tiny("llama")) as session, pytest.raises(PromptError, match=r"has not\. Run one"):
        next(single_ablations(session))
