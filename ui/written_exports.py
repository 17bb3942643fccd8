"""Taking it along from the pages about networks that write."""

from __future__ import annotations

from functools import partial

from attention_core.analysis import tables
from attention_core.analysis.writing_snippets import generation_snippet, translation_snippet
from attention_core.models.hub_text import HubTextModel
from attention_core.models.tokenization import visible
from ui import text_networks
from ui.cross_attention import View
from ui.export import hub_loading_call, written_settings
from ui.export_files import Taken, offer, opened
from ui.generation import Written
from ui.i18n import t
from ui.translators import Translator


def generation_export(text: str, written: Written, *, number: int, layer: int, head: int) -> None:
    """At the end of the page on networks that write on. number: of the written token, counted from 0."""
    box = opened()
    if box is None:
        return
    network = text_networks.current()
    assert isinstance(network.model, HubTextModel)
    chosen = {
        "text": text,
        "length": len(written),
        "tokens": [token.text for token in written[-1].written],
        "written": number,
        "layer": layer,
        "head": head,
    }
    caption = t(
        "export.written_caption",
        name=network.name,
        text=text,
        number=number + 1,
        token=visible([written[-1].written[number]])[0],
        layer=layer + 1,
        head=head + 1,
    )
    taken = Taken(
        "generation",
        caption,
        written_settings("generation", chosen, _model(network.name, network.model.architecture)),
        generation_snippet(
            written,
            text,
            network=hub_loading_call(network.name, network.positions),
            number=number,
            layer=layer,
            head=head,
        ),
        npz=partial(tables.written_npz, written),
        csv=lambda: tables.csv_zip(tables.written_tables(written, layer)),
    )
    with box:
        offer(taken)


def translation_export(network: Translator, view: View) -> None:
    """At the end of the page on networks that read one text and write another."""
    box = opened()
    if box is None:
        return
    trace, own = view.pair.trace, view.pair.own
    chosen = {
        "text": trace.source.text,
        "target": trace.target.text,
        "written_by_the_network": own,
        "layer": view.layer,
        "head": view.head,
        "row": view.row,
    }
    caption = t(
        "export.translation_caption",
        name=network.name,
        text=trace.source.text,
        target=trace.target.text,
        layer=view.layer + 1,
        head=view.head + 1,
        row=view.pair.target[view.row],
    )
    taken = Taken(
        "cross_attention",
        caption,
        written_settings("cross_attention", chosen, _model(network.name, network.model.architecture)),
        translation_snippet(
            trace,
            network=hub_loading_call(network.name, network.model.limit),
            own=own,
            layer=view.layer,
            head=view.head,
            row=view.row,
        ),
        npz=partial(tables.translation_npz, trace),
        csv=lambda: tables.csv_zip(tables.translation_tables(trace, view.layer)),
    )
    with box:
        offer(taken)


def _model(name: str, architecture: str) -> dict[str, str]:
    return {"kind": "text", "name": name, "architecture": architecture}
