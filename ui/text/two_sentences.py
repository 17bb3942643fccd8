"""The pieces of the page on two sentences: alignment, its matrices, its score, and the guess at a hidden word."""

from __future__ import annotations

import math

import streamlit as st

from attention_core.analysis.alignment import (
    DIRECTIONS,
    Aligner,
    Links,
    PairAttention,
    aligners,
    pair_attention,
    strongest_links,
)
from attention_core.analysis.guesses import Guess, written_together
from attention_core.analysis.words import Word, word_weights, words
from attention_core.figures import alignment, matrix, probability_bars
from attention_core.figures.alignment import narrowest
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered
from attention_core.stories.arrays import array
from attention_core.stories.tex import tex
from attention_core.words import plain
from ui.i18n import joined, t
from ui.inputs import networks, openings
from ui.inputs.grouping import grouped
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import show, step

OFFERED = 5  # of the best heads
SIDE_BY_SIDE = 14  # words of a sentence up to which three matrices fit beside one another
FROM = ("product", "each")  # what the links are drawn from
LEAST, USUAL = (0, 1, 2, 5, 10, 20, 30, 50), 10  # percent of a link
MOST_PILLS = 48
_FORTH, _BACK = r"\tilde\alpha_{a \to b}", r"\tilde\alpha_{b \to a}"
BASELINES = (("bilingual_start", "best"), ("untrained", "best"), ("diagonal",), ("eflomal",))  # places in the scores


class Pair:
    """Both sentences as the switch between tokens and words stands, and one head's attention between them."""

    def __init__(self, trace: TextTrace, layer: int, head: int) -> None:
        together = grouped(trace)
        weights = word_weights(trace.layers[layer].weights[0, head], together)
        self.attention: PairAttention = pair_attention(weights, together)
        self.first, self.second = (
            [word.text for word in together if not word.special and word.segment == segment] for segment in (0, 1)
        )
        self.names = numbered(self.first), numbered(self.second)  # in sentences
        self.layer, self.head = layer, head


def offer_aligners(layer: int, head: int) -> None:
    """A button for each of the heads that align best; a click chooses it."""
    st.caption(t("two_sentences.best"))
    with st.container(horizontal=True, gap="small", key="aligners"):
        for number, aligner in enumerate(aligners(networks.measured("text"))[:OFFERED]):
            label = f"**{aligner.layer + 1}.{aligner.head + 1}** {aligner.best:.0%}"
            here = (aligner.layer, aligner.head) == (layer, head)
            st.button(
                label,
                key=f"aligner-{number}",
                on_click=_open,
                args=(aligner,),
                width="content",
                type="primary" if here else "secondary",
            )


def _open(aligner: Aligner) -> None:
    st.session_state["layer"], st.session_state["head"] = aligner.layer, aligner.head


@region("links", "least")
def alignment_step(number: int, pair: Pair) -> None:
    """The links, and who looks at whom in words."""
    product = url_state.put_choice("links", FROM) == "product"
    given = pair.attention
    forth, back = (given.product, given.product) if product else (given.forth, given.back)
    least = url_state.put_choice("least", LEAST, USUAL)
    links = strongest_links(forth, back, least / 100)
    with step(number, "two_sentences.links", _partners(product), layer=pair.layer + 1, head=pair.head + 1):
        left, right = st.columns(2)
        right.select_slider(
            t("two_sentences.least"),
            LEAST,
            format_func=lambda percent: f"{percent}%",
            key="least",
            persist_state="session",
            help=t("two_sentences.least_help"),
        )
        left.segmented_control(
            t("two_sentences.from"),
            FROM,
            format_func=lambda way: t(f"two_sentences.ways.{way}"),
            key="links",
            required=True,
            persist_state="session",
            help=t("two_sentences.from_help"),
        )
        # Words keep their size and their room: a narrow screen moves the picture sideways instead.
        room = narrowest(pair.first, pair.second)
        show(
            alignment(
                pair.first,
                pair.second,
                forth=links.forth,
                back=links.back,
                strengths=links.strengths,
                names=(
                    t("two_sentences.links.both"),
                    t("two_sentences.links.forth"),
                    t("two_sentences.links.back"),
                ),
                first_notes=_notes(pair.first, pair.names[1], sorted(links.forth), given, from_first=True),
                second_notes=_notes(pair.second, pair.names[0], sorted((b, a) for a, b in links.back), given),
            ),
            "alignment",
            alt=t("two_sentences.links.title", layer=pair.layer + 1, head=pair.head + 1),
            widths=(room, max(460, 2 * room)),
        )
        _without_partner(pair, links)
        with st.expander(t("two_sentences.table"), expanded=len(pair.first) <= SIDE_BY_SIDE):
            _table(pair)


