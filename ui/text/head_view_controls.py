"""The controls of the head view, and the story that they choose."""

from __future__ import annotations

import re

import streamlit as st

from attention_core.models.text import TextTrace
from attention_core.stories.head_view import BETWEEN, USUAL, Between, Links, head_view_story, left_out, links_of
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import heads, sentence
from ui.inputs.choices import choose
from ui.inputs.grouping import KEY, choose_unit, grouped
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw_blocks, draw_step
from ui.text.head_view import HeadLinks, head_view

MASSES = tuple(range(10, 101, 10))  # percent
SHOWN = ("mass", KEY, "special", "between", "heads")  # in the link: what of a layer is drawn


@region("layer", "head", *SHOWN)
def one_layer(trace: TextTrace) -> Story:
    """Layer and head, then the picture."""
    layer, head = sentence.layer_and_head(heads.opening_head(trace))
    heads.describe(trace, layer, head)
    story = _picture(trace, layer, head)
    heads.offer_outstanding()
    return story


@region(*SHOWN)
def _picture(trace: TextTrace, layer: int, head: int) -> Story:
    hidden, mass, between = _choices(trace)
    also = _also(trace.layers[layer].weights.shape[1], head)
    links = links_of(trace, layer, head, grouped(trace), also=also, mass=mass, specials=not hidden, between=between)
    story = head_view_story(links)
    draw_step(story.steps[0], 1, instead=lambda: _links(links))
    return story


def _links(links: Links) -> None:
    """The picture that answers to the pointer, and what is not in it."""
    head_view(
        "links",
        links.tokens,
        links.queries.nonzero().flatten().tolist(),
        links.keys.nonzero().flatten().tolist(),
        [
            HeadLinks(n, n in links.heads, n == links.head, links.weights[n], links.taken[n])
            for n in range(len(links.weights))
        ],
        _choose_heads,
    )
    draw_blocks(left_out(links))


def _choices(trace: TextTrace) -> tuple[bool, int, Between]:
    """Whether special tokens are hidden, the share of each row that is drawn in percent, and the direction."""
    url_state.put_choice("mass", MASSES, USUAL)
    left, right = st.columns(2)
    with left:
        st.select_slider(
            t("head_view.mass"),
            MASSES,
            format_func=lambda percent: f"{percent}%",
            key="mass",
            persist_state="session",
            help=t("head_view.mass_help"),
        )
    with right:
        choose_unit()
    between: Between = "all"
    left, right = st.columns(2)
    with left:
        special = choose(
            "special",
            ("hidden", "shown"),
            label=t("head_view.special"),
            name=lambda state: t(f"head_view.specials.{state}"),
            note=t("head_view.special_help"),
        )
    if trace.pair is not None:
        with right:
            between = choose(
                "between",
                BETWEEN,
                label=t("head_view.between"),
                name=lambda way: t(f"head_view.ways.{way}"),
                note=t("head_view.between_help"),
            )
    return special == "hidden", st.session_state["mass"], between


def _also(count: int, head: int) -> set[int]:
    """The heads beside the one chosen above; those that the layer does not have stay in the link."""
    listed = url_state.put("heads", "", _read_heads)
    return {number for number in map(int, filter(None, listed.split("."))) if number < count and number != head}


def _read_heads(raw: str) -> str:
    if not re.fullmatch(r"([0-9]{1,4}(\.[0-9]{1,4})*)?", raw):
        raise ValueError(f"{raw[:80]!r} is no list of heads")
    return ".".join(str(number) for number in sorted({int(part) for part in raw.split(".") if part}))


def _choose_heads(numbers: list[int]) -> None:
    st.session_state["heads"] = ".".join(map(str, sorted(numbers)))
