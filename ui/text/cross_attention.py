"""The controls of the page on networks that read one text and write another, and the story that they choose."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from attention_core.errors import InputError
from attention_core.models.hub.encoder_decoder import TwoTextTrace
from attention_core.models.translation import Language
from attention_core.models.translator import Translator
from attention_core.stories.cross_attention import Crossed, adds_bias, cross_attention_story
from attention_core.stories.story import Story
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import translators, writing_input
from ui.inputs.choices import choose_number
from ui.inputs.translators import TranslatingNetwork
from ui.shell import url_state
from ui.shell.regions import region
from ui.shell.turns import working
from ui.stage.story import draw

LAYER, HEAD, ROW = "cross_layer", "cross_head", "row"  # in the link


@dataclass(frozen=True, eq=False)
class Pair:
    """What was read and written, whether the network wrote it by itself, and the language that it was asked for."""

    trace: TwoTextTrace
    own: bool
    into: Language | None = None


def about(network: TranslatingNetwork) -> None:
    """One line on what the network is."""
    model = network.model
    if isinstance(model, Translator):
        translators.about_shipped()
        return
    counts = {side: len(heads) for side, heads in model.heads.items()}
    st.caption(
        t(
            "cross_attention.reads",
            architecture=plain(model.architecture),
            encoder=counts["source"],
            decoder=counts["target"],
            limit=model.limit,
        )
    )


def two_texts(network: TranslatingNetwork) -> Pair:
    """The text that is read, and the one that is written: typed, or the network's own where nothing is."""
    text, target = writing_input.typed_pair(network.model.limit)
    direction = writing_input.direction(text) if network.shipped else None
    asked = None if direction is None else direction.asked
    with working():
        try:
            trace = translators.traced(text, target, asked, network)
        except InputError as error:
            text, target = writing_input.instead(error), None
            direction = direction and direction.of(text)
            trace = translators.traced(text, target, asked, network)
    for side in (trace.source, trace.target):
        if side.truncated:
            st.warning(t("sentence.cut", limit=len(side.tokens), cut=side.truncated), icon=":material/content_cut:")
    said = "" if direction is None else f"{direction.said} · "
    if target is None:
        st.markdown(said + t("cross_attention.wrote", text=plain(trace.target.text or "␣")))
    elif said:
        st.markdown(f"{said}**{plain(target)}**")
    return Pair(trace, target is None, asked)


@region(LAYER, HEAD, ROW)
def one_head(network: TranslatingNetwork, pair: Pair) -> Story:
    """The choice of a layer and one of its heads, then the steps; the row is chosen by clicking it."""
    trace = pair.trace
    left, right = st.columns(2)
    with left:
        layer = _number(LAYER, len(trace.cross), len(trace.cross) - 1)
    with right:
        head = _number(HEAD, trace.cross[layer].weights.shape[1], 0)
    rows = range(len(trace.target.tokens))
    row = url_state.put_choice(ROW, rows, (len(rows) - 1) // 2)
    story = cross_attention_story(Crossed(trace, layer, head, row, adds_bias(network.model)))
    draw(story)
    return story


def _number(key: str, count: int, default: int) -> int:
    name = key.removeprefix("cross_")
    note = t(f"cross_attention.{name}_help")
    return choose_number(key, count, label=t(f"sentence.{name}"), default=default, note=note)
