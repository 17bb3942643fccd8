"""The head view, run without a browser: what is sent to it."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from attention_core import load_text_model
from attention_core.analysis.links import heaviest_links, share_to
from attention_core.analysis.words import Word, single_tokens, word_weights, words
from attention_core.models.text import TextTrace
from attention_core.words import Listed, Say, plain, spoken
from tests.ui import driver
from tests.ui.test_text_pages import LANGUAGES

SENTENCE, PAIR = "我吃柠檬", "I eat lemons."


@pytest.fixture(scope="module")
def trace() -> TextTrace:
    return load_text_model().trace(SENTENCE, PAIR)


def opened(language: str = "zh", **query: str) -> AppTest:
    return driver.opened("head_view", language, **{"s": SENTENCE, "p": PAIR, "layer": "2", "head": "1", **query})


def sent(app: AppTest) -> dict[str, Any]:
    """The data of the component."""
    [component] = [c for c in app.get("bidi_component") if c.proto.component_name == "head_view"]
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def drawn(head: dict[str, Any], tokens: int) -> torch.Tensor:
    """The weights of a head's drawn links, in their places."""
    unpack = lambda name, kind: np.frombuffer(base64.b64decode(head[name]), dtype=kind)  # noqa: E731
    weights = torch.zeros(tokens, tokens)
    rows, columns = (torch.from_numpy(unpack(name, "<u2").astype(np.int64)) for name in ("queries", "keys"))
    weights[rows, columns] = torch.from_numpy(unpack("weights", "<f4").copy())
    return weights


def check(app: AppTest, tokens: list[Word], weights: torch.Tensor, queries: list[int], keys: list[int]) -> None:
    """weights: (H, T, T) between `tokens`; queries, keys: the shown ones."""
    data = sent(app)
    assert [token["text"] for token in data["tokens"]] == [token.text for token in tokens]
    assert (data["queries"], data["keys"]) == (queries, keys)
    assert len(data["heads"]) == len(weights)
    for head, own in zip(data["heads"], weights, strict=True):
        shown = torch.zeros_like(own)
        shown[np.ix_(queries, keys)] = own[np.ix_(queries, keys)]
        expected = shown * heaviest_links(shown, 0.7) if head["on"] else torch.zeros_like(own)
        assert torch.allclose(drawn(head, len(tokens)), expected)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_links_are_those_of_the_trace(trace: TextTrace, language: str) -> None:
    app = opened(language)
    assert not app.error
    own = [i for i, token in enumerate(trace.tokens) if not token.special]
    check(app, single_tokens(trace), trace.layers[2].weights[0], own, own)
    assert [head["on"] for head in sent(app)["heads"]] == [n == 1 for n in range(8)]
    everything = [i for i, token in enumerate(trace.tokens)]
    app = opened(language, special="shown")
    check(app, single_tokens(trace), trace.layers[2].weights[0], everything, everything)


def test_words_and_one_direction(trace: TextTrace) -> None:
    app = opened(unit="words", between="ab", heads="0.5.99")
    grouped = words(trace)
    first, second = (
        [i for i, word in enumerate(grouped) if not word.special and word.segment == segment] for segment in (0, 1)
    )
    check(app, grouped, word_weights(trace.layers[2].weights[0], grouped), first, second)
    assert [n for n, head in enumerate(sent(app)["heads"]) if head["on"]] == [0, 1, 5]
    assert [n for n, head in enumerate(sent(app)["heads"]) if head["fixed"]] == [1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_drawn_is_said(trace: TextTrace, language: str) -> None:
    app = opened(language)
    special = torch.tensor([token.special for token in trace.tokens])
    share = share_to(trace.layers[2].weights[0, 1], ~special, special).item()
    shares = Say("head_view.head_share", {"head": 2, "share": share})
    facts = {"to_special": True, "to_others": False, "special": Listed([shares]), "others": Listed([])}
    line = spoken(Say("head_view.links.left_out", facts), language, plain)  # type: ignore[arg-type]
    assert line in [caption.value for caption in app.caption]
    app = opened(language, special="shown")
    ending = line.split(".")[-2] if language == "en" else line.split("。")[-2]
    assert ending and not any(ending in caption.value for caption in app.caption)


def test_a_share_of_the_mass_can_be_chosen(trace: TextTrace) -> None:
    counts = []
    for mass in ("30", "70", "100"):
        app = opened(mass=mass)
        counts.append(len(base64.b64decode(sent(app)["heads"][1]["weights"])) // 4)
    own = sum(not token.special for token in trace.tokens)
    assert counts[0] < counts[1] < counts[2] == own * own


def test_a_lone_sentence_has_no_directions_and_junk_gets_a_notice() -> None:
    app = driver.opened("head_view", "zh", s=SENTENCE, between="zz", heads="x.y", mass="71")
    assert not [control for control in app.segmented_control if control.key == "between"]
    [notice] = app.info
    assert "heads" in notice.value and "mass" in notice.value and "between" not in notice.value  # it is not asked for
    assert sent(app)["second"] is None
