"""The sentence that somebody explores: typed, or one of the examples."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from attention_core.errors import InputError
from attention_core.figures.axes import MOST_NAMED
from attention_core.inputs import clean_text
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered, visible
from attention_core.words import plain
from ui.i18n import explain, joined, t
from ui.inputs import network_picker, networks, openings, text_networks
from ui.inputs.choices import choose_number, choose_word
from ui.inputs.openings import examples
from ui.shell import url_state


def sentence_trace(example: int = 0) -> TextTrace:
    """Draws the input, and returns the trace of what is in it; the example's where it cannot be used.

    example: index in `examples` of what stands there before anything is typed.
    """
    network_picker.choose()
    _choose(*examples()[example])
    trace = networks.text_trace(*_cleaned(st.session_state["s"], st.session_state["p"]))
    if trace.truncated:
        st.warning(t("sentence.cut", limit=len(trace.tokens), cut=trace.truncated), icon=":material/content_cut:")
    if any(token.unknown for token in trace.tokens):
        unknown = [plain(name) for name in visible(token for token in trace.tokens if token.unknown)]
        st.caption(t("sentence.unknown", tokens=joined("words.comma", list(dict.fromkeys(unknown)))))
    if len(trace.tokens) > MOST_NAMED:
        st.caption(t("sentence.long", count=len(trace.tokens)))
    return trace


def _input(place: DeltaGenerator) -> None:
    network = text_networks.current()
    label, note = ("sentence.label", "sentence.help") if network.shipped else ("network.text", "network.text_help")
    place.text_input(
        t(label),
        key="s",
        persist_state="session",
        help=t(note, limit=network.positions),
        placeholder=examples()[0][0],
    )


def _bind(text: str, pair: str = "") -> None:
    """Takes both from the link; what nobody has typed over follows the page and its language."""
    url_state.follow(s=text, p=pair)
    typed = url_state.put("s", text, str)
    url_state.put("p", pair if typed == text else "", str)  # the example's translation is of the example only


def _cleaned(typed: str, translation: str) -> tuple[str, str | None]:
    try:
        return clean_text(typed), clean_text(translation) if translation.strip() else None
    except InputError as error:
        st.error(explain(error), icon=":material/warning:")
        instead = examples()[0][0]
        st.caption(t("sentence.instead", example=instead))
        return instead, None


def _choose(text: str, pair: str) -> None:
    _bind(text, pair)
    first, second = st.columns(2)
    _input(first)
    catalogue = "sentence" if text_networks.current().shipped else "network"
    second.text_input(
        t(f"{catalogue}.pair"),
        key="p",
        persist_state="session",
        help=t(f"{catalogue}.pair_help"),
        placeholder=examples()[1][1],
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="examples"):
        st.caption(t("sentence.examples"), width="content")
        for index, (text, pair) in enumerate(examples()):
            label = f"{text} ‖ {pair}" if pair else text
            st.button(label, key=f"example-{index}", on_click=_use, args=(text, pair), width="content")


def _use(text: str, pair: str) -> None:
    st.session_state["s"], st.session_state["p"] = text, pair


def labels(trace: TextTrace) -> list[str]:
    """What stands on the axes: each token as typed, with its marks."""
    return visible(trace.tokens)


def names(trace: TextTrace) -> list[str]:
    """What tokens are called in sentences and to choose from: equal ones carry their places."""
    return numbered(visible(trace.tokens))


def layer_and_head(opening: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """The choice of a layer and one of its heads, counted from 0; shown counted from 1."""
    heads = text_networks.current().heads
    url_state.follow(layer=opening[0], head=opening[1])
    left, right = st.columns(2)
    with left:
        layer = choose_number(
            "layer", len(heads), label=t("sentence.layer"), default=opening[0], note=t("sentence.layer_help")
        )
    with right:
        first = opening[1] if layer == opening[0] else 0
        head = choose_number(
            "head", heads[layer], label=t("sentence.head"), default=first, note=t("sentence.head_help")
        )
    return layer, head


def bind_query(trace: TextTrace) -> int:
    """Takes the followed token from the link; at first the one that was measured to show this sentence best, or the
    first that is not special."""
    measured = openings.shown(trace)
    ordinary = (i for i, token in enumerate(trace.tokens) if not token.special)
    first = next(ordinary, 0) if measured is None else measured.position
    url_state.follow(q=first)
    return url_state.put_choice("q", range(len(trace.tokens)), first)


def query_token(trace: TextTrace) -> int:
    """The token whose row is followed, chosen by clicking it."""
    query = bind_query(trace)
    choose_word("q", labels(trace), label=t("sentence.query"), note=t("sentence.query_help"))
    return query
