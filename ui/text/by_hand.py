"""The editors of self-attention by hand, four tokens of width four, and the story that its numbers choose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from attention_core.mechanisms.by_hand import SCORES, typed_attention
from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.stories.by_hand import TOKENS, by_hand_story, numbers
from attention_core.stories.hand_numbers import LIMIT, UNCHANGED, Matrices, read, write
from attention_core.stories.story import Step, Story
from ui.i18n import t
from ui.inputs.choices import choose_word
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw_step

KEY, QUERY, _WRITTEN, _ROUND = "hand", "hq", "_hand_written", "_hand_round"
COLUMN_WIDTH = 50  # pixels, so that four fit beside their names on a phone; on a wide page they stretch
SYMBOLS = {"x": "X", "wq": "W^q", "wk": "W^k", "wv": "W^v", "w1": "W_1", "w2": "W_2", "v": "v^\\top"}


def page() -> tuple[Story, dict[str, Tensor], SelfAttentionTrace]:
    """Editors, then the steps that follow from them; with the story, the numbers and their trace."""
    st.info(t("by_hand.made_up"), icon=":material/edit:")
    score = url_state.put_choice("score", SCORES)
    matrices = _typed(score)
    trace = typed_attention(matrices, score)
    return _followed(matrices, trace, score), matrices, trace


def tokens() -> tuple[str, ...]:
    """The names of the four, in the session's language."""
    return tuple(t(token.key) for token in TOKENS)


@region(QUERY)
def _followed(matrices: Mapping[str, Tensor], trace: SelfAttentionTrace, score: str) -> Story:
    query = url_state.put_choice(QUERY, range(len(TOKENS)), 1)
    choose_word(QUERY, tokens(), label=t("sentence.query"), note=t("sentence.query_help"))
    story = by_hand_story(matrices, trace, score, query)
    for number, step in enumerate(story.steps[1:], start=2):  # the first has the editors
        draw_step(step, number)
    return story


def _typed(score: str) -> dict[str, Tensor]:
    """The first step, in whose editors the numbers are."""
    linked = url_state.put(KEY, UNCHANGED, lambda raw: write(read(raw)))
    if linked != st.session_state.get(_WRITTEN):  # from a link, or restored: the editors begin anew with it
        st.session_state[_ROUND] = st.session_state.get(_ROUND, -1) + 1
    matrices = read(linked)

    def typed() -> Step:
        _editors(matrices, score)
        return numbers(_tensors(matrices), score)

    draw_step(numbers(_tensors(matrices), score), 1, control=typed)
    st.session_state[KEY] = st.session_state[_WRITTEN] = write(matrices)
    return _tensors(matrices)


def _tensors(matrices: Matrices) -> dict[str, Tensor]:
    return {name: torch.from_numpy(matrix) for name, matrix in matrices.items()}


def _editors(matrices: dict[str, npt.NDArray[np.float64]], score: str) -> None:
    """Puts what is typed into `matrices`."""
    names = ["x", "wq", "wk", "wv"]
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
