"""All heads of a network in one picture, against BertViz's model view and head view, in the same Chromium."""

from __future__ import annotations

import argparse
import base64
import importlib
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import torch
from playwright.sync_api import BrowserContext, Error, Route, TimeoutError, ViewportSize

from attention_core.figures import heads_grid
from attention_core.figures.printed import html_page, printed_figure
from benchmarks.chromium import chromium
from benchmarks.reliability import Measured, Section, outcome
from benchmarks.rounds import Spread
from benchmarks.server import ROOT
from training.tables import table

LAYERS, HEADS = 12, 12
TOKENS, ALONE = (32, 64, 128), 256  # of both sides, and of ours alone
OURS, MODEL_VIEW, HEAD_VIEW = "heads_grid", "model_view", "head_view"
PLOTLY = "plotly alone"  # what a page with a map of four cells takes
GOALS = {MODEL_VIEW: 20.0, HEAD_VIEW: 5.0}  # times as fast, at GOAL_TOKENS
GOAL_TOKENS = 64
VIEW: ViewportSize = {"width": 1280, "height": 1200}
PATIENCE = 90.0  # seconds until a picture counts as one that does not come
SCRIPTS = ROOT / "build" / "bertviz"  # not under version control
# What BertViz's pages load from a CDN, and the same in npm's packages.
PACKAGES = {
    "require.min.js": ("requirejs@2.3.6", "requirejs/require.js"),
    "d3.min.js": ("d3@5.7.0", "d3/dist/d3.min.js"),
    "jquery.min.js": ("jquery@2.1.0", "jquery/dist/jquery.min.js"),
}
# Both sides draw all at once, so that one of its parts is the sign of the whole.
THERE = {OURS: ".heatmaplayer image", PLOTLY: ".heatmaplayer image", MODEL_VIEW: "svg line", HEAD_VIEW: "svg line"}
FOUND = """(selector) => new Promise((done) => {
    const look = () => document.querySelector(selector) ? done() : requestAnimationFrame(look);
    look();
})"""

Times = dict[str, list[float] | None]  # side → seconds of each round; None: it did not come


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="at least three")
    sizes = f"of both sides; {TOKENS} unless given; {max(TOKENS)} take minutes a round"
    parser.add_argument("--tokens", type=int, nargs="+", choices=TOKENS, default=TOKENS, help=sizes)


def measured(chosen: argparse.Namespace) -> tuple[str, Measured]:
    if chosen.rounds < 3:
        raise RuntimeError("three rounds at least")
    makers = {OURS: ours, PLOTLY: plotly_alone, **theirs()}
    seconds: dict[str, Times] = {}
    with tempfile.TemporaryDirectory() as folder:
        for T in (*chosen.tokens, ALONE):
            weights = traced(T)
            sides = list(makers) if T != ALONE else [OURS]
            times: Times = {side: [] for side in sides}
            for number in range(chosen.rounds):
                for side in sides if number % 2 == 0 else reversed(sides):
                    kept = times[side]
                    if kept is None:
                        continue
                    # Each in a browser of its own: one that has not come keeps its browser busy for minutes.
                    with chromium() as browser:
                        make = partial(makers[side], weights)
                        taken = painted(
                            browser.new_context(viewport=VIEW), make, THERE[side], Path(folder) / "page.html"
                        )
                    times[side] = None if taken is None else [*kept, round(taken, 4)]
            print(T, times, flush=True)
            seconds[str(T)] = times
    return "bertviz", {"rounds": chosen.rounds, "seconds": seconds}


def traced(T: int) -> list[torch.Tensor]:
    """A layer each: (1, H, T, T) weights, as a trace has them."""
    generator = torch.Generator().manual_seed(T)
    return [torch.softmax(3 * torch.randn(1, HEADS, T, T, generator=generator), -1) for _ in range(LAYERS)]


def tokens(weights: list[torch.Tensor]) -> list[str]:
    return [f"t{index}" for index in range(weights[0].shape[-1])]


def ours(weights: list[torch.Tensor]) -> str:
    """The picture of the app and of the notebooks as a page that stands alone."""
    names = [str(number + 1) for number in range(max(LAYERS, HEADS))]
    figure = heads_grid(
        [layer[0].numpy() for layer in weights], tokens=tokens(weights), layer_names=names[:LAYERS], head_names=names
    )
    return standing_alone(figure)


def plotly_alone(_: list[torch.Tensor]) -> str:
    """As `ours`, with next to nothing to draw."""
    return standing_alone(go.Figure(go.Heatmap(z=[[0, 1], [1, 0]])))


def standing_alone(figure: go.Figure) -> str:
    """As the app's export and the notebooks' `save` write it."""
    return html_page(printed_figure("", figure), title="", caption="", language="en")


