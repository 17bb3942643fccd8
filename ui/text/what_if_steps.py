"""The steps of self-attention where something is changed: as trained, with the change, and the difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st
import torch
from torch import Tensor

from attention_core.analysis.change import Prediction, empty_rows, predictions_beside
from attention_core.analysis.guesses import written_together
from attention_core.analysis.heads import divided_by_root, unscaled_scores, weighted_sum
from attention_core.analysis.words import words
from attention_core.figures import Quantity, matrix, probability_bars, vector_strip
from attention_core.figures.style import Kind
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered
from ui.i18n import joined, t
from ui.inputs import grouping, networks, sentence, text_networks
from ui.inputs.grouping import Unit
from ui.inputs.what_if import AS_TRAINED, WhatIf
from ui.shell.markdown import plain
from ui.stage.arrays import array
from ui.stage.steps import correction, not_of_this_network, show, step
from ui.text import attention_formulas as formulas

FEW_TOKENS = 8  # beside each other, the numbers of more would be too small to read


@dataclass(frozen=True)
class View:
    """What the steps show: two traces of one sentence, and whose numbers are followed."""

    before: TextTrace  # as trained
    after: TextTrace
    what_if: WhatIf
    layer: int
    head: int
    query: int

    @property
    def names(self) -> list[str]:
        """The tokens as on the axes: as the network reads them with the change."""
        return sentence.read(self.after)

    @property
    def said(self) -> list[str]:
        """The same, as sentences call them."""
        return numbered(self.names)

    def attention(self) -> tuple[MultiHeadTrace, MultiHeadTrace]:
        """The chosen layer's, as trained and with the change."""
        return self.before.layers[self.layer], self.after.layers[self.layer]


def strip_changes(view: View, *changes: tuple[Quantity, str, Tensor, Tensor]) -> None:
    """Differences of vectors, closed at first; nothing where there are none.

    changes: quantity, title, (T, d) as trained, (T, d) with the change.
    """
    if all(torch.equal(before, after) for _, _, before, after in changes):
        return
    with st.expander(t("what_if.projections.expander")):
        for quantity, title, before, after in changes:
            strip = vector_strip(array(after - before), rows=view.names, quantity=quantity, title=title)
            show(strip, f"change-{quantity}", alt=title)


def scores(view: View) -> None:
    """Step 4."""
    before, after = (attention.scores[0, view.head] for attention in view.attention())
    raw = unscaled_scores(view.after.layers[view.layer])[0, view.head]
    row, mask, among = after[view.query], view.what_if.attention_mask(len(view.names)), ""
    if mask is not None and mask[view.query].any():  # it comes after this step, and leaves only these keys
        row, among = row.masked_fill(~mask[view.query], -math.inf), t("what_if.scores.among")
    strongest = int(row.argmax())
    formula = formulas.score(
        view.query,
        strongest,
        raw[view.query, strongest].item(),
        after[view.query, strongest].item(),
        view.after.layers[view.layer].query.shape[-1],
        scaled=view.what_if.scaled,
        plain=divided_by_root(view.before.layers[view.layer]),
    )
    words = {
        "query": view.said[view.query],
        "key": view.said[strongest],
        "before": sentence.names(view.before)[int(before[view.query].argmax())],
        "among": among,
    }
    with step(4, "what_if.scores", formula, **words):
        limit = max(before.abs().max().item(), after.abs().max().item())
        _beside(view, grouping.by_token, "scores", "signed", before, after, {}, limit)


def weights(view: View) -> None:
    """Step 5."""
    before, after = (attention.weights[0, view.head] for attention in view.attention())
    grouping.bind()
    unit = grouping.unit(view.after)
    looks = unit.looks(after, view.query)
    row = unit.row(view.query)
    most = int(unit.weights(after)[row].argmax())
    empty = empty_rows(view.after, view.layer, view.head)
    masked = view.what_if.mask != "none"
    name = "what_if.weights_empty" if view.query in empty else "what_if.weights"
    was = {"before": f"{unit.weights(before)[row, most].item():.0%}"}
    with step(5, name, formulas.weight(temperature=view.what_if.temperature, masked=masked), **looks, **was):
        grouping.choose_unit()
        if masked:
            st.caption(t("what_if.weights.mask"))
        if empty:
            tokens = [t("what_if.token", token=plain(view.said[place])) for place in empty]
            st.info(t("what_if.weights.empty", tokens=joined("words.comma", tokens)), icon=":material/visibility_off:")
        place: dict[str, object] = {"layer": view.layer + 1, "head": view.head + 1}
        _beside(view, grouping.unit, "weights", "weight", before, after, place)


def _beside(
    view: View,
    shown: Callable[[TextTrace], Unit],
    name: str,
    kind: Kind,
    before: Tensor,
    after: Tensor,
    words: dict[str, object],
    limit: float | None = None,
) -> None:
    """A matrix as trained beside the changed one, on one scale, and their difference below."""
    left, right = st.columns(2)
    unit = shown(view.after)
    digits_fit = len(unit.words) <= FEW_TOKENS
    for column, which, of, values in ((left, "before", view.before, before), (right, "after", view.after, after)):
        title = t(f"what_if.{name}.figure", which=t(f"what_if.{which}"), **words)
        with column:
            key = name if which == "after" else f"{name}-before"
            _token_matrix(view, shown(of), name, key, title, values, kind, limit, digits_fit)
    if torch.equal(before, after):
        st.caption(t("what_if.unchanged"))
        return
    title = t(f"what_if.{name}.change")
    # On the scale of the quantity itself: a change of a hair must not look like one of everything.
    change = after - before
    scale = max(limit or 1.0, unit.weights(change).abs().max().item())
    _token_matrix(view, unit, name, f"{name}-change", title, change, "signed", scale, None)


