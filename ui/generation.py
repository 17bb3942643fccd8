"""The steps of the page on networks that write."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from attention_core.figures import matrix, probability_bars
from attention_core.models.hub_generation import generate
from attention_core.models.hub_text import HubTextModel
from attention_core.models.tokenization import visible
from attention_core.models.writing import GenerationStep
from ui import sentence, url_state
from ui.arrays import array
from ui.choices import choose
from ui.i18n import t
from ui.markdown import plain
from ui.steps import show, step
from ui.tex import tex
from ui.turns import in_turn, working

MOST, AT_FIRST = 40, 12  # tokens that are written
Written = tuple[GenerationStep, ...]


def write(text: str, key: str, model: HubTextModel) -> Written:
    """What the network writes after `text`, after the choice of how much. key: of the network."""
    count = url_state.put_choice("length", range(1, MOST + 1), AT_FIRST)
    st.slider(t("generation.length"), 1, MOST, key="length", persist_state="session", help=t("generation.length_help"))
    with working():
        written = _written(text, count, key, model)
    if not written:
        st.info(t("generation.full", limit=model.limit), icon=":material/content_cut:")
        return ()
    if written[0].truncated:
        st.warning(
            t("sentence.cut", limit=len(written[0].read), cut=written[0].truncated), icon=":material/content_cut:"
        )
    st.markdown(f"{plain(text)}:primary-background[{plain(written[-1].text)}]")
    return written


@st.cache_resource(max_entries=32, show_spinner=False)
@in_turn
def _written(text: str, count: int, key: str, _model: HubTextModel) -> Written:
    """Shared between sessions, so never written to."""
    return tuple(generate(_model, text, steps=count))


def choose_token(written: Written) -> int:
    """The written token that is looked at, counted from 0."""
    return choose(
        "written",
        range(len(written)),
        label=t("generation.token"),
        name=lambda number: plain(_name(written, number)),
        note=t("generation.token_help"),
    )


def _name(written: Written, number: int) -> str:
    return visible([written[-1].written[number]])[0]


def guess_step(step_number: int, written: Written, number: int) -> None:
    """What the network held for likely, and what it wrote."""
    one = written[number]
    best = one.predictions(5)
    words = [word for word, _ in best]
    token = one.vocabulary[one.token.id]
    formula = r"p(\text{next} \mid x_1 \dots x_T) = \mathrm{softmax}(E\, h_T)"
    values = {"last": visible(one.read)[-1], "token": _name(written, number), "share": f"{one.probability:.1%}"}
    with step(step_number, "generation.guess", formula, **values):
        show(
            probability_bars(
                words,
                [probability for _, probability in best],
                title=t("generation.guess.figure", last=escape(values["last"])),
                value_name=t("words.probability"),
                highlight=words.index(token) if token in words else None,
            ),
            "next-token",
            alt=t("generation.guess.figure", last=values["last"]),
        )


def heads_step(step_number: int, written: Written, number: int, layer: int, head: int) -> None:
    """Where the heads of the layer looked when the token was chosen."""
    one = written[number]
    weights = array(one.layers[layer].weights[0, :, 0])  # (H, T)
    names = visible(one.read)
    strongest = int(weights[head].argmax())
    values = {"layer": layer + 1, "head": head + 1, "token": _name(written, number), "last": names[-1]}
    weight = tex("weight", r"\tilde\alpha^{h}_{T,j}")
    formula = rf"{weight} = \mathrm{{softmax}}_j({tex('query', 'q^{T,h}')} \cdot {tex('key', 'k^{j,h}')} / \sqrt{{d}})"
    looked = {"key": names[strongest], "share": f"{weights[head, strongest]:.0%}"}
    with step(step_number, "generation.heads", formula, **values, **looked):
        shown = {name: escape(str(value)) for name, value in values.items()}
        show(
            matrix(
                weights,
                rows=[f"{t('words.head')} {row + 1}" for row in range(len(weights))],
                columns=names,
                kind="weight",
                title=t("generation.heads.figure", **shown),
                column_title=t("words.key"),
                value_name=t("words.weight"),
                highlight_row=head,
                clickable=True,
            ),
            "next-heads",
            alt=t("generation.heads.figure", **values),
            on_click=sentence.choose_clicked_row("head", len(names)),
        )


def rows_step(step_number: int, written: Written, number: int, layer: int, head: int) -> None:
    """One head, token after token: each row is as long as what had been read."""
    rows = _rows(written, layer, head)
    last = written[-1]
    names = visible(last.read)
    with step(step_number, "generation.rows", None, layer=layer + 1, head=head + 1):
        title = t("generation.rows.figure", layer=layer + 1, head=head + 1)
        show(
            matrix(
                rows,
                rows=[_name(written, row) for row in range(len(rows))],
                columns=names,
                kind="weight",
                title=title,
                row_title=t("generation.rows.row"),
                column_title=t("words.key"),
                value_name=t("words.weight"),
                highlight_row=number,
                clickable=True,
            ),
            "next-rows",
            alt=title,
            on_click=sentence.choose_clicked_row("written", len(names)),
        )


def _rows(written: Written, layer: int, head: int) -> npt.NDArray[Any]:
    """(written tokens, tokens read in the end); NaN where a token had not been read yet."""
    rows = np.full((len(written), len(written[-1].read)), np.nan, np.float32)
    for row, one in enumerate(written):
        rows[row, : len(one.read)] = array(one.layers[layer].weights[0, head, 0])
    return rows
