"""The story of the numbers that are worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from attention_core.mechanisms.by_hand import SCORES, typed_attention
from attention_core.stories.by_hand import by_hand_story
from attention_core.stories.story import Story, as_data
from tests.stories.reading import seen, written


def typed(seed: int = 0) -> dict[str, Tensor]:
    """Numbers of no meaning."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"x": (4, 4), "wq": (4, 4), "wk": (4, 4), "wv": (4, 4), "w1": (4, 4), "w2": (4, 4), "v": (1, 4)}
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


def told(matrices: dict[str, Tensor], score: str = "scaled_dot", query: int = 2) -> Story:
    return by_hand_story(matrices, typed_attention(matrices, score), score, query)


@pytest.mark.parametrize("score", SCORES)
def test_each_step_follows_from_those_before_it(score: str) -> None:
    story = told(typed(), score)
    given, projected, scored, weighed, summed = (step.arrays for step in story.steps)
    q, k, v = (given["x"] @ given[name].T for name in ("wq", "wk", "wv"))
    np.testing.assert_allclose([projected[name] for name in ("query", "key", "value")], [q, k, v])
    alpha = q @ k.T
    if score == "scaled_dot":
        alpha = alpha / 2
    elif score == "cosine":
        alpha = alpha / np.outer(np.linalg.norm(q, axis=1), np.linalg.norm(k, axis=1))
    elif score == "additive":
        alpha = np.tanh((q @ given["w1"].T)[:, None] + (k @ given["w2"].T)[None]) @ given["v"][0]
    np.testing.assert_allclose(scored["scores"], alpha)
    np.testing.assert_allclose(weighed["weights"], np.exp(alpha) / np.exp(alpha).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(summed["output"], weighed["weights"] @ v)
    assert f"{summed['output'][2, 0]:.2f}" in story.steps[4].formulas[1]
    pages = written(story)
    assert "hand-w1" in pages["zh"] if score == "additive" else "hand-w1" not in pages["zh"]


def test_a_number_that_is_changed_changes_what_follows_from_it_alone() -> None:
    matrices = typed()
    before = told(matrices)
    matrices["wv"] = matrices["wv"] + torch.eye(4)
    after = told(matrices)
    same = [as_data(old) == as_data(new) for old, new in zip(before.steps, after.steps, strict=True)]
    assert same == [False, False, True, True, False]
    figure = after.figures["hand-output"].given["values"]
    np.testing.assert_array_equal(figure, after.steps[4].arrays["output"])
    assert before.steps[4].formulas[0] == after.steps[4].formulas[0] != told(matrices, query=1).steps[4].formulas[0]


def test_the_end_of_a_word_is_spoken_of_only_where_it_is_marked() -> None:
    matrices = typed()
    assert "##s" not in seen(told(matrices), "by_hand.numbers")
    matrices["x"][3, 3] = 1
    assert "##s" in seen(told(matrices), "by_hand.numbers")
