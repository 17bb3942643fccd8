"""Two sentences: attention between a sentence and its translation, read as word alignment."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.words import is_chinese
from attention_core.stories.two_sentences import is_pair
from ui.i18n import t
from ui.inputs import openings, sentence, text_networks
from ui.take_along.export import text_export
from ui.text import two_sentences

EXAMPLE = 2  # of the sentences: one that has a translation


def main() -> None:
    """Controls, then the steps; a hint where there is no second sentence."""
    st.title(t("two_sentences.title"))
    st.markdown(t("two_sentences.lead"))
    trace = sentence.sentence_trace(example=EXAMPLE)
    shipped = text_networks.current().shipped
    if not is_pair(trace):
        st.info(t("two_sentences.no_pair" if shipped else "network.no_pair"), icon=":material/translate:")
        st.button(t("two_sentences.use_example"), on_click=_use_example, key="use-pair")
        return
    if shipped and is_chinese(trace.text) == is_chinese(trace.pair or ""):
        st.caption(f"{t('two_sentences.one_language')} {t('two_sentences.measured_on')}")
    story = two_sentences.one_head(trace)
    text_export("two_sentences", trace, story)


def _use_example() -> None:
    st.session_state["s"], st.session_state["p"] = openings.examples()[EXAMPLE]


main()
