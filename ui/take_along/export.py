"""Taking it along from the pages about a sentence, and what the settings of all pages say."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import torch

from attention_core.analysis import tables
from attention_core.models import registry
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextTrace
from attention_core.programs.snippets import SHIPPED_NETWORK, text_snippet
from attention_core.runtime.version import version
from attention_core.stories.story import Story
from attention_core.stories.what_if import AS_TRAINED, WhatIf
from ui.i18n import current_language, say, t
from ui.inputs import sentence, text_networks
from ui.shell import url_state
from ui.stage import share
from ui.take_along.files import Taken, offered


@offered
def text_export(page: str, trace: TextTrace, story: Story, *, what_if: WhatIf = AS_TRAINED) -> Taken:
    """At the end of a page about a sentence. story: what the page tells; what_if: what `trace` was made with."""
    layer, head = int(story.focus["layer"]), int(story.focus["head"])
    query = int(story.focus["query"]) if "query" in story.focus else None  # without, it is about the whole head
    network = text_networks.current()
    about = {
        "network": t("export.bilingual") if network.shipped else t("export.foreign", name=network.name),
        "text": trace.text + (f" ‖ {trace.pair}" if trace.pair else ""),
        "layer": layer + 1,
        "head": head + 1,
        "changed": changes_said("" if what_if == AS_TRAINED else say(what_if.said(trace.tokens))),
    }
    if query is None:
        caption = t("export.head_caption", **about)
    else:
        caption = t("export.text_caption", query=sentence.names(trace)[query], **about)
    settings = {
        "text": trace.text,
        "pair": trace.pair,
        "tokens": [token.text for token in trace.tokens],
        "unknown": [place for place, token in enumerate(trace.tokens) if token.unknown],
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
        network=_loading_call(),
        story=story.key,
        language=current_language(),
    )
    return Taken(
        page,
        caption.strip(),
        written_settings(page, settings, _text_network()),
        snippet,
        npz=partial(tables.npz, trace),
        csv=lambda: tables.csv_zip(tables.text_tables(trace)),
        story=story,
    )


def changes_said(changes: str) -> str:
    """What a caption adds where something is changed; "" where nothing is."""
    return changes and t("export.changed", changes=changes)


def _text_network() -> dict[str, Any]:
    network = text_networks.current()
    if isinstance(network.model, HubTextModel):
        return {"kind": "text", "name": network.name, "architecture": network.model.architecture}
    return {"kind": "text", "name": network.name, "sha256": digest("text", network.name)}


def _loading_call() -> str:
    """How a program gets the session's text network."""
    network = text_networks.current()
    return SHIPPED_NETWORK if network.shipped else hub_loading_call(network.name, network.positions)


def hub_loading_call(name: str, limit: int) -> str:
    """How a program gets a text network of others, which reads at most `limit` tokens."""
    return f"load_hub_text_model({str(text_networks.source_of(name))!r}, max_tokens={limit})"


def digest(kind: str, name: str) -> str:
    digest: str = registry.manifest(kind, name)["sha256"]
    return digest


def written_settings(page: str, chosen: dict[str, Any], model: dict[str, Any]) -> str:
    """JSON of everything that the numbers follow from; language-neutral, counted from 0."""
    query = url_state.query()
    everything = {
        "app": "Attention Explorer",
        "version": version(),
        "torch": torch.__version__,
        "model": model,
        "page": page,
        "link": share.link(query),
        "url": query,
        **chosen,
    }
    return json.dumps(everything, ensure_ascii=False, indent=2)
