"""Attention between two sentences as word alignment."""

from __future__ import annotations

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.alignment import Links, aligners, pair_attention, strongest_links
from attention_core.analysis.words import Word, word_weights, words
from attention_core.models import registry

FORTH = torch.tensor([[0.9, 0.0, 0.0], [0.5, 0.4, 0.0], [0.0, 0.1, 0.7]])
BACK = torch.tensor([[0.8, 0.1, 0.2], [0.1, 0.9, 0.1], [0.0, 0.0, 0.1]])


def test_the_two_blocks_by_hand() -> None:
    weights = torch.arange(25.0).reshape(5, 5)
    two = [Word(str(i), int(i > 2), i in (0, 3), (i,)) for i in range(5)]  # special, a, a, special, b
    found = pair_attention(weights, two)
    assert found.forth.tolist() == [[9.0], [14.0]]
    assert found.back.tolist() == [[21.0], [22.0]]
    assert found.product.tolist() == [[189.0], [308.0]]


def test_strongest_links_by_hand() -> None:
    links = strongest_links(FORTH, BACK)
    assert links.forth == {(0, 0), (1, 0), (2, 2)}
    assert links.back == {(0, 0), (1, 1), (0, 2)}
    assert links.both == {(0, 0)}
    mutual = strongest_links(FORTH * BACK, FORTH * BACK)
    assert mutual.both == {(0, 0), (1, 1), (2, 2)}


def test_a_word_that_gives_nothing_has_no_partner() -> None:
    nothing = strongest_links(torch.tensor([[0.0, 0.0], [0.0, 1.0]]), torch.zeros(2, 2))
    assert nothing == Links(frozenset({(1, 1)}), frozenset(), {(1, 1): 1.0})
    assert strongest_links(torch.zeros(0, 3), torch.zeros(0, 3)).both == frozenset()


def test_a_word_whose_strongest_link_is_weak_has_no_partner() -> None:
    weak = torch.tensor([[0.9, 0.0], [0.06, 0.04]])
    assert strongest_links(weak, weak, 0.05).forth == {(0, 0), (1, 0)}
    cut = strongest_links(weak, weak, 0.1)
    assert (cut.forth, cut.back) == ({(0, 0)}, {(0, 0)})
    assert cut.strengths == pytest.approx({(0, 0): 0.9})
    assert strongest_links(weak, weak / 2, 0.0).strengths[0, 0] == pytest.approx(0.45)  # the smaller of the two


def test_swapping_the_sentences_swaps_the_links() -> None:
    links, swapped = strongest_links(FORTH, BACK), strongest_links(BACK.mT, FORTH.mT)
    assert {(b, a) for a, b in links.forth} == swapped.back
    assert {(b, a) for a, b in links.back} == swapped.forth


def test_the_best_head_aligns_the_lemon() -> None:
    trace = load_text_model().trace("我吃柠檬", "I eat lemons.")
    grouped = words(trace)
    best = aligners(registry.scores("text"))[0]
    found = pair_attention(word_weights(trace.layers[best.layer].weights[0, best.head], grouped), grouped)
    assert found.forth.shape == (3, 4)
    assert (2, 2) in strongest_links(found.product, found.product).both  # 柠檬, lemons


def test_the_heads_are_ranked_by_their_best_direction() -> None:
    scores = registry.scores("text")
    ranked = aligners(scores)
    assert len(ranked) == sum(map(len, scores["alignment"]["heads"]))
    assert [head.best for head in ranked] == sorted((head.best for head in ranked), reverse=True)
    best = scores["alignment"]["best"]
    assert (ranked[0].layer, ranked[0].head, ranked[0].direction) == (best["layer"], best["head"], best["direction"])
    assert ranked[0].best == pytest.approx(best["score"])
