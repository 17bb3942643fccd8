"""Self-attention at a size that can be checked by hand: four tokens, width four, every number editable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from attention_core.figures import matrix
from attention_core.mechanisms.scores import additive_scores, cosine_scores, dot_scores
from attention_core.mechanisms.self_attention import SelfAttention, SelfAttentionTrace
from attention_core.stories.arrays import array
from attention_core.stories.tex import number, tex
from ui.i18n import t
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import correction, show, step
from ui.text.hand_numbers import LIMIT, UNCHANGED, Matrices, read, write

T = 4  # tokens
SCORES = ("scaled_dot", "dot", "cosine", "additive")
KEY, _WRITTEN, _ROUND = "hand", "_hand_written", "_hand_round"
COLUMN_WIDTH = 50  # pixels, so that four fit beside their names on a phone; on a wide page they stretch
SYMBOLS = {"x": "X", "wq": "W^q", "wk": "W^k", "wv": "W^v", "w1": "W_1", "w2": "W_2", "v": "v^\\top"}


def page() -> tuple[dict[str, Tensor], SelfAttentionTrace, str, int]:
    """Editors, then the steps that follow from them; returns the numbers, their trace, the score and the query."""
    st.info(t("by_hand.made_up"), icon=":material/edit:")
    score = url_state.put_choice("score", SCORES)
    matrices = _editors(score)
    trace = _trace(matrices, score)
    return matrices, trace, score, _followed(trace, score)


def tokens() -> tuple[str, ...]:
    """The names of the four, in the session's language."""
    return tuple(t(f"by_hand.tokens.{place}") for place in range(T))


@region("hq")
def _followed(trace: SelfAttentionTrace, score: str) -> int:
    query = url_state.put_choice("hq", range(T), 1)
    st.pills(
        t("sentence.query"),
        range(T),
        format_func=tokens().__getitem__,
        key="hq",
        required=True,
        persist_state="session",
        help=t("sentence.query_help"),
    )
    _projections(trace, query)
    _scores(trace, query, score)
    _weights(trace, query)
    _sum(trace, query)
    return query


def _editors(score: str) -> dict[str, Tensor]:
    linked = url_state.put(KEY, UNCHANGED, lambda raw: write(read(raw)))
    if linked != st.session_state.get(_WRITTEN):  # from a link, or restored: the editors begin anew with it
        st.session_state[_ROUND] = st.session_state.get(_ROUND, -1) + 1
    matrices = read(linked)
    names = ["x", "wq", "wk", "wv"]
    with step(1, "by_hand.numbers", rf"{tex('embedding', 'a^i')} = W x^i"):
        places = [*st.columns(2), *st.columns(2)]
        matrices |= {name: _editor(name, matrices, place) for name, place in zip(names, places, strict=True)}
        st.segmented_control(
            t("by_hand.score"),
            SCORES,
            format_func=lambda name: t(f"by_hand.scores.{name}"),
            key="score",
            required=True,
            persist_state="session",
            help=t("by_hand.score_help"),
        )
        if score == "additive":
            names = ["w1", "w2", "v"]
            matrices |= {name: _editor(name, matrices, place) for name, place in zip(names, st.columns(3), strict=True)}
        st.button(t("by_hand.reset"), key="hand-reset", on_click=_reset, icon=":material/undo:")
    st.session_state[KEY] = st.session_state[_WRITTEN] = write(matrices)
    return {name: torch.from_numpy(matrix) for name, matrix in matrices.items()}


def _editor(name: str, matrices: Matrices, place: DeltaGenerator) -> npt.NDArray[np.float64]:
    key = f"hand-{name}-{st.session_state[_ROUND]}"
    if key not in st.session_state:  # drawn anew: what it changes from here on is kept by the widget
        st.session_state[f"{key}-base"] = matrices[name]
    base = st.session_state[f"{key}-base"]
    columns = [t(f"by_hand.dimensions.{i}") for i in range(4)] if name == "x" else ["1", "2", "3", "4"]
    rows = list(tokens()) if name == "x" else [str(i + 1) for i in range(len(base))]
    with place:
        st.markdown(f"${SYMBOLS[name]}$ — {t(f'by_hand.matrices.{name}')}")
        frame = st.data_editor(
            pd.DataFrame(base, columns=columns, index=rows),
            key=key,
            alt=t("by_hand.table", matrix=t(f"by_hand.matrices.{name}")),
            num_rows="fixed",
            column_config={
                column: st.column_config.NumberColumn(
                    column, step=0.01, min_value=-LIMIT, max_value=LIMIT, required=True, width=COLUMN_WIDTH
                )
                for column in columns
            },
            width="stretch",
        )
    values: npt.NDArray[np.float64] = np.round(np.nan_to_num(frame.to_numpy(dtype=float)), 2)
    return values


