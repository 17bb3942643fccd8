"""Taking it along from the pages about a photo, in a network that ships or in one of others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from itertools import chain
from typing import Any

from PIL import Image

from attention_core.analysis import tables
from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.figures.printed import with_photo
from attention_core.inputs.samples import SAMPLE_PHOTOS, STRANGE_PHOTOS, sample_photo
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import ClassifiedPhoto, VisionModel
from attention_core.programs.patches import patch_snippet
from attention_core.programs.snippets import photo_snippet, trial_snippet
from attention_core.stories.photo_what_if import AS_TRAINED, PhotoWhatIf
from attention_core.stories.story import Story
from ui.i18n import joined, say, t
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo_networks import PhotoNetwork, loading_call
from ui.inputs.square import SquareOf, seen_box
from ui.shell.wire import jpeg_uri
from ui.take_along.export import changes_said, digest, written_settings
from ui.take_along.files import Taken, offered, stem

_QUALITY = 92  # of a photo in print, as JPEG: several megabytes as PNG, in each figure


@offered
def photo_export(
    page: str,
    network: PhotoNetwork,
    photo: Photo,
    trace: StagedTrace,
    story: Story,
    *,
    what_if: PhotoWhatIf = AS_TRAINED,
    beside: Sequence[str] = (),
    tried: Mapping[TriedKind, TriedMap] | None = None,
) -> Taken:
    """At the end of a page about a photo in a network with stages. story: what the page tells of it.

    what_if: what `trace` was made with; beside: all builds that the figures show, where there are several; tried: the
    maps that the mask of the followed stage was tried beside.
    """
    names = [stage.name for stage in trace.stages]
    stage = str(story.focus["stage"]) if "stage" in story.focus else None
    number = None if stage is None else names.index(stage)
    snippet = photo_snippet(
        trace,
        stage=number,
        overrides=what_if.overrides(networks.stage_trace(network, photo)),
        **_program(page, network, photo, trace),
    )
    if tried and stage is not None:
        snippet += trial_snippet(tried, stage)
    settings = {
        "photo": _said(photo, trace),
        "stage": number if network.shipped else stage,
        "what_if": {name: asdict(changes) for name, changes in what_if.stages},
    }
    only = None if network.shipped else number  # of the many modules of another library's network
    return Taken(
        page,
        _caption(network, photo, stage, what_if, beside),
        written_settings(page, settings, _model(network)),
        snippet,
        npz=partial(tables.npz, trace, tried),
        csv=lambda: tables.csv_zip(chain(tables.vision_tables(trace, only), tables.tried_tables(tried or {}))),
        sharpened=partial(with_photo, photo=_sharp(photo, trace)),
        story=story,
    )


@offered
def patch_export(network: PhotoNetwork, photo: Photo, trace: PatchTrace, story: Story) -> Taken:
    """At the end of the page on vision transformers."""
    page = "vision_transformer"
    layer, head, patch = (int(story.focus[name]) for name in ("layer", "head", "patch"))
    row, column = divmod(patch, trace.grid[1])
    about = {"layer": layer + 1, "head": head + 1, "row": row, "column": column}
    return Taken(
        page,
        t("export.patches_caption", photo=_named(photo), name=network.name, **about),
        written_settings(
            page, {"photo": _said(photo, trace), "layer": layer, "head": head, "patch": patch}, _model(network)
        ),
        patch_snippet(trace, layer=layer, head=head, patch=patch, **_program(page, network, photo, trace)),
        npz=partial(tables.npz, trace),
        csv=lambda: tables.csv_zip(tables.patch_tables(trace, layer)),
        sharpened=partial(with_photo, photo=_sharp(photo, trace)),
        story=story,
    )


def _caption(
    network: PhotoNetwork, photo: Photo, stage: str | None, what_if: PhotoWhatIf, beside: Sequence[str]
) -> str:
    about = {"photo": _named(photo), "build": network.name}
    if beside:
        return t("export.beside_caption", builds=joined("words.comma", list(beside)), **about)
    if stage is None:
        return t("export.stages_caption", **about)
    changed = changes_said(say(what_if.said))
    if network.shipped:
        return t("export.photo_caption", stage=stage.removeprefix("stage"), changed=changed, **about).strip()
    return f"{t('export.stage_caption', photo=_named(photo), name=network.name, stage=stage)} {changed}".strip()


def _named(photo: Photo) -> str:
    """What a caption calls a photo."""
    sample = _sample_of(photo)
    return t(f"photo.choices.{sample}") if sample else t("export.own_photo")


def _sample_of(photo: Photo) -> str | None:
    """The name of the sample that a photo is; None for one of somebody's own."""
    return _samples().get(hashlib.sha256(photo.data).hexdigest())


@cache
def _samples() -> dict[str, str]:
    return {hashlib.sha256(sample_photo(name)).hexdigest(): name for name in (*SAMPLE_PHOTOS, *STRANGE_PHOTOS)}


def _said(photo: Photo, trace: ClassifiedPhoto) -> dict[str, Any]:
    """What the settings say of a photo."""
    return {
        "sample": _sample_of(photo),
        "sha256": photo.digest.partition("@")[0],
        "square": seen_box(photo, trace),
    }


def _model(network: PhotoNetwork) -> dict[str, Any]:
    about = {"kind": "vision", "name": network.name}
    if isinstance(network.model, VisionModel):
        return {**about, "sha256": digest("vision", network.name)}
    return {**about, "architecture": network.model.architecture}


def _program(page: str, network: PhotoNetwork, photo: Photo, trace: ClassifiedPhoto) -> dict[str, Any]:
    """What all programs about a photo are told."""
    return {
        "network": f"load_vision_model({network.name!r})" if network.shipped else loading_call(network.name),
        "sample": _sample_of(photo),
        "box": seen_box(photo, trace) if isinstance(photo, SquareOf) else None,
        "archive": f"{stem(page)}.npz",
    }


def _sharp(photo: Photo, trace: ClassifiedPhoto) -> Callable[[int], tuple[str, int]]:
    """The square that the network saw, as sharp as the photo is: for paper, where the page's own would be coarse."""

    @cache
    def at_most(pixels: int) -> tuple[str, int]:
        left, _, right, _ = trace.crop
        side = min(pixels, right - left)
        square = photo.image.crop(trace.crop).resize((side, side), Image.Resampling.LANCZOS)
        return jpeg_uri(square, _QUALITY), side

    return at_most
