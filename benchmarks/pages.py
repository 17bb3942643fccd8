"""The pages in a real browser: from Enter, a photo or a moved pointer to the picture, and from the server's start."""

from __future__ import annotations

import argparse
import base64
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.chromium import PATIENCE, chromium, opened, painted, settle
from benchmarks.crowd import percentile
from benchmarks.reliability import Measured, Section, outcome
from benchmarks.rounds import Spread
from benchmarks.server import ROOT, running
from training.tables import table

PICTURE_GOAL, POINTER_MS, PHOTO_MS, START_GOAL = 1.3, 50.0, 500.0, 3.0
OURS, HEATMAP, TEXT, EMPTY = "the app", "heatmap", "text", "empty app"
FIRST, WEIGHTS = "first picture", "weights"
TOKENS = 64
MOVES = 60  # of the pointer, in each picture and round
SIGNS = "山水火木土日月石田禾竹米羊马牛鱼鸟虫风雨云雪电花草叶"  # one a round: each sentence is a new one

# What a Streamlit page with a field and a picture takes, with nothing else on it.
MINIMAL = {
    HEATMAP: """
import numpy as np
import plotly.graph_objects as go
import streamlit as st

text = st.text_input("s", "我吃柠檬", key="s")
names = [f"{index} {text}" for index in range(8)]
z = np.random.default_rng(len(text)).random((8, 8), dtype=np.float32)
st.plotly_chart(go.Figure(go.Heatmap(z=z, x=names, y=names)), key="picture")
""",
    TEXT: """
import streamlit as st

text = st.text_input("s", "我吃柠檬", key="s")
with st.container(key="picture"):
    st.write(f"new {text}")
""",
    EMPTY: """
import streamlit as st

st.write("nothing else")
""",
}
# Where a side shows what was typed: what it is called → where it is.
SHOWN = {
    OURS: {FIRST: ".st-key-embedding .main-svg", WEIGHTS: ".st-key-weights .main-svg"},
    HEATMAP: {HEATMAP: ".st-key-picture .main-svg"},
    TEXT: {TEXT: ".st-key-picture"},
}
PRESSED = """() => window.addEventListener("keydown", (event) => {
    if (event.key === "Enter") window.began = event.timeStamp;
}, true)"""
# Of each chart that is there or comes up, how often Plotly is done with it from now on.
COUNT_DRAWS = """() => {
    window.draws = new Map();
    const look = () => document.querySelectorAll(".js-plotly-plot").forEach((chart) => {
        if (window.draws.has(chart) || !chart.on) return;
        window.draws.set(chart, 0);
        chart.on("plotly_afterplot", () => window.draws.set(chart, window.draws.get(chart) + 1));
    });
    look();
    new MutationObserver(look).observe(document.body,
        { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
}"""
DROP = """([bytes, name]) => {
    const data = new DataTransfer();
    const photo = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    data.items.add(new File([photo], name, { type: "image/jpeg" }));
    window.began = performance.now();
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
# The first row of the spatial mask as it is drawn, once it is; then, given that, until it is another one.
MASK_PAINTED = """([before, patience]) => new Promise((done) => {
    const look = () => {
        const map = document.querySelector(".st-key-mask-alone .js-plotly-plot")?._fullData?.find((trace) => trace.z);
        const now = map && String([...map.z[0]]);
        if (now && before === null) done(now);
        else if (now && now !== before)
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - window.began)));
        else if (performance.now() - window.began > patience) done(NaN);
        else requestAnimationFrame(look);
    };
    look();
})"""
# What the pointer goes over: a page and its picture, for a sentence of as many tokens.
SENTENCE = ("我吃柠檬" * TOKENS)[: TOKENS - 2]
POINTED = {"overview": ".overview .board", "head_view": ".st-key-links .queries"}
# From the time that the system gave to a move until the frame after it is done.
FOLLOWED = """() => {
    window.followed = [];
    window.addEventListener("pointermove", (event) => requestAnimationFrame(() =>
        setTimeout(() => window.followed.push(performance.now() - event.timeStamp))), true);
}"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=9, help="at least five, and no more than there are new sentences")


def measured(chosen: argparse.Namespace) -> tuple[str, Measured]:
    if not 5 <= chosen.rounds < len(SIGNS):
        raise RuntimeError(f"five rounds at least, and {len(SIGNS) - 1} at most")
    with chromium() as browser, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        scripts = {OURS: ROOT / "app.py", **minimal(Path(folder))}
        started = start_up(browser, {OURS: scripts[OURS], EMPTY: scripts[EMPTY]}, chosen.rounds)
        addresses = {name: stack.enter_context(running(scripts[name])).address for name in (OURS, HEATMAP, TEXT)}
        return "pages", {
            "rounds": chosen.rounds,
            "picture": typed(browser, addresses, chosen.rounds),
            "drawn": {
                OURS: drawn(browser, f"{addresses[OURS]}/self_attention?lang=en"),
                HEATMAP: drawn(browser, addresses[HEATMAP]),
            },
            "photo": dropped(browser, addresses[OURS], chosen.rounds),
            "pointer": pointed(browser, addresses[OURS], chosen.rounds),
            "start": started,
        }


