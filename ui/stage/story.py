"""Draws a story on a page: each step with its title, formulas, figures, and what there is to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from attention_core.stories.drawing import described, drawn, together
from attention_core.stories.story import (
    Beside,
    Block,
    Figure,
    Folded,
    Grouped,
    Instead,
    Note,
    Sequenced,
    Step,
    Story,
    Table,
)
from attention_core.words import Words, plain, spoken
from ui.i18n import current_language
from ui.stage.steps import numbered_step, show
from ui.stage.tables import show_sequence

KEYS = {"query": "q"}  # parts of the focus by another name in the link
_ICONS = {"info": ":material/info:", "warning": ":material/label:", "absent": ":material/deployed_code:"}


def draw(
    story: Story, *, controls: Mapping[str, Callable[[], None]] | None = None, first: int = 1, skipped: int = 0
) -> None:
    """All steps below each other.

    controls: what only a page has, above the figures of a step, by the step's key; first: the number of the first step;
    skipped: how many the page has drawn already, in a part of its own.
    """
    for number, step in enumerate(story.steps[skipped:], start=first + skipped):
        draw_step(step, number, control=(controls or {}).get(step.key))


def draw_step(
    step: Step,
    number: int,
    *,
    control: Callable[[], Step | None] | None = None,
    instead: Callable[[], None] | None = None,
    below: Callable[[], None] | None = None,
) -> None:
    """One step in its frame.

    control, below: what only a page has, above and below its figures; control may return the step that follows from
    what has just been typed into it; instead: draws in their place what answers to the pointer.
    """
    if step.absent is not None:
        with numbered_step(number):
            st.info(markdown(step.absent), icon=_ICONS["absent"])
        return
    with numbered_step(number, escape(_text(step.title))):
        if step.formulas:
            st.latex(together(step.formulas))
        if control is not None:
            step = control() or step
        if instead is None:
            draw_blocks([block for block in step.blocks if control is None or not isinstance(block, Instead)])
        else:
            instead()
        if below is not None:
            below()
        st.markdown(markdown(step.see))


def draw_blocks(blocks: Sequence[Block]) -> None:
    """Parts of a step below each other."""
    for block in blocks:
        if isinstance(block, Figure):
            _figure(block)
        elif isinstance(block, Beside):
            for place, one in zip(st.columns(block.shares or len(block.blocks)), block.blocks, strict=True):
                with place:
                    draw_blocks([one])
        elif isinstance(block, Grouped | Instead):
            draw_blocks(block.blocks)
        elif isinstance(block, Folded):
            with st.expander(markdown(block.title), expanded=block.is_open):
                draw_blocks(block.blocks)
        elif isinstance(block, Sequenced):
            rows = {_text(name): [_text(cell) for cell in cells] for name, cells in block.rows}
            show_sequence(rows, alt=_text(block.alt))
        elif isinstance(block, Table):
            head, *lines = ([markdown(cell) for cell in line] for line in (block.head, *block.rows))
            table = {name: [line[column] for line in lines] for column, name in enumerate(head)}
            st.table(table, hide_index=True, hide_header=False, border="horizontal", alt=_text(block.alt))
        else:
            _note(block)


def _figure(figure: Figure) -> None:
    shown = drawn(figure, current_language())
    show(shown, figure.name, alt=described(figure, current_language()), on_click=_clicked(figure), widths=figure.widths)


def _clicked(figure: Figure) -> Callable[[dict[str, Any]], None] | None:
    """What a click does: what it picks goes into the link, and the page follows."""
    pick = figure.pick
    if pick is None:
        return None

    def chosen(point: dict[str, Any]) -> None:
        if not pick.rows:
            st.session_state["layer"], st.session_state["head"] = point["customdata"]
            return
        columns = len(figure.given.get("columns", " "))  # bars have a point a row
        st.session_state[KEYS.get(pick.focus, pick.focus)] = pick.rows[point["point_index"] // columns]

    return chosen


def _note(note: Note) -> None:
    said = markdown(note.words)
    if note.tone == "info":
        st.info(said, icon=_ICONS["info"])
    elif note.tone == "warning":
        st.warning(said, icon=_ICONS["warning"])
    elif note.tone == "caption":
        st.caption(said)
    else:
        st.markdown(said)


def _text(words: Words) -> str:
    return spoken(words, current_language())


def markdown(words: Words) -> str:
    """Words with their formatting, names in them shown as typed."""
    return spoken(words, current_language(), plain, live=True)
