"""Lessons, run without a browser: every scene of every story in both languages."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor

from attention_core import load_image, load_text_model, load_vision_model
from attention_core.analysis.alignment import Links, pair_attention, strongest_links
from attention_core.analysis.head_roles import outstanding_heads
from attention_core.analysis.masks import causal_mask
from attention_core.analysis.stages import channel_weights
from attention_core.analysis.words import word_weights, words
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.models.text import TextTrace
from tests.ui.driver import ROOT, charts, opened, run
from ui.i18n import LANGUAGES, Language, catalogue
from ui.stage.lessons import Lesson, lessons
from ui.text.two_sentences import USUAL


def scene_of(lesson: Lesson, number: int, language: Language, **query: str) -> AppTest:
    """A scene as its link opens it."""
    link = {"lesson": lesson.name, "scene": str(number + 1), **query}
    return opened(lesson.scenes[number].page, language, **link)


def said(app: AppTest, key: str) -> str:
    """A value of the address: the test runner gives one or a list of one."""
    value = app.query_params[key]
    return value if isinstance(value, str) else "".join(value)


def press(app: AppTest, label: str) -> AppTest:
    (button,) = (button for button in app.button if button.label == label)
    return run(button.click())


def test_both_languages_tell_the_same_stories() -> None:
    chinese, english = lessons("zh"), lessons("en")
    assert list(chinese) == list(english)
    assert len(chinese) >= 6
    for name, lesson in chinese.items():
        for ours, theirs in zip(lesson.scenes, english[name].scenes, strict=True):
            assert (ours.page, ours.focus, ours.role) == (theirs.page, theirs.focus, theirs.role)
            assert set(ours.link) == set(theirs.link)
            assert bool(ours.question) == bool(theirs.question) == bool(ours.options)
            assert len(ours.options) == len(theirs.options)
            assert (ROOT / "pages" / f"{ours.page}.py").exists()


@pytest.mark.parametrize("name", lessons("zh"))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_from_its_link_to_its_last_scene(language: Language, name: str) -> None:
    lesson, words = lessons(language)[name], catalogue(language)
    app = scene_of(lesson, 0, language)
    for number, scene in enumerate(lesson.scenes):
        shown = [block.value for block in app.markdown]
        assert scene.text in shown
        if scene.question:
            assert app.radio(key=f"lesson-{name}-{number}-answer").options == list(scene.options)
            assert not charts(app)
            assert scene.after not in shown
            app = press(app, words["lessons.reveal"])
        assert charts(app)
        assert not [
            notice.value for notice in app.info if notice.icon == ":material/link:"
        ]  # values that the page cannot use
        assert scene.after in [*(block.value for block in app.markdown), ""]
        for key, value in scene.link.items():
            assert said(app, key) == str(value)
        if number + 1 < len(lesson.scenes):
            # The test runner does not follow a script to another page; the browser tests do.
            stays = lesson.scenes[number + 1].page == scene.page
            app = press(app, words["lessons.next"]) if stays else scene_of(lesson, number + 1, language)
    assert words["lessons.next"] not in [button.label for button in app.button]


def test_what_somebody_changes_in_a_scene_stays() -> None:
    lesson = lessons("en")["scale"]
    app = scene_of(lesson, 0, "en")
    app.session_state["q"] = 2
    app.run()
    assert said(app, "q") == "2"
    again = scene_of(lesson, 0, "en", q="3")  # and what a link says comes before what the scene says
    assert said(again, "q") == "3"


def test_the_next_scene_takes_nothing_along() -> None:
    lesson, words = lessons("en")["scale"], catalogue("en")
    app = press(scene_of(lesson, 1, "en"), words["lessons.reveal"])
    assert said(app, "whatif") == "unscaled"
    app = press(app, words["lessons.back"])
    assert said(app, "whatif") == "none"


def test_another_language_brings_its_own_sentence() -> None:
    chinese, english = (lessons(language)["scale"].scenes[0] for language in ("zh", "en"))
    app = scene_of(lessons("en")["scale"], 0, "en")
    app.session_state["lang"] = "zh"
    run(app)
    assert said(app, "s") == chinese.link["s"] != english.link["s"]
    assert said(app, "q") == str(chinese.link["q"])
    app.session_state["s"] = "我吃柠檬"
    app.run()
    app.session_state["lang"] = "en"
    run(app)
    assert said(app, "s") == "我吃柠檬"  # one's own stays


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_another_page_a_line_says_that_the_lesson_waits(language: Language) -> None:
    words, lesson = catalogue(language), lessons(language)["scale"]
    app = opened("home", language, lesson="scale", scene="2")
    assert any(words["lessons.waiting"].format(title=lesson.title) in block.value for block in app.markdown)
    assert words["lessons.resume"] in [button.label for button in app.button]
    app = press(app, words["lessons.leave"])
    assert not {"lesson", "scene"} & {*app.query_params}
    assert words["lessons.resume"] not in [button.label for button in app.button]


def test_a_lesson_that_there_is_not_is_a_notice_above_the_page() -> None:
    app = opened("self_attention", lesson="junk")
    assert any("junk" in info.value for info in app.info)
    assert charts(app)


def test_what_the_story_of_se_says_of_this_network_is_so() -> None:
    coffee, cat = (load_vision_model("se").trace(load_image(sample_photo(name))) for name in ("coffee", "cat"))
    first, last = ([channel_weights(trace.stages[at]) for trace in (coffee, cat)] for at in (0, -1))
    assert last[0].min() < 0.1 and last[0].max() > 0.9  # from almost 0 to almost 1
    assert last[0].std() > first[0].std()
    assert ((first[0] > 0.25) & (first[0] < 0.75)).float().mean() > 0.5  # most are moderate
    assert (first[0] - first[1]).abs().max() > 0.01  # another photo, other weights


@cache
def text_trace(text: str, pair: str = "", **controls: Any) -> TextTrace:
    held = {name: list(value) if name == "hide" else value for name, value in controls.items()}
    return load_text_model().trace(text, pair or None, **held)


def scene(language: Language, lesson: str, number: int) -> dict[str, Any]:
    """The link of a scene, its role put in as the page does it."""
    told = lessons(language)[lesson].scenes[number - 1]
    found = dict(told.link)
    if told.role:
        scores = registry.scores("text")
        best = next(role for role in outstanding_heads(scores) if role.kind == told.role)
        found |= {"layer": best.layer, "head": best.head}
    return found


def row(link: dict[str, Any], **controls: Any) -> tuple[TextTrace, Tensor]:
    """The followed row of the scene's head."""
    trace = text_trace(link["s"], link["p"], **controls)
    return trace, trace.layers[link["layer"]].weights[0, link["head"], link["q"]]