def minimal(folder: Path) -> dict[str, Path]:
    """The scripts of `MINIMAL`, each in a folder of its own."""
    scripts = {}
    for number, (name, code) in enumerate(MINIMAL.items()):
        scripts[name] = folder / str(number) / "page.py"
        scripts[name].parent.mkdir()
        scripts[name].write_text(code, encoding="utf-8")
    return scripts


def in_turn(rounds: int, sides: Mapping[str, Callable[[int], Mapping[str, float]]]) -> dict[str, list[float]]:
    """Seconds of all that the sides measure, in each round, the order turned round each time.

    A side takes the round's number.
    """
    seconds: dict[str, list[float]] = {}
    order = list(sides)
    for number in range(rounds):
        for side in order:
            for name, each in sides[side](number).items():
                seconds.setdefault(name, []).append(round(each, 4))
        order.reverse()
        print(*(f"{name} {times[-1]:.3f} s" for name, times in seconds.items()), flush=True)
    return seconds


def typed(browser: Browser, addresses: dict[str, str], rounds: int) -> dict[str, list[float]]:
    """From Enter on until the picture has the new sentence, which no side has had before."""
    links = {side: f"{address}/{'self_attention?lang=en' * (side == OURS)}" for side, address in addresses.items()}
    pages = {side: opened(browser, link) for side, link in links.items()}

    def enter(side: str, number: int) -> dict[str, float]:
        page = pages[side]
        page.bring_to_front()
        field = page.locator(".st-key-s input")
        field.fill(f"我吃{SIGNS[number]}。")
        field.press("Enter")
        seconds = painted(page, *((selector, SIGNS[number]) for selector in SHOWN[side].values()))
        settle(page)
        return dict(zip(SHOWN[side], seconds, strict=True))

    for side, page in pages.items():
        page.evaluate(PRESSED)
        enter(side, -1)  # warm
    seconds = in_turn(rounds, {side: partial(enter, side) for side in pages})
    for page in pages.values():
        page.context.close()
    return seconds


def drawn(browser: Browser, link: str) -> dict[str, int]:
    """How many messages and charts a new sentence brings to a page, and how often Plotly draws these."""
    page = opened(browser, link)
    page.evaluate(COUNT_DRAWS)
    messages: list[object] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.webSocketFrameReceived", lambda frame: messages.append(frame))
    field = page.locator(".st-key-s input")
    field.fill(f"{SIGNS[0]}吃{SIGNS[1]}。")  # typed by no round
    field.press("Enter")
    settle(page)
    draws: list[int] = page.evaluate(
        "[...window.draws].filter(([chart, n]) => n && chart.isConnected).map(([, n]) => n)"
    )
    page.context.close()
    return {"messages": len(messages), "charts": len(draws), "draws": sum(draws)}


def photo(seed: int) -> bytes:
    """A JPEG of 1280 × 960 pixels that no other seed gives: blurred patches of colour."""
    patches = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(patches).resize((1280, 960), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def dropped(browser: Browser, address: str, rounds: int) -> list[float]:
    """Seconds from a photo dropped on the CBAM page until its spatial mask is on the screen."""
    page = opened(browser, f"{address}/cbam?lang=en")
    seconds = []
    for number in range(rounds + 1):
        # On the screen each time: the first photo brings controls of its own, which move the mask down.
        page.locator(".st-key-mask-alone .main-svg").first.scroll_into_view_if_needed()
        before = page.evaluate(MASK_PAINTED, [None, PATIENCE])
        page.evaluate(DROP, [base64.b64encode(photo(number)).decode(), f"{number}.jpg"])
        ms: float = page.evaluate(MASK_PAINTED, [before, PATIENCE])
        if not ms >= 0:
            raise RuntimeError("a dropped photo got no mask")
        seconds.append(round(ms / 1000, 4))
        settle(page)
    page.context.close()
    print(*(f"photo {each:.3f} s" for each in seconds), flush=True)
    return seconds[1:]  # the first one was warm-up


def pointed(browser: Browser, address: str, rounds: int) -> dict[str, list[float]]:
    """From a move of the real pointer to the frame that follows it: p95 of each round, in seconds."""
    seconds: dict[str, list[float]] = {}
    for name, selector in POINTED.items():
        page = opened(browser, f"{address}/{name}?lang=en&s={SENTENCE}&p=")
        target = page.locator(selector).first
        target.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)  # a picture that comes bit by bit
        page.evaluate(FOLLOWED)
        seconds[name] = [round(percentile(moves(page, selector), 0.95) / 1000, 4) for _ in range(rounds)]
        page.context.close()
        print(name, *(f"{each:.4f} s" for each in seconds[name]), flush=True)
    return seconds