def _without_partner(pair: Pair, links: Links) -> None:
    """Which words have no line."""
    for side, called in enumerate(pair.names):
        linked = {link[side] for link in links.forth | links.back}
        left = [t("what_if.token", token=plain(name)) for place, name in enumerate(called) if place not in linked]
        if left:
            st.caption(t(f"two_sentences.no_partner.{'ab'[side]}", words=joined("words.comma", left)))


def _partners(product: bool) -> str:
    forth, back = ("P_{a,b}",) * 2 if product else (tex("weight", _FORTH), tex("weight", _BACK))
    return rf"\hat b(a) = \arg\max_b\, {forth} \qquad \hat a(b) = \arg\max_a\, {back}"


def _notes(
    words: list[str], others: list[str], links: list[tuple[int, int]], given: PairAttention, *, from_first: bool = False
) -> list[str]:
    """For each of `words` its partner, and what each gives the other."""
    notes = ["–"] * len(words)
    for word, partner in links:
        a, b = (word, partner) if from_first else (partner, word)
        shares = {"forth": f"{given.forth[a, b].item():.0%}", "back": f"{given.back[a, b].item():.0%}"}
        notes[word] = t("two_sentences.partner", partner=others[partner], **shares)
    return notes


def _table(pair: Pair) -> None:
    """Each word of the first sentence: where it looks, who looks at it, and its partner by the product."""
    columns = {
        name: [
            f"{plain(pair.names[1][b])} {matrix[a, b].item():.0%}" for a, b in enumerate(matrix.argmax(dim=1).tolist())
        ]
        for name, matrix in (("looks", pair.attention.forth), ("looked", pair.attention.back))
    }
    st.table(
        {
            t("two_sentences.word"): [plain(word) for word in pair.names[0]],
            t("two_sentences.looks"): columns["looks"],
            t("two_sentences.looked"): columns["looked"],
            t("two_sentences.by_product"): [
                plain(pair.names[1][b]) for b in pair.attention.product.argmax(dim=1).tolist()
            ],
        },
        alt=t("two_sentences.table"),
    )


def matrices_step(number: int, pair: Pair) -> None:
    """What the head gives from each sentence to the other, and the product."""
    few = max(len(pair.first), len(pair.second)) <= SIDE_BY_SIDE
    with step(number, "two_sentences.matrices", rf"P_{{a,b}} = {tex('weight', _FORTH)} \cdot {tex('weight', _BACK)}"):
        places = st.columns(3) if few else [st.container() for _ in range(3)]
        for place, name in zip(places, ("forth", "back", "product"), strict=True):
            title = t(f"two_sentences.matrices.{name}")
            with place:
                show(
                    matrix(
                        array(getattr(pair.attention, name)),
                        rows=pair.first,
                        columns=pair.second,
                        kind="weight",
                        title=title,
                        row_title="a",
                        column_title="b",
                        value_name=t("two_sentences.product" if name == "product" else "words.weight"),
                    ),
                    f"between-{name}",
                    alt=t(f"two_sentences.matrices.{name}_alt"),
                )


