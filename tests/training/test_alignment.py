"""Alignment score, symmetrised links and AER on one pair worked by hand."""

from __future__ import annotations

import pytest
import torch

from training import alignment
from training.conllu import Sentence, Word


def sentence(*forms: str, gap: str = " ") -> Sentence:
    words, at = [], 0
    for number, form in enumerate(forms, 1):
        words.append(Word(number, form, at, at + len(form), 0, "dep"))
        at += len(form) + len(gap)
    return Sentence(gap.join(forms), tuple(words))


@pytest.fixture
def pair() -> alignment.AlignedPair:
    """The · cat · eats · fish against 猫 · 吃 · 鱼 · 肉 · 吗; "The" is not annotated, 吗 has no counterpart."""
    return alignment.aligned(
        sentence("The", "cat", "eats", "fish"),
        sentence("猫", "吃", "鱼", "肉", "吗", gap=""),
        {"2": ["1"], "3": ["2"], "4": ["3", "4"], "X": ["5"]},
    )


EN_ZH = torch.tensor(
    [
        [0.9, 0.0, 0.0, 0.0, 0.0],  # The → 猫: not judged
        [0.6, 0.1, 0.0, 0.0, 0.0],  # cat → 猫: right
        [0.5, 0.4, 0.0, 0.0, 0.0],  # eats → 猫: wrong
        [0.0, 0.0, 0.1, 0.7, 0.0],  # fish → 肉: one of its two links
    ]
)
ZH_EN = torch.tensor(
    [
        [0.1, 0.0, 0.0, 0.0, 0.0],
        [0.8, 0.1, 0.0, 0.0, 0.0],  # 猫 → cat
        [0.1, 0.9, 0.0, 0.0, 0.6],  # 吃 → eats, 吗 → eats
        [0.0, 0.0, 0.8, 0.3, 0.0],  # 鱼, 肉 → fish
    ]
)


def test_annotation_becomes_links(pair: alignment.AlignedPair) -> None:
    assert pair.gold == {(1, 0), (2, 1), (3, 2), (3, 3)}
    assert pair.judged == {1, 2, 3}
    only_marked = alignment.aligned(pair.english, pair.chinese, {"2": ["X"], "X": ["1"]})
    assert only_marked.gold == frozenset()
    assert only_marked.judged == {1}


def test_score_is_the_share_of_linked_words(pair: alignment.AlignedPair) -> None:
    assert alignment.hits(EN_ZH, pair) == (2, 3)
    assert alignment.hits(ZH_EN, pair) == (3, 3)
    assert alignment.hits(EN_ZH * ZH_EN, pair) == (3, 3)
    assert alignment.hits(torch.zeros(4, 5), pair) == (0, 3)  # nothing attended to hits nothing


def test_links_by_each_symmetrisation(pair: alignment.AlignedPair) -> None:
    forth, back = {(0, 0), (1, 0), (2, 0), (3, 3)}, {(1, 0), (2, 1), (3, 2), (3, 3), (2, 4)}
    assert alignment.symmetrised(EN_ZH, ZH_EN, "intersection") == forth & back == {(1, 0), (3, 3)}
    assert alignment.symmetrised(EN_ZH, ZH_EN, "union") == forth | back
    assert {(1, 0), (2, 1), (3, 3)} <= alignment.symmetrised(EN_ZH, ZH_EN, "mutual")


def test_aer_by_hand(pair: alignment.AlignedPair) -> None:
    both = alignment.count_links({(1, 0), (3, 3)}, pair)
    assert both.scores() == {"aer": pytest.approx(1 - 2 * 2 / (2 + 4), abs=1e-5), "precision": 1.0, "recall": 0.5}
    loose = alignment.count_links({(0, 0), (1, 0), (2, 0), (3, 3)}, pair)  # (0, 0) is not judged
    assert (loose.right, loose.made, loose.gold) == (2, 3, 4)
    assert alignment.count_links(set(pair.gold), pair).scores()["aer"] == 0
    assert (both + loose) == alignment.Links(4, 5, 8)


def test_diagonal_follows_the_relative_place() -> None:
    assert alignment.diagonal(3, 5).argmax(dim=1).tolist() == [0, 2, 4]
    assert alignment.diagonal(1, 1).shape == (1, 1)
