"""What a network is given to write from: a text, the language that it is to write, and how it chooses."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from attention_core.errors import InputError
from attention_core.inputs import clean_text
from attention_core.models.translation import LANGUAGES, Language, other_language
from attention_core.models.writing import Sampling
from attention_core.words import plain
from ui.i18n import current_language, explain, t
from ui.inputs.choices import choose
from ui.inputs.translators import direction_said
from ui.shell import url_state

OPENINGS: dict[Language, str] = {"zh": "我吃柠檬。", "en": "I eat lemons."}  # by the language of the interface
INTO, HOW, TEMPERATURE, TOP_K, SEED = "into", "how", "temperature", "top_k", "seed"  # in the link
TEMPERATURES = tuple(tenths / 10 for tenths in range(1, 21))
TOP_KS = (2, 3, 5, 10, 20, 50, 0)  # 0: all
_MOST_SEED = 10**6


@dataclass(frozen=True)
class Direction:
    """From which language to which. asked: the latter, where somebody chose it."""

    source: Language
    into: Language
    asked: Language | None

    @property
    def said(self) -> str:
        """Such as "Chinese → English"."""
        return direction_said(self.source, self.into)

    def of(self, text: str) -> Direction:
        """The same wish for another text."""
        return _direction(text, self.asked)


def opening() -> str:
    """What stands there before anything is typed."""
    return OPENINGS[current_language()]


def typed_text(place: DeltaGenerator, limit: int) -> str:
    """Draws the input of a text, and returns it; the opening where it cannot be used. limit: tokens that are read."""
    url_state.follow(s=opening())
    try:
        return clean_text(_box(place, limit))
    except InputError as error:
        return instead(error)


def typed_pair(limit: int) -> tuple[str, str | None]:
    """Draws the input of a text and of what is written to it, None where that is left empty."""
    url_state.follow(s=opening(), p="")
    target = url_state.put("p", "", str)
    first, second = st.columns(2)
    text = _box(first, limit)
    second.text_input(
        t("cross_attention.target"), key="p", persist_state="session", help=t("cross_attention.target_help")
    )
    try:
        return clean_text(text), clean_text(target) if target.strip() else None
    except InputError as error:
        return instead(error), None


def _box(place: DeltaGenerator, limit: int) -> str:
    typed = url_state.put("s", opening(), str)
    place.text_input(
        t("writing.text"),
        key="s",
        persist_state="session",
        help=t("writing.text_help", limit=limit),
        placeholder=opening(),
    )
    return typed


def instead(error: InputError) -> str:
    """Says why a text cannot be used, and returns the one that is shown in its place."""
    st.error(explain(error), icon=":material/warning:")
    st.caption(t("sentence.instead", example=plain(opening())))
    return opening()


def direction(text: str) -> Direction:
    """Draws the choice of the language to write, and returns it with that of the text."""
    asked = choose(
        INTO, ("auto", *LANGUAGES), label=t("writing.into"), name=_language_name, note=t("writing.into_help")
    )
    found = _direction(text, next((language for language in LANGUAGES if language == asked), None))
    if found.source == found.into:
        st.caption(t("writing.same", language=t(f"writing.language.{found.into}")))
    return found


def _direction(text: str, asked: Language | None) -> Direction:
    other = other_language(text)
    return Direction("zh" if other == "en" else "en", asked or other, asked)


def _language_name(option: str) -> str:
    return t("writing.auto") if option == "auto" else t(f"writing.language.{option}")


def drawn() -> bool:
    """Draws the choice between the likeliest token each time and one that is drawn; whether it is the latter."""
    how = choose(
        HOW,
        ("likeliest", "drawn"),
        label=t("writing.how"),
        name=lambda way: t(f"writing.{way}"),
        note=t("writing.how_help"),
    )
    return how == "drawn"


def sampling() -> Sampling:
    """Draws the choice of how tokens are drawn."""
    left, right = st.columns(2)
    temperature = url_state.put_choice(TEMPERATURE, TEMPERATURES, 1.0)
    left.select_slider(
        t("writing.temperature"),
        TEMPERATURES,
        key=TEMPERATURE,
        persist_state="session",
        help=t("writing.temperature_help"),
    )
    with right:
        top_k = choose(TOP_K, TOP_KS, label=t("writing.top_k"), name=_top_k, default=10, note=t("writing.top_k_help"))
    seed = url_state.put_number(SEED, 0, _MOST_SEED)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(t("writing.again"), key="draw-again", on_click=_draw_again, icon=":material/casino:", width="content")
        st.caption(t("writing.draw", number=seed + 1), width="content")
    return Sampling(temperature, top_k, seed)


def _top_k(count: int) -> str:
    return str(count) if count else t("writing.all")


def _draw_again() -> None:
    st.session_state[SEED] = (st.session_state[SEED] + 1) % (_MOST_SEED + 1)
