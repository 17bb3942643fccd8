"""The figures of a trace, with captions in English: what a notebook shows of any network.

They are made by the functions that the pages use. Layers and heads are counted from 0, as in the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attention_core.analysis.alignment import pair_attention, strongest_links
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.analysis.stages import most_active
from attention_core.analysis.words import word_weights, words
from attention_core.figures import (
    alignment,
    channel_bars,
    heads_grid,
    map_grid,
    mask_over_photo,
    matrix,
    probability_bars,
    range_text,
    vector_strip,
)
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.hub_encoder_decoder import EncoderDecoderTrace
from attention_core.models.hub_patches import PatchTrace
from attention_core.models.hub_traces import HubAttentionTrace, HubTextTrace
from attention_core.models.text import TextTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace

SHOWN_CHANNELS = 12
COLUMNS = 6  # maps side by side


@dataclass(frozen=True)
class Picture:
    """One figure of Plotly, and what it shows, in a sentence or two with its numbers."""

    figure: Any
    caption: str


def text_pictures(trace: TextTrace, layer: int, head: int) -> dict[str, Picture]:
    """One text or a pair: all heads, then the way through one of them."""
    names = _names(trace)
    pictures = {"all heads": _all_heads(trace, (layer, head)), **_head_pictures(trace.layers[layer], head, names)}
    if trace.pair is not None:
        pictures |= _pair_pictures(trace, layer, head)
    rolled = attention_rollout(mean_over_heads(trace), len(names))[-1]
    pictures["rollout"] = Picture(
        _weights(rolled, names, names, "share"),
        f"Attention rollout through all {len(trace.layers)} layers: how much of each token at the end has come from "
        f"each token of the input, if only attention mattered. {_range(rolled)}",
    )
    if isinstance(trace, HubTextTrace) and trace.predicts == "next":
        pictures["next token"] = _next_token(trace)
    return pictures


def translation_pictures(trace: EncoderDecoderTrace, layer: int, head: int) -> dict[str, Picture]:
    """Two texts and the attention from the one that is written to the one that is read."""
    source, target = _names(trace.source), _names(trace.target)
    pictures = {
        "text that is read": _all_heads(trace.source, None),
        "text that is written": _all_heads(trace.target, None),
    }
    for name, picture in _head_pictures(trace.cross[layer], head, target, source).items():
        pictures[f"cross-attention: {name}"] = picture
    pictures["next token"] = _next_token(trace.target)
    return pictures


def stage_pictures(trace: ClassifiedPhoto, stages: Sequence[StageTrace], stage: StageTrace) -> dict[str, Picture]:
    """A photo in a network with SE or CBAM: one of its places step by step, and the masks of all."""
    features = _array(stage.features[0])
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
            f"{features.shape[1]} × {features.shape[2]} each. {_range(features[shown])}",
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
    photo, seen = _photo(trace), _array(trace.seen_from(layer))
    means = [one.weights[0].mean(dim=0) for one in trace.layers]
    rolled = attention_rollout(means, len(means[0]))[-1]
    share = _array(rolled[0, trace.special :].reshape(trace.grid))
    asker = "the class token" if trace.special else "the first patch"
    pictures = {
        "all heads": Picture(
            _over_photo(list(seen), [f"head {index}" for index in range(len(seen))], photo),
            f"How much {asker} looks at each of the {trace.grid[0]} × {trace.grid[1]} patches, in each head of layer "
            f"{layer}. {_range(seen)}",
        ),
        "head": Picture(
            _over_photo([seen[head]], [f"head {head}"], photo),
            f"The same in head {head} alone; {seen[head].sum():.0%} of its weight is on patches. {_range(seen[head])}",
        ),
        "rollout": Picture(
            _over_photo([share], [f"{len(means)} layers"], photo),
            f"Attention rollout: how much of {asker} at the end has come from each patch, if only attention mattered. "
            f"{_range(share)}",
        ),
    }
    if len(trace.classes):
        pictures["prediction"] = _prediction(trace)
    return pictures


def _names(trace: TextTrace) -> list[str]:
    return [token.text if token.text.strip() else "␣" for token in trace.tokens]


def _array(tensor: Tensor) -> npt.NDArray[Any]:
    kept = tensor.detach().cpu()
    numbers: npt.NDArray[Any] = (kept if kept.dtype.itemsize >= 4 else kept.float()).numpy()
    return numbers


def _range(values: Tensor | npt.NDArray[Any]) -> str:
    return f"Values: {range_text(_array(values) if isinstance(values, Tensor) else values)}."


def _weights(weights: Tensor, rows: Sequence[str], columns: Sequence[str], name: str = "weight") -> Any:
    return matrix(
        _array(weights),
        rows=rows,
        columns=columns,
        kind="weight",
        row_title="query",
        column_title="key",
        value_name=name,
    )


def _all_heads(trace: TextTrace, selected: tuple[int, int] | None) -> Picture:
    weights = [_array(layer.weights[0]) for layer in trace.layers]
    heads = [f"head {index}" for index in range(max(map(len, weights)))]
    figure = heads_grid(
        weights,
        tokens=_names(trace),
        layer_names=[f"layer {index}" for index in range(len(weights))],
        head_names=heads,
        column_names=[heads[0], *(str(index) for index in range(1, len(heads)))],
        selected=selected,
        clickable=False,
    )
    lowest, highest = (extreme(float(extreme(layer.min(), layer.max())) for layer in weights) for extreme in (min, max))
    framed = f" The frame is layer {selected[0]}, head {selected[1]}." if selected else ""
    return Picture(
        figure,
        f"Attention weights of {sum(map(len, weights))} heads, a row of tiles a layer; in a tile, a row a query and a "
        f"column a key.{framed} {_range(np.array([lowest, highest]))}",
    )


def _head_pictures(
    trace: MultiHeadTrace, head: int, queries: Sequence[str], keys: Sequence[str] | None = None
) -> dict[str, Picture]:
    """The steps of one head; keys: of the other text in cross-attention."""
    keys = queries if keys is None else keys
    pictures = {}
    for name, vectors, labels, said in (
        ("query", trace.query, queries, "What each token looks for"),
        ("key", trace.key, keys, "What each token is found by"),
        ("value", trace.value, keys, "What each token hands over"),
    ):
        numbers = vectors[0, head]
        pictures[name] = Picture(
            vector_strip(_array(numbers), rows=labels, quantity=name, value_name=name),  # type: ignore[arg-type]
            f"{said}: a vector of {numbers.shape[1]} numbers. {_range(numbers)}",
        )
    scores, weights = trace.scores[0, head], trace.weights[0, head]
    if isinstance(trace, HubAttentionTrace):
        allowed = trace.mask[0, min(head, trace.mask.shape[1] - 1)]
        scores = scores.masked_fill(~allowed, torch.nan)
    pictures["scores"] = Picture(
        matrix(
            _array(scores),
            rows=queries,
            columns=keys,
            kind="signed",
            row_title="query",
            column_title="key",
            value_name="score",
        ),
        f"Query times key, scaled, before the softmax; what may not be looked at is blank. {_range(scores)}",
    )
    pictures["weights"] = Picture(
        _weights(weights, queries, keys),
        f"How much each row's token takes from each column's: the softmax of the scores, so that a row sums to 1. "
        f"{_range(weights)}",
    )
    output = trace.head_outputs[0, head]
    pictures["output"] = Picture(
        vector_strip(_array(output), rows=queries, quantity="output", value_name="output"),
        f"The values, summed by the weights: what the head hands on for each token. {_range(output)}",
    )
    return pictures


def _pair_pictures(trace: TextTrace, layer: int, head: int) -> dict[str, Picture]:
    grouped = words(trace)
    attention = pair_attention(word_weights(trace.layers[layer].weights[0, head], grouped), grouped)
    first, second = ([w.text for w in grouped if not w.special and w.segment == segment] for segment in (0, 1))
    if not first or not second:
        return {}
    links = strongest_links(attention.forth, attention.back)
    return {
        "between the texts": Picture(
            _weights(attention.forth, first, second),
            f"How much the first text's words take from the second's in this head. {_range(attention.forth)}",
        ),
        "links": Picture(
            alignment(
                first,
                second,
                forth=links.forth,
                back=links.back,
                names=("each other's strongest", "strongest of the first text's word", "of the second text's word"),
                first_notes=["" for _ in first],
                second_notes=["" for _ in second],
            ),
            f"Each word's strongest partner in the other text; {len(links.both)} links go both ways.",
        ),
    }


def _next_token(trace: HubTextTrace) -> Picture:
    best = trace.predictions(len(trace.tokens) - 1)
    return Picture(
        probability_bars([text for text, _ in best], [value for _, value in best], value_name="probability"),
        f"What may follow “{_names(trace)[-1]}”: the {len(best)} likeliest of {trace.logits.shape[-1]} tokens. "
        f"{_range(np.array([value for _, value in best]))}",
    )


def _photo(trace: ClassifiedPhoto) -> npt.NDArray[np.uint8]:
    pixels = _array((trace.image * 255).round().to(torch.uint8).permute(1, 2, 0).float())
    return np.ascontiguousarray(pixels.astype(np.uint8))


def _over_photo(maps: Sequence[npt.NDArray[Any]], titles: Sequence[str], photo: npt.NDArray[np.uint8]) -> Any:
    return map_grid(maps, titles=titles, kind="activation", photo=photo, columns=COLUMNS, value_name="weight")


def _prediction(trace: ClassifiedPhoto) -> Picture:
    best = trace.top(5)
    return Picture(
        probability_bars([thing.en for thing, _ in best], [value for _, value in best], value_name="probability"),
        f"What the network takes the photo for: the {len(best)} likeliest of {len(trace.classes)} classes. "
        f"{_range(np.array([value for _, value in best]))}",
    )


def _bars(values: Tensor, name: str, caption: str) -> Picture:
    return Picture(
        channel_bars(_array(values[0]), limits=None, value_name=name, channel_name=name), f"{caption} {_range(values)}"
    )


def _gates(weights: Tensor) -> Picture:
    return Picture(
        channel_bars(_array(weights[0]), value_name="channel weight", channel_name="channel", baseline=0.5),
        f"What each channel is multiplied by; the line is at 0.5. {_range(weights)}",
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
            _array(first[0]), second=_array(second[0]), names=("mean", "maximum"), limits=None, channel_name=name
        )
        return Picture(figure, f"{caption} {_range(torch.cat([first, second]))}")

    maps = torch.cat([spatial.max_map[0], spatial.mean_map[0]])
    mask = _array(spatial.mask[0, 0])
    return {
        "pooled": pair(channel.avg_pooled, channel.max_pooled, "channel", "Each channel's mean and its maximum."),
        "hidden": pair(channel.avg_hidden, channel.max_hidden, "hidden unit", "The hidden units of both branches."),
        "logits": pair(channel.avg_logits, channel.max_logits, "channel", "Both branches before they are added."),
        "channel weights": _gates(channel.weights),
        "maps over channels": Picture(
            map_grid(
                list(_array(maps)),
                titles=("maximum", "mean"),
                kind="activation" if maps.min() >= 0 else "signed",
                columns=2,
                value_name="over channels",
            ),
            f"The maximum and the mean over all channels, place by place. {_range(maps)}",
        ),
        "spatial mask": Picture(
            mask_over_photo(_photo(photo), mask, value_name="mask"),
            f"What each place is multiplied by, {mask.shape[0]} × {mask.shape[1]}; colours always run from 0 to 1. "
            f"{_range(mask)}",
        ),
    }


def _mask_pictures(trace: ClassifiedPhoto, stages: Sequence[StageTrace]) -> dict[str, Picture]:
    """The masks of all places, where there are several and each divides the largest."""
    masks = {stage.name: _array(stage.spatial_mask[0, 0]) for stage in stages if stage.spatial_mask is not None}
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
    return {"all masks": Picture(figure, f"The spatial masks of all {len(masks)} places. {_range(everything)}")}
