"""A control draws its own part of the page anew and leaves the rest as it is; the link follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.acts import Act, cell, number, option, pick, press, right, turn
from tests.browser.driver import in_link, painted, settle, until

pytestmark = pytest.mark.browser

PAIR = "s=我吃柠檬&p=I+eat+lemons."
LONG = "s=" + "the+quick+brown+fox+jumps+over+the+lazy+dog+" * 6

# The page, what is done to it, what its link says then, a figure that it draws anew, and one that it leaves alone.
CASES: dict[str, tuple[str, Act, str, str | None, str | None]] = {
    "reveal": ("", turn("reveal"), "reveal=True", None, "home-mask"),
    "enlarged": (f"overview?{PAIR}", press(".overview .size"), "block=scores", None, None),
    "mass": (f"head_view?{PAIR}", right("mass"), "mass=80", None, None),
    "special": (f"head_view?{PAIR}", pick("special", "shown"), "special=shown", None, None),
    "between": (f"head_view?{PAIR}", pick("between", "a → b"), "between=ab", None, None),
    "by-hand-query": ("self_attention?view=hand", pick("hq", "##s"), "hq=3", "hand-weights", None),
    "overview-layer": (f"overview?{PAIR}&layer=0", pick("layer", "2"), "layer=1", None, None),
    "head-view-head": (f"head_view?{PAIR}&layer=0&head=0", pick("head", "2"), "head=1", None, None),
    "layer": (f"self_attention?{PAIR}&layer=0", pick("layer", "2"), "layer=1", "weights", None),
    "query": (f"self_attention?{PAIR}", pick("q", "柠"), "q=3", "weights", None),
    "multi-head-layer": (f"multi_head?{PAIR}&layer=0", pick("layer", "2"), "layer=1", "all-heads", None),
    "multi-head-query": (f"multi_head?{PAIR}", pick("q", "柠"), "q=3", "one-head", "all-heads"),
    "multi-head-row": (f"multi_head?{PAIR}", cell("one-head", 4, 1), "q=4", "one-head", "all-heads"),
    "measure": (f"head_atlas?{PAIR}", option("measure", "Entropy"), "measure=entropy", "atlas-map", "rollout"),
    "atlas-query": (f"head_atlas?{PAIR}", pick("q", "柠"), "q=3", "rollout", "atlas-map"),
    "hide": (f"head_atlas?{LONG}&p=", turn("hide"), "hide=True", "rollout-effect", "rollout"),
    "aligner": (f"two_sentences?{PAIR}&layer=1&head=0", pick("layer", "1"), "layer=0", "alignment-score", None),
    "unit": (f"two_sentences?{PAIR}", pick("unit", "token"), "unit=tokens", "between-product", "alignment-score"),
    "links": (f"two_sentences?{PAIR}", pick("links", "each direction"), "links=each", "alignment", "between-product"),
    "guess": (f"two_sentences?{PAIR}", pick("w", "吃"), "w=1", None, "alignment"),
    "stage-se": ("squeeze_excitation", pick("stage", "Stage 2"), "stage=stage2", "scaled", None),
    "order": ("squeeze_excitation", pick("order", "Largest first"), "order=sorted", "channel-weights", None),
    "stage-cbam": ("cbam", pick("stage", "Stage 1"), "stage=stage1", "mask-logits", None),
    "opacity": ("cbam", right("opacity"), "opacity=0.65", "mask-over", None),
    "stretch": ("cbam", turn("stretch"), "stretch=True", "mask-alone", None),
    "stage-what-if": ("photo_what_if", pick("stage", "Stage 1"), "stage=stage1", "channel-weights", None),
    "channel": ("photo_what_if", number("channel", 7), "channel=7", None, "channel-weights"),
    "order-what-if": ("photo_what_if", pick("order", "By number"), "order=index", "channel-weights", None),
    "stage-trial": ("mask_trial", pick("stage", "Stage 2"), "stage=stage2", "curve-deletion", None),
    "profile-order": ("profiles", pick("by", "By number"), "by=index", "profile-stage4", None),
    "frame": ("clips", right("frame-of-16"), "frame=2", "clip-row", None),
    "tau": ("clips", right("tau"), "tau=2.0", "clip-weights", "clip-player"),
}


class Received:
    """What the server sends to a page."""

    def __init__(self, page: Page) -> None:
        self.messages: list[ForwardMsg] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._keep))

    def _keep(self, payload: str | bytes) -> None:
        assert isinstance(payload, bytes)
        self.messages.append(ForwardMsg.FromString(payload))

    def deltas(self) -> list[Delta]:
        return [message.delta for message in self.messages if message.WhichOneof("type") == "delta"]


def visit(browser: Browser, address: str) -> tuple[Page, Received]:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB").new_page()
    page.set_default_timeout(30_000)
    received = Received(page)
    page.goto(address)
    settle(page)
    return page, received


@pytest.mark.parametrize("name", CASES)
def test_a_control_draws_its_own_part(browser: Browser, server: str, name: str) -> None:
    address, act, link, inside, outside = CASES[name]
    page, received = visit(browser, f"{server}/{address}{'&' if '?' in address else '?'}lang=en")
    received.messages.clear()
    act(page)
    until(page, "part => decodeURIComponent(location.search).split(/[?&]/).includes(part)", link)
    settle(page)
    deltas = received.deltas()
    assert deltas
    assert all(delta.fragment_id for delta in deltas)  # none is of the page as a whole
    ids = [delta.new_element.bidi_component.id for delta in deltas]
    if inside is not None:
        assert any(each.endswith(f"-{inside}") for each in ids)
    if outside is not None:
        painted(page, outside)
        assert not any(each.endswith(f"-{outside}") for each in ids)
    before = page.url
    page.reload()
    settle(page)
    assert page.url == before
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    page.context.close()


def test_a_figure_to_take_along_is_the_one_on_the_page(browser: Browser, server: str) -> None:
    page, _ = visit(browser, f"{server}/squeeze_excitation?lang=en&photo=cat")
    page.locator(".st-key-export summary").click()
    settle(page)
    option("export-figure", "Channel weight")(page)
    settle(page)
    read = "Array.from(document.querySelector('.st-key-{} .js-plotly-plot')._fullData[0].y).slice(0, 5).join()"
    painted(page, "export-preview")
    before = page.evaluate(read.format("export-preview"))
    pick("order", "Largest first")(page)
    settle(page)
    after = page.evaluate(read.format("export-preview"))
    assert after == page.evaluate(read.format("channel-weights")) != before
    page.context.close()


@pytest.mark.parametrize("pause", [0, 250, 400])
def test_a_change_is_not_lost_where_the_page_runs_right_after_it(browser: Browser, server: str, pause: int) -> None:
    page, _ = visit(browser, f"{server}/cbam?lang=en")
    right("opacity")(page)
    page.wait_for_timeout(pause)
    pick("lang", "中文")(page)
    page.wait_for_url("**lang=zh**")
    settle(page)
    in_link(page, "opacity=0.65")
    expect(page.locator(".st-key-opacity input[type=range]")).to_have_value("0.65")
    page.context.close()