def moves(page: Page, selector: str) -> list[float]:
    """Milliseconds of each move over what is seen of an element, from one corner to the other."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    bottom = min(box["y"] + box["height"], 1200)
    page.evaluate("window.followed = []")
    for step in range(MOVES):
        share = (step + 0.5) / MOVES
        page.mouse.move(box["x"] + share * box["width"], max(box["y"], 0) + share * (bottom - max(box["y"], 0)))
        page.wait_for_timeout(30)
    found: list[float] = page.evaluate("window.followed")
    return found


def start_up(browser: Browser, scripts: dict[str, Path], rounds: int) -> dict[str, list[float]]:
    """From the start of the server's process until a browser shows the first picture of its first page."""
    first = {OURS: (".st-key-home-weights .main-svg", "柠"), EMPTY: (".stMarkdown", "nothing else")}

    def start(side: str, _: int) -> dict[str, float]:
        with running(scripts[side]) as server:
            page = browser.new_context(viewport={"width": 1280, "height": 1200}, locale="en-GB").new_page()
            page.goto(server.address)
            page.evaluate("window.began = performance.now()")
            painted(page, first[side])
            seconds = time.perf_counter() - server.started
            page.context.close()
        return {side: seconds}

    return in_turn(rounds, {side: partial(start, side) for side in scripts})


def _text(data: Measured) -> str:
    picture, start = data["picture"], data["start"]
    longer = {
        (own, other): _times(picture[own], picture[other]) for own in (FIRST, WEIGHTS) for other in (HEATMAP, TEXT)
    }
    photo_ms = _ms(data["photo"])
    started = _times(start[OURS], start[EMPTY])
    rows = [
        *(
            (f"Enter to {own}, times the {other} page", f"≤ {PICTURE_GOAL:g}", ratio, ratio.median <= PICTURE_GOAL)
            for (own, other), ratio in longer.items()
            if other == HEATMAP
        ),
        ("photo dropped to spatial mask, ms", f"≤ {PHOTO_MS:g}", photo_ms, photo_ms.median <= PHOTO_MS),
        *(
            (f"pointer to frame, `{name}`, p95, ms", f"≤ {POINTER_MS:g}", ms, ms.median <= POINTER_MS)
            for name, ms in ((name, _ms(data["pointer"][name])) for name in POINTED)
        ),
        (
            "server's start to first picture, times an empty app",
            f"≤ {START_GOAL:g}",
            started,
            started.median <= START_GOAL,
        ),
    ]
    verdicts = [(what, goal, ratio, outcome(reached)) for what, goal, ratio, reached in rows]
    verdicts += [
        (f"Enter to {own}, times the {other} page", "–", ratio, "")
        for (own, other), ratio in longer.items()
        if other == TEXT
    ]
    seconds = {
        **{f"Enter to picture: {name}": times for name, times in picture.items()},
        **{f"start to first picture: {name}": times for name, times in start.items()},
    }
    own, other = (data["drawn"][side] for side in (OURS, HEATMAP))
    why = (
        f"A new sentence brings {own['messages']} messages to the page on self-attention, each a part of it that "
        f"Streamlit's page draws anew, with {own['charts']} charts, for which Plotly draws {own['draws']} times, what "
        f"is on the screen first; to the page with a heatmap it brings {other['messages']} messages and "
        f"{other['charts']} chart, which Streamlit's own component draws {other['draws']} times."
    )
    return "\n\n".join(
        (
            f"Chromium, its pixels made by the processor, and the server share the machine; {data['rounds']} rounds, "
            "the sides in turn; medians, in brackets the smallest and the largest. *Enter*: a sentence that the server "
            "has not had, typed on the page on self-attention, until its first picture, the embedding, and until the "
            "matrix of the weights, further down, are on the screen; the other sides are Streamlit pages of a field "
            "and one heatmap of 8 × 8, or the text, and nothing else. *Photo*: a JPEG of 1280 × 960 dropped on the "
            f"CBAM page, until the spatial mask is painted. *Pointer*: {MOVES} moves a round over the picture of "
            f"{TOKENS} tokens. *Start*: from the process to the first matrix of the home page, with all files fetched "
            "by a browser that has none.",
            table(("", "goal", "measured", ""), verdicts),
            *([] if all(reached for *_, reached in rows) else [why]),
            table(("what", "s, median (least … most)"), [(name, Spread.of(times)) for name, times in seconds.items()]),
        )
    )


def _times(own: list[float], other: list[float]) -> Spread:
    """How many times as long the app takes, round by round."""
    return Spread.of([mine / theirs for mine, theirs in zip(own, other, strict=True)])


def _ms(seconds: list[float]) -> Spread:
    return Spread.of([1000 * second for second in seconds])


SECTIONS = {"pages": Section("Pages in a browser", _text)}
