"""The box at the end of a page with everything to take along, and the files behind its buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

import plotly.graph_objects as go
import streamlit as st

from attention_core.figures.printed import PRINT_PIXELS, WIDTH, html_page, printed, printed_figure
from attention_core.stories.story import Story
from attention_core.stories.writing import story_html
from attention_core.words import plain
from ui.i18n import current_language, t
from ui.shell.charts import chart
from ui.shell.component import component
from ui.shell.regions import EXPORT
from ui.shell.turns import working
from ui.stage.steps import Shown, shown_figures

_FIGURE, _CHART, _FILES = "export-figure", "export-chart", "export-files"
_save = component("save_figure")
Given = ParamSpec("Given")
Maker = Callable[[], bytes]
File = tuple[str, Maker | bytes, str]  # its kind, its content, its MIME type


@dataclass(frozen=True)
class Taken:
    """What there is to take along from a page. npz, csv: made when they are asked for."""

    page: str
    caption: str
    settings: str
    snippet: str
    npz: Maker
    csv: Maker
    story: Story  # what the page tells
    sharpened: Callable[[go.Figure], go.Figure] = lambda figure: figure  # a figure as it should be printed


def offered(make: Callable[Given, Taken]) -> Callable[Given, None]:
    """Decorates what makes all there is to take along: draws the box for it, and makes it while that is open."""

    @wraps(make)
    def at_the_end(*args: Given.args, **kwargs: Given.kwargs) -> None:
        box = st.expander(t("export.title"), icon=":material/download:", key=EXPORT, on_change="rerun")
        if box.open:
            taken = make(*args, **kwargs)
            with box:
                _offer(taken)

    return at_the_end


def stem(page: str) -> str:
    """What the names of a page's files begin with."""
    return f"attention-explorer-{page}"


def _offer(taken: Taken) -> None:
    """Everything in the box: the figures of this page, where it has any, then the files, then the program."""
    figures = shown_figures()
    st.markdown(t("export.lead" if figures else "export.lead_numbers"))
    st.caption(plain(taken.caption))
    if figures:
        _figure(taken, figures)
    st.markdown(f"**{t('export.everything' if figures else 'export.numbers')}**")

    def page_file() -> bytes:
        appendix = ((t("export.settings"), taken.settings), (t("export.snippet"), taken.snippet))
        made = html_page(
            story_html(
                taken.story, current_language(), lambda _, figure, alt: printed_figure(alt, taken.sharpened(figure))
            ),
            title=t(f"{taken.page}.title"),
            caption=taken.caption,
            language=current_language(),
            appendix=appendix,
        )
        return made.encode()

    pages: list[File] = [("html", page_file, "text/html")] if figures else []
    _files(
        taken.page,
        (
            *pages,
            ("npz", taken.npz, "application/octet-stream"),
            ("csv", taken.csv, "application/zip"),
            ("json", taken.settings.encode(), "application/json"),
            ("py", taken.snippet.encode(), "text/x-python"),
        ),
    )
    st.caption(t("export.snippet_note"))
    st.code(taken.snippet, language="python")


def _files(page: str, files: Sequence[File]) -> None:
    # A button is off while its file is being made, and no script runs then that could say so.
    st.html(f'<style>.st-key-{_FILES} button:disabled::after {{ content: "{t("export.making")}"; }}</style>')
    with st.container(horizontal=True, gap="small", key=_FILES):
        for kind, data, mime in files:
            ending = "csv.zip" if kind == "csv" else kind
            st.download_button(
                t(f"export.files.{kind}"),
                data,
                file_name=f"{stem(page)}.{ending}",
                mime=mime,
                key=f"export-{kind}",
                on_click="ignore",
                help=t(f"export.help.{kind}"),
                width="content",
            )


def _name(one: Shown) -> str:
    return one.alt if one.step is None else f"{one.step} · {one.alt}"


def _figure(taken: Taken, figures: dict[str, Shown]) -> None:
    """One figure as it will be printed, and the buttons that save it."""
    first = next((place for place, one in enumerate(figures.values()) if one.step is not None), 0)
    chosen = st.selectbox(
        t("export.figure"), list(figures), format_func=lambda key: _name(figures[key]), key=_FIGURE, index=first
    )
    one = figures[chosen]
    with working():
        figure = printed(taken.sharpened(one.figure), f"{one.alt}. {taken.caption}")
    config = {"displaylogo": False, "displayModeBar": True, "modeBarButtons": [["toImage"]]}
    with st.container(key=_CHART):
        # plain: on paper it is dark on white, whatever the page looks like.
        chart(figure, "export-preview", alt=one.alt, config=config, plain=True)
    _save(
        key="export-save",
        data={
            "chart": _CHART,
            "filename": f"{stem(taken.page)}-{chosen}",
            "width": WIDTH,
            "height": figure.layout.height,
            "scale": PRINT_PIXELS / WIDTH,
            "labels": {"png": t("export.png"), "svg": t("export.svg")},
            "missing": t("export.missing"),
        },
    )
