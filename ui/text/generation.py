"""The steps of the page on networks that write."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from attention_core.figures import matrix, probability_bars
from attention_core.figures.style import MINUS
from attention_core.models.tokenization import visible
from attention_core.models.translation import TranslationStep
from attention_core.models.writing import Sampling, log_probability, rivals
from attention_core.stories.arrays import array
from attention_core.stories.tex import lines, tex
from ui.i18n import t
from ui.inputs import sentence, writing_input
from ui.inputs.passage import CROSS_HEAD, HEAD, OWN_HEAD, WRITTEN, View
from ui.inputs.writers import Written
from ui.stage.steps import show, step


def whole_step(number: int, view: View) -> None:
    """All choices with their probabilities, and their product."""
    passage = view.passage
    written, sampling = passage.written, passage.sampling
    total = log_probability(written)
    formula = r"p(y \mid x) = \prod_{t=1}^{n} p(y_t \mid x,\, y_1 \dots y_{t-1})"
    values: dict[str, object] = {
        "count": len(written),
        "product": _power(total),
        "log": f"{total:.2f}".replace("-", MINUS),
        "mean": f"{math.exp(total / len(written)):.0%}",
        **_settings(sampling),
    }
    with step(number, "generation.whole" if sampling is None else "generation.whole_drawn", formula, **values):
        show(
            probability_bars(
                passage.names,
                [one.probability for one in written],
                title=t("generation.whole.figure"),
                value_name=t("words.probability"),
                highlight=view.number,
                **_drawn(sampling, [sampling.probability(one) for one in written] if sampling else []),
            ),
            "written-tokens",
            alt=t("generation.whole.figure"),
            on_click=_choose_clicked,
        )


def _drawn(sampling: Sampling | None, shares: list[float]) -> dict[str, Any]:
    """The second bars, of what temperature and top-k have made of the probabilities."""
    if sampling is None:
        return {}
    return {"second": shares, "names": (t("generation.own"), t("generation.changed"))}


def _settings(sampling: Sampling | None) -> dict[str, str]:
    if sampling is None:
        return {}
    return {"temperature": f"{sampling.temperature:g}", "top_k": writing_input.top_k_said(sampling)}


def _power(logarithm: float) -> str:
    """e to a power, small as it may be: 12% or 3.2 × 10⁻⁷."""
    if logarithm > math.log(0.001):
        return f"{math.exp(logarithm):.1%}"
    tens = logarithm / math.log(10)
    power = math.floor(tens)
    superscript = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{10 ** (tens - power):.1f} × 10{superscript}"


def _choose_clicked(point: dict[str, Any]) -> None:
    st.session_state[WRITTEN] = point["point_index"]


def guess_step(number: int, view: View) -> None:
    """What the network held for likely, what temperature and top-k made of it, and what it wrote."""
    one, sampling = view.passage.written[view.number], view.passage.sampling
    others = rivals(one, sampling)
    own = r"p(\text{next}) = \mathrm{softmax}(z), \quad z = E\, h_T" + (
        " + b" if isinstance(one, TranslationStep) else ""
    )
    formula = own if sampling is None else lines(own, _changed(sampling))
    values: dict[str, object] = {"last": view.last, "token": view.name, "share": f"{one.probability:.1%}"}
    if sampling is not None:
        values |= {"drawn": f"{sampling.probability(one):.1%}", **_settings(sampling)}
    with step(number, "generation.guess" if sampling is None else "generation.guess_drawn", formula, **values):
        show(
            probability_bars(
                [rival.token for rival in others],
                [rival.probability for rival in others],
                title=t("generation.guess.figure", last=escape(view.last)),
                value_name=t("words.probability"),
                highlight=next(place for place, rival in enumerate(others) if rival.written),
                **_drawn(sampling, [rival.drawn for rival in others]),
            ),
            "next-token",
            alt=t("generation.guess.figure", last=view.last),
        )


def _changed(sampling: Sampling) -> str:
    kept = rf"_{{\text{{top }}{sampling.top_k}}}" if sampling.top_k else ""
    return rf"p'(\text{{next}}) = \mathrm{{softmax}}{kept}(z / {sampling.temperature:g})"


def cross_step(number: int, view: View) -> None:
    """Where the heads of the layer looked in the text that is translated."""
    one = view.passage.written[view.number]
    assert isinstance(one, TranslationStep) and view.cross_head is not None
    weights = array(one.cross[view.layer].weights[0, :, 0])  # (H, S)
    weight = tex("weight", r"\tilde\alpha^{h}_{T,j}")
    query, key = tex("query", "q^{T,h}_{\\text{written}}"), tex("key", "k^{j,h}_{\\text{read}}")
    formula = rf"{weight} = \mathrm{{softmax}}_j({query} \cdot {key} / \sqrt{{d}})"
    _heads(number, view, "cross", weights, visible(one.source), view.cross_head, CROSS_HEAD, formula)


def heads_step(number: int, view: View) -> None:
    """Where the heads of the layer looked in what was there, when the token was chosen."""
    one = view.passage.written[view.number]
    weights = array(one.layers[view.layer].weights[0, :, 0])  # (H, T)
    weight = tex("weight", r"\tilde\alpha^{h}_{T,j}")
    formula = rf"{weight} = \mathrm{{softmax}}_j({tex('query', 'q^{T,h}')} \cdot {tex('key', 'k^{j,h}')} / \sqrt{{d}})"
    key = HEAD if view.cross_head is None else OWN_HEAD
    _heads(number, view, "heads", weights, visible(one.read), view.head, key, formula)


def _heads(
    number: int,
    view: View,
    name: str,
    weights: npt.NDArray[Any],
    columns: list[str],
    head: int,
    key: str,
    formula: str,
) -> None:
    strongest = int(weights[head].argmax())
    values = {"layer": view.layer + 1, "head": head + 1, "token": view.name, "last": view.last}
    looked = {"key": columns[strongest], "share": f"{weights[head, strongest]:.0%}"}
    with step(number, f"generation.{name}", formula, **values, **looked):
        shown = {word: escape(str(value)) for word, value in values.items()}
        show(
            matrix(
                weights,
                rows=[f"{t('words.head')} {row + 1}" for row in range(len(weights))],
                columns=columns,
                kind="weight",
                title=t(f"generation.{name}.figure", **shown),
                column_title=t("words.key"),
                value_name=t("words.weight"),
                highlight_row=head,
                clickable=True,
            ),
            f"next-{name}",
            alt=t(f"generation.{name}.figure", **values),
            on_click=sentence.choose_clicked_row(key, len(columns)),
        )


def rows_step(number: int, view: View) -> None:
    """One head, token after token: each row is as long as what had been read. Of a translator both kinds of heads."""
    written = view.passage.written
    last = written[-1]
    own = _rows(written, view.layer, view.head)
    if view.cross_head is None:
        with step(number, "generation.rows", None, layer=view.layer + 1, head=view.head + 1):
            _row_matrix(view, "rows", own, visible(last.read), view.head)
        return
    assert isinstance(last, TranslationStep)
    steps = [one for one in written if isinstance(one, TranslationStep)]
    across = np.stack([array(one.cross[view.layer].weights[0, view.cross_head, 0]) for one in steps])  # (T, S)
    with step(number, "generation.both", None, layer=view.layer + 1):
        left, right = st.columns(2)
        with left:
            _row_matrix(view, "across", across, visible(last.source), view.cross_head)
        with right:
            _row_matrix(view, "back", own, visible(last.read), view.head)


def _row_matrix(view: View, name: str, rows: npt.NDArray[Any], columns: list[str], head: int) -> None:
    title = t(f"generation.{name}.figure", layer=view.layer + 1, head=head + 1)
    show(
        matrix(
            rows,
            rows=view.passage.names,
            columns=columns,
            kind="weight",
            title=title,
            row_title=t("generation.rows.row"),
            column_title=t("words.key"),
            value_name=t("words.weight"),
            highlight_row=view.number,
            clickable=True,
        ),
        f"next-{name}",
        alt=title,
        on_click=sentence.choose_clicked_row(WRITTEN, len(columns)),
    )


def _rows(written: Written, layer: int, head: int) -> npt.NDArray[Any]:
    """(written tokens, tokens read in the end); NaN where a token had not been read yet."""
    rows = np.full((len(written), len(written[-1].read)), np.nan, np.float32)
    for row, one in enumerate(written):
        rows[row, : len(one.read)] = array(one.layers[layer].weights[0, head, 0])
    return rows
