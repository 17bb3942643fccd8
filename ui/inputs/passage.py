"""What a network has written, and which part of it is looked at: the controls of the page on networks that write."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from attention_core.errors import InputError
from attention_core.models.tokenization import visible
from attention_core.models.translation import Language, TranslationStep
from attention_core.models.translator import Translator
from attention_core.models.writing import Sampling
from attention_core.stories.generation import Moment
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import writers, writing_input
from ui.inputs.choices import choose, choose_number
from ui.inputs.writers import MOST, Writer, Written
from ui.shell import url_state
from ui.shell.turns import working

AT_FIRST = 12  # tokens that a network writes which goes on by itself
WRITTEN, LAYER, HEAD = "written", "layer", "head"  # in the link
# Of the translator, whose layers and heads are others than those of the other pages about text.
CROSS_LAYER, CROSS_HEAD, OWN_HEAD = "cross_layer", "cross_head", "own_head"
FOLLOWED = (WRITTEN, LAYER, HEAD, CROSS_LAYER, CROSS_HEAD, OWN_HEAD)


@dataclass(frozen=True, eq=False)
class Passage:
    """What was written, and how. text: what it was written after, or from; into: the language that was asked for."""

    text: str
    written: Written
    into: Language | None
    sampling: Sampling | None


def write(writer: Writer) -> Passage | None:
    """What the network writes, after the choice of a text and of how; None where there is no room."""
    text = writing_input.typed_text(st.container(), writer.model.limit)
    translates = isinstance(writer.model, Translator)
    left, right = st.columns(2)
    with left:
        direction = writing_input.direction(text) if translates else None
        count = MOST if translates else _length()
    with right:
        drawn = writing_input.drawn()
    sampling = writing_input.sampling() if drawn else None
    asked = None if direction is None else direction.asked
    with working():
        try:
            written = writers.written(text, writer, count=count, into=asked, sampling=sampling)
        except InputError as error:
            text = writing_input.instead(error)
            direction = direction and direction.of(text)
            written = writers.written(text, writer, count=count, into=asked, sampling=sampling)
    if not written:
        st.info(t("generation.full", limit=writer.model.limit), icon=":material/content_cut:")
        return None
    last = written[-1]
    if last.truncated:
        read = written[0].source if isinstance(written[0], TranslationStep) else written[0].read
        st.warning(t("sentence.cut", limit=len(read), cut=last.truncated), icon=":material/content_cut:")
    said = f":primary-background[{plain(last.text)}]" if last.text.strip() else "␣"
    if direction is None:
        st.markdown(f"{plain(text)}{said}")
    else:
        st.markdown(f"{direction.said}: {plain(text)} → {said}")
        if not last.token.special:
            st.caption(t("generation.stopped", count=len(written)))
    return Passage(text, written, asked, sampling)


def _length() -> int:
    count = url_state.put_choice("length", range(1, MOST + 1), AT_FIRST)
    st.slider(t("generation.length"), 1, MOST, key="length", persist_state="session", help=t("generation.length_help"))
    return count


def choose_moment(passage: Passage) -> Moment:
    """The choice of a written token, each with its probability beside it, of a layer and of a head of each kind."""
    written = passage.written
    names = visible(written[-1].written)
    number = choose(
        WRITTEN,
        range(len(written)),
        label=t("generation.token"),
        name=lambda one: f"{plain(names[one])} :small[{written[one].probability:.0%}]",
        default=(len(written) - 1) // 2,  # the first one looks back at nothing
        note=t("generation.token_help"),
    )
    one = written[number]
    own = [layer.weights.shape[1] for layer in one.layers]
    if not isinstance(one, TranslationStep):
        left, right = st.columns(2)
        with left:
            layer = _number(LAYER, len(own), "sentence.layer", t("sentence.layer_help"))
        with right:
            head = _number(HEAD, own[layer], "sentence.head", t("sentence.head_help"))
        return Moment(written, passage.sampling, number, layer, head)
    left, middle, right = st.columns((2, 2, 3))
    with left:
        layer = _number(CROSS_LAYER, len(own), "sentence.layer", t("cross_attention.layer_help"), len(own) - 1)
    with middle:
        across = one.cross[layer].weights.shape[1]
        cross_head = _number(CROSS_HEAD, across, "generation.cross_head", t("generation.cross_head_help"))
    with right:
        head = _number(OWN_HEAD, own[layer], "generation.own_head", t("generation.own_head_help"))
    return Moment(written, passage.sampling, number, layer, head, cross_head)


def _number(key: str, count: int, label: str, note: str, default: int = 0) -> int:
    return choose_number(key, count, label=t(label), default=default, note=note)
