"""Statistics against closed forms and numpy in float64."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from glassblock.live.predictions import Distribution, candidates
from glassblock.live.stats import compare_update, describe


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_describe_agrees_with_numpy(dtype: torch.dtype) -> None:
    x = torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    exact = x.double().numpy()
    norm, mean, std, absmax, nonfinite = describe(x).double().numpy().transpose(2, 0, 1)
    np.testing.assert_allclose(norm, np.linalg.norm(exact, axis=-1), rtol=1e-6)
    np.testing.assert_allclose(mean, exact.mean(-1), atol=1e-7)
    np.testing.assert_allclose(std, exact.std(-1), rtol=1e-5)
    np.testing.assert_allclose(absmax, abs(exact).max(-1), rtol=0)
    assert (nonfinite == 0).all()


def test_std_does_not_cancel_beside_a_large_mean() -> None:
    x = torch.tensor([10_000.0 + delta for delta in (-1, 1)] * 32)
    assert describe(x)[2].item() == pytest.approx(1.0, rel=1e-6)


def test_nonfinite_values_are_counted() -> None:
    x = torch.tensor([1.0, float("nan"), float("inf"), float("-inf")])
    assert describe(x)[4].item() == 3


def test_update_is_compared_with_the_stream() -> None:
    stream, update = np.array([3.0, 0.0], np.float32), np.array([0.0, 1.5], np.float32)
    assert compared(update, stream) == pytest.approx([0.5, 0.0])
    assert compared(stream, stream, scale=-2.0) == pytest.approx([2.0, -1.0])


def test_update_without_length_has_no_direction() -> None:
    ratio, cosine = compared(np.zeros(4, np.float32), np.ones(4, np.float32))
    assert ratio == 0
    assert math.isnan(cosine)


def compared(update: NDArray[np.float32], stream: NDArray[np.float32], scale: float = 1.0) -> list[float]:
    size, length = (np.linalg.norm(x, axis=-1, keepdims=True) for x in (update, stream))
    found: list[float] = compare_update(size, length, (update @ stream).reshape(1), scale)[0].tolist()
    return found


def test_kl_and_ranks_in_closed_form() -> None:
    p = Distribution(torch.tensor([0.5, 0.25, 0.25]).log())
    q = Distribution(torch.tensor([0.25, 0.5, 0.25]).log())
    assert p.kl_to(q) == pytest.approx(0.5 * math.log(2) - 0.25 * math.log(2))
    assert p.kl_to(p) == 0
    assert q.score(1).rank == 1
    assert q.score(1).prob == pytest.approx(0.5)


def test_candidates_keep_what_the_ablation_lifted() -> None:
    clean = Distribution(torch.arange(10.0))
    ablated = Distribution(-torch.arange(10.0))
    rows = candidates(clean, ablated, str)
    assert [row.id for row in rows] == [9, 8, 7, 6, 5, 4, 0, 1, 2]
    assert rows[0].ablated is not None
    assert rows[0].ablated.rank == 10
    assert rows[0].delta_logit == -18
