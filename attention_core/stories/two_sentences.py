"""Two sentences in one head: the attention between them read as word alignment, and a word that one helps to guess.

A words of the first sentence, B of the second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attention_core.analysis.alignment import (
    DIRECTIONS,
    Links,
    PairAttention,
    aligners,
    pair_attention,
    strongest_links,
)
from attention_core.analysis.guesses import Guess, written_together
from attention_core.analysis.words import Word, word_weights
from attention_core.figures.alignment import narrowest
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered
from attention_core.stories.arrays import array
from attention_core.stories.story import Beside, Block, Figure, Folded, Grouped, Note, Step, Story, Table
from attention_core.stories.tex import tex
from attention_core.words import Listed, Say, Words

KEY = "two_sentences"
SIDE_BY_SIDE = 14  # words of a sentence up to which three matrices fit beside one another
USUAL = 0.1  # of a link that is drawn, at least
_ROOM = 460  # pixels that the picture of the links takes, at least
_FORTH, _BACK = tex("weight", r"\tilde\alpha_{a \to b}"), tex("weight", r"\tilde\alpha_{b \to a}")
_BASELINES = (("bilingual_start", "best"), ("untrained", "best"), ("diagonal",), ("eflomal",))  # places in the scores


@dataclass(frozen=True, eq=False)
class Pair:
    """One head's attention between two sentences, whose words are as typed."""

    layer: int
    head: int
    attention: PairAttention
    first: Sequence[str]
    second: Sequence[str]

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """What the words are called in sentences."""
        return numbered(self.first), numbered(self.second)


@dataclass(frozen=True)
class Hidden:
    """A word that was hidden, and the guesses at its tokens beside the other sentence and without it."""

    word: str
    beside: Sequence[Guess]
    alone: Sequence[Guess]


def is_pair(trace: TextTrace) -> bool:
    """Whether both sentences have a token."""
    return {token.segment for token in trace.tokens if not token.special} == {0, 1}


def read_pair(trace: TextTrace, layer: int, head: int, together: Sequence[Word]) -> Pair:
    """together: all words of the trace, or its tokens one by one."""
    attention = pair_attention(word_weights(trace.layers[layer].weights[0, head], together), together)
    first, second = (
        [word.text for word in together if not word.special and word.segment == segment] for segment in (0, 1)
    )
    return Pair(layer, head, attention, first, second)


def two_sentences_story(
    pair: Pair,
    *,
    product: bool = True,
    least: float = USUAL,
    measured: Mapping[str, Any] | None = None,
    hidden: Hidden | None = None,
) -> Story:
    """What one head makes of two sentences.

    product: whether links are drawn from the product of both directions, or from each by itself; least: of a link;
    measured: the scores of this network's heads, as `registry.scores("text")` gives them; hidden: None for a network
    that does not guess hidden tokens.
    """
    steps = [_links(pair, product, least), _matrices(pair), _score(pair, measured)]
    if hidden is not None:
        steps.append(_guess(hidden))
    return Story(KEY, {"layer": pair.layer, "head": pair.head}, {"measured": measured is not None}, steps)


def _links(pair: Pair, product: bool, least: float) -> Step:
    given = pair.attention
    forth, back = (given.product, given.product) if product else (given.forth, given.back)
    links = strongest_links(forth, back, least)
    called, calling = pair.names
    facts: dict[str, Any] = {
        "layer": pair.layer + 1,
        "head": pair.head + 1,
        "linked": bool(links.strengths),
        "limited": least > 0,
        "least": least,
    }
    if links.strengths:
        a, b = max(links.strengths, key=links.strengths.__getitem__)
        facts |= {"first": called[a], "second": calling[b]}
    # Words keep their size and their room: a narrow screen moves the picture sideways instead.
    room = narrowest(pair.first, pair.second)
    figure = Figure(
        "alignment",
        "alignment",
        {
            "first": list(pair.first),
            "second": list(pair.second),
            "forth": sorted(links.forth),
            "back": sorted(links.back),
            "strengths": links.strengths,
            "names": tuple(Say(f"two_sentences.links.{name}") for name in ("both", "forth", "back")),
            "first_notes": _notes(len(called), {a: _partner(given, a, b, calling[b]) for a, b in links.forth}),
            "second_notes": _notes(len(calling), {b: _partner(given, a, b, called[a]) for a, b in links.back}),
        },
        alt=Say("two_sentences.links.title", facts),
        widths=(room, max(_ROOM, 2 * room)),
    )
    partners = ("P_{a,b}", "P_{a,b}") if product else (_FORTH, _BACK)
    formulas = [
        rf"\hat b(a) = \arg\max_b\, {partners[0]}",
        rf"\hat a(b) = \arg\max_a\, {partners[1]}",
    ]
    table = Folded(Say("two_sentences.table"), [_looks(pair)], is_open=len(pair.first) <= SIDE_BY_SIDE)
    blocks = [figure, *_without_partner(pair, links), table]
    return Step("two_sentences.links", formulas, facts, blocks, {"forth": array(forth), "back": array(back)})


def _notes(count: int, partners: Mapping[int, Words]) -> list[Words]:
    """For each of `count` words its partner, and what each gives the other."""
    return [partners.get(place, "–") for place in range(count)]


def _partner(given: PairAttention, a: int, b: int, name: str) -> Words:
    shares = {"forth": given.forth[a, b].item(), "back": given.back[a, b].item()}
    return Say("two_sentences.partner", {"partner": name, **shares})


