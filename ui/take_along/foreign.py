"""Taking it along from the pages that show a photo in a network of others, or in any network with SE or CBAM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import Any

from attention_core.analysis import tables
from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.figures.printed import with_photo
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace, VisionModel
from attention_core.programs.patches import patch_snippet
from attention_core.programs.snippets import photo_snippet, trial_snippet
from attention_core.stories.photo import stage_of
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo_networks import PhotoNetwork, loading_call
from ui.inputs.photo_what_if import AS_TRAINED, PhotoWhatIf
from ui.inputs.square import SquareOf, seen_box
from ui.photos.change_words import photo_changes
from ui.take_along.export import changes_said, named, photo_export, sample_of, sharp, written_settings
from ui.take_along.files import Taken, offer, opened, stem


def stage_export(
    page: str,
    network: PhotoNetwork,
    photo: Photo,
    trace: HubVisionTrace,
    stage: StageTrace,
    *,
    what_if: PhotoWhatIf = AS_TRAINED,
    tried: Mapping[TriedKind, TriedMap] | None = None,
    story: Story | None = None,
) -> None:
    """At the end of a page about one SE or CBAM module of a network of others; the rest as for `photo_export`."""
    box = opened()
    if box is None:
        return
    number = [one.name for one in trace.stages].index(stage.name)
    changed = {name: asdict(changes) for name, changes in what_if.stages}
    caption = t("export.stage_caption", photo=named(sample_of(photo)), name=network.name, stage=stage.name)
    snippet = photo_snippet(
        trace,
        stage=number,
        overrides=what_if.overrides(networks.stage_trace(network, photo)),
        **_program(page, network, photo, trace),
    )
    if tried:
        snippet += trial_snippet(tried, stage.name)
    taken = Taken(
        page,
        f"{caption} {changes_said(photo_changes(what_if))}".strip(),
        written_settings(
            page, {"photo": _said(photo, trace), "stage": stage.name, "what_if": changed}, _model(network)
        ),
        snippet,
        npz=partial(tables.npz, trace, tried),
        csv=lambda: tables.csv_zip(chain(tables.vision_tables(trace, number), tables.tried_tables(tried or {}))),
        sharpened=partial(with_photo, photo=sharp(photo, trace)),
        story=story,
    )
    with box:
        offer(taken)


def story_export(
    page: str,
    network: PhotoNetwork,
    photo: Photo,
    trace: StagedTrace,
    story: Story,
    what_if: PhotoWhatIf = AS_TRAINED,
) -> None:
    """At the end of a page that tells of one stage, in a network that ships or in one of others."""
    stage = stage_of(trace, str(story.focus["stage"]))
    if isinstance(trace, HubVisionTrace):
        stage_export(page, network, photo, trace, stage, what_if=what_if, story=story)
    else:
        photo_export(page, network.name, photo, trace, stage, what_if=what_if, story=story)


def patch_export(network: PhotoNetwork, photo: Photo, trace: PatchTrace, story: Story) -> None:
    """At the end of the page on vision transformers."""
    box = opened()
    if box is None:
        return
    page = "vision_transformer"
    layer, head, patch = (int(story.focus[name]) for name in ("layer", "head", "patch"))
    row, column = divmod(patch, trace.grid[1])
    about = {"layer": layer + 1, "head": head + 1, "row": row, "column": column}
    taken = Taken(
        page,
        t("export.patches_caption", photo=named(sample_of(photo)), name=network.name, **about),
        written_settings(
            page, {"photo": _said(photo, trace), "layer": layer, "head": head, "patch": patch}, _model(network)
        ),
        patch_snippet(trace, layer=layer, head=head, patch=patch, **_program(page, network, photo, trace)),
        npz=partial(tables.npz, trace),
        csv=lambda: tables.csv_zip(tables.patch_tables(trace, layer)),
        sharpened=partial(with_photo, photo=sharp(photo, trace)),
        story=story,
    )
    with box:
        offer(taken)


def _said(photo: Photo, trace: ClassifiedPhoto) -> dict[str, Any]:
    """What the settings say of a photo."""
    return {
        "sample": sample_of(photo),
        "sha256": photo.digest.partition("@")[0],
        "square": seen_box(photo, trace),
    }


def _model(network: PhotoNetwork) -> dict[str, Any]:
    assert not isinstance(network.model, VisionModel)
    return {"kind": "vision", "name": network.name, "architecture": network.model.architecture}


def _program(page: str, network: PhotoNetwork, photo: Photo, trace: HubVisionTrace | PatchTrace) -> dict[str, Any]:
    """What all programs about a photo are told."""
    return {
        "network": loading_call(network.name),
        "sample": sample_of(photo),
        "box": seen_box(photo, trace) if isinstance(photo, SquareOf) else None,
        "archive": f"{stem(page)}.npz",
    }