def _token_matrix(
    view: View,
    unit: Unit,
    name: str,
    key: str,
    title: str,
    values: Tensor,
    kind: Kind,
    limit: float | None,
    numbers: bool | None,
) -> None:
    figure = matrix(
        array(unit.weights(values)),
        rows=unit.labels,
        columns=unit.labels,
        kind=kind,
        limit=limit,
        title=title,
        row_title=t("words.query"),
        column_title=t("words.key"),
        value_name=t(f"words.{name.removesuffix('s')}"),
        highlight_row=unit.row(view.query),
        clickable=True,
        show_values=numbers,
    )
    show(figure, key, alt=title, on_click=unit.follow_clicked_row())


def total(view: View) -> None:
    """Step 6."""
    before, after = (attention.head_outputs[0, view.head, view.query] for attention in view.attention())
    terms = weighted_sum(view.after.layers[view.layer], view.head, view.query)
    gate = view.what_if.gate(view.layer, view.head)
    with step(6, "what_if.sum", formulas.output(gate=gate), query=view.said[view.query]):
        rows = [f"{weight:.2f} · {name}" for weight, name in zip(terms.weights.tolist(), view.names, strict=True)]
        title = t("self_attention.sum.terms")
        show(vector_strip(array(terms.terms), rows=rows, quantity="value", title=title), "sum-terms", alt=title)
        if gate != 1:
            st.caption(t("what_if.sum.gate"))
        title = t("what_if.sum.total")
        compared = torch.stack([before, after, after - before])  # (3, d)
        rows = [t(f"what_if.{row}") for row in ("before", "after", "change")]
        show(vector_strip(array(compared), rows=rows, quantity="output", title=title), "sum-total", alt=title)
        correction("self_attention.sum.correction")


def prediction(view: View) -> None:
    """Step 7: what is said with the token in sight, then with it hidden; each as trained and with the change."""
    token = view.after.tokens[view.query]
    network = text_networks.current()
    if network.predicts == "nothing":
        not_of_this_network(7, "network.no_prediction")
        return
    formula = r"p(\text{token} \mid \text{sentence}) = \mathrm{softmax}(E\, h^i + c)"
    with step(7, "what_if.prediction", formula):
        if network.predicts == "next":
            _next(view)
            return
        if token.special:
            st.info(t("self_attention.prediction.special"))
            return
        _predictions(view, view.before, view.after, "seen")
        _filled_in(view)
        if view.query not in view.what_if.hidden and network.mask is not None:
            before, after = (hidden_trace(view.after, what, view.query) for what in (AS_TRAINED, view.what_if))
            _predictions(view, before, after, "hidden")


def _filled_in(view: View) -> None:
    """Where several tokens of the followed word are hidden: what the network makes of them together."""
    word = next(word for word in words(view.after) if view.query in word.tokens)
    hidden = tuple(place for place in word.tokens if place in view.what_if.hidden)
    if view.query not in hidden or len(hidden) < 2:
        return
    made = networks.filled_in(view.after.text, view.after.pair, hidden, view.what_if)
    written = written_together([guess.best for guess in made])
    st.caption(
        t("what_if.prediction.pieces", word=plain(word.text), count=len(hidden), written=plain(written)),
    )


def hidden_trace(trace: TextTrace, what_if: WhatIf, query: int) -> TextTrace:
    """The same sentence and what-if with the query token hidden too."""
    return networks.text_trace(trace.text, trace.pair, what_if.with_hidden(query))


def _predictions(view: View, before: TextTrace, after: TextTrace, key: str) -> None:
    token = view.after.tokens[view.query]
    found = predictions_beside(before, after, view.query, also=(token.id,))
    left, right = st.columns(2)
    for column, which, shown in ((left, "before", before), (right, "after", after)):
        said = "hidden" if view.query in shown.hidden else "seen"
        name = sentence.names(view.before)[view.query]
        title = f"{t(f'self_attention.prediction.{said}', query=name)} · {t(f'what_if.{which}')}"
        with column:
            show(
                probability_bars(
                    [entry.text for entry in found],
                    [getattr(entry, which) for entry in found],
                    title=escape(title),
                    value_name=t("words.probability"),
                    highlight=next(i for i, entry in enumerate(found) if entry.token == token.id),
                ),
                f"prediction-{key}-{which}",
                alt=title,
            )
    _said(view, next(entry for entry in found if entry.token == token.id))


def _next(view: View) -> None:
    """What comes after the query token; there is no right answer to it."""
    found = predictions_beside(view.before, view.after, view.query)
    said = t("self_attention.prediction.next", query=sentence.names(view.before)[view.query])
    for column, which in zip(st.columns(2), ("before", "after"), strict=True):
        title = f"{said} · {t(f'what_if.{which}')}"
        with column:
            show(
                probability_bars(
                    [entry.text for entry in found],
                    [getattr(entry, which) for entry in found],
                    title=escape(title),
                    value_name=t("words.probability"),
                ),
                f"prediction-next-{which}",
                alt=title,
            )


def _said(view: View, truth: Prediction) -> None:
    values = {
        "token": plain(truth.text),
        "before": f"{truth.before:.1%}",
        "after": f"{truth.after:.1%}",
        "difference": f"{round(100 * (truth.after - truth.before), 1) + 0.0:+.1f}".replace("-", "−"),
    }
    st.markdown(t("what_if.prediction.truth", **values))
