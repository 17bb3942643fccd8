"""The pictures of a photo in a network with SE, CBAM or attention between patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attention_core.analysis.rollout import attention_rollout
from attention_core.analysis.stages import most_active
from attention_core.figures import (
    channel_bars,
    map_grid,
    mask_over_photo,
    probability_bars,
)
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace
from attention_core.pictures import Picture, numbers, stated

SHOWN_CHANNELS = 12
COLUMNS = 6  # maps side by side


def stage_pictures(trace: ClassifiedPhoto, stages: Sequence[StageTrace], stage: StageTrace) -> dict[str, Picture]:
    """A photo in a network with SE or CBAM: one of its places step by step, and the masks of all."""
    features = numbers(stage.features[0])
    shown = most_active(stage.features, SHOWN_CHANNELS)
    pictures = {
        "features": Picture(
            map_grid(
                [features[channel] for channel in shown],
                titles=[str(channel) for channel in shown],
                kind="activation" if features.min() >= 0 else "signed",
                columns=COLUMNS,
                value_name="feature",
            ),
            f"What the attention of {stage.name} reads: the {len(shown)} most active of {len(features)} channels, "
            f"{features.shape[1]} × {features.shape[2]} each. {stated(features[shown])}",
        )
    }
    if isinstance(stage.attention, CBAMTrace):
        pictures |= _cbam_pictures(trace, stage.attention)
    elif stage.attention is not None:
        pictures |= _se_pictures(stage.attention)
    pictures |= _mask_pictures(trace, stages)
    pictures["prediction"] = _prediction(trace)
    return pictures


def patch_pictures(trace: PatchTrace, layer: int, head: int) -> dict[str, Picture]:
    """A photo in a vision transformer: where the first token looks, in all heads of a layer and through all layers."""
    photo, seen = _photo(trace), numbers(trace.seen_from(layer))
    means = [one.weights[0].mean(dim=0) for one in trace.layers]
    rolled = attention_rollout(means, len(means[0]))[-1]
    share = numbers(rolled[0, trace.special :].reshape(trace.grid))
    asker = "the class token" if trace.special else "the first patch"
    pictures = {
        "all heads": Picture(
            _over_photo(list(seen), [f"head {index}" for index in range(len(seen))], photo),
            f"How much {asker} looks at each of the {trace.grid[0]} × {trace.grid[1]} patches, in each head of layer "
            f"{layer}. {stated(seen)}",
        ),
        "head": Picture(
            _over_photo([seen[head]], [f"head {head}"], photo),
            f"The same in head {head} alone; {seen[head].sum():.0%} of its weight is on patches. {stated(seen[head])}",
        ),
        "rollout": Picture(
            _over_photo([share], [f"{len(means)} layers"], photo),
            f"Attention rollout: how much of {asker} at the end has come from each patch, if only attention mattered. "
            f"{stated(share)}",
        ),
    }
    if len(trace.classes):
        pictures["prediction"] = _prediction(trace)
    return pictures


def _photo(trace: ClassifiedPhoto) -> npt.NDArray[np.uint8]:
    pixels = numbers((trace.image * 255).round().to(torch.uint8).permute(1, 2, 0).float())
    return np.ascontiguousarray(pixels.astype(np.uint8))


def _over_photo(maps: Sequence[npt.NDArray[Any]], titles: Sequence[str], photo: npt.NDArray[np.uint8]) -> Any:
    return map_grid(maps, titles=titles, kind="activation", photo=photo, columns=COLUMNS, value_name="weight")


def _prediction(trace: ClassifiedPhoto) -> Picture:
    best = trace.top(5)
    return Picture(
        probability_bars([thing.en for thing, _ in best], [value for _, value in best], value_name="probability"),
        f"What the network takes the photo for: the {len(best)} likeliest of {len(trace.classes)} classes. "
        f"{stated(np.array([value for _, value in best]))}",
    )


def _bars(values: Tensor, name: str, caption: str) -> Picture:
    return Picture(
        channel_bars(numbers(values[0]), limits=None, value_name=name, channel_name=name), f"{caption} {stated(values)}"
    )


def _gates(weights: Tensor) -> Picture:
    return Picture(
        channel_bars(numbers(weights[0]), value_name="channel weight", channel_name="channel", baseline=0.5),
        f"What each channel is multiplied by; the line is at 0.5. {stated(weights)}",
    )


def _se_pictures(trace: SqueezeExcitationTrace) -> dict[str, Picture]:
    C, r = trace.logits.shape[1], trace.hidden.shape[1]
    return {
        "squeezed": _bars(trace.squeezed, "channel", f"Each of the {C} channels as one number, its mean."),
        "hidden": _bars(trace.hidden, "hidden unit", f"The {r} hidden units, after their activation."),
        "logits": _bars(trace.logits, "channel", "One number a channel again, before the gate."),
        "channel weights": _gates(trace.weights),
    }


def _cbam_pictures(photo: ClassifiedPhoto, trace: CBAMTrace) -> dict[str, Picture]:
    channel, spatial = trace.channel, trace.spatial

    def pair(first: Tensor, second: Tensor, name: str, caption: str) -> Picture:
        figure = channel_bars(
            numbers(first[0]), second=numbers(second[0]), names=("mean", "maximum"), limits=None, channel_name=name
        )
        return Picture(figure, f"{caption} {stated(torch.cat([first, second]))}")

    maps = torch.cat([spatial.max_map[0], spatial.mean_map[0]])
    mask = numbers(spatial.mask[0, 0])
    return {
        "pooled": pair(channel.avg_pooled, channel.max_pooled, "channel", "Each channel's mean and its maximum."),
        "hidden": pair(channel.avg_hidden, channel.max_hidden, "hidden unit", "The hidden units of both branches."),
        "logits": pair(channel.avg_logits, channel.max_logits, "channel", "Both branches before they are added."),
        "channel weights": _gates(channel.weights),
        "maps over channels": Picture(
            map_grid(
                list(numbers(maps)),
                titles=("maximum", "mean"),
                kind="activation" if maps.min() >= 0 else "signed",
                columns=2,
                value_name="over channels",
            ),
            f"The maximum and the mean over all channels, place by place. {stated(maps)}",
        ),
        "spatial mask": Picture(
            mask_over_photo(_photo(photo), mask, value_name="mask"),
            f"What each place is multiplied by, {mask.shape[0]} × {mask.shape[1]}; colours always run from 0 to 1. "
            f"{stated(mask)}",
        ),
    }


def _mask_pictures(trace: ClassifiedPhoto, stages: Sequence[StageTrace]) -> dict[str, Picture]:
    """The masks of all places, where there are several and each divides the largest."""
    masks = {stage.name: numbers(stage.spatial_mask[0, 0]) for stage in stages if stage.spatial_mask is not None}
    side = max((max(mask.shape) for mask in masks.values()), default=1)
    if len(masks) < 2 or any(side % length for mask in masks.values() for length in mask.shape):
        return {}
    figure = map_grid(
        list(masks.values()),
        titles=list(masks),
        kind="weight",
        photo=_photo(trace),
        columns=COLUMNS,
        value_name="mask",
    )
    everything = np.concatenate([mask.ravel() for mask in masks.values()])
    return {"all masks": Picture(figure, f"The spatial masks of all {len(masks)} places. {stated(everything)}")}
