"""The steps of the page on networks that read one text and write another."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st
from torch import Tensor

from attention_core.errors import InputError
from attention_core.figures import map_grid, matrix, probability_bars
from attention_core.models.hub.encoder_decoder import TwoTextTrace
from attention_core.models.tokenization import visible
from attention_core.models.translation import Language
from attention_core.models.translator import Translator
from attention_core.stories.arrays import array
from attention_core.stories.tex import lines, tex
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import sentence, translators, writing_input
from ui.inputs.choices import choose
from ui.inputs.translators import TranslatingNetwork
from ui.shell import url_state
from ui.shell.turns import working
from ui.stage.steps import show, step

LAYER, HEAD, ROW = "cross_layer", "cross_head", "row"  # in the link


@dataclass(frozen=True, eq=False)
class Pair:
    """What was read and written, whether the network wrote it by itself, and the language that it was asked for."""

    trace: TwoTextTrace
    own: bool
    into: Language | None = None

    @property
    def source(self) -> list[str]:
        """S names."""
        return visible(self.trace.source.tokens)

    @property
    def target(self) -> list[str]:
        """T names, the start token first."""
        return visible(self.trace.target.tokens)


@dataclass(frozen=True, eq=False)
class View:
    """What is looked at. row: of the target, the one that is followed."""

    pair: Pair
    layer: int
    head: int
    row: int


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


def choose_view(pair: Pair) -> View:
    """The choice of a layer and one of its heads; the row is chosen by clicking it."""
    cross = pair.trace.cross
    left, right = st.columns(2)
    with left:
        layer = _number(LAYER, len(cross), len(cross) - 1)
    with right:
        head = _number(HEAD, cross[layer].weights.shape[1], 0)
    rows = range(len(pair.target))
    return View(pair, layer, head, url_state.put_choice(ROW, rows, (len(rows) - 1) // 2))


def _number(key: str, count: int, default: int) -> int:
    name = key.removeprefix("cross_")
    return choose(
        key,
        range(count),
        label=t(f"sentence.{name}"),
        name=lambda index: f"{index + 1}",
        default=default,
        note=t(f"cross_attention.{name}_help"),
    )


def one_head_step(number: int, view: View) -> None:
    """The written text asks, the read text answers."""
    pair = view.pair
    weights = pair.trace.cross[view.layer].weights[0, view.head]
    strongest = int(weights[view.row].argmax())
    weight = tex("weight", r"\tilde\alpha_{i,j}")
    product = rf"{tex('query', 'q^i')} \cdot {tex('key', 'k^j')}"
    formula = lines(
        rf"{tex('query', 'q^i')} = W^q a^i_{{\text{{written}}}}, \quad {tex('key', 'k^j')} = W^k h^j_{{\text{{read}}}}",
        rf"{weight} = \mathrm{{softmax}}_j({product} / \sqrt{{d}})",
    )
    values = {
        "layer": view.layer + 1,
        "head": view.head + 1,
        "query": pair.target[view.row],
        "key": pair.source[strongest],
        "share": f"{weights[view.row, strongest].item():.0%}",
    }
    with step(number, "cross_attention.one", formula, **values):
        _between(view, weights, pair.target, pair.source, "cross-weights", t("cross_attention.one.figure", **values))


def guess_step(number: int, view: View) -> None:
    """What the network writes after the row that is followed."""
    target = view.pair.trace.target
    best = target.predictions(view.row, 5)
    last = view.row + 1 == len(target.tokens)
    follows = None if last else target.vocabulary[target.tokens[view.row + 1].id]
    words = [word for word, _ in best]
    name = view.pair.target[view.row]
    with step(number, "cross_attention.guess", None, query=name):
        show(
            probability_bars(
                words,
                [probability for _, probability in best],
                title=t("cross_attention.guess.figure", query=escape(name)),
                value_name=t("words.probability"),
                highlight=words.index(follows) if follows in words else None,
            ),
            "cross-guess",
            alt=t("cross_attention.guess.figure", query=name),
        )


def all_heads_step(number: int, view: View) -> None:
    """All heads of the layer."""
    weights = array(view.pair.trace.cross[view.layer].weights[0])
    with step(number, "cross_attention.all", None, layer=view.layer + 1):
        show(
            map_grid(
                list(weights),
                titles=[f"{t('words.head')} {head + 1}" for head in range(len(weights))],
                kind="weight",
                title=t("cross_attention.all.figure", layer=view.layer + 1),
                value_name=t("words.weight"),
                row_name=t("cross_attention.row"),
                column_name=t("cross_attention.column"),
            ),
            "cross-heads",
            alt=t("cross_attention.all.figure", layer=view.layer + 1),
        )


def within_step(number: int, view: View) -> None:
    """The self-attention on either side, in the same layer and head where there is one."""
    trace, pair = view.pair.trace, view.pair
    with step(number, "cross_attention.within", None):
        left, right = st.columns(2)
        for place, side, names in ((left, "source", pair.source), (right, "target", pair.target)):
            layers = trace.source.layers if side == "source" else trace.target.layers
            layer = min(view.layer, len(layers) - 1)
            head = min(view.head, layers[layer].weights.shape[1] - 1)
            title = t(f"cross_attention.within.{side}", layer=layer + 1, head=head + 1)
            with place:
                weights = layers[layer].weights[0, head]
                _between(view if side == "target" else None, weights, names, names, f"within-{side}", title)


def _between(view: View | None, weights: Tensor, rows: list[str], columns: list[str], key: str, title: str) -> None:
    """A heatmap of weights; with a view, its row is framed and a click follows another."""
    show(
        matrix(
            array(weights),
            rows=rows,
            columns=columns,
            kind="weight",
            title=title,
            row_title=t("words.query"),
            column_title=t("words.key"),
            value_name=t("words.weight"),
            highlight_row=None if view is None else view.row,
            clickable=view is not None,
        ),
        key,
        alt=title,
        on_click=None if view is None else sentence.choose_clicked_row(ROW, len(columns)),
    )
