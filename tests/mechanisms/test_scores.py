"""Ways to score a query against a key."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.errors import ControlError, KindError
from attention_core.mechanisms.scores import additive_scores, cosine_scores, dot_scores, scaled_dot_scores
from attention_core.mechanisms.self_attention import attend


def pair(*, T: int = 3, S: int = 5, d: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(2, T, d, dtype=torch.float64), torch.randn(2, S, d, dtype=torch.float64)


def test_worked_by_hand() -> None:
    query = torch.tensor([[3.0, 4.0]])  # one query, |q| = 5
    key = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, -4.0]])  # three keys, |k| = 1, 2, 5

    # 3·1 + 4·0 = 3          3·0 + 4·2 = 8          -9 - 16 = -25
    assert dot_scores(query, key).tolist() == [[3.0, 8.0, -25.0]]
    # d = 2, so each is divided by √2; by 1/2 if asked for
    torch.testing.assert_close(scaled_dot_scores(query, key), torch.tensor([[2.1213203, 5.6568542, -17.6776695]]))
    assert scaled_dot_scores(query, key, scale=0.5).tolist() == [[1.5, 4.0, -12.5]]
    # 3/(5·1) = 0.6          8/(5·2) = 0.8          -25/(5·5) = -1
    torch.testing.assert_close(cosine_scores(query, key), torch.tensor([[0.6, 0.8, -1.0]]))

    # W₁ = [1 0], W₂ = [0 1], v = [2]: 2·tanh(3 + 0), 2·tanh(3 + 2), 2·tanh(3 - 4)
    scores = additive_scores(query, key, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([2.0]))
    torch.testing.assert_close(scores, torch.tensor([[1.9901095, 1.9998184, -1.5231883]]))


def test_dot_and_cosine_agree_with_torch() -> None:
    query, key = pair()
    torch.testing.assert_close(dot_scores(query, key), torch.einsum("btd,bsd->bts", query, key), rtol=0, atol=1e-12)
    expected = F.cosine_similarity(query[:, :, None], key[:, None], dim=-1)
    torch.testing.assert_close(cosine_scores(query, key), expected, rtol=0, atol=1e-12)


def test_scale_none_is_one_over_root_d() -> None:
    query, key = pair(d=9)
    torch.testing.assert_close(scaled_dot_scores(query, key), dot_scores(query, key) / 3, rtol=0, atol=1e-12)
    torch.testing.assert_close(scaled_dot_scores(query, key), scaled_dot_scores(query, key, 1 / 3), rtol=0, atol=1e-12)


def test_cosine_of_a_zero_vector_is_zero() -> None:
    query, key = pair()
    query[0, 1] = 0
    scores = cosine_scores(query, key)
    assert scores[0, 1].tolist() == [0.0] * 5
    assert bool((scores.abs() <= 1 + 1e-12).all())


def test_cosine_does_not_see_length() -> None:
    query, key = pair()
    torch.testing.assert_close(cosine_scores(100 * query, 0.01 * key), cosine_scores(query, key))


def test_additive_as_the_paper_writes_it() -> None:
    T, S, d, m = 3, 5, 4, 6
    query, key = pair(T=T, S=S, d=d)
    query_map, key_map = torch.randn(m, d, dtype=torch.float64), torch.randn(m, d, dtype=torch.float64)
    vector = torch.randn(m, dtype=torch.float64)
    scores = additive_scores(query, key, query_map, key_map, vector)
    assert scores.shape == (2, T, S)
    for b in range(2):
        for i in range(T):
            for j in range(S):
                energy = 0.0
                for unit in range(m):
                    inside = sum(float(query_map[unit, c] * query[b, i, c]) for c in range(d))
                    inside += sum(float(key_map[unit, c] * key[b, j, c]) for c in range(d))
                    energy += float(vector[unit]) * math.tanh(inside)
                assert float(scores[b, i, j]) == pytest.approx(energy, abs=1e-12)


def test_all_take_a_head_axis() -> None:
    query, key = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 5, 8)
    maps = torch.randn(6, 8), torch.randn(6, 8), torch.randn(6)
    for scores in (
        dot_scores(query, key),
        scaled_dot_scores(query, key),
        cosine_scores(query, key),
        additive_scores(query, key, *maps),
    ):
        assert scores.shape == (2, 3, 4, 5)


@pytest.mark.parametrize("scale", [math.inf, -math.inf, math.nan])
def test_a_scale_that_is_not_finite_is_refused(scale: float) -> None:
    with pytest.raises(ControlError, match=f"scale is {scale}; expected a finite number"):
        scaled_dot_scores(*pair(), scale=scale)


def test_a_scale_that_is_no_number_is_refused() -> None:
    with pytest.raises(KindError, match=r"scale is '1', of type str; expected a number"):
        scaled_dot_scores(*pair(), scale="1")  # type: ignore[arg-type]


def test_attend_with_another_score() -> None:
    query, key = pair(T=4, S=4)
    value = torch.randn(2, 4, 3, dtype=torch.float64)
    scores, weights, output = attend(query, key, value, score=cosine_scores)
    torch.testing.assert_close(scores, cosine_scores(query, key))
    torch.testing.assert_close(weights, cosine_scores(query, key).softmax(dim=-1))
    torch.testing.assert_close(output, weights @ value)
