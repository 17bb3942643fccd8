"""Guesses at hidden words."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.guesses import filled_in, written_together
from attention_core.errors import ControlError
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel
from attention_core.models.tokenization import positions_of
from tests.models import hub_networks

TEXT, PAIR = "I eat lemons.", "我吃柠檬🍋"


@cache
def model() -> TextModel:
    return load_text_model()


def chances(ids: list[int], segments: list[int], position: int) -> torch.Tensor:
    """The network's own answer at a position, by its fast path."""
    rows = (torch.tensor([row]) for row in (ids, positions_of(segments), segments))
    with torch.no_grad():
        return model()(*rows)[0, position].softmax(dim=-1)


def test_a_word_is_filled_in_from_left_to_right() -> None:
    tokens, _ = model().tokenizer.encode(TEXT, PAIR)
    pieces = [place for place, token in enumerate(tokens) if token.text in ("lemon", "s")]
    mask, segments = model().tokenizer.mask, [token.segment for token in tokens]
    first, second = pieces
    ids = [mask if place in pieces else token.id for place, token in enumerate(tokens)]
    before = chances(ids, segments, first)  # the second piece is still hidden
    chosen = int(before.argmax())
    fed = chances([chosen if place == first else row for place, row in enumerate(ids)], segments, second)
    right = chances([tokens[first].id if place == first else row for place, row in enumerate(ids)], segments, second)

    found = filled_in(model(), TEXT, PAIR, pieces)
    vocabulary = model().tokenizer.vocabulary
    assert [guess.best for guess in found] == [vocabulary[chosen], vocabulary[int(fed.argmax())]]
    assert [guess.best_probability for guess in found] == pytest.approx([before.max().item(), fed.max().item()])
    expected = [before[tokens[first].id].item(), right[tokens[second].id].item()]
    assert [guess.answer_probability for guess in found] == pytest.approx(expected)
    assert math.prod(expected) <= expected[0]


def test_the_order_of_positions_changes_nothing_and_one_alone_is_as_in_the_trace() -> None:
    assert filled_in(model(), TEXT, None, [4, 3]) == filled_in(model(), TEXT, None, [3, 4])
    [alone] = filled_in(model(), TEXT, None, [2])
    trace = model().trace(TEXT, hide=[2])
    assert [(alone.best, alone.best_probability)] == trace.predictions(2, 1)


def test_other_changes_stay_in_force() -> None:
    found = filled_in(model(), TEXT, None, [2], hide=[3], temperature=2.0)
    trace = model().trace(TEXT, hide=[2, 3], temperature=2.0)
    assert [(guess.best, guess.best_probability) for guess in found] == trace.predictions(2, 1)


def test_what_the_vocabulary_does_not_have_has_no_right_answer() -> None:
    tokens, _ = model().tokenizer.encode(TEXT, PAIR)
    places = [place for place, token in enumerate(tokens) if token.text in ("檬", "🍋")]
    assert [guess.known for guess in filled_in(model(), TEXT, PAIR, places)] == [True, False]


def test_networks_of_others_fill_in_the_same_way() -> None:
    other = HubTextModel(hub_networks.network("BertForMaskedLM"), hub_networks.word_pieces())
    text = "the cat eats fish"
    places = [1, 2]
    first, second = filled_in(other, text, None, places)
    before = other.trace(text, hide=places)
    assert [(first.best, first.best_probability)] == before.predictions(1, 1)
    row = other.vocabulary.index(first.best)
    after = other.trace(text, hide=[2], written={1: row})
    assert [(second.best, second.best_probability)] == after.predictions(2, 1)


@pytest.mark.parametrize(("written", "said"), [({99: 5}, "position 99"), ({1: 10**6}, "row 1000000")])
def test_only_what_exists_can_be_written(written: dict[int, int], said: str) -> None:
    with pytest.raises(ControlError, match=said):
        model().trace(TEXT, written=written)


def test_only_what_goes_on_a_word_is_joined() -> None:
    assert written_together(["ch", "##asing"]) == "chasing"
    assert written_together(["柠", "檬"]) == "柠檬"
    assert written_together(["small", "dog", "dog"]) == "small · dog · dog"
    assert written_together(["车", "ai"]) == "车 · ai"
    assert written_together(["##ing"]) == "##ing"
