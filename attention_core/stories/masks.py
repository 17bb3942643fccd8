"""The spatial masks of all stages of a network with CBAM, over one photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import StageTrace, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.photo import OPACITY, Pixels, small, stage_named, stage_of
from attention_core.stories.photo_measured import Measured
from attention_core.stories.story import Array, Beside, Block, Figure, Grouped, Note, Step
from attention_core.words import Say, Words

SMALL_SIDE = 256  # pixels of the photo under the masks that stand side by side


def masks(
    trace: StagedTrace, square: Pixels, *, before: StagedTrace | None = None, measured: Measured | None = None
) -> Step:
    """The masks of all stages over the same photo, (S, S, 3), on the same scale."""
    photo = small(square, SMALL_SIDE)
    masked = [stage for stage in trace.stages if stage.spatial_mask is not None]
    few = isinstance(trace, VisionTrace)
    facts = {"few": few, "count": len(masked), "changed": before is not None}
    blocks = _side_by_side(masked, photo, before, measured) if few else _all_places(masked, photo, before)
    arrays = {stage.name: array(_of(stage)) for stage in masked}
    return Step("cbam.stages", [], facts, blocks, arrays)


def _of(stage: StageTrace) -> Tensor:
    """(H, W)"""
    assert stage.spatial_mask is not None
    return stage.spatial_mask[0, 0]


def _side_by_side(
    stages: Sequence[StageTrace], photo: Pixels, before: StagedTrace | None, measured: Measured | None
) -> list[Block]:
    """A column a stage: as trained above, with the change below."""
    columns = []
    for stage in stages:
        H, W = _of(stage).shape
        name = Say("cbam.stages.name", {"stage": stage_named(stage.name), "height": H, "width": W})
        shown = [(f"mask-{stage.name}", name, _of(stage))]
        if before is not None:
            was, is_ = (Say("change.which", {"title": name, "which": Say(f"change.{w}")}) for w in ("before", "after"))
            shown = [
                (f"mask-{stage.name}-before", was, _of(stage_of(before, stage.name))),
                (f"mask-{stage.name}", is_, _of(stage)),
            ]
        blocks: list[Block] = [
            Figure(
                key,
                "mask_over_photo",
                {"photo": photo, "mask": array(mask), "opacity": OPACITY, "title": title, "value_name": "M"},
                alt=Say("cbam.stages.alt", {"mask": title}),
            )
            for key, title, mask in shown
        ]
        if before is not None and torch.equal(shown[0][2], shown[1][2]):
            blocks.append(Note(Say("change.none")))
        elif before is None and measured is not None:
            blocks += measured.mask_notes(stage.name)
        columns.append(Grouped(blocks))
    return [Beside(columns), *(measured.masks_measured if measured is not None and before is None else [])]


def _all_places(stages: Sequence[StageTrace], photo: Pixels, before: StagedTrace | None) -> list[Block]:
    """The masks of the many modules of another library's network, numbered as in the choice of a stage."""

    def grid(key: str, found: Sequence[StageTrace], title: Words) -> Figure:
        found_masks = [array(_of(stage)) for stage in found]
        given = {
            "maps": same_size(found_masks),
            "titles": [
                f"{number} · {mask.shape[0]} × {mask.shape[1]}" for number, mask in enumerate(found_masks, start=1)
            ],
            "kind": "weight",
            "photo": photo,
            "opacity": OPACITY,
            "value_name": "M",
        }
        return Figure(key, "map_grid", {**given, "title": title} if before is not None else given, alt=title)

    note = Note(Say("cbam.stages.beside_shortcuts"))
    if before is None:
        return [grid("mask-places", stages, Say("cbam.stages.all", {"count": len(stages)})), note]
    trained = [stage_of(before, stage.name) for stage in stages]
    grids: list[Block] = [
        grid("mask-places-before", trained, Say("change.before")),
        grid("mask-places", stages, Say("change.after")),
    ]
    if all(torch.equal(_of(one), _of(other)) for one, other in zip(stages, trained, strict=True)):
        grids.append(Note(Say("change.none")))
    return [*grids, note]


def same_size(maps: Sequence[Array]) -> list[Array]:
    """Maps (h, w), each cell as it is but drawn with as many as the largest has; those that divide it stay."""
    H, W = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    return [
        one
        if H % len(one) == 0 and W % one.shape[1] == 0
        else one[np.arange(H) * len(one) // H][:, np.arange(W) * one.shape[1] // W]
        for one in maps
    ]
