"""The app as people use it."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Request, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.driver import (
    ROOT,
    arrive,
    cell_centre,
    in_link,
    leave,
    open_page,
    painted,
    running_server,
    settle,
    until,
)
from ui.i18n import LANGUAGES, Language, catalogue

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


def heading(page: Page, name: str, language: Language) -> Locator:
    """The title of a page."""
    text = catalogue(language)[f"{name}.title" if name else "home.heading"]
    return page.get_by_role("heading", name=text, exact=True)


def labels(page: Page, key: str, axis: str) -> Locator:
    """The labels painted on an axis of the figure with this key."""
    return page.locator(f".st-key-{key} .{axis}tick text")


def type_sentence(page: Page, text: str) -> None:
    field = page.locator(".st-key-s input")
    field.fill(text)
    field.press("Enter")
    settle(page)


def test_a_deep_link_as_the_first_request_shows_the_page(browser: Browser, tmp_path: Path) -> None:
    with running_server(tmp_path) as address:
        page = open_page(browser, f"{address}/cbam?lang=en")
        expect(heading(page, "cbam", "en")).to_be_visible()
        page.wait_for_timeout(1500)
        assert page.get_by_text("Page not found").count() == 0
        assert page.get_by_role("dialog").count() == 0
        leave(page)


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("fr-FR", "en")])
def test_the_language_follows_the_browser_and_is_in_the_link(
    browser: Browser, server: str, locale: str, language: Language
) -> None:
    page = open_page(browser, server, locale=locale)
    expect(heading(page, "", language)).to_be_visible()
    in_link(page, f"lang={language}")
    leave(page)


def test_the_language_can_be_switched_and_stays(browser: Browser, server: str) -> None:
    page = open_page(browser, server, locale="zh-CN")
    page.locator(".st-key-lang").get_by_text("English").click()
    settle(page)
    page.get_by_role("link", name=re.compile("Self-attention$")).click()  # a symbol may stand before it
    settle(page)
    expect(heading(page, "self_attention", "en")).to_be_visible()
    in_link(page, "lang=en")
    page.reload()
    settle(page)
    expect(heading(page, "self_attention", "en")).to_be_visible()
    leave(page)


def test_a_typed_sentence_is_on_the_axes_and_survives_a_reload(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention")
    expect(labels(page, "weights", "y")).to_have_text(["[CLS]", "我", "吃", "柠", "檬", "。", "[SEP]"])
    type_sentence(page, "貓喝牛奶")
    expected = ["[CLS]", "貓", "喝", "牛", "奶", "[SEP]"]
    expect(labels(page, "weights", "y")).to_have_text(expected)
    expect(labels(page, "weights", "x")).to_have_text(expected)
    page.reload()
    settle(page)
    expect(labels(page, "weights", "y")).to_have_text(expected)
    leave(page)


def test_markup_in_a_sentence_is_shown_and_not_run(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention")
    page.evaluate("window.ran = false")
    type_sentence(page, '<img src=x onerror="window.ran=true"> $x$ *y*')
    expect(labels(page, "weights", "y").filter(has_text="<")).to_have_count(1)
    assert page.evaluate("window.ran") is False
    assert page.locator('[data-testid="stException"]').count() == 0
    leave(page)


def test_a_click_on_a_cell_follows_its_row(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?s=我吃柠檬")
    page.mouse.click(*cell_centre(page, "weights", 3, 1))
    settle(page)
    in_link(page, "q=3")
    assert page.locator(".st-key-q [aria-checked=true], .st-key-q [aria-pressed=true]").inner_text() == "柠"
    leave(page)


def test_of_two_equal_tokens_the_one_is_chosen_that_was_clicked(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?lang=en&s=妈妈吃米饭。&p=&q=4")
    tokens = page.locator(".st-key-q [role=radio]")
    for place in (1, 2, 1):
        expect(tokens.nth(place)).to_contain_text("妈")
        tokens.nth(place).click()
        in_link(page, f"q={place}")
        settle(page)
        expect(tokens.nth(place)).to_be_checked()
        expect(tokens.nth(3 - place)).not_to_be_checked()
    page.get_by_text(catalogue("en")["what_if.title"], exact=True).click()
    page.locator(".st-key-what-hide").get_by_text("妈").first.click()
    in_link(page, "whatif=hide-1")
    leave(page)


def test_a_click_on_a_tile_enlarges_that_head(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/multi_head?lang=en")
    painted(page, "all-heads")
    point = page.evaluate(
        """() => {
            const graph = document.querySelector('.st-key-all-heads .js-plotly-plot');
            const layout = graph._fullLayout, box = graph.getBoundingClientRect();
            const marks = graph._fullData.find(trace => trace.mode === 'markers');
            const index = marks.customdata.findIndex(([layer, head]) => layer === 1 && head === 3);
            return [box.left + layout.xaxis._offset + layout.xaxis.d2p(marks.x[index]),
                    box.top + layout.yaxis._offset + layout.yaxis.d2p(marks.y[index])];
        }"""
    )
    page.mouse.click(*point)
    settle(page)
    expect(page.get_by_text("Enlarged: layer 2, head 4")).to_be_visible()
    in_link(page, "layer=1")
    in_link(page, "head=3")
    leave(page)


def test_numbers_in_cells_give_way_where_they_cannot_be_read(browser: Browser, server: str) -> None:
    sentence = "s=the+quick+brown+fox+jumps+over+the+lazy+dog"
    for width, readable in ((1280, True), (390, False)):
        page = open_page(browser, f"{server}/self_attention?lang=en&{sentence}", width=width)
        painted(page, "weights")
        number = page.locator(".st-key-weights .heatmap-label text").first
        expect(number).to_be_visible() if readable else expect(number).to_be_hidden()
        crop = page.locator(".st-key-weights .chart-crop").bounding_box()
        picture = page.locator(".st-key-weights .heatmaplayer").first.bounding_box()
        bar = page.locator(".st-key-weights .cbbg, .st-key-weights .colorbar").first.bounding_box()
        title = page.locator(".st-key-weights .gtitle").bounding_box()
        assert crop and picture and bar and title
        assert 0 <= crop["y"] + crop["height"] - picture["y"] - picture["height"] < 40  # nothing cut off, no empty room
        assert title["y"] + title["height"] <= bar["y"] + 2
        leave(page)


def test_an_edited_number_changes_the_result(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/self_attention?view=hand&lang=en")
    page.locator(".st-key-hand-query .main-svg").first.wait_for(state="attached")
    read = "document.querySelector('.st-key-hand-query .js-plotly-plot').data[0].z"
    before = page.evaluate(f"JSON.stringify({read})")
    box = page.locator(".st-key-hand-wq-0 canvas").first.bounding_box()
    assert box is not None
    # The last column of the first row: 35-pixel rows below a header of the same height.
    page.mouse.dblclick(box["x"] + box["width"] - 40, box["y"] + 35 + 17)
    page.locator("input.gdg-input").wait_for()
    page.wait_for_timeout(600)  # the editor takes no keys while it opens
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    settle(page)
    until(page, f"before => JSON.stringify({read}) !== before", before)
    leave(page)


def stripes() -> bytes:
    """A photo that no sample is: 300×200, coloured stripes."""
    image = Image.new("RGB", (300, 200))
    image.putdata([(x % 60 * 4, y, 255 - y) for y in range(200) for x in range(300)])
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("name", ["squeeze_excitation", "cbam"])
def test_an_uploaded_photo_is_used_and_kept(browser: Browser, server: str, name: str) -> None:
    page = open_page(browser, f"{server}/{name}?lang=en")
    files = {"name": "stripes.png", "mimeType": "image/png", "buffer": stripes()}
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(files)
    settle(page)
    in_link(page, "photo=upload")
    expect(page.get_by_text(re.compile("300 ?× ?200")).first).to_be_visible()
    if name == "cbam":
        painted = page.evaluate(
            """() => [...document.querySelectorAll('.js-plotly-plot')].filter(graph =>
                graph.data.some(t => t.type === 'image') && graph.data.some(t => t.type === 'heatmap')).length"""
        )
        assert painted >= 3
    page.locator(".st-key-lang").get_by_text("中文").click()
    settle(page)
    expect(page.get_by_text(re.compile("300 ?× ?200")).first).to_be_visible()
    leave(page)


def test_a_broken_photo_gets_a_clear_word_and_the_page_lives(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/cbam", locale="zh-CN")
    files = {"name": "broken.png", "mimeType": "image/png", "buffer": stripes()[:400]}
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files(files)
    settle(page)
    expect(page.locator('[data-testid="stAlert"]', has_text="PNG").first).to_be_visible()
    assert page.locator(".js-plotly-plot").count() > 3
    leave(page)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits_a_phone_and_asks_no_other_host(
    browser: Browser, server: str, name: str, language: Language
) -> None:
    page = arrive(browser, locale="zh-CN" if language == "zh" else "en-GB", width=390, dark=language == "en")
    asked: set[str | None] = set()

    def note(request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            asked.add(urlsplit(request.url).hostname)

    page.on("request", note)
    page.goto(f"{server}/{'' if name == 'home' else name}?lang={language}")
    settle(page)
    expect(heading(page, "" if name == "home" else name, language)).to_be_visible()
    assert asked == {"127.0.0.1"}
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    overflow = page.evaluate(
        "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth))"
    )
    assert overflow <= 1
    page.remove_listener("request", note)
    leave(page)


def test_what_a_link_got_wrong_is_said_above_the_page(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/cbam?lang=en&opacity=2")
    notice = page.get_by_text("opacity = “2”", exact=False)
    expect(notice).to_be_in_viewport()
    leave(page)


def test_how_a_mask_is_shown_stays_in_the_link(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/cbam?lang=en")
    painted(page, "mask-over")
    page.locator(".st-key-stretch label").first.click()
    page.wait_for_url("**stretch=True**")
    page.reload()
    settle(page)
    expect(page.locator(".st-key-stretch input")).to_be_checked()
    leave(page)


def test_no_message_stands_for_one_that_the_browser_may_have_dropped(browser: Browser, server: str) -> None:
    """References to cached messages broke a page whose runs followed each other quickly ("Cached ForwardMsg MISS")."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    received: list[ForwardMsg] = []

    def keep(payload: str | bytes) -> None:
        assert isinstance(payload, bytes)
        received.append(ForwardMsg.FromString(payload))

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    page.goto(f"{server}/cbam?lang=en")
    settle(page)
    painted(page, "mask-over")
    before = len(received)
    page.get_by_text(catalogue("en")["presenter.enter"], exact=True).first.click()
    settle(page)
    assert len(received) > before + 50  # the whole page came again
    assert not any(message.ref_hash for message in received)
    leave(page)
