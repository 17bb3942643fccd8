"""Taking it along from the pages about networks that write."""

from __future__ import annotations

from functools import partial
from typing import Any

from attention_core.analysis import tables
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder
from attention_core.models.hub.text import HubTextModel
from attention_core.models.tokenization import visible
from attention_core.models.translator import Translator
from attention_core.programs.writing import SHIPPED_TRANSLATOR, generation_snippet, translation_snippet
from attention_core.stories.generation import Moment
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs.passage import Passage
from ui.inputs.translators import TranslatingNetwork
from ui.inputs.writers import Writer
from ui.take_along.export import digest, hub_loading_call, written_settings
from ui.take_along.files import Taken, offered
from ui.text.cross_attention import Pair


@offered
def generation_export(writer: Writer, passage: Passage, moment: Moment, story: Story) -> Taken:
    """At the end of the page on networks that write. story: what the page tells of the moment."""
    written, sampling = passage.written, passage.sampling
    chosen: dict[str, Any] = {
        "text": passage.text,
        "length": len(written),
        "tokens": [token.text for token in written[-1].written],
        "sampling": None if sampling is None else vars(sampling),
        "written": moment.number,
        "layer": moment.layer,
        "head": moment.head,
    }
    translates = moment.cross_head is not None
    if translates:
        chosen |= {"into": passage.into, "cross_head": moment.cross_head}
    caption = t(
        "export.translating_caption" if translates else "export.written_caption",
        name=writer.name,
        text=passage.text,
        number=moment.number + 1,
        token=moment.name,
        layer=moment.layer + 1,
        head=moment.head + 1,
        **({} if moment.cross_head is None else {"cross_head": moment.cross_head + 1}),
    )
    drawn = {} if sampling is None else {"drawn": [sampling.probability(one) for one in written]}
    return Taken(
        "generation",
        caption,
        written_settings("generation", chosen, _model(writer.name, writer.model)),
        generation_snippet(
            written,
            passage.text,
            network=_loading_call(writer.name, writer.model),
            number=moment.number,
            layer=moment.layer,
            head=moment.head,
            cross_head=moment.cross_head or 0,
            into=passage.into,
            sampling=sampling,
        ),
        npz=partial(tables.written_npz, written),
        csv=lambda: tables.csv_zip(tables.written_tables(written, moment.layer, drawn)),
        story=story,
    )


@offered
def translation_export(network: TranslatingNetwork, pair: Pair, story: Story) -> Taken:
    """At the end of the page on networks that read one text and write another. story: what the page tells of them."""
    trace, own = pair.trace, pair.own
    layer, head, row = (int(story.focus[key]) for key in ("cross_layer", "cross_head", "row"))
    chosen = {
        "text": trace.source.text,
        "target": trace.target.text,
        "written_by_the_network": own,
        "layer": layer,
        "head": head,
        "row": row,
    }
    if network.shipped:
        chosen["into"] = pair.into
    caption = t(
        "export.translation_caption",
        name=network.name,
        text=trace.source.text,
        target=trace.target.text,
        layer=layer + 1,
        head=head + 1,
        row=visible(trace.target.tokens)[row],
    )
    return Taken(
        "cross_attention",
        caption,
        written_settings("cross_attention", chosen, _model(network.name, network.model)),
        translation_snippet(
            trace,
            network=_loading_call(network.name, network.model),
            own=own,
            layer=layer,
            head=head,
            row=row,
            into=pair.into,
        ),
        npz=partial(tables.translation_npz, trace),
        csv=lambda: tables.csv_zip(tables.translation_tables(trace, layer)),
        story=story,
    )


def _loading_call(name: str, model: Translator | HubTextModel | HubEncoderDecoder) -> str:
    return SHIPPED_TRANSLATOR if isinstance(model, Translator) else hub_loading_call(name, model.limit)


def _model(name: str, model: Translator | HubTextModel | HubEncoderDecoder) -> dict[str, str]:
    if isinstance(model, Translator):
        return {"kind": "text", "name": name, "sha256": digest("text", name)}
    return {"kind": "text", "name": name, "architecture": model.architecture}
