"""Where the eye goes first, and from there to the four mechanisms."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from attention_core.analysis.stages import channel_weights, most_selective
from attention_core.figures import channel_bars, mask_over_photo, matrix
from attention_core.inputs.samples import SAMPLE_PHOTOS
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.stories.arrays import array
from attention_core.stories.heads import tiles
from ui.i18n import current_language, t
from ui.inputs import grouping, networks, openings, sentence
from ui.inputs.photo import sharp_square
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage import gaze
from ui.stage.steps import show
from ui.stage.story import draw_blocks

PAGES = Path(__file__).resolve().parent


def main() -> None:
    """The eye, then a card for each mechanism, then what stands behind the numbers."""
    st.title(t("home.heading"))
    st.markdown(t("home.lead"))
    _eye()
    st.header(t("home.mechanisms.title"))
    st.markdown(t("home.mechanisms.lead"))
    top, bottom = st.columns(2), st.columns(2)
    for place, draw in zip((*top, *bottom), (_self_attention, _multi_head, _squeeze, _cbam), strict=True):
        with place, st.container(border=True):
            draw()
    st.markdown(t("home.numbers"))


@region("reveal")
def _eye() -> None:
    st.header(t("home.eye.title"))
    revealed = url_state.put_choice("reveal", (False, True))
    st.toggle(t("home.eye.reveal"), key="reveal", persist_state="session", help=t("home.eye.reveal_help"))
    left, right = st.columns(2)
    with left:
        st.markdown(t("home.eye.photo"))
        astronaut = networks.sample("astronaut").image
        st.image(gaze.photo(astronaut, revealed), width="stretch", alt=t("home.eye.photo_alt"))
    with right:
        st.markdown(t("home.eye.page"))
        st.html(gaze.text_page(revealed))
    st.caption(t("home.eye.revealed" if revealed else "home.eye.hidden"))


def _link(name: str) -> None:
    st.page_link(
        PAGES / f"{name}.py",
        label=t("home.open", page=t(f"{name}.title")),
        icon=":material/arrow_forward:",
        query_params={"lang": current_language()},
    )


def _self_attention() -> None:
    st.subheader(t("self_attention.title"))
    st.markdown(t("home.cards.self_attention"))
    opening = openings.opening("alone")
    trace = networks.text_trace(opening.text, None)
    names = sentence.labels(trace)
    show(
        matrix(
            array(trace.layers[opening.layer].weights[0, opening.head]),
            rows=names,
            columns=names,
            kind="weight",
            title=opening.text,
            row_title=t("words.query"),
            column_title=t("words.key"),
            value_name=t("words.weight"),
        ),
        "home-weights",
        alt=t("home.cards.self_attention"),
    )
    _link("self_attention")


def _multi_head() -> None:
    st.subheader(t("multi_head.title"))
    st.markdown(t("home.cards.multi_head"))
    opening = openings.opening("alone")
    trace = networks.text_trace(opening.text, opening.translation)
    draw_blocks(tiles("home-heads", trace, grouping.unit(trace), t("home.cards.multi_head"), clickable=False))
    _link("multi_head")


def _squeeze() -> None:
    st.subheader(t("squeeze_excitation.title"))
    st.markdown(t("home.cards.squeeze_excitation"))
    stages = networks.vision_trace("se", networks.sample(SAMPLE_PHOTOS[0])).stages
    show(
        channel_bars(
            array(channel_weights(most_selective(stages))),
            order="sorted",
            value_name=t("words.gate"),
            channel_name=t("words.channel"),
            baseline=0.5,
        ),
        "home-gates",
        alt=t("home.cards.squeeze_excitation"),
    )
    _link("squeeze_excitation")


def _cbam() -> None:
    st.subheader(t("cbam.title"))
    st.markdown(t("home.cards.cbam"))
    photo = networks.sample(SAMPLE_PHOTOS[0])
    trace = networks.vision_trace("cbam", photo)
    attention = trace.stages[-1].attention
    assert isinstance(attention, CBAMTrace)
    show(
        mask_over_photo(
            sharp_square(photo, trace),
            array(attention.spatial.mask[0, 0]),
            value_name=t("words.mask"),
        ),
        "home-mask",
        alt=t("home.cards.cbam"),
    )
    _link("cbam")


main()
