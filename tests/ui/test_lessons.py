"""Lessons, run without a browser: every scene of every story in both languages."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_image, load_vision_model
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from tests.ui.driver import ROOT, charts, opened, run
from ui.i18n import LANGUAGES, Language, catalogue
from ui.lessons import Lesson, lessons


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


def test_what_the_story_of_the_mask_says_of_this_network_is_so() -> None:
    life = registry.scores("vision")["life"]["cbam"]["stages"]
    assert [name for name, found in life.items() if found["masks"]["follows"] == "object"] == ["stage4"]
    rocket = load_vision_model("cbam").trace(load_image(sample_photo("rocket")))
    [(entry, probability)] = rocket.top(1)
    assert entry.en == "obelisk" and probability > 0.5
    unknown = registry.scores("vision")["builds"]["cbam"]["unknown"]
    assert 0.5 < unknown["either_outside"] < 1  # many, but not all
