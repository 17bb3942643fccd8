"""Taking it along: the figures, the arrays, the settings and a program that computes them anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from attention_core.analysis import tables
from attention_core.analysis.snippets import photo_snippet, text_snippet
from attention_core.figures.printed import PRINT_PIXELS, WIDTH, html_page, printed
from attention_core.inputs.samples import SAMPLE_PHOTOS, sample_photo
from attention_core.models import registry
from attention_core.models.text import TextTrace
from attention_core.models.vision import StageTrace, VisionTrace
from attention_core.runtime.version import version
from ui import share, url_state
from ui.component import component
from ui.i18n import current_language, t
from ui.networks import Photo
from ui.square import SquareOf, seen_box
from ui.steps import Shown, shown_figures
from ui.what_if import AS_TRAINED, WhatIf

KEY, _FIGURE, _CHART = "export", "export-figure", "export-chart"
_save = component("save_figure")


def text_export(
    page: str, trace: TextTrace, *, layer: int, head: int, query: int, what_if: WhatIf = AS_TRAINED
) -> None:
    """At the end of a page about a sentence; what_if: what `trace` was made with."""
    box = _opened()
    if box is None:
        return
    caption = t(
        "export.text_caption",
        text=trace.text + (f" ‖ {trace.pair}" if trace.pair else ""),
        layer=layer + 1,
        head=head + 1,
        query=trace.tokens[query].text,
        changed="" if what_if == AS_TRAINED else t("export.changed", changes=what_if),
    ).strip()
    settings = {
        "text": trace.text,
        "pair": trace.pair,
        "tokens": [token.text for token in trace.tokens],
        "layer": layer,
        "head": head,
        "query": query,
        "what_if": {
            "scale": None if what_if.scaled else 1.0,
            "temperature": what_if.temperature,
            "mask": what_if.mask,
            "window": what_if.width if what_if.mask == "window" else None,
            "blocked": what_if.blocked,
            "hide": what_if.hidden,
            "head_gates": what_if.gates,
        },
    }
    snippet = text_snippet(
        trace,
        layer=layer,
        head=head,
        query=query,
        scale=None if what_if.scaled else 1.0,
        temperature=what_if.temperature,
        mask=what_if.attention_mask(len(trace.tokens)),
        gates=what_if.gates,
    )
    arrays = partial(tables.npz, trace), lambda: tables.csv_zip(tables.text_tables(trace))
    with box:
        _export(page, caption, _settings(page, settings, "text", "bilingual"), snippet, arrays)


def photo_export(page: str, build: str, photo: Photo, trace: VisionTrace, stage: StageTrace) -> None:
    """At the end of a page about a photo in one of the builds, as trained."""
    box = _opened()
    if box is None:
        return
    sample = _samples().get(hashlib.sha256(photo.data).hexdigest())
    number = [one.name for one in trace.stages].index(stage.name)
    square = seen_box(photo, trace)
    caption = t("export.photo_caption", build=build, stage=number + 1, photo=_photo_name(sample))
    settings = {
        "photo": {"sample": sample, "sha256": photo.digest.partition("@")[0], "square": square},
        "stage": number,
    }
    snippet = photo_snippet(
        trace,
        build=build,
        stage=number,
        sample=sample,
        box=square if isinstance(photo, SquareOf) else None,
        archive=f"{_stem(page)}.npz",
    )
    arrays = partial(tables.npz, trace), lambda: tables.csv_zip(tables.vision_tables(trace))
    with box:
        _export(page, caption, _settings(page, settings, "vision", build), snippet, arrays)


@cache
def _samples() -> dict[str, str]:
    return {hashlib.sha256(sample_photo(name)).hexdigest(): name for name in SAMPLE_PHOTOS}


def _photo_name(sample: str | None) -> str:
    return t(f"photo.choices.{sample}") if sample else t("export.own_photo")


def _stem(page: str) -> str:
    return f"attention-explorer-{page}"


def _settings(page: str, chosen: dict[str, Any], kind: str, name: str) -> str:
    """JSON of everything that the numbers follow from; language-neutral, counted from 0."""
    described = registry.manifest(kind, name)
    query = url_state.query()
    everything = {
        "app": "Attention Explorer",
        "version": version(),
        "torch": torch.__version__,
        "model": {"kind": kind, "name": name, "sha256": described["sha256"]},
        "page": page,
        "link": share.link(query),
        "url": query,
        **chosen,
    }
    return json.dumps(everything, ensure_ascii=False, indent=2)


def _opened() -> DeltaGenerator | None:
    """The box for all of it; None while it is closed, and nothing needs to be made."""
    box = st.expander(t("export.title"), icon=":material/download:", key=KEY, on_change="rerun")
    return box if box.open else None


Maker = Callable[[], bytes]


def _export(page: str, caption: str, settings: str, snippet: str, arrays: tuple[Maker, Maker]) -> None:
    figures = shown_figures()
    st.markdown(t("export.lead"))
    st.caption(caption)
    _figure(page, caption, figures)
    st.markdown(f"**{t('export.everything')}**")
    npz, csv = arrays

    def page_file() -> bytes:
        appendix = ((t("export.settings"), settings), (t("export.snippet"), snippet))
        headed = [(_name(one), one.figure) for one in figures.values()]
        made = html_page(
            headed, title=t(f"{page}.title"), caption=caption, language=current_language(), appendix=appendix
        )
        return made.encode()

    _files(
        page,
        (
            ("html", page_file, "text/html"),
            ("npz", npz, "application/octet-stream"),
            ("csv", csv, "application/zip"),
            ("json", settings.encode(), "application/json"),
            ("py", snippet.encode(), "text/x-python"),
        ),
    )
    st.caption(t("export.snippet_note"))
    st.code(snippet, language="python")


def _files(page: str, files: Sequence[tuple[str, Maker | bytes, str]]) -> None:
    with st.container(horizontal=True, gap="small", key="export-files"):
        for kind, data, mime in files:
            ending = "csv.zip" if kind == "csv" else kind
            st.download_button(
                t(f"export.files.{kind}"),
                data,
                file_name=f"{_stem(page)}.{ending}",
                mime=mime,
                key=f"export-{kind}",
                on_click="ignore",
                help=t(f"export.help.{kind}"),
                width="content",
            )


def _name(one: Shown) -> str:
    return one.alt if one.step is None else f"{one.step} · {one.alt}"


def _figure(page: str, caption: str, figures: dict[str, Shown]) -> None:
    """One figure as it will be printed, and the buttons that save it."""
    first = next((place for place, one in enumerate(figures.values()) if one.step is not None), 0)
    chosen = st.selectbox(
        t("export.figure"), list(figures), format_func=lambda key: _name(figures[key]), key=_FIGURE, index=first
    )
    if chosen is None:  # a page without figures
        return
    figure = printed(figures[chosen].figure, f"{figures[chosen].alt}. {caption}")
    config = {"displaylogo": False, "displayModeBar": True, "modeBarButtons": [["toImage"]]}
    with st.container(key=_CHART):
        st.html(f"<style>.st-key-{_CHART} {{ overflow-x: auto; }}</style>")  # wider than a phone
        # theme=None: on paper it is dark on white, whatever the page looks like.
        st.plotly_chart(
            figure, key="export-preview", theme=None, config=config, width="content", alt=figures[chosen].alt
        )
    _save(
        key="export-save",
        data={
            "chart": _CHART,
            "filename": f"{_stem(page)}-{chosen}",
            "width": WIDTH,
            "height": figure.layout.height,
            "scale": PRINT_PIXELS / WIDTH,
            "labels": {"png": t("export.png"), "svg": t("export.svg")},
            "missing": t("export.missing"),
        },
    )