def theirs() -> dict[str, Callable[[list[torch.Tensor]], str]]:
    """BertViz's two views as pages. RuntimeError says what to install."""
    missing = [package for package, path in PACKAGES.values() if not (SCRIPTS / "node_modules" / path).is_file()]
    if missing:
        raise RuntimeError(f"needs npm install --prefix {SCRIPTS.relative_to(ROOT)} {' '.join(missing)}")
    try:
        bertviz: Any = importlib.import_module("bertviz")
    except ImportError as error:
        raise RuntimeError(f"needs pip install -r requirements-benchmarks.txt ({error})") from error

    def page(view: Callable[..., Any], weights: list[torch.Tensor]) -> str:
        return f"<!DOCTYPE html><body>{view(weights, tokens(weights), html_action='return').data}</body>"

    return {MODEL_VIEW: partial(page, bertviz.model_view), HEAD_VIEW: partial(page, bertviz.head_view)}


def painted(context: BrowserContext, make: Callable[[], str], there: str, file: Path) -> float | None:
    """Seconds from the trace until Chromium has given back pixels of the picture; None where it takes too long.

    All of a page's scripts come from this machine's disk.
    """
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.route("https://cdnjs.cloudflare.com/**", _from_disk)
    pixels = context.new_cdp_session(page)
    start = time.perf_counter()
    file.write_text(make(), encoding="utf-8")
    try:
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_function(FOUND, arg=there)
        corner = {"x": 0, "y": 0, "width": 64, "height": 64, "scale": 1}
        picture = pixels.send("Page.captureScreenshot", {"format": "png", "clip": corner})
    except TimeoutError:
        end(context)
        return None
    assert base64.b64decode(picture["data"])
    taken = time.perf_counter() - start
    return taken if taken <= PATIENCE else None


def end(context: BrowserContext) -> None:
    """Ends the browser at once: to be closed it would wait for the script of its page, which may go on for minutes."""
    assert context.browser is not None
    with suppress(Error):  # the answer never comes
        context.browser.new_browser_cdp_session().send("Browser.crash")


def _from_disk(route: Route) -> None:
    _, path = PACKAGES[route.request.url.rpartition("/")[2]]
    route.fulfill(path=SCRIPTS / "node_modules" / path, content_type="text/javascript")


def _text(data: Measured) -> str:
    seconds = data["seconds"]
    rows, verdicts = [], []
    for T, times in seconds.items():
        cells = [T, _seconds(times, OURS), _seconds(times, PLOTLY)]
        for other in GOALS:
            cells += _beside(times, other)
        rows.append(cells)
    for other, goal in GOALS.items() if str(GOAL_TOKENS) in seconds else ():
        ratio = _ratio(seconds[str(GOAL_TOKENS)], other)
        verdicts.append(
            f"Against `{other}` at {GOAL_TOKENS} tokens: {ratio or 'it does not come'}; to reach: {goal:g}; "
            f"{outcome(bool(seconds[str(GOAL_TOKENS)][OURS]) and (ratio is None or ratio.median >= goal))}."
        )
    alone = seconds[str(ALONE)][OURS]
    return "\n\n".join(
        (
            f"The weights of {LAYERS} × {HEADS} heads, from the arrays of a trace to pixels that Chromium gives back, "
            "each as a page that stands alone: `heads_grid` as the app exports it, with Plotly's script in it, "
            f"BertViz's views with their scripts from the disk; {data['rounds']} rounds, the sides in turn, seconds as "
            "medians, in brackets the smallest and the largest. `model_view` has all heads as well; `head_view` those "
            "of one layer. A ratio "
            f"above 1 says how many times as long BertViz takes; what has not come within {PATIENCE:g} s has none. "
            f"*{PLOTLY.capitalize()}* is a page with a map of four cells: what loading Plotly's script takes.",
            " ".join([*verdicts, f"{ALONE} tokens: {'painted' if alone else '**not painted**'}."]),
            *_why(seconds.get(str(GOAL_TOKENS), {})),
            table(
                (
                    "tokens",
                    "`heads_grid`, s",
                    f"{PLOTLY}, s",
                    *(f"`{o}`{w}" for o in GOALS for w in (", s", ", ratio")),
                ),
                rows,
            ),
        )
    )


def _why(times: Times) -> list[str]:
    """What keeps a page of ours from being quicker."""
    all_of_it, script = times.get(OURS), times.get(PLOTLY)
    if not all_of_it or not script:
        return []
    share = Spread.of([part / whole for part, whole in zip(script, all_of_it, strict=True)])
    return [
        f"Plotly alone takes {share} of the time of `heads_grid` at {GOAL_TOKENS} tokens: its script is read once, "
        "however many pictures a page has."
    ]


def _seconds(times: Times, side: str) -> str:
    taken = times.get(side, [])
    return f"not within {PATIENCE:g} s" if taken is None else str(Spread.of(taken)) if taken else "–"


def _ratio(times: Times, other: str) -> Spread | None:
    own, peer = times[OURS], times.get(other)
    if own is None or peer is None:
        return None
    return Spread.of([theirs / mine for mine, theirs in zip(own, peer, strict=True)])


def _beside(times: Times, other: str) -> list[str]:
    """How long the other side takes, and how many times as long."""
    return [_seconds(times, other), str(_ratio(times, other) or "–")]


SECTIONS = {"bertviz": Section("All heads, against BertViz", _text)}
