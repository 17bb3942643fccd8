"""Translations in batches, the word-by-word dictionary, and cross-attention as alignment, on small cases."""

from __future__ import annotations

import pytest
import torch

from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from tests.training.test_alignment import sentence
from training import alignment, translator_scores
from training.text_data import Sentences
from training.translator_scores import Dictionary, cross_alignment_scores, cross_matrices, quality, translate


@pytest.fixture
def translator(tokenizer: Tokenizer) -> Translator:
    torch.manual_seed(0)
    config = TranslatorConfig(len(tokenizer.vocabulary), 16, (2,), (4, 2), (1, 2), feed_forward=32, positions=24)
    built = Translator(config, tokenizer).eval().requires_grad_(False)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built


def test_many_at_once_say_what_each_says_alone(translator: Translator) -> None:
    texts = ["我 吃", "猫", "书 狗 鱼 吃 我", "a b"]
    counted: list[int] = []
    together = translate(translator, texts, "en", counted.append)
    assert sum(counted) == len(texts)
    for text, said in zip(texts, together, strict=True):
        *_, last = translator.write(text, into="en")  # the limit of the batch, 2 · 7 + 10, is beyond the network's own
        assert last.text == said


def test_the_dictionary_takes_the_word_that_is_there_whenever_the_other_is(translator: Translator) -> None:
    pairs = [
        Sentences("I eat fish", "我吃鱼"),
        Sentences("I eat", "我吃"),
        Sentences("fish swim", "鱼游泳"),
        Sentences("I swim", "我游泳"),
    ]
    dictionary = Dictionary(pairs)
    assert dictionary.translate(translator, "我吃鱼", "en") == "I eat fish"
    assert dictionary.translate(translator, "fish swim", "zh") == "鱼游泳"
    assert dictionary.translate(translator, "我看书", "en") == "I看书"  # not known: as it is


def test_what_is_said_word_for_word_has_full_marks() -> None:
    assert quality(["我吃柠檬和鱼。"], ["我吃柠檬和鱼。"], "zh") == {"bleu": 100.0, "chrf": 100.0}
    assert quality(["The dog eats."], ["A cat sleeps there now."], "en")["bleu"] < 20


def test_the_two_rows_of_a_token(translator: Translator) -> None:
    pair = alignment.aligned(sentence("a", "b", "c"), sentence("猫", "鱼", gap=""), {"1": ["1"]})
    into_en, into_zh = translator.trace("猫鱼", "a b c", into="en"), translator.trace("a b c", "猫鱼", into="zh")
    wrote, written = list(cross_matrices(translator, pair))[:2]
    weights = into_en.cross[0].weights[0]  # rows [en] a b c, columns [CLS] 猫 鱼 [SEP]
    assert torch.allclose(wrote[0], weights[:, 0:3, 1:3])
    assert torch.allclose(written[0], weights[:, 1:4, 1:3])
    weights = into_zh.cross[0].weights[0]
    assert torch.allclose(wrote[1], weights[:, 0:2, 1:4].mT)
    assert torch.allclose(written[1], weights[:, 1:3, 1:4].mT)


def test_the_best_head_is_named_with_its_row(translator: Translator) -> None:
    pair = alignment.aligned(sentence("a", "b"), sentence("猫", "鱼", gap=""), {"1": ["1"], "2": ["2"]})
    scores = cross_alignment_scores(translator, [pair])
    assert set(scores["heads"]) == set(translator_scores.ROWS)
    assert [len(row) for row in scores["heads"]["wrote"]] == [1, 2]
    best = scores["best"]
    assert best["rows"] in translator_scores.ROWS
    listed = scores["heads"][best["rows"]][best["layer"]][best["head"]]
    assert listed[best["direction"]] == pytest.approx(best["score"])
