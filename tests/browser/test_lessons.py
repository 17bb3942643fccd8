"""The stories in the browser: from a link to the last scene, in both languages, by the buttons alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import in_link, leave, open_page, settle
from ui.i18n import LANGUAGES, Language, catalogue
from ui.stage.lessons import Lesson, lessons

pytestmark = pytest.mark.browser


def press(page: Page, name: str) -> None:
    page.locator(".st-key-lesson").get_by_role("button", name=name).click()


def expect_steps(page: Page, numbers: list[int]) -> None:
    """That these of the page's steps are on the screen, and no others."""
    steps = page.locator('[class*="st-key-step-"]:visible')
    expect(steps).to_have_count(len(numbers))  # the rule that hides the others comes by itself
    names = steps.evaluate_all(
        "all => all.map(step => [...step.classList].find(name => /^st-key-step-\\d+$/.test(name)))"
    )
    assert names == [f"st-key-step-{number}" for number in numbers]


def walk(page: Page, lesson: Lesson, language: Language) -> None:
    """From the first scene, which is open, to the last."""
    words = catalogue(language)
    panel = page.locator(".st-key-lesson")
    for number, scene in enumerate(lesson.scenes):
        expect(panel).to_contain_text(f"{number + 1} / {len(lesson.scenes)}")
        assert page.url.split("?")[0].endswith(f"/{scene.page}")
        if scene.question:
            expect(panel.get_by_text(scene.question, exact=True)).to_be_visible()
            expect(page.locator(".js-plotly-plot")).to_have_count(0)
            panel.get_by_text(scene.options[0], exact=True).click()
            press(page, words["lessons.reveal"])
        expect(page.locator(".js-plotly-plot:visible, table:visible").first).to_be_visible()
        if scene.focus:
            expect_steps(page, list(scene.focus))
        if number + 1 < len(lesson.scenes):
            press(page, words["lessons.next"])
    expect(panel.get_by_role("button", name=words["lessons.next"])).to_have_count(0)


@pytest.mark.parametrize("name", lessons("zh"))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_runs_from_its_link_to_its_last_scene(
    browser: Browser, server: str, language: Language, name: str
) -> None:
    lesson = lessons(language)[name]
    page = open_page(browser, f"{server}/{lesson.scenes[0].page}?lang={language}&lesson={name}", width=1280)
    walk(page, lesson, language)
    leave(page)


def test_the_list_opens_a_story_and_the_story_leads_back(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/lessons?lang=en", width=390)
    page.locator(".st-key-open-hidden button").click()
    settle(page)
    lesson = lessons("en")["hidden"]
    expect(page.locator(".st-key-lesson")).to_contain_text(lesson.title)
    in_link(page, "lesson=hidden")
    press(page, catalogue("en")["lessons.leave"])
    settle(page)
    assert page.url.split("?")[0].endswith("/lessons")
    assert "lesson=" not in page.url
    leave(page)


def test_the_whole_page_can_be_had(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&lesson=scale")
    expect_steps(page, [4, 5])
    page.locator(".st-key-lesson-whole-0 label").click()
    expect_steps(page, [1, 2, 3, 4, 5, 6, 7])
    leave(page)


def test_the_reveal_of_the_former_scene_counts_for_the_one_on_the_screen(browser: Browser, server: str) -> None:
    """While a scene comes, the browser still shows the former one's button: a quick click must not be lost."""
    lesson, words = lessons("en")["wrong-mask"], catalogue("en")
    page = open_page(browser, f"{server}/cbam?lang=en&lesson=wrong-mask")
    panel = page.locator(".st-key-lesson")
    assert lesson.scenes[0].question and lesson.scenes[1].question
    press(page, words["lessons.next"])
    expect(panel).to_contain_text("2 / 3")
    press(page, words["lessons.reveal"])  # at once, on what stands there
    settle(page)
    expect(panel.get_by_role("button", name=words["lessons.reveal"])).to_be_disabled()
    expect(page.locator(".js-plotly-plot:visible, table:visible").first).to_be_visible()
    leave(page)


def test_next_is_not_lost_when_reveal_is_pressed_in_the_same_breath(browser: Browser, server: str) -> None:
    words = catalogue("en")
    page = open_page(browser, f"{server}/cbam?lang=en&lesson=wrong-mask")
    panel = page.locator(".st-key-lesson")
    page.evaluate(
        "names => names.forEach(name => [...document.querySelectorAll('.st-key-lesson button')]"
        ".find(button => button.innerText.includes(name)).click())",
        [words["lessons.next"], words["lessons.reveal"]],
    )
    expect(panel).to_contain_text("2 / 3")
    leave(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_on_the_stage_needs_only_keys(browser: Browser, server: str, language: Language) -> None:
    lesson = lessons(language)["scale"]
    page = open_page(browser, f"{server}/self_attention?lang={language}&lesson=scale&present=1")
    panel = page.locator(".st-key-lesson")
    here = page.locator('.presenter-dot[aria-current="step"]')
    for number, scene in enumerate(lesson.scenes):
        expect(panel).to_contain_text(f"{number + 1} / {len(lesson.scenes)}")
        expect(panel).to_be_visible()
        expect(here).to_have_attribute("data-name", "step-0")
        if scene.question:
            expect(panel.get_by_text(scene.question, exact=True)).to_be_visible()
            page.keyboard.press("Space")
            expect(panel).to_contain_text(scene.after[:10])
        settle(page)
        dots = page.locator(".presenter-dot").evaluate_all("all => all.map(dot => dot.dataset.name)")
        assert dots == [f"step-{step}" for step in (0, *scene.focus)]
        for step in scene.focus:
            page.keyboard.press("ArrowRight")
            expect_steps(page, [step])
            shown = page.locator(f".st-key-step-{step}").locator(".js-plotly-plot, table")
            expect(shown.first).to_be_visible()
            expect(page).to_have_url(re.compile(rf"[?&]step={step}(&|$)"))
        page.keyboard.press("ArrowRight")
    expect_steps(page, [lesson.scenes[-1].focus[-1]])  # the last scene has no next one
    for _ in (*lesson.scenes[-1].focus, "and to the scene before"):
        page.keyboard.press("ArrowLeft")
    expect(panel).to_contain_text(f"{len(lesson.scenes) - 1} / {len(lesson.scenes)}")
    expect(panel).to_be_visible()
    leave(page)


def test_a_line_on_another_page_leads_back(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&lesson=scale&scene=2")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=catalogue("en")["cbam.title"]).click()
    waiting = page.locator(".st-key-lesson-waiting")
    expect(waiting).to_contain_text(lessons("en")["scale"].title)
    settle(page)
    waiting.get_by_role("button", name=catalogue("en")["lessons.resume"]).click()
    expect(page.locator(".st-key-lesson")).to_contain_text("2 / 3")
    assert page.url.split("?")[0].endswith("/self_attention")
    leave(page)
