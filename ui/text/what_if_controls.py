"""The controls of a what-if on the text network, the line that says what is changed, and the way back.

The state is one text under one key, as it stands in the link. The widgets only show it: each run sets them from it, and
each change writes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from attention_core.analysis.masks import blocked_cells
from attention_core.figures import matrix
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.stories.what_if import AS_TRAINED, MASK_KINDS, MOST_CELLS, TEMPERATURES, MaskKind, WhatIf, read
from attention_core.words import plain
from ui.i18n import say, t
from ui.inputs import sentence, text_networks
from ui.inputs.choices import MOST_PILLS
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import show, stays_in_sight

KEY = "whatif"
_LAST_CELLS, _CLICKS, _NETWORK = "_whatif_cells", "_whatif_clicks", "_whatif_network"
_BOX, _WAY_BACK = "what-if", "what-if-reset"


def choose(trace: TextTrace, layer: int) -> WhatIf:
    """Draws the controls; returns what of the choice can be done to this sentence.

    trace: of the sentence as trained; layer: whose gates are offered.
    """
    network = text_networks.current()
    url_state.put(KEY, str(AS_TRAINED), lambda raw: str(read(raw, network)))
    if st.session_state.get(_NETWORK, network.name) != network.name:  # its heads are other heads
        _write(AS_TRAINED)
    st.session_state[_NETWORK] = network.name
    chosen = _chosen()
    applied = chosen.fitting(len(trace.tokens))
    box = st.expander(
        t("what_if.title"), expanded=chosen != AS_TRAINED, icon=":material/science:", key=_BOX, on_change="rerun"
    )
    if box.open:  # what nobody sees is not drawn at each change of the page
        with box:
            _controls(trace, applied, layer)
    # Both are there in every run, empty or not: what comes after them stays in its place, and is not drawn anew.
    banner, way_back = st.container(key="what-if-banner"), st.container(key=_WAY_BACK, horizontal_alignment="right")
    if chosen != AS_TRAINED:
        with banner:
            st.warning(t("what_if.banner", changes=plain(say(chosen.said(trace.tokens)))), icon=":material/science:")
            if chosen != applied:
                st.info(t("what_if.beyond", tokens=len(trace.tokens), limit=MOST_CELLS), icon=":material/content_cut:")
        with way_back:
            stays_in_sight(_WAY_BACK)
            st.button(t("what_if.reset"), key="what-reset", on_click=_reset, icon=":material/undo:", width="content")
    return applied


def _controls(trace: TextTrace, applied: WhatIf, layer: int) -> None:
    st.caption(t("what_if.lead"))
    _hidden(trace, applied)
    left, right = st.columns(2, gap="medium")
    with left:
        _softmax(applied)
        _gates(applied, layer)
    with right:
        _mask(trace, applied)


def _chosen() -> WhatIf:
    return read(st.session_state[KEY], text_networks.current())


def _write(what_if: WhatIf) -> None:
    st.session_state[KEY] = str(what_if)


def _reset() -> None:
    _write(AS_TRAINED)
    st.session_state.pop(_LAST_CELLS, None)


def _softmax(applied: WhatIf) -> None:
    def scale() -> None:
        _write(replace(_chosen(), scaled=st.session_state["what-scale"]))

    def temperature() -> None:
        _write(replace(_chosen(), temperature=st.session_state["what-tau"]))

    st.session_state["what-scale"], st.session_state["what-tau"] = applied.scaled, applied.temperature
    st.toggle(t("what_if.scale"), key="what-scale", on_change=scale, help=t("what_if.scale_help"))
    st.select_slider(
        t("what_if.temperature"),
        TEMPERATURES,
        format_func=lambda value: f"{value:g}",
        key="what-tau",
        on_change=temperature,
        help=t("what_if.temperature_help"),
    )


def _mask(trace: TextTrace, applied: WhatIf) -> None:
    few = len(trace.tokens) <= MOST_CELLS

    def kind() -> None:
        _write(_with_kind(_chosen(), st.session_state["what-mask"], len(trace.tokens)))

    def width() -> None:
        _write(replace(_chosen(), width=st.session_state["what-width"]))

    st.session_state["what-mask"] = applied.mask
    st.segmented_control(
        t("what_if.mask"),
        MASK_KINDS if few else MASK_KINDS[:-1],
        format_func=lambda name: t(f"what_if.masks.{name}"),
        key="what-mask",
        required=True,
        on_change=kind,
        help=t("what_if.mask_help"),
    )
    if not few:
        st.caption(t("what_if.too_long", limit=MOST_CELLS))
    if applied.mask == "window":
        st.session_state["what-width"] = applied.width
        st.number_input(
            t("what_if.width"),
            0,
            text_networks.current().positions,
            key="what-width",
            on_change=width,
            help=t("what_if.width_help"),
        )
    if applied.mask != "none":
        _cells(trace, applied)


def _with_kind(before: WhatIf, kind: MaskKind, tokens: int) -> WhatIf:
    """Another mask; one of one's own starts as it was left, at first from the mask before."""
    if before.mask == "custom":
        st.session_state[_LAST_CELLS] = before.blocked
    blocked: tuple[tuple[int, int], ...] = ()
    if kind == "custom":
        mask = before.attention_mask(tokens)
        blocked = st.session_state.get(_LAST_CELLS) or (() if mask is None else blocked_cells(mask))
    return replace(before, mask=kind, blocked=blocked)


