"""The story of two sentences in one head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from attention_core import load_text_model
from attention_core.analysis.alignment import strongest_links
from attention_core.analysis.guesses import Guess, filled_in
from attention_core.analysis.words import alone, single_tokens, words
from attention_core.models import registry
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel, TextTrace
from attention_core.stories.story import Folded, Story, Table, as_data
from attention_core.stories.two_sentences import Hidden, read_pair, two_sentences_story
from attention_core.words import Say, spoken
from tests.models.hub_networks import network, word_pieces
from tests.stories.reading import seen, written

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."


@pytest.fixture(scope="module")
def trace() -> TextTrace:
    return load_text_model().trace(SENTENCE, PAIR)


@pytest.fixture(scope="module")
def foreign() -> HubTextModel:
    return HubTextModel(network("BertForMaskedLM"), word_pieces())


def guesses(model: TextModel | HubTextModel, trace: TextTrace, number: int) -> Hidden:
    word = words(trace)[number]
    own, positions = alone(trace, word)
    return Hidden(
        word.text, filled_in(model, trace.text, trace.pair, word.tokens), filled_in(model, own, None, positions)
    )


def told(trace: TextTrace, layer: int = 1, head: int = 0, *, least: float = 0.1, product: bool = True) -> Story:
    pair = read_pair(trace, layer, head, words(trace))
    return two_sentences_story(pair, least=least, product=product, measured=registry.scores("text"))


def test_it_is_told_of_the_network_that_ships_and_of_another(trace: TextTrace, foreign: HubTextModel) -> None:
    shipped = two_sentences_story(
        read_pair(trace, 1, 0, words(trace)),
        measured=registry.scores("text"),
        hidden=guesses(load_text_model(), trace, 3),
    )
    pages = written(shipped)
    assert all("eflomal" in page and "柠檬" in page for page in pages.values())
    other = foreign.trace("the cat", "a fish")
    hidden = guesses(foreign, other, 1)
    story = two_sentences_story(read_pair(other, 1, 2, single_tokens(other)), hidden=hidden, product=False)
    pages = written(story)
    assert not any("eflomal" in page for page in pages.values())
    assert [step.absent is not None for step in story.steps] == [False, False, True, False]
    assert len(two_sentences_story(read_pair(other, 1, 2, words(other))).steps) == 3


@pytest.mark.parametrize("product", [True, False])
def test_links_and_matrices_are_those_of_the_trace(trace: TextTrace, product: bool) -> None:
    story = told(trace, product=product)
    links, matrices = story.steps[0], story.steps[1].arrays
    weights = trace.layers[1].weights[0, 0].numpy()
    first, second = ([2], [3, 4]), ([7], [8, 9])  # 吃 · 柠檬; eat · lemons
    forth = weights[np.ix_(first[1], second[1])].sum(axis=1).mean()
    np.testing.assert_allclose(matrices["forth"][2, 2], forth, rtol=1e-5)
    back = weights[np.ix_(second[1], first[1])].sum(axis=1).mean()
    np.testing.assert_allclose(matrices["back"][2, 2], back, rtol=1e-5)
    np.testing.assert_allclose(matrices["product"], matrices["forth"] * matrices["back"], rtol=1e-5)
    for name in ("forth", "back"):
        np.testing.assert_array_equal(links.arrays[name], matrices["product" if product else name])
    found = strongest_links(*(torch.from_numpy(links.arrays[name]) for name in ("forth", "back")), 0.1)
    given = links.figures["alignment"].given
    assert (set(given["forth"]), set(given["back"])) == (found.forth, found.back)
    assert set(given["strengths"]) == found.forth | found.back


def test_other_weights_make_another_story(trace: TextTrace) -> None:
    layers = list(trace.layers)
    layers[1] = replace(layers[1], weights=layers[1].weights.roll(1, dims=-1))
    changed = replace(trace, layers=tuple(layers))
    same = [as_data(a) == as_data(b) for a, b in zip(told(trace).steps, told(changed).steps, strict=True)]
    assert same == [False, False, True]
    assert as_data(told(trace, 0)) == as_data(told(changed, 0))


def test_what_is_said_of_links_holds(trace: TextTrace) -> None:
    assert "strongest partner" in seen(told(trace), "two_sentences.links")
    product = told(trace).steps[1].arrays["product"]
    a, b = np.unravel_index(product.argmax(), product.shape)
    strongest = f"between “{['我', '吃', '柠檬'][a]}” and “{['I', 'eat', 'lemons', '.'][b]}”"
    assert strongest in seen(told(trace), "two_sentences.links")
    assert "left out" not in seen(told(trace, least=0), "two_sentences.links")
    none = told(trace, least=1)
    assert "No link reaches 100%" in seen(none, "two_sentences.links")
    assert not none.figures["alignment"].given["strengths"]
    assert "“lemons”" in written(none)["en"]  # among those without a partner


def test_a_long_sentence_keeps_its_table_folded_and_its_matrices_large(trace: TextTrace) -> None:
    for text, is_open in ((SENTENCE, True), (SENTENCE * 9, False)):
        story = told(load_text_model().trace(text, PAIR))
        [table] = [block for block in story.steps[0].blocks if isinstance(block, Folded)]
        assert table.is_open == is_open
    assert type(story.steps[1].blocks[0]).__name__ == "Grouped"


def test_a_baseline_that_was_not_measured_is_neither_drawn_nor_spoken_of(trace: TextTrace) -> None:
    scores = registry.scores("text")
    fewer = {**scores, "alignment": {key: value for key, value in scores["alignment"].items() if key != "eflomal"}}
    story = two_sentences_story(read_pair(trace, 1, 0, words(trace)), measured=fewer)
    assert "eflomal" not in seen(story, "two_sentences.score")
    assert len(story.steps[2].arrays["scores"]) == 6


def test_a_hidden_word_is_described_by_its_guesses() -> None:
    def story(*guesses: Guess) -> Story:
        trace = load_text_model().trace(SENTENCE, PAIR)
        return two_sentences_story(read_pair(trace, 1, 0, words(trace)), hidden=Hidden("lemons", guesses, guesses))

    pieces = story(Guess("lemon", 0.5, "fish", 0.6), Guess("##s", 0.25, "##s", 0.7))
    assert "left to right" in seen(pieces, "two_sentences.guess")
    assert "12.5%" in written(pieces)["zh"]  # of the whole word
    np.testing.assert_array_equal(pieces.steps[3].arrays["with"], [0.5, 0.25])
    one = story(Guess("[UNK]", 0.5, "fish", 0.6))
    assert "left to right" not in seen(one, "two_sentences.guess")
    [table] = [block for block in one.steps[3].blocks if isinstance(block, Table)]
    assert table.rows[0][2] == "–"
    assert "nothing can be right" in seen(one, "two_sentences.guess")
    assert spoken(Say("words.percent", {"share": 0.125}), "en") == "12.5%"


@pytest.mark.parametrize("number", range(1, 9))
def test_a_word_is_found_in_its_sentence_alone(trace: TextTrace, number: int) -> None:
    word = words(trace)[number]
    own, positions = alone(trace, word)
    assert own == (SENTENCE, PAIR)[word.segment]
    by_itself = load_text_model().trace(own)
    assert [by_itself.tokens[place].text for place in positions] == [trace.tokens[place].text for place in word.tokens]
