"""The two pictures of attention weights that several pages show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from attention_core.figures import head_map, heads_grid, matrix
from attention_core.figures.heads import thinning
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from ui.i18n import t
from ui.inputs.grouping import follow_clicked_row, unit
from ui.stage.steps import show
from ui.text.sinks import WithoutSinks


def show_weights(
    trace: TextTrace, layer: int, head: int, query: int, key: str, without: WithoutSinks | None = None
) -> None:
    """One head's weights, by tokens or words as the switch stands; a click on a cell follows its row.

    without: what the colours leave out.
    """
    shown = unit(trace)
    title = t("self_attention.weights.figure", layer=layer + 1, head=head + 1)
    show(
        matrix(
            array(shown.weights(trace.layers[layer].weights[0, head])),
            rows=shown.labels,
            columns=shown.labels,
            kind="weight",
            limit=None if without is None else without.limit(layer, head),
            title=title,
            row_title=t("words.query"),
            column_title=t("words.key"),
            value_name=t("words.weight"),
            highlight_row=shown.row(query),
            clickable=True,
        ),
        key,
        alt=title,
        on_click=follow_clicked_row(shown),
    )


def show_head_map(
    values: Sequence[Any],
    key: str,
    *,
    title: str,
    selected: tuple[int, int],
    on_click: Callable[[dict[str, Any]], None],
    **look: Any,
) -> None:
    """One number a head, a row a layer; a click gives [layer, head] as `customdata`. look: as `head_map` takes it."""
    show(
        head_map(
            values,
            layer_names=[str(row + 1) for row in range(len(values))],
            head_names=[str(column + 1) for column in range(max(map(len, values)))],
            layer_title=t("words.layer"),
            head_title=t("words.head"),
            title=title,
            selected=selected,
            **look,
        ),
        key,
        alt=title,
        on_click=on_click,
    )


def show_all_heads(
    trace: TextTrace,
    key: str,
    *,
    alt: str,
    selected: tuple[int, int] | None = None,
    on_click: Callable[[dict[str, Any]], None] | None = None,
    without: WithoutSinks | None = None,
) -> None:
    """Every head of every layer, a row of tiles a layer; a click gives [layer, head] as `customdata`.

    without: what the colours leave out.
    """
    shown = unit(trace)
    weights = [array(shown.weights(layer.weights[0])) for layer in trace.layers]
    heads = [f"{t('words.head')} {column + 1}" for column in range(max(map(len, weights)))]
    show(
        heads_grid(
            weights,
            tokens=shown.labels,
            layer_names=[f"{t('words.layer')} {row + 1}" for row in range(len(weights))],
            head_names=heads,
            # Eight tiles side by side leave room for a number each: the word stands once.
            column_names=[heads[0], *(str(column + 2) for column in range(len(heads) - 1))],
            selected=selected,
            clickable=on_click is not None,
            limits=None if without is None else without.limits(),
            limit_name=t("sinks.most"),
        ),
        key,
        alt=alt,
        on_click=on_click,
    )
    block = thinning(len(shown.words))
    if block > 1:
        st.caption(t("sentence.thinned", block=block))
