"""The overview's diagram under a real pointer: what it paints are the numbers of the trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from attention_core import load_text_model
from attention_core.figures.style import number
from attention_core.models.text import TextModel, TextTrace
from attention_core.stories.text import Followed, text_facts
from tests.browser.driver import in_link, leave, open_page, settle, until
from ui.i18n import LANGUAGES, Language, catalogue
from ui.text.overview import payload, script, style, words

pytestmark = pytest.mark.browser

SENTENCE, LAYER, HEAD, T = "我吃柠檬", 1, 2, 6
LINK = f"overview?s={SENTENCE}&layer={LAYER}&head={HEAD}&q=2"
LONG = "the old man who lives next door plays the piano and the cat sleeps on the red chair all day long " * 14
# Every text that is painted on a canvas from now on, in order.
RECORD = """() => {
    window.paintedTexts = [];
    const paint = (window.paintText ??= CanvasRenderingContext2D.prototype.fillText);
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        window.paintedTexts.push(text);
        return paint.call(this, text, ...place);
    };
}"""
# How many separate stretches of the query's blue lie on a line of pixels of the overlay.
BLUE_RUNS = """(overlay, y) => {
    const ratio = overlay.width / overlay.clientWidth;
    const rows = overlay.getContext('2d').getImageData(0, Math.round(y * ratio), overlay.width, 1).data;
    let runs = 0, length = 0;
    for (let at = 0; at < rows.length; at += 4) {
        const blue = rows[at + 3] > 100 && rows[at] < 60 && rows[at + 1] > 70 && rows[at + 2] > 140;
        length = blue ? length + 1 : 0;
        if (length === Math.round(30 * ratio)) runs += 1;
    }
    return runs;
}"""
MOUNT = """async ([code, data]) => {
    const address = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    window.mounted?.();
    window.mounted = (await import(address)).default({data, parentElement: document.body});
}"""


def at(model: TextModel, trace: TextTrace) -> Followed:
    return Followed(trace, None, LAYER, HEAD, 2, text_facts(model))


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load_text_model()


@pytest.fixture(scope="module")
def sent() -> list[Any]:
    """What the opened page has sent to the server."""
    return []


@pytest.fixture(scope="module")
def opened(alive: Callable[[], Browser], server: str, sent: list[Any]) -> Iterator[Page]:
    """The overview in English."""
    context = alive().new_context(viewport={"width": 1280, "height": 1200}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{server}/{LINK}&lang=en")
    settle(page)
    page.locator(".overview .board").scroll_into_view_if_needed()
    yield page
    context.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """The opened page with nothing enlarged, nothing locked, and row 2 followed."""
    if opened.locator(".overview").get_attribute("data-expanded"):
        opened.locator(".overview .size").click()
    if opened.locator(".overview .unlock").is_visible():
        opened.locator(".overview .unlock").click()
    opened.locator(".overview .token.row").nth(2).hover()
    assert state(opened)[0] == 2
    return opened


def painted_numbers(page: Page, block: str) -> list[str]:
    """What is painted when a block is enlarged."""
    page.evaluate(RECORD)
    page.locator(f".overview [data-block={block}] button").click()
    expect(page.locator(".overview")).to_have_attribute("data-expanded", block)
    texts: list[str] = page.evaluate("window.paintedTexts")
    return texts


def read(page: Page) -> dict[str, str]:
    """The readout, by field."""
    fields = page.locator(".overview .readout [data-field]")
    return dict(fields.evaluate_all("parts => parts.map(part => [part.dataset.field, part.textContent])"))


def state(page: Page) -> tuple[int, int, bool]:
    """Query, key, locked; once the frame in which the pointer moved is drawn."""
    page.wait_for_timeout(100)
    data = page.locator(".overview").evaluate("root => ({...root.dataset})")
    return int(data["query"]), int(data["key"]), data["locked"] == "true"


def expected(trace: TextTrace, query: int, key: int, layer: int = LAYER, head: int = HEAD) -> dict[str, str]:
    attention = trace.layers[layer]
    raw = attention.query[0, head, query] @ attention.key[0, head, key]
    values = {
        "raw": raw,
        "scores": attention.scores[0, head, query, key],
        "weights": attention.weights[0, head, query, key],
    }
    return {name: number(value.item(), 3) for name, value in values.items()}


def cell(page: Page, block: str, row: int, column: int) -> tuple[float, float]:
    """Where on the screen a cell of a token × token block is: as wide as its caption says, as high as the tokens."""
    caption = page.locator(f".overview [data-block={block}]").bounding_box()
    first, second = (page.locator(".overview .token.row").nth(i).bounding_box() for i in (0, 1))
    assert caption and first and second
    height = second["y"] - first["y"]
    width = (caption["width"] - 16) / T
    return caption["x"] + 8 + (column + 0.5) * width, first["y"] + first["height"] / 2 + row * height


def test_the_painted_numbers_are_those_of_the_trace(page: Page, model: TextModel) -> None:
    trace = model.trace(SENTENCE)
    attention = trace.layers[LAYER]
    for block, values in (("weights", attention.weights), ("scores", attention.scores)):
        wanted = [number(value, 2, plain=True) for value in values[0, HEAD].flatten().tolist()]
        assert painted_numbers(page, block) == wanted
    page.mouse.move(*cell(page, "scores", 3, 1))
    assert state(page) == (3, 1, False)
    assert expected(trace, 3, 1).items() <= read(page).items()


def test_hovering_lights_up_the_row_everywhere_and_sends_nothing(page: Page, sent: list[Any], model: TextModel) -> None:
    overlay = page.locator(".overview canvas.overlay")
    board = overlay.bounding_box()
    first, second = (page.locator(".overview .token.row").nth(i).bounding_box() for i in (0, 1))
    assert board and first and second
    height = second["y"] - first["y"]

    def lit(row: int) -> Any:
        """In how many blocks the upper edge of a row is framed."""
        edge = first["y"] + first["height"] / 2 + (row - 0.5) * height - board["y"] - 0.75
        return overlay.evaluate(f"overlay => ({BLUE_RUNS})(overlay, {edge})")

    assert (lit(2), lit(4)) == (8, 0)
    assert sent  # the page itself came this way
    before = len(sent)
    page.locator(".overview .token.row").nth(4).hover()
    weights = model.trace(SENTENCE).layers[LAYER].weights[0, HEAD]
    assert state(page) == (4, int(weights[4].argmax()), False)
    assert (lit(2), lit(4)) == (0, 8)
    expect(page.locator(".overview .token.row.chosen")).to_have_text("檬")
    for row, column in ((0, 0), (1, 3), (5, 2), (3, 3)):
        page.mouse.move(*cell(page, "weights", row, column))
        assert state(page)[:2] == (row, column)
    page.wait_for_timeout(600)
    assert len(sent) == before


def test_a_click_locks_and_the_button_or_escape_unlocks(page: Page) -> None:
    unlock = page.locator(".overview .unlock")
    expect(unlock).to_be_hidden()
    page.mouse.click(*cell(page, "weights", 4, 3))
    assert state(page) == (4, 3, True)
    page.mouse.move(*cell(page, "raw", 1, 1))
    assert state(page) == (4, 3, True)
    unlock.click()
    assert state(page) == (4, 3, False)
    page.mouse.move(*cell(page, "raw", 1, 2))
    assert state(page) == (1, 2, False)
    for press, after in (
        ("ArrowDown", (2, 2, False)),
        ("ArrowRight", (2, 3, False)),
        ("Enter", (2, 3, True)),
        ("Escape", (2, 3, False)),
    ):
        page.locator(".overview .board").press(press)
        assert state(page) == after
    page.mouse.click(*cell(page, "scores", 0, 5))
    page.mouse.click(*cell(page, "scores", 0, 5))  # the same once more lets go
    assert state(page) == (0, 5, False)


def test_the_neuron_view_adds_up_to_the_score(page: Page, model: TextModel) -> None:
    attention = model.trace(SENTENCE).layers[LAYER]
    query, key, value = (part[0, HEAD] for part in (attention.query, attention.key, attention.value))
    neurons = page.locator(".overview .neurons")
    expect(neurons).to_be_hidden()
    page.locator(".overview .size").click()
    expect(neurons).to_be_visible()
    page.mouse.click(*cell(page, "scores", 3, 1))
    assert state(page) == (3, 1, True)
    expect(neurons.locator("[data-strip=product] b")).to_have_text(f"Σ = {number((query[3] @ key[1]).item(), 3)}")
    neurons.locator("canvas").scroll_into_view_if_needed()
    box = neurons.locator("canvas").bounding_box()
    assert box
    e, d = 17, query.shape[1]
    page.mouse.move(box["x"] + (e + 0.5) * box["width"] / d, box["y"] + 20)
    assert state(page) == (3, 1, True)
    weight = attention.weights[0, HEAD, 3, 1]
    shown = {
        "query": query[3, e],
        "key": key[1, e],
        "value": value[1, e],
        "term": weight * value[1, e],
        "sum": attention.head_outputs[0, HEAD, 3, e],
    }
    for name, single in shown.items():
        expect(neurons.locator(f"[data-strip={name}]")).to_have_text(number(single.item(), 3))
    product = number((query[3, e] * key[1, e]).item(), 3)
    expect(neurons.locator("[data-strip=product]")).to_contain_text(product)
    page.locator(".overview .size").click()
    expect(neurons).to_be_hidden()


def test_one_changed_weight_changes_the_painted_numbers(browser: Browser, model: TextModel) -> None:
    changed = deepcopy(model)
    block: Any = changed.blocks[LAYER]
    with torch.no_grad():
        block.attention.query.weight[HEAD * block.attention.head_dim + 5, 7] += 3.0
    say = catalogue("en").__getitem__
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_content(f"<style>{style()}</style><body></body>")
    seen = []
    for network in (model, changed):
        trace = network.trace(SENTENCE)
        page.evaluate(MOUNT, [script(), {**payload(at(network, trace)), "words": words(say)}])
        wanted = trace.layers[LAYER].scores[0, HEAD].flatten().tolist()
        painted = painted_numbers(page, "scores")
        assert painted == [number(value, 2, plain=True) for value in wanted]
        page.mouse.move(*cell(page, "scores", 3, 1))
        assert state(page)[:2] == (3, 1)
        assert expected(trace, 3, 1).items() <= read(page).items()
        seen.append((painted, read(page)))
    assert seen[0][0] != seen[1][0]
    assert seen[0][1]["scores"] != seen[1][1]["scores"]
    page.close()


def test_what_the_server_repeats_late_changes_nothing(browser: Browser, model: TextModel) -> None:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_content(f"<style>{style()}</style><body></body>")
    data = {**payload(at(model, model.trace(SENTENCE))), "words": words(catalogue("en").__getitem__)}
    told = "(name, value) => (window.told ??= []).push(value)"
    page.evaluate(
        f"""async ([code, data]) => {{
            const address = URL.createObjectURL(new Blob([code], {{type: 'text/javascript'}}));
            const draw = (await import(address)).default;
            window.say = link => draw(
                {{data: {{...data, ...link}}, parentElement: document.body, setTriggerValue: {told}}});
        }}""",
        [script(), data],
    )
    said = [{"lock": lock, "block": "none", "turn": turn} for turn, lock in enumerate(("none", "4-3", "none"))]
    say = "link => { window.say(link); }"
    page.evaluate(say, said[0])
    page.mouse.click(*cell(page, "weights", 4, 3))
    until(page, "window.told?.length === 1")
    page.locator(".overview .unlock").click()
    until(page, "window.told?.length === 2")
    assert page.evaluate("window.told") == said[1:]
    page.mouse.move(*cell(page, "raw", 1, 2))
    for repeated in said:  # a run from before, and then the two answers
        page.evaluate(say, repeated)
        assert state(page) == (1, 2, False)
    page.evaluate(say, {**said[2], "lock": "4-3"})  # Back
    assert state(page) == (4, 3, True)
    page.close()


@pytest.mark.parametrize(("language", "sentence"), [("zh", "我吃柠檬&p=I eat lemons."), ("en", LONG)])
def test_the_diagram_fits_a_phone_however_long_the_sentence(
    browser: Browser, server: str, language: Language, sentence: str
) -> None:
    assert language in LANGUAGES
    link = f"{server}/overview?lang={language}&s={sentence}"
    page = open_page(browser, link.replace(" ", "+"), width=390, dark=language == "en")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for block in (None, "key", "weights", "joined"):
        if block:
            page.locator(f".overview [data-block={block}] button").click()
            page.wait_for_timeout(200)
        overflow = page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth - main.clientWidth")
        assert overflow <= 1, block
        blank = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every(v => v === 0)"
        assert not page.locator(".overview canvas.picture").evaluate(blank)
        edges = page.locator(".overview .caption").evaluate_all(
            "captions => captions.map(c => c.getBoundingClientRect()).map(box => [box.left, box.right])"
        )
        assert all(left > 0 and right < 391 for left, right in edges), block
    assert not errors
    assert re.search(r"[&?]q=1\b", page.url)
    leave(page)


def test_what_is_locked_and_enlarged_comes_back_from_the_link(browser: Browser, server: str) -> None:
    page = open_page(browser, f"{server}/{LINK}&lang=en&layer=1")
    page.locator(".overview .board").scroll_into_view_if_needed()
    page.mouse.click(*cell(page, "weights", 4, 3))
    page.locator(".overview [data-block=scores] button").click()
    expect(page.locator(".overview")).to_have_attribute("data-expanded", "scores")  # the link comes after
    expect(page).to_have_url(re.compile(r"[&?]lock=4-3&block=scores\b"))
    settle(page)
    assert state(page) == (4, 3, True)
    page.locator(".st-key-share button").first.click()
    field = page.locator(".st-key-share-link input")
    expect(field).not_to_have_value("")
    link = field.input_value()
    leave(page)

    other = open_page(browser, link, locale="zh-CN")
    expect(other.locator(".overview")).to_have_attribute("data-expanded", "scores")
    assert state(other) == (4, 3, True)
    sentence = other.locator(".st-key-s input")
    sentence.fill("猫喝牛奶")
    sentence.press("Enter")
    settle(other)
    assert not state(other)[2]  # it was a pair of another sentence
    expect(other).to_have_url(re.compile(r"[&?]lock=none&block=scores\b"))
    expect(other.locator(".overview")).to_have_attribute("data-expanded", "scores")
    other.go_back()
    settle(other)
    assert state(other) == (4, 3, True)
    leave(other)


def test_a_link_cannot_lock_what_is_not_there(browser: Browser, server: str) -> None:
    for lock in ("9-9", "x", "1-2-3"):
        page = open_page(browser, f"{server}/{LINK}&lang=en&lock={lock}")
        page.locator(".overview .board").wait_for()
        assert not state(page)[2]
        in_link(page, "lock=none")
        leave(page)