def _without_partner(pair: Pair, links: Links) -> list[Block]:
    """Which words have no line."""
    notes: list[Block] = []
    for side, called in enumerate(pair.names):
        linked = {link[side] for link in links.strengths}
        left = [Say("words.token_quoted", {"token": name}) for place, name in enumerate(called) if place not in linked]
        if left:
            notes.append(Note(Say(f"two_sentences.no_partner.{'ab'[side]}", {"words": Listed(left)})))
    return notes


def _looks(pair: Pair) -> Table:
    """Each word of the first sentence: where it looks, who looks at it, and its partner by the product."""
    called, calling = pair.names
    rows: list[list[Words]] = []
    for a, name in enumerate(called):
        row: list[Words] = [name]
        for values in (pair.attention.forth, pair.attention.back):
            b = int(values[a].argmax())
            row.append(Say("words.with_share", {"word": calling[b], "share": values[a, b].item()}))
        rows.append([*row, calling[int(pair.attention.product[a].argmax())]])
    head = [Say(f"two_sentences.{name}") for name in ("word", "looks", "looked", "by_product")]
    return Table(head, rows, Say("two_sentences.table"))


def _matrices(pair: Pair) -> Step:
    """What the head gives from each sentence to the other, and the product."""
    matrices = {name: getattr(pair.attention, name) for name in ("forth", "back", "product")}  # (A, B) each
    figures = [
        Figure(
            f"between-{name}",
            "matrix",
            {
                "values": array(values),
                "rows": list(pair.first),
                "columns": list(pair.second),
                "kind": "weight",
                "title": Say(f"two_sentences.matrices.{name}"),
                "row_title": "a",
                "column_title": "b",
                "value_name": Say("two_sentences.product" if name == "product" else "words.weight"),
            },
            alt=Say(f"two_sentences.matrices.{name}_alt"),
        )
        for name, values in matrices.items()
    ]
    few = max(len(pair.first), len(pair.second)) <= SIDE_BY_SIDE
    arrays = {name: array(values) for name, values in matrices.items()}
    formula = rf"P_{{a,b}} = {_FORTH} \cdot {_BACK}"
    return Step("two_sentences.matrices", [formula], {}, [Beside(figures) if few else Grouped(figures)], arrays)


def _score(pair: Pair, measured: Mapping[str, Any] | None) -> Step:
    """How often the head's links are right on hand-aligned sentences, above what does without it."""
    if measured is None:
        return Step("two_sentences.score", absent=Say("two_sentences.score.absent"))
    found = measured["alignment"]
    chosen = next(one for one in aligners(measured) if (one.layer, one.head) == (pair.layer, pair.head))
    baselines = {name: _inside(found, name, *inside) for name, *inside in _BASELINES}
    known = {name: value["score"] for name, value in baselines.items() if value}
    labels = [Say(f"two_sentences.directions.{name}") for name in DIRECTIONS]
    labels += [Say(f"two_sentences.baselines.{name}") for name in known]
    scores = [*(chosen.scores[name] for name in DIRECTIONS), *known.values()]
    title = Say("two_sentences.score.figure", {"layer": pair.layer + 1, "head": pair.head + 1})
    given = {
        "labels": labels,
        "probabilities": scores,
        "title": title,
        "value_name": Say("two_sentences.score.value"),
        "highlight": DIRECTIONS.index(chosen.direction),
    }
    facts = {
        "pairs": found["pairs"],
        "words": found["linked_words"],
        "reference": (baselines["eflomal"] or found)["pairs"],
        **{f"beside_{name}": name in known for name in baselines},
    }
    figure = Figure("alignment-score", "probability_bars", given, alt=title)
    return Step("two_sentences.score", [], facts, [figure], {"scores": np.array(scores)})


def _inside(found: Mapping[str, Any], *keys: str) -> Mapping[str, Any] | None:
    """What lies there, where it was measured."""
    inner: Mapping[str, Any] | None = found
    for key in keys:
        inner = inner and inner.get(key)
    return inner


def _guess(hidden: Hidden) -> Step:
    """What the network writes in the place of a word with the translation, and without."""
    made = {"with": hidden.beside, "alone": hidden.alone}
    pieces = len(hidden.beside) > 1
    known = all(guess.known for guess in hidden.beside)
    written = {name: written_together([guess.best for guess in guesses]) for name, guesses in made.items()}
    head: list[Words] = [Say("two_sentences.guess.hidden")]
    rows: list[list[Words]] = [[guess.answer] for guess in hidden.beside]
    for name, guesses in made.items():
        head += [Say(f"two_sentences.guess.{name}_writes"), Say(f"two_sentences.guess.{name}_right")]
        for row, guess in zip(rows, guesses, strict=True):
            row.append(Say("words.with_share", {"word": guess.best, "share": guess.best_probability}))
            row.append(Say("words.percent", {"share": guess.answer_probability}) if guess.known else "–")
    said = {"word": hidden.word, "both": written["with"], "alone": written["alone"]}
    blocks: list[Block] = [
        Note(Say("two_sentences.guess.written", said), "text"),
        Table(head, rows, Say("two_sentences.guess.title")),
    ]
    right = {name: np.array([guess.answer_probability for guess in guesses]) for name, guesses in made.items()}
    if pieces and known:
        chances = {name: math.prod(values.tolist()) for name, values in right.items()}
        blocks.append(Note(Say("two_sentences.guess.pieces", {"word": hidden.word, **chances})))
    before = ", x_{<i}" if pieces else ""
    formula = rf"p(x_i \mid x_{{\setminus H}}{before})"
    return Step("two_sentences.guess", [formula], {"pieces": pieces, "known": known}, blocks, right)
