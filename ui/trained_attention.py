"""Self-attention in the trained network: one head, one query token, from the tokens to the prediction."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st
from torch import Tensor

from attention_core.analysis.heads import unscaled_scores, weighted_sum
from attention_core.figures import Quantity, matrix, probability_bars, vector_strip
from attention_core.models.text import TextTrace
from ui import networks, sentence
from ui.arrays import array
from ui.attention_pictures import show_weights
from ui.i18n import t
from ui.steps import correction, show, step
from ui.tex import number, tex

FEW_TOKENS = 8
Q, K, V = tex("query", "q^i"), tex("key", "k^j"), tex("value", "v^j")
SCORE, WEIGHT, OUTPUT = (
    tex("score", r"\alpha_{i,j}"),
    tex("weight", r"\tilde\alpha_{i,j}"),
    tex("output", "b^i"),
)


def page() -> None:
    """Controls, then the steps."""
    trace = sentence.sentence_trace()
    layer, head = sentence.layer_and_head(networks.text_model())
    query = sentence.query_token(trace)
    _tokens(trace)
    _embedding(trace, layer, query)
    _projections(trace, layer, head, query)
    _scores(trace, layer, head, query)
    _weights(trace, layer, head, query)
    _sum(trace, layer, head, query)
    _prediction(trace, query)


def _tokens(trace: TextTrace) -> None:
    with step(1, "self_attention.tokens", rf"x^1, x^2, \dots, x^{{{len(trace.tokens)}}}"):
        rows = {
            t("self_attention.tokens.position"): [str(i) for i in range(len(trace.tokens))],
            t("self_attention.tokens.token"): sentence.labels(trace),
            t("self_attention.tokens.row"): [str(token.id) for token in trace.tokens],
            t("self_attention.tokens.read_as"): [trace.vocabulary[token.id] for token in trace.tokens],
        }
        st.dataframe(
            {"": list(rows), **{str(i): [row[i] for row in rows.values()] for i in range(len(trace.tokens))}},
            hide_index=True,
            column_config={str(i): st.column_config.TextColumn(str(i), width=60) for i in range(len(trace.tokens))},
        )


def _embedding(trace: TextTrace, layer: int, query: int) -> None:
    parts = rf"{tex('embedding', 'W x^i')} + p_i + s_i"
    if networks.text_model().config.embedding_scale is None:
        parts = rf"\sqrt{{D}}\,({parts})"
    formula = rf"{tex('embedding', 'a^i')} = {parts} \in \mathbb{{R}}^{{D}}"
    with step(2, "self_attention.embedding", formula, layer=layer + 1, width=trace.embedding.shape[1]):
        values = array(trace.layers[layer].input[0])
        show(
            vector_strip(
                values,
                rows=sentence.labels(trace),
                quantity="embedding",
                title=t("self_attention.embedding.figure", layer=layer + 1),
            ),
            "embedding",
            alt=t("self_attention.embedding.title"),
        )
        with st.expander(t("self_attention.embedding.parts", token=sentence.labels(trace)[query])):
            summands = {
                "token": trace.token_embedding,
                "position": trace.position_embedding,
                "segment": trace.segment_embedding,
                "sum": trace.embedding,
            }
            show(
                vector_strip(
                    np.stack([array(part[query]) for part in summands.values()]),
                    rows=[t(f"self_attention.embedding.{name}") for name in summands],
                    quantity="embedding",
                ),
                "embedding-parts",
                alt=t("self_attention.embedding.title"),
            )


def _projections(trace: TextTrace, layer: int, head: int, query: int) -> None:
    attention = trace.layers[layer]
    width = attention.query.shape[-1]
    formula = (
        rf"{tex('query', 'q^i')} = {tex('query', 'W^q')} a^i \qquad "
        rf"{tex('key', 'k^i')} = {tex('key', 'W^k')} a^i \qquad {tex('value', 'v^i')} = {tex('value', 'W^v')} a^i"
    )
    with step(3, "self_attention.projections", formula, d=width):
        pictures: tuple[tuple[Quantity, Tensor], ...] = (
            ("query", attention.query),
            ("key", attention.key),
            ("value", attention.value),
        )
        for name, values in pictures:
            show(
                vector_strip(
                    array(values[0, head]),
                    rows=sentence.labels(trace),
                    quantity=name,
                    title=t(f"words.{name}"),
                ),
                f"strip-{name}",
                alt=t(f"words.{name}"),
            )


def _scores(trace: TextTrace, layer: int, head: int, query: int) -> None:
    attention = trace.layers[layer]
    d = attention.query.shape[-1]
    names = sentence.labels(trace)
    raw = unscaled_scores(attention)[0, head]
    scaled = attention.scores[0, head]
    strongest = int(scaled[query].argmax())
    formula = (
        rf"{SCORE} = \frac{{{Q} \cdot {K}}}{{\sqrt{{d}}}} \qquad "
        rf"\alpha_{{{query},{strongest}}} = \frac{{{number(raw[query, strongest].item())}}}{{\sqrt{{{d}}}}} = "
        rf"{number(scaled[query, strongest].item())}"
    )
    values = {"query": names[query], "key": names[strongest]}
    with step(4, "self_attention.scores", formula, d=d, **values):
        left, right = st.columns(2)
        digits = 2 if len(names) <= FEW_TOKENS else 0  # beside each other, long numbers would be too small to read
        for column, name, numbers in ((left, "raw", raw), (right, "scaled", scaled)):
            with column:
                show(
                    matrix(
                        array(numbers),
                        rows=names,
                        columns=names,
                        kind="signed",
                        title=t(f"self_attention.scores.{name}"),
                        row_title=t("words.query"),
                        column_title=t("words.key"),
                        value_name=t("words.score"),
                        highlight_row=query,
                        clickable=True,
                        digits=digits,
                    ),
                    f"scores-{name}",
                    alt=t(f"self_attention.scores.{name}"),
                    on_click=sentence.follow_clicked_row(trace),
                )


def _weights(trace: TextTrace, layer: int, head: int, query: int) -> None:
    names = sentence.labels(trace)
    weights = trace.layers[layer].weights[0, head]
    strongest = int(weights[query].argmax())
    exponential = tex("score", r"e^{\alpha_{i,j}}")
    formula = rf"{WEIGHT} = \frac{{{exponential}}}{{\sum_l e^{{\alpha_{{i,l}}}}}}"
    with step(
        5,
        "self_attention.weights",
        formula,
        query=names[query],
        key=names[strongest],
        share=f"{weights[query, strongest].item():.0%}",
    ):
        show_weights(trace, layer, head, query, "weights")


def _sum(trace: TextTrace, layer: int, head: int, query: int) -> None:
    names = sentence.labels(trace)
    total = weighted_sum(trace.layers[layer], head, query)
    with step(6, "self_attention.sum", rf"{OUTPUT} = \sum_j {WEIGHT}\, {V}", query=names[query]):
        show(
            vector_strip(
                array(total.terms),
                rows=[f"{weight:.2f} · {name}" for weight, name in zip(total.weights.tolist(), names, strict=True)],
                quantity="value",
                title=t("self_attention.sum.terms"),
            ),
            "sum-terms",
            alt=t("self_attention.sum.terms"),
        )
        show(
            vector_strip(
                array(total.total[None]),
                rows=[names[query]],
                quantity="output",
                title=t("self_attention.sum.total"),
            ),
            "sum-total",
            alt=t("self_attention.sum.total"),
        )
        correction("self_attention.sum.correction")


def _prediction(trace: TextTrace, query: int) -> None:
    names = sentence.labels(trace)
    token = trace.tokens[query]
    formula = r"p(\text{token} \mid \text{sentence}) = \mathrm{softmax}(E\, h^i + c)"
    with step(7, "self_attention.prediction", formula, query=names[query]):
        if token.special:
            st.info(t("self_attention.prediction.special"))
            return
        hidden = _hidden_trace(trace, query)
        left, right = st.columns(2)
        for column, name, shown in ((left, "seen", trace), (right, "hidden", hidden)):
            best = shown.predictions(query, 5)
            words = [word for word, _ in best]
            read_as = trace.vocabulary[token.id]
            with column:
                show(
                    probability_bars(
                        words,
                        [probability for _, probability in best],
                        title=t(f"self_attention.prediction.{name}", query=escape(names[query])),
                        value_name=t("words.probability"),
                        highlight=words.index(read_as) if read_as in words else None,
                    ),
                    f"prediction-{name}",
                    alt=t(f"self_attention.prediction.{name}", query=names[query]),
                )


def _hidden_trace(trace: TextTrace, query: int) -> TextTrace:
    return networks.text_trace(trace.text, trace.pair, (query,))