def name(trace: TextTrace, place: Tensor) -> str:
    return trace.tokens[int(place)].text


def chance(trace: TextTrace, place: int) -> tuple[float, int]:
    """The probability of the token that stands there, and its rank."""
    probabilities = trace.logits[place].softmax(dim=-1)
    right = probabilities[trace.tokens[place].id]
    return right.item(), int((probabilities > right).sum()) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_story_of_the_scale_says_is_so(language: Language) -> None:
    link = scene(language, "scale", 1)
    trained, usual = row(link)
    unscaled, sharp = row(link, scale=1.0)
    _, flat = row(link, temperature=5.0)
    assert link["layer"] == 0
    layers = [trace.layers[0] for trace in (trained, unscaled)]
    assert torch.equal(layers[0].input, layers[1].input)  # what it reads stays the same
    d = layers[0].query.shape[-1]
    scores = [layer.scores[0, link["head"], link["q"]] for layer in layers]
    torch.testing.assert_close(scores[1], scores[0] * d**0.5, rtol=1e-4, atol=1e-4)  # every score √d times
    assert (usual > 0.1).sum() >= 3  # shared among several
    assert int(sharp.argmax()) == int(usual.argmax()) and sharp.max() > 0.95  # the largest takes more
    assert flat.max() < 2.5 / len(flat)  # close to uniform


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_story_of_the_heads_says_is_so(language: Language) -> None:
    first = scene(language, "heads", 1)
    trace = text_trace(first["s"], first["p"])
    other = torch.tensor([[a.segment != b.segment and not b.special for b in trace.tokens] for a in trace.tokens])
    across = torch.cat([(layer.weights[0] * other).sum(dim=(1, 2)) / len(trace.tokens) for layer in trace.layers])
    assert across.max() > 0.5  # some look into the other sentence
    before, beside = (row(scene(language, "heads", number)) for number in (2, 3))
    place = scene(language, "heads", 2)["q"]
    assert int(before[1].argmax()) == place - 1
    assert name(beside[0], beside[1].argmax()) == {"en": "球", "zh": "ball"}[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_story_of_the_causal_mask_says_is_so(language: Language) -> None:
    _, weights = row(scene(language, "causal", 1))
    assert weights[scene(language, "causal", 1)["q"] + 1 :].sum() > 0.5  # part of it lies to the right
    link = scene(language, "causal", 3)
    place, mask = link["q"], causal_mask(len(text_trace(link["s"]).tokens))
    alone, masked = (chance(text_trace(link["s"], hide=(place,), **c), place)[0] for c in ({}, {"mask": mask}))
    assert alone > 0.5 and masked < 0.1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_story_of_the_lemon_says_is_so(language: Language) -> None:
    def linked(number: int) -> tuple[list[str], list[str], Links]:
        link = scene(language, "lemon", number)
        trace = text_trace(link["s"], link["p"])
        together = words(trace)
        weights = word_weights(trace.layers[link["layer"]].weights[0, link["head"]], together)
        sides = [[word.text for word in together if not word.special and word.segment == s] for s in (0, 1)]
        product = pair_attention(weights, together).product
        return sides[0], sides[1], strongest_links(product, product, USUAL / 100)

    first, second, links = linked(1)
    assert {(first[a], second[b]) for a, b in links.both} >= {
        pair if language == "zh" else pair[::-1] for pair in (("我", "I"), ("吃", "eat"), ("柠檬", "lemons"))
    }
    first, second, links = linked(2)
    pairs = {(first[a], second[b]) for a, b in links.both}
    assert (("grass", "草地") if language == "en" else ("草地", "grass")) in pairs
    assert any(a < c and b > d for a, b in links.both for c, d in links.both)  # lines cross
    left = {first[a] for a in range(len(first)) if a not in {link[0] for link in links.forth | links.back}}
    assert left >= ({"the", "."} if language == "en" else {"的", "。"})
    assert not linked(3)[2].forth


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_story_of_the_hidden_word_says_is_so(language: Language) -> None:
    link = scene(language, "hidden", 3)
    place = link["q"]
    alone, beside = (text_trace(link["s"], pair, hide=(place,)) for pair in ("", link["p"]))
    assert alone.logits[place].softmax(dim=-1).max() < 0.5  # nothing settles it
    assert chance(alone, place)[1] >= 5 and chance(beside, place)[1] == 1
    before, after = row(link)[1], row(link, hide=(place,))[1]
    assert before.max() > 0.9 and after.max() < 0.5


def test_what_the_story_of_the_mask_says_of_this_network_is_so() -> None:
    life = registry.scores("vision")["life"]["cbam"]["stages"]
    assert [name for name, found in life.items() if found["masks"]["follows"] == "object"] == ["stage4"]
    rocket = load_vision_model("cbam").trace(load_image(sample_photo("rocket")))
    [(entry, probability)] = rocket.top(1)
    assert entry.en == "obelisk" and probability > 0.5
    unknown = registry.scores("vision")["builds"]["cbam"]["unknown"]
    assert 0.5 < unknown["either_outside"] < 1  # many, but not all