def score_step(number: int, layer: int, head: int) -> None:
    """How often the head's links are right on hand-aligned sentences, above what does without it."""
    measured = networks.measured("text")["alignment"]
    chosen = next(a for a in aligners(networks.measured("text")) if (a.layer, a.head) == (layer, head))
    bars = [(t(f"two_sentences.directions.{name}"), chosen.scores[name]) for name in DIRECTIONS]
    for name, *inside in BASELINES:
        found = measured.get(name)
        for key in inside:
            found = found and found[key]
        if found:
            bars.append((t(f"two_sentences.baselines.{name}"), found["score"]))
    title = t("two_sentences.score.figure", layer=layer + 1, head=head + 1)
    with step(
        number,
        "two_sentences.score",
        pairs=measured["pairs"],
        words=measured["linked_words"],
        reference=measured.get("eflomal", measured)["pairs"],
    ):
        show(
            probability_bars(
                [label for label, _ in bars],
                [score for _, score in bars],
                title=title,
                value_name=t("two_sentences.score.value"),
                highlight=DIRECTIONS.index(chosen.direction),
            ),
            "alignment-score",
            alt=title,
        )


@region("w")
def guess_step(number: int, trace: TextTrace) -> None:
    """One word hidden: what the network writes there with the translation, and without."""
    together = [word for word in words(trace) if not word.special]
    place = _chosen_word(trace, together)
    word = together[place]
    assert trace.pair is not None
    alone = (trace.text, trace.pair)[word.segment]
    offset = 0 if word.segment == 0 else _start(trace, 1) - _start(trace, 0)
    found = {
        "with": networks.filled_in(trace.text, trace.pair, word.tokens),
        "alone": networks.filled_in(alone, None, tuple(position - offset for position in word.tokens)),
    }
    written = {name: plain(written_together([guess.best for guess in made])) for name, made in found.items()}
    rest = t("two_sentences.guess.rest")
    pieces = len(word.tokens) > 1
    formula = rf"p(x_i \mid \text{{{rest}}}{r', x_{<i}' if pieces else ''})"
    with step(number, "two_sentences.guess", formula):
        st.markdown(
            t("two_sentences.guess.written", word=plain(word.text), both=written["with"], alone=written["alone"])
        )
        rows: dict[str, list[str]] = {t("two_sentences.guess.hidden"): [plain(g.answer) for g in found["with"]]}
        for name, made in found.items():
            rows[t(f"two_sentences.guess.{name}_writes")] = [_writes(guess) for guess in made]
            rows[t(f"two_sentences.guess.{name}_right")] = [_right(guess) for guess in made]
        st.table(rows, alt=t("two_sentences.guess.title"))
        if pieces and all(guess.known for made in found.values() for guess in made):
            chances = {
                name: f"{math.prod(guess.answer_probability for guess in made):.1%}" for name, made in found.items()
            }
            st.caption(t("two_sentences.guess.pieces", word=plain(word.text), **chances))


def _start(trace: TextTrace, segment: int) -> int:
    """The position of a sentence's first token."""
    return next(i for i, token in enumerate(trace.tokens) if token.segment == segment and not token.special)


def _writes(guess: Guess) -> str:
    return f"{plain(guess.best)} {guess.best_probability:.0%}"


def _right(guess: Guess) -> str:
    return f"{guess.answer_probability:.1%}" if guess.known else "–"


def _telling_word(trace: TextTrace, together: list[Word]) -> int:
    """What is hidden at first: the word that was measured to gain most, or the longest that is not in pieces."""
    measured = openings.shown(trace, "pair")
    if measured is not None:
        return next(i for i, word in enumerate(together) if measured.position in word.tokens)
    whole = [i for i, word in enumerate(together) if not any(trace.tokens[place].continues for place in word.tokens)]
    return max(whole or range(len(together)), key=lambda i: len(together[i].text))


def _chosen_word(trace: TextTrace, together: list[Word]) -> int:
    first = _telling_word(trace, together)
    options = range(len(together))
    url_state.follow(w=first)
    url_state.put_choice("w", options, first)
    texts = [plain(name) for name in numbered([word.text for word in together])]
    label, explained = t("two_sentences.guess.choose"), t("two_sentences.guess.choose_help")
    if len(together) <= MOST_PILLS:
        st.pills(
            label,
            options,
            format_func=texts.__getitem__,
            key="w",
            required=True,
            persist_state="session",
            help=explained,
        )
    else:
        st.selectbox(
            label,
            options,
            format_func=lambda i: f"{i + 1}: {together[i].text}",
            key="w",
            persist_state="session",
            help=explained,
        )
    chosen: int = st.session_state["w"]
    return chosen
