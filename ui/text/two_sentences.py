"""The controls of the page on two sentences, and the story that they choose."""

from __future__ import annotations

import streamlit as st

from attention_core.analysis.alignment import Aligner, aligners
from attention_core.analysis.words import Word, alone, words
from attention_core.models.text import TextTrace
from attention_core.stories import two_sentences
from attention_core.stories.story import Story
from attention_core.stories.two_sentences import Hidden, read_pair, two_sentences_story
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import grouping, heads, networks, openings, sentence, text_networks
from ui.inputs.choices import choose_word
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw

OFFERED = 5  # of the best heads
LINKS, LEAST, WORD = "links", "least", "w"  # in the link
FROM = ("product", "each")  # what the links are drawn from
PERCENT, USUAL = (0, 1, 2, 5, 10, 20, 30, 50), round(100 * two_sentences.USUAL)  # of a link


@region("layer", "head", grouping.KEY, LINKS, LEAST, WORD)
def one_head(trace: TextTrace) -> Story:
    """Controls, then the steps."""
    network = text_networks.current()
    chosen = st.container()
    layer, head = sentence.layer_and_head(heads.opening_head())
    measured = networks.measured("text") if network.shipped else None
    if measured is not None:
        with chosen:
            _offer(aligners(measured)[:OFFERED], (layer, head))
    grouping.choose_unit("words")
    product = url_state.put_choice(LINKS, FROM) == "product"
    least = url_state.put_choice(LEAST, PERCENT, USUAL)
    together = [word for word in words(trace) if not word.special]
    guesses = network.predicts == "hidden"
    story = two_sentences_story(
        read_pair(trace, layer, head, grouping.grouped(trace)),
        product=product,
        least=least / 100,
        measured=measured,
        hidden=_hidden(trace, together[_bound_word(trace, together)]) if guesses else None,
    )
    controls = {"two_sentences.links": _choose_links, "two_sentences.guess": lambda: _choose_word(together)}
    draw(story, controls=controls)
    return story


def _offer(best: list[Aligner], here: tuple[int, int]) -> None:
    """A button for each of the heads that align best; a click chooses it."""
    st.caption(t("two_sentences.best"))
    with st.container(horizontal=True, gap="small", key="aligners"):
        for number, aligner in enumerate(best):
            st.button(
                f"**{aligner.layer + 1}.{aligner.head + 1}** {aligner.best:.0%}",
                key=f"aligner-{number}",
                on_click=_open,
                args=(aligner,),
                width="content",
                type="primary" if (aligner.layer, aligner.head) == here else "secondary",
            )


def _open(aligner: Aligner) -> None:
    st.session_state["layer"], st.session_state["head"] = aligner.layer, aligner.head


def _choose_links() -> None:
    left, right = st.columns(2)
    right.select_slider(
        t("two_sentences.least"),
        PERCENT,
        format_func=lambda percent: f"{percent}%",
        key=LEAST,
        persist_state="session",
        help=t("two_sentences.least_help"),
    )
    left.segmented_control(
        t("two_sentences.from"),
        FROM,
        format_func=lambda way: t(f"two_sentences.ways.{way}"),
        key=LINKS,
        required=True,
        persist_state="session",
        help=t("two_sentences.from_help"),
    )


def _hidden(trace: TextTrace, word: Word) -> Hidden:
    """The guesses at a word beside the other sentence, and in its own alone."""
    own, positions = alone(trace, word)
    return Hidden(
        word.text,
        networks.filled_in(trace.text, trace.pair, word.tokens),
        networks.filled_in(own, None, positions),
    )


def _telling_word(trace: TextTrace, together: list[Word]) -> int:
    """What is hidden at first: the word that was measured to gain most, or the longest that is not in pieces."""
    measured = openings.shown(trace, "pair")
    if measured is not None:
        return next(i for i, word in enumerate(together) if measured.position in word.tokens)
    whole = [i for i, word in enumerate(together) if not any(trace.tokens[place].continues for place in word.tokens)]
    return max(whole or range(len(together)), key=lambda i: len(together[i].text))


def _bound_word(trace: TextTrace, together: list[Word]) -> int:
    """Takes the choice from the link, for what comes before the control itself."""
    first = _telling_word(trace, together)
    url_state.follow(**{WORD: first})
    return url_state.put_choice(WORD, range(len(together)), first)


def _choose_word(together: list[Word]) -> None:
    choose_word(
        WORD,
        [word.text for word in together],
        label=t("two_sentences.guess.choose"),
        note=t("two_sentences.guess.choose_help", mask=plain(text_networks.mask_name())),
    )