def _cells(trace: TextTrace, applied: WhatIf) -> None:
    T = len(trace.tokens)
    mask = applied.attention_mask(T)
    assert mask is not None
    own = applied.mask == "custom"

    def turn(point: dict[str, Any]) -> None:
        st.session_state[_CLICKS] = st.session_state.get(_CLICKS, 0) + 1
        _write(_chosen().with_cell(*divmod(point["point_index"], T)))

    names = sentence.labels(trace)
    title = t("what_if.cells" if own else "what_if.allowed")
    # A chart that keeps its key keeps its chosen point, and a second click on that would only let go of it.
    clicks = st.session_state.get(_CLICKS, 0)
    with st.container(key="what-if-cells"):
        show(
            matrix(
                array(mask.float()),
                rows=names,
                columns=names,
                kind="weight",
                title=title,
                row_title=t("words.query"),
                column_title=t("words.key"),
                value_name=t("what_if.may_attend"),
                digits=0,
                clickable=own,
            ),
            f"what-cells-{clicks}" if own else "what-allowed",
            alt=title,
            on_click=turn if own else None,
        )
    if own:
        _one_cell(sentence.names(trace), applied)


@region()
def _one_cell(names: list[str], applied: WhatIf) -> None:
    """The same as a click on a cell, for whoever has no pointer."""
    T = len(names)
    pair = []
    places = st.columns(2)
    for place, side in zip(places, ("query", "key"), strict=True):
        key = f"what-cell-{side}"
        if st.session_state.get(key, 0) >= T:  # left over from a longer sentence
            st.session_state[key] = 0
        chosen = place.selectbox(
            t(f"what_if.cell.{side}"),
            range(T),
            format_func=names.__getitem__,
            key=key,
            persist_state="session",
            help=t("what_if.cell.help"),
        )
        pair.append(chosen)

    def turn() -> None:
        _write(_chosen().with_cell(*pair))

    state = "allow" if (*pair,) in applied.blocked else "block"
    st.button(t(f"what_if.cell.{state}"), key="what-cell-turn", on_click=turn, help=t(f"what_if.cell.{state}_help"))


def _hidden(trace: TextTrace, applied: WhatIf) -> None:
    names = sentence.names(trace)
    few = len(names) <= MOST_PILLS
    key = "what-hide" if few else "what-hide-long"

    def hide() -> None:
        _write(replace(_chosen(), hidden=tuple(sorted(st.session_state[key]))))

    st.session_state[key] = list(applied.hidden)
    label, note = t("what_if.hide"), t("what_if.hide_help")
    if few:
        st.pills(
            label,
            range(len(names)),
            format_func=[plain(name) for name in names].__getitem__,
            selection_mode="multi",
            wrap=True,
            key=key,
            on_change=hide,
            help=note,
        )
    else:
        st.multiselect(
            label,
            range(len(names)),
            format_func=lambda index: f"{index + 1}: {sentence.labels(trace)[index]}",
            key=key,
            on_change=hide,
            help=note,
            placeholder=t("what_if.hide_choose"),
        )


def _gates(applied: WhatIf, layer: int) -> None:
    st.caption(t("what_if.gates", layer=layer + 1), help=t("what_if.gates_help"))
    tiles = st.grid("auto", min_column_width=110, gap="small")
    for head in range(text_networks.current().heads[layer]):
        key = f"what-gate-{layer}-{head}"

        def gate(head: int = head, key: str = key) -> None:
            _write(_chosen().with_gate(layer, head, st.session_state[key]))

        st.session_state[key] = applied.gate(layer, head)
        tiles.slider(
            t("what_if.gate", head=head + 1),
            0.0,
            1.0,
            step=0.05,
            key=key,
            on_change=gate,
            help=t("what_if.gates_help"),
        )
