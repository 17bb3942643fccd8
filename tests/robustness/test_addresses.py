"""Whatever stands in the address: junk gives way to the default with one calm line, and nothing breaks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from tests.browser.driver import leave, open_page, settle
from tests.robustness.hosting import Hosted
from tests.robustness.texts import MARKUP
from tests.ui.driver import ROOT, run
from ui.i18n import LANGUAGES, Language, catalogue
from ui.shell import settings, url_state

# Links that open what the bare page leaves closed, and with it values of their own.
OPENED: dict[str, tuple[dict[str, str], ...]] = {
    "self_attention": ({"view": "hand"}, {"present": "1"}, {"lesson": "scale"}),
    "squeeze_excitation": ({"photo": "camera"},),
    "photo_what_if": ({"build": "se"}, {"photo_if": "stage2.top8"}),
}
VISITS = [
    (page, link)
    for page in sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
    for link in ({}, *OPENED.get(page, ()))
]
TEXTS = {"s", "p"}  # which any text may be
NUMBERS = ("99999999999999999999", "9" * 4000)
# What more than its own words a value takes: a frame beyond the last; no other heads.
MORE = {"frame": NUMBERS, "heads": ("",)}
# No value of anything: neither a number in range, nor a word of this app.
JUNK = (
    *("", " ", "-1", "1e999", "nan", "0x1", "1;2", "[]", "{}", "None", "null", *NUMBERS, "9" * 5000 + "."),
    *("../../etc/passwd", "%00", "\x00", "\u202e\u200b", "🍋", "键", "A" * 3000, "$x$", "[a](https://example.org)"),
    *(MARKUP[0], "' OR 1=1 --", "stage99", "-", ",", ".", "_", "hide-99999_tau-0", "q:9,9=nan", "stage2.top99999"),
)


@pytest.fixture(autouse=True)
def only_what_ships(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name of the hub may be any word: it would be asked for."""
    monkeypatch.setenv("ATTENTION_MODELS", settings.OFF)
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()


def visited(page: str, link: dict[str, str]) -> AppTest:
    """A fresh visitor's page, as this link opens it."""
    app = AppTest.from_file(str(ROOT / "ui" / "shell" / "frame.py"), default_timeout=120)
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    for key, value in link.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, (page, link, app.exception[0].value)
    return app


def state(app: AppTest) -> dict[str, str]:
    """What the page has bound, as the link says it once the page has run."""
    return {key: value[0] if isinstance(value, list) else value for key, value in dict(app.query_params).items()}


def notices(app: AppTest, language: Language = "en") -> list[str]:
    """What is said of the link."""
    begin = catalogue(language)["frame.bad_link"].split("{")[0]
    return [info.value for info in app.info if info.value.startswith(begin)]


def altered(chance: random.Random, value: str) -> str:
    """A value as a slip of the hand leaves it: signs struck out, put in, or exchanged."""
    signs = list(value)
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(signs))
        signs[place : place + chance.randint(0, 2)] = chance.sample(
            "0123456789-_.,:;= aéz键\u0663\uff11", chance.randint(0, 2)
        )
    return "".join(signs)


def named(part: str | dict[str, str]) -> str:
    """The name of a test."""
    return part if isinstance(part, str) else urlencode(part) or "bare"


@pytest.mark.parametrize(("page", "link"), VISITS, ids=named)
def test_every_value_takes_what_it_knows_and_refuses_the_rest(
    page: str, link: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the page runs, each value that it binds is given all the junk, and its own default with slips."""
    put, chance, bound, taken = url_state.put, random.Random(page), set[str](), set[tuple[str, str]]()

    def tried(key: str, default: Any, parse: Callable[[str], Any]) -> Any:
        bound.add(key)
        for raw in (*JUNK, *(altered(chance, str(default)) for _ in range(100))):
            with suppress(KeyError, ValueError):
                value = parse(raw)
                assert parse(str(value)) == value, "what the link then says opens something else"
                if raw in JUNK:
                    taken.add((key, raw))
        return put(key, default, parse)

    monkeypatch.setattr(url_state, "put", tried)
    default = state(visited(page, {"lang": "en", **link}))
    assert default.keys() <= bound and default.items() >= link.items()
    assert {(key, raw) for key, raw in taken if key not in TEXTS and raw not in MORE.get(key, ())} == set()


@pytest.mark.parametrize(("page", "link"), [visit for visit in VISITS if "lesson" not in visit[1]], ids=named)
def test_junk_gives_way_to_the_default_and_is_named(page: str, link: dict[str, str]) -> None:
    """All values of the page at once, but those that open the rest."""
    default = state(visited(page, {"lang": "en", **link}))
    spoilt = sorted({*default} - {"lang", *link} - TEXTS)
    junk = random.Random(page).sample([raw for raw in JUNK if raw not in MORE["heads"]], len(spoilt))
    app = visited(page, {**default, **link, **dict(zip(spoilt, junk, strict=True))})
    assert state(app) == default
    if default["present"] == "1":
        assert notices(app) == []
        return
    [notice] = notices(app)
    assert [key for key in spoilt if f"{key} = “" not in notice] == []
    assert "\n" not in notice and "\x00" not in notice and len(notice) < 120 + 100 * len(spoilt)


@pytest.mark.parametrize("junk", JUNK[::3])
def test_a_text_is_read_or_refused_and_the_page_lives(junk: str) -> None:
    app = visited("head_view", {"lang": "en", "s": junk, "p": junk})
    assert notices(app) == []
    assert app.get("bidi_component") or app.error


def test_a_junk_lesson_is_none() -> None:
    app = visited("self_attention", {"lang": "en", "lesson": "../scale", "scene": "9"})
    assert "scene" not in state(app) and state(app)["lesson"] == "none"
    assert "lesson = “" in notices(app)[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_names_each_part_in_one_line(language: Language) -> None:
    app = visited("cbam", {"lang": language, "opacity": "2", "stage": "*stage*9", "present": "0"})
    [notice] = notices(app, language)
    assert "opacity = “2”" in notice and r"stage = “\*stage\*9”" in notice
    assert notice.startswith({"en": "Not understood in the link", "zh": "链接中有无法识别的部分"}[language])
    assert notices(run(app), language) == []


def test_a_junk_language_is_that_of_the_browser() -> None:
    app = visited("home", {"lang": "tlh"})
    assert state(app)["lang"] == "en"
    assert "lang = “tlh”" in notices(app)[0]


def test_what_no_page_knows_is_dropped() -> None:
    app = visited("home", {"lang": "en", "utm_source": "mail", "_url_sent": "x", "__proto__": "x"})
    assert state(app) == state(visited("home", {"lang": "en"}))
    assert notices(app) == []


@pytest.mark.browser
def test_the_notice_leaves_with_the_first_change(browser: Browser, host: Hosted) -> None:
    """Where the change draws only a part of the page, too."""
    link = "stage=[a](https://example.org) www.example.org&order=a@example.org&opacity=2"
    page = open_page(browser, f"{host.address}/cbam?lang=en&{link}", locale="en-GB")
    notice = page.locator('[data-testid="stAlert"]', has_text="Not understood in the link")
    expect(notice).to_have_count(1)
    said = notice.inner_text().replace("\u2060", "")
    assert "stage = “[a](https://example.org) www.example.org”, order = “a@example.org”, opacity = “2”" in said
    expect(notice.locator("a")).to_have_count(0)
    page.locator(".st-key-stretch label").first.click()
    settle(page)
    page.wait_for_url("**stretch=True**")
    expect(notice).to_have_count(0)
    leave(page)
