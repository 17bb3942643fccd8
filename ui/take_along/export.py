"""Taking it along: the figures, the arrays, the settings and a program that computes them anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from itertools import chain
from typing import Any

import torch
from PIL import Image

from attention_core.analysis import tables
from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.figures.printed import with_photo
from attention_core.inputs.samples import SAMPLE_PHOTOS, STRANGE_PHOTOS, sample_photo
from attention_core.models import registry
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace, VisionTrace
from attention_core.programs.snippets import SHIPPED_NETWORK, photo_snippet, text_snippet, trial_snippet
from attention_core.runtime.version import version
from attention_core.stories.story import Story
from ui.i18n import current_language, joined, t
from ui.inputs import networks, photo_what_if, sentence, text_networks
from ui.inputs.networks import Photo
from ui.inputs.photo_what_if import PhotoWhatIf
from ui.inputs.square import SquareOf, seen_box
from ui.inputs.what_if import AS_TRAINED, WhatIf
from ui.photos.change_words import photo_changes
from ui.shell import url_state
from ui.shell.wire import jpeg_uri
from ui.stage import share
from ui.take_along.files import Taken, offer, opened, stem
from ui.text.change_words import sentence_changes

_QUALITY = 92  # of a photo in print, as JPEG: several megabytes as PNG, in each figure


def text_export(
    page: str,
    trace: TextTrace,
    *,
    layer: int,
    head: int,
    query: int | None = None,
    what_if: WhatIf = AS_TRAINED,
    story: Story | None = None,
) -> None:
    """At the end of a page about a sentence. query: None where the page is about the whole head.

    what_if: what `trace` was made with; story: what the page tells of it.
    """
    box = opened()
    if box is None:
        return
    network = text_networks.current()
    about = {
        "network": t("export.bilingual") if network.shipped else t("export.foreign", name=network.name),
        "text": trace.text + (f" ‖ {trace.pair}" if trace.pair else ""),
        "layer": layer + 1,
        "head": head + 1,
        "changed": changes_said("" if what_if == AS_TRAINED else sentence_changes(trace, what_if)),
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
        story=None if story is None else story.key,
        language=current_language(),
    )
    taken = Taken(
        page,
        caption.strip(),
        written_settings(page, settings, _text_network()),
        snippet,
        npz=partial(tables.npz, trace),
        csv=lambda: tables.csv_zip(tables.text_tables(trace)),
        story=story,
    )
    with box:
        offer(taken)


def photo_export(
    page: str,
    build: str,
    photo: Photo,
    trace: VisionTrace,
    stage: StageTrace | None = None,
    *,
    what_if: PhotoWhatIf = photo_what_if.AS_TRAINED,
    beside: Sequence[str] = (),
    tried: Mapping[TriedKind, TriedMap] | None = None,
    story: Story | None = None,
) -> None:
    """At the end of a page about a photo in one of the builds.

    stage: None where the page is about all of them; what_if: what `trace` was made with; beside: all builds that the
    figures show, where there are several; tried: the maps that the mask of `stage` was tried beside; story: what the
    page tells of it.
    """
    box = opened()
    if box is None:
        return
    sample = sample_of(photo)
    number = None if stage is None else [one.name for one in trace.stages].index(stage.name)
    square = seen_box(photo, trace)
    settings = {
        "photo": {"sample": sample, "sha256": photo.digest.partition("@")[0], "square": square},
        "stage": number,
        "what_if": {name: asdict(changes) for name, changes in what_if.stages},
    }
    snippet = photo_snippet(
        trace,
        network=f"load_vision_model({build!r})",
        stage=number,
        sample=sample,
        box=square if isinstance(photo, SquareOf) else None,
        overrides=what_if.overrides(networks.vision_trace(build, photo)),
        archive=f"{stem(page)}.npz",
    )
    if tried and stage:
        snippet += trial_snippet(tried, stage.name)
    taken = Taken(
        page,
        _photo_caption(build, sample, stage, what_if, beside),
        written_settings(page, settings, {"kind": "vision", "name": build, "sha256": digest("vision", build)}),
        snippet,
        npz=partial(tables.npz, trace, tried),
        csv=lambda: tables.csv_zip(chain(tables.vision_tables(trace), tables.tried_tables(tried or {}))),
        sharpened=partial(with_photo, photo=sharp(photo, trace)),
        story=story,
    )
    with box:
        offer(taken)


def _photo_caption(
    build: str, sample: str | None, stage: StageTrace | None, what_if: PhotoWhatIf, beside: Sequence[str]
) -> str:
    about = {"photo": named(sample), "build": build}
    if beside:
        return t("export.beside_caption", builds=joined("words.comma", list(beside)), **about)
    if stage is None:
        return t("export.stages_caption", **about)
    changed = changes_said(photo_changes(what_if))
    return t("export.photo_caption", stage=stage.name.removeprefix("stage"), changed=changed, **about).strip()


def changes_said(changes: str) -> str:
    """What a caption adds where something is changed; "" where nothing is."""
    return changes and t("export.changed", changes=changes)


def sample_of(photo: Photo) -> str | None:
    """The name of the sample that a photo is; None for one of somebody's own."""
    return _samples().get(hashlib.sha256(photo.data).hexdigest())


def named(sample: str | None) -> str:
    """What a caption calls a photo."""
    return t(f"photo.choices.{sample}") if sample else t("export.own_photo")


@cache
def _samples() -> dict[str, str]:
    return {hashlib.sha256(sample_photo(name)).hexdigest(): name for name in (*SAMPLE_PHOTOS, *STRANGE_PHOTOS)}


def sharp(photo: Photo, trace: ClassifiedPhoto) -> Callable[[int], tuple[str, int]]:
    """The square that the network saw, as sharp as the photo is: for paper, where the page's own would be coarse."""

    @cache
    def at_most(pixels: int) -> tuple[str, int]:
        left, _, right, _ = trace.crop
        side = min(pixels, right - left)
        square = photo.image.crop(trace.crop).resize((side, side), Image.Resampling.LANCZOS)
        return jpeg_uri(square, _QUALITY), side

    return at_most


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