def _reset() -> None:
    st.session_state[KEY] = UNCHANGED


def _trace(matrices: dict[str, Tensor], score: str) -> SelfAttentionTrace:
    module = SelfAttention(4).double()
    with torch.no_grad():
        for linear, name in ((module.query, "wq"), (module.key, "wk"), (module.value, "wv")):
            linear.weight.copy_(matrices[name])
        other: dict[str, Callable[[], Callable[[Tensor, Tensor], Tensor]]] = {
            "dot": lambda: dot_scores,
            "cosine": lambda: cosine_scores,
            "additive": lambda: partial(
                additive_scores, query_map=matrices["w1"], key_map=matrices["w2"], vector=matrices["v"][0]
            ),
        }
        return module.trace(matrices["x"][None], score=other[score]() if score in other else None)


def _projections(trace: SelfAttentionTrace, query: int) -> None:
    formula = (
        rf"{tex('query', 'q^i')} = {tex('query', 'W^q')} a^i \qquad "
        rf"{tex('key', 'k^i')} = {tex('key', 'W^k')} a^i \qquad {tex('value', 'v^i')} = {tex('value', 'W^v')} a^i"
    )
    with step(2, "by_hand.projections", formula):
        for place, (name, values) in zip(
            st.columns(3), (("query", trace.query), ("key", trace.key), ("value", trace.value)), strict=True
        ):
            with place:
                _table(values[0], ["1", "2", "3", "4"], f"hand-{name}", t(f"words.{name}"), query)


def _scores(trace: SelfAttentionTrace, query: int, score: str) -> None:
    best = int(trace.weights[0, query].argmax())
    products = " + ".join(
        rf"{tex('query', number(q))} \cdot {tex('key', number(k))}"
        for q, k in zip(trace.query[0, query].tolist(), trace.key[0, best].tolist(), strict=True)
    )
    result = number(trace.scores[0, query, best].item())
    left = tex("score", rf"\alpha_{{{query + 1},{best + 1}}}")
    worked = {
        "scaled_dot": rf"{left} = \frac{{{products}}}{{\sqrt{{4}}}} = {result}",
        "dot": rf"{left} = {products} = {result}",
        "cosine": rf"{left} = \frac{{{products}}}{{\lvert q \rvert \, \lvert k \rvert}} = {result}",
        "additive": rf"{left} = v^\top \tanh(W_1 {tex('query', 'q')} + W_2 {tex('key', 'k')}) = {result}",
    }[score]
    with step(3, "by_hand.scoring", worked, query=tokens()[query], key=tokens()[best]):
        _table(trace.scores[0], list(tokens()), "hand-scores", t("words.score"), query, square=True)


def _weights(trace: SelfAttentionTrace, query: int) -> None:
    scores = trace.scores[0, query].tolist()
    best = int(trace.weights[0, query].argmax())
    below = " + ".join(f"e^{{{score:.2f}}}" for score in scores)
    weight = trace.weights[0, query, best].item()
    left = tex("weight", rf"\tilde\alpha_{{{query + 1},{best + 1}}}")
    with step(
        4,
        "by_hand.softmax",
        rf"{left} = \frac{{e^{{{scores[best]:.2f}}}}}{{{below}}} = {weight:.2f}",
        query=tokens()[query],
    ):
        _table(trace.weights[0], list(tokens()), "hand-weights", t("words.weight"), query, square=True, kind="weight")


def _sum(trace: SelfAttentionTrace, query: int) -> None:
    terms = " + ".join(
        rf"{tex('weight', f'{weight:.2f}')}\,{tex('value', f'v^{{{j + 1}}}')}"
        for j, weight in enumerate(trace.weights[0, query].tolist())
    )
    numbers = ",\\; ".join(f"{value:.2f}" for value in trace.output[0, query].tolist())
    left = tex("output", f"b^{{{query + 1}}}")
    formula = rf"\begin{{aligned}} {left} &= {terms} \\ &= ({tex('output', numbers)}) \end{{aligned}}"
    with step(5, "by_hand.sum", formula, query=tokens()[query]):
        _table(trace.output[0], ["1", "2", "3", "4"], "hand-output", t("words.output"), query)
        correction("self_attention.sum.correction")


def _table(
    values: Tensor,
    columns: list[str],
    key: str,
    title: str,
    query: int,
    *,
    square: bool = False,
    kind: str = "signed",
) -> None:
    show(
        matrix(
            array(values),
            rows=list(tokens()),
            columns=columns,
            kind="weight" if kind == "weight" else "signed",
            title=title,
            row_title=t("words.query") if square else "",
            column_title=t("words.key") if square else "",
            value_name=title,
            highlight_row=query,
        ),
        key,
        alt=title,
    )
