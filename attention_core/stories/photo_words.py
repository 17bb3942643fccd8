"""What stories about photos share: what classes, stages and builds are called, what is measured, what is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from attention_core.analysis.familiarity import KnownThings
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models import registry
from attention_core.models.vision import ClassifiedPhoto, VisionClass, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.story import Array, Beside, Block, Figure, Grouped, Note, Step
from attention_core.words import Named, Say, Words

Pixels = npt.NDArray[np.uint8]
BUILD_NAMES = {"se": "SE", "cbam": "CBAM"}  # the same in every language
STILL = 0.01  # standard deviation between photos below which a gate, or a mask, is the same for every photo
BEST = 5  # classes that a prediction shows
_OPACITY, _SMALL_SIDE = 0.6, 256  # of masks that stand side by side, and pixels of the photo under them
_OWN_STAGE = re.compile(r"stage\d+")


def class_named(entry: VisionClass) -> Named:
    """What a class is called; in English where nobody has said it in Chinese."""
    if entry.zh != entry.en:
        return Named(entry.en, entry.zh)
    words = entry.en.lower().split(", ")  # some libraries name all synonyms
    return Named(entry.en, next((_in_chinese()[word] for word in words if word in _in_chinese()), entry.en))


@cache
def _in_chinese() -> dict[str, str]:
    return {entry.en.lower(): entry.zh for entry in registry.vision_classes()}


def group_named(entry: VisionClass) -> Named:
    """The kind of a class of the networks that ship, such as "dog"."""
    group = _groups()[entry.group]
    return Named(group["en"], group["zh"])


_groups = cache(registry.vision_groups)


def stage_named(name: str) -> Words:
    """ "stage2" in words; the name of a module, which another library gave, as it is."""
    return Say("photo_words.stage", {"number": int(name[5:])}) if _OWN_STAGE.fullmatch(name) else name


def build_named(build: str) -> Words:
    """What a build of the photo network is called."""
    return BUILD_NAMES.get(build) or Say("photo_words.plain")


def find(scores: Mapping[str, Any], *path: str) -> float | None:
    """A number of the evaluation; None where it has not been measured."""
    value: Any = scores
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def seen_pixels(trace: ClassifiedPhoto) -> Pixels:
    """The square as the network saw it, (S, S, 3)."""
    pixels = (trace.image.float() * 255).round().to(torch.uint8).permute(1, 2, 0)
    return np.ascontiguousarray(pixels.cpu().numpy())


def small(square: Pixels, side: int) -> Pixels:
    """A photo with fewer pixels, (side, side, 3), for a place where more would not be seen."""
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS))


def same_size(maps: Sequence[Array]) -> list[Array]:
    """Maps (h, w), those whose size does not divide the largest drawn with as many cells, each as it is."""
    H, W = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    return [
        one
        if H % len(one) == 0 and W % one.shape[1] == 0
        else one[np.arange(H) * len(one) // H][:, np.arange(W) * one.shape[1] // W]
        for one in maps
    ]


def answer(trace: VisionTrace, things: KnownThings | None) -> dict[str, Any]:
    """What a network that ships says, and which of known, doubtful, unsure and strange it is.

    Familiar and likely: known; likely alone: doubtful; familiar alone: unsure; neither: strange. A likely name stands
    even where a photo looks unfamiliar: the rule was chosen on photos that come from another source than the test
    photos, and that alone makes them look so. things: the rule, None where it has not been measured: then it is known.
    """
    [(first, probability)] = trace.top(1)
    sure, familiar = (True, True) if things is None else (things.sure(trace), things.knows(trace))
    return {
        "name": class_named(first),
        "group": group_named(first),
        "probability": probability,
        "classes": len(trace.classes),
        "known": sure and familiar,
        "doubtful": sure and not familiar,
        "unsure": familiar and not sure,
        "strange": not sure and not familiar,
        "threshold": 0.0 if things is None else things.unsure_below,
        "less": 0.0 if things is None else things.less_familiar(trace),
    }


def foreign_prediction(trace: ClassifiedPhoto) -> Step:
    """What a network of others says; it has not been measured here."""
    key = "photo_words.prediction"
    if not trace.classes:
        return Step(key, absent=Say(f"{key}.absent"))
    best = trace.top(BEST)
    facts = {"classes": len(trace.classes), "name": class_named(best[0][0]), "probability": best[0][1]}
    given = {
        "labels": [class_named(entry) for entry, _ in best],
        "probabilities": [probability for _, probability in best],
        "value_name": Say("words.probability"),
    }
    blocks: list[Block] = [
        Note(Say(f"{key}.known", facts), "text"),
        Figure("prediction", "probability_bars", given, alt=Say(f"{key}.title", facts)),
    ]
    arrays = {"logits": array(trace.logits), "probabilities": array(trace.probabilities)}
    return Step(key, [r"p = \mathrm{softmax}(o)"], facts, blocks, arrays)


def masks_step(trace: VisionTrace, square: Pixels, scores: Mapping[str, Any], build: str = "cbam") -> Step:
    """The masks of all stages over the same photo, on the same scale, each with what it was measured to follow."""
    key, places, masks = "photo_words.masks", [], {}
    photo = small(square, _SMALL_SIDE)
    for stage in trace.stages:
        assert isinstance(stage.attention, CBAMTrace)
        masks[stage.name] = mask = array(stage.attention.spatial.mask[0, 0])
        facts = {"stage": stage_named(stage.name), "height": mask.shape[0], "width": mask.shape[1]}
        title = Say(f"{key}.figure", facts)
        given = {"photo": photo, "mask": mask, "opacity": _OPACITY, "title": title, "value_name": "M"}
        blocks: list[Block] = [Figure(f"mask-{stage.name}", "mask_over_photo", given, alt=Say(f"{key}.alt", facts))]
        places.append(Grouped([*blocks, *_follows(scores, build, stage.name), *_finds(scores, stage.name)]))
    photos = find(scores, "masks", "photos")
    measured = [] if photos is None else [Note(Say(f"{key}.measured", {"photos": round(photos)}))]
    return Step(key, blocks=[Beside(places), *measured], arrays=masks)


def _follows(scores: Mapping[str, Any], build: str, stage: str) -> list[Note]:
    """What the masks of a stage follow, as measured."""
    life = scores.get("life", {}).get(build, {}).get("stages", {}).get(stage, {}).get("masks", {})
    if "follows" not in life:
        return []
    rim, cells, spread = (find(life, *path) for path in (("rim", "value"), ("rim_cells",), ("spread",)))
    facts = {
        "follows": Say(f"photo_words.follows.{life['follows']}"),
        "rimmed": rim is not None and cells is not None,
        "rim": rim,
        "cells": cells,
        "still": spread is not None and spread < STILL,
    }
    return [Note(Say("photo_words.masks.follows", facts))]


def _finds(scores: Mapping[str, Any], stage: str) -> list[Note]:
    """How well the masks of a stage point at the thing, beside baselines."""
    paths = {"mask": (stage, "mask"), "features": (stage, "features"), "middle": ("centred_gaussian",)}
    found = {name: find(scores, "masks", *path, "pixel_auc", "value") for name, path in paths.items()}
    return [] if None in found.values() else [Note(Say("photo_words.masks.finds", found))]
