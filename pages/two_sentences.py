"""Two sentences: attention between a sentence and its translation, read as word alignment."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.words import is_chinese
from attention_core.models.text import TextTrace
from ui.i18n import t
from ui.inputs import heads, openings, sentence, text_networks
from ui.inputs.grouping import KEY, choose_unit
from ui.shell.regions import region
from ui.stage.steps import not_of_this_network
from ui.take_along.export import text_export
from ui.text import two_sentences

EXAMPLE = 2  # of the sentences: one that has a translation


def main() -> None:
    """Controls, then the steps; a hint where there is no second sentence."""
    st.title(t("two_sentences.title"))
    st.markdown(t("two_sentences.lead"))
    trace = sentence.sentence_trace(example=EXAMPLE)
    shipped = text_networks.current().shipped
    if {token.segment for token in trace.tokens if not token.special} != {0, 1}:
        st.info(t("two_sentences.no_pair" if shipped else "network.no_pair"), icon=":material/translate:")
        st.button(t("two_sentences.use_example"), on_click=_use_example, key="use-pair")
        return
    if shipped and is_chinese(trace.text) == is_chinese(trace.pair or ""):
        st.caption(f"{t('two_sentences.one_language')} {t('two_sentences.measured_on')}")
    layer, head = _one_head(trace)
    if text_networks.current().predicts == "hidden":
        two_sentences.guess_step(4, trace)
    text_export("two_sentences", trace, layer=layer, head=head)


@region("layer", "head")
def _one_head(trace: TextTrace) -> tuple[int, int]:
    chosen = st.container()
    layer, head = sentence.layer_and_head(heads.opening_head())
    _pair(trace, layer, head)
    if text_networks.current().shipped:
        with chosen:
            two_sentences.offer_aligners(layer, head)
        two_sentences.score_step(3, layer, head)
    else:
        not_of_this_network(3, "network.no_scores")
    return layer, head


@region(KEY)
def _pair(trace: TextTrace, layer: int, head: int) -> None:
    choose_unit("words")
    pair = two_sentences.Pair(trace, layer, head)
    two_sentences.alignment_step(1, pair)
    two_sentences.matrices_step(2, pair)


def _use_example() -> None:
    st.session_state["s"], st.session_state["p"] = openings.examples()[EXAMPLE]


main()
