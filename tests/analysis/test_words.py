"""Words from tokens, and attention between them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.words import (
    Word,
    is_chinese,
    single_tokens,
    word_matrix,
    word_weights,
    words,
)
from attention_core.errors import ShapeError
from attention_core.models.text import TextModel, TextTrace

SENTENCE, PAIR = "小狗在草地上追一只红色的球。", "A puppy is chasing a red ball on the grass."


@cache
def trace(text: str, pair: str | None = None) -> TextTrace:
    return model().trace(text, pair)


@cache
def model() -> TextModel:
    return load_text_model()


def texts(found: list[Word]) -> list[str]:
    return [word.text for word in found]


def test_characters_and_pieces_become_words() -> None:
    found = words(trace("我吃柠檬", "I eat lemons."))
    assert texts(found) == ["[CLS]", "我", "吃", "柠檬", "[SEP]", "I", "eat", "lemons", ".", "[SEP]"]
    assert [word.segment for word in found] == [0] * 5 + [1] * 5
    assert [word.special for word in found] == [True, False, False, False, True, *[False] * 4, True]
    assert found[3].tokens == (3, 4)
    assert texts(words(trace(SENTENCE, PAIR)))[11:] == ["[SEP]", *PAIR[:-1].split(), ".", "[SEP]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("學校裡有檸檬", ["學校", "裡", "有", "檸檬"]),  # traditional characters, shown as typed
        ("他在北京大学，Python很流行", ["他", "在", "北京大学", "，", "Python", "很", "流行"]),
        ("The lemonade", ["The", "lemonade"]),
        ("🍋 !", ["[🍋]", "!"]),  # the vocabulary does not have it
        ("I love 🍋🍋 lemons", ["I", "love", "[🍋🍋]", "lemons"]),
    ],
)
def test_words_are_as_typed(text: str, expected: list[str]) -> None:
    assert texts(words(trace(text)))[1:-1] == expected


@pytest.mark.parametrize(
    ("text", "pair"),
    [(SENTENCE, PAIR), ("柠檬" * 200, "lemon " * 300), ("a\ud800柠檬 T恤", None), ("$x$ <b>", "卡拉OK")],
)
def test_every_token_is_in_one_word(text: str, pair: str | None) -> None:
    traced = trace(text, pair)
    found = words(traced)
    assert [position for word in found for position in word.tokens] == list(range(len(traced.tokens)))
    assert all(len(word.tokens) == 1 for word in found if word.special)
    for word in found:
        assert {traced.tokens[i].segment for i in word.tokens} == {word.segment}
    assert [word.tokens for word in single_tokens(traced)] == [(i,) for i in range(len(traced.tokens))]


def test_weights_between_words_by_hand() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.1, 0.3], [0.0, 0.0, 0.6, 0.4], [1.0, 0.0, 0.0, 0.0]])
    grouped = [Word("ab", 0, False, (0, 1)), Word("c", 0, False, (2,)), Word("d", 0, False, (3,))]
    expected = torch.tensor([[0.45, 0.2, 0.35], [0.0, 0.6, 0.4], [1.0, 0.0, 0.0]])
    assert torch.allclose(word_weights(weights, grouped), expected)


def test_rows_still_sum_to_one_and_single_tokens_change_nothing() -> None:
    traced = trace(SENTENCE, PAIR)
    for layer in traced.layers:
        between = word_weights(layer.weights, words(traced))
        assert between.shape == (1, layer.weights.shape[1], len(words(traced)), len(words(traced)))
        assert torch.allclose(between.sum(dim=-1), torch.ones(()), atol=1e-5)
        assert (between >= 0).all()
        assert torch.equal(word_weights(layer.weights, single_tokens(traced)), layer.weights)


def test_words_that_do_not_cover_the_tokens_are_refused() -> None:
    with pytest.raises(ShapeError, match="1 tokens; expected each of the 2"):
        word_weights(torch.eye(2), [Word("a", 0, False, (0,))])


def test_word_matrix_sums_to_a_word_and_averages_from_it() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.1, 0.3], [0.0, 0.0, 0.6, 0.4], [1.0, 0.0, 0.0, 0.0]])
    rows = torch.tensor([0, 0, 1, -1])
    columns = torch.tensor([-1, 0, 1, 1])
    expected = torch.tensor([[0.15, 0.55], [0.0, 1.0], [0.0, 0.0]])
    assert torch.allclose(word_matrix(weights, rows, columns, 3, 2), expected)


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("我吃柠檬", True),
        ("I eat lemons.", False),
        ("我用Python写代码", True),
        ("I love 北京", False),
        ("123 🍋", False),
    ],
)
def test_the_language_of_a_sentence(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


def test_the_segmenter_is_quiet_and_shared_by_threads() -> None:
    code = "from attention_core.analysis.words import _chinese_words; print(_chinese_words('我吃柠檬'))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[0, 1, 2, 2]", "")
    traced = trace(SENTENCE, PAIR)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(words, [traced] * 64))
    assert all(one == found[0] for one in found)
