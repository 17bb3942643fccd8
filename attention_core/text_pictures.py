"""The pictures of one text or of two in a network that reads text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attention_core.analysis.alignment import pair_attention, strongest_links
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.analysis.words import word_weights, words
from attention_core.figures import (
    alignment,
    heads_grid,
    matrix,
    probability_bars,
    vector_strip,
)
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.hub.encoder_decoder import TwoTextTrace
from attention_core.models.hub.traces import HubAttentionTrace, HubTextTrace
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import visible
from attention_core.pictures import Picture, numbers, stated


def text_pictures(trace: TextTrace, layer: int, head: int) -> dict[str, Picture]:
    """One text or a pair: all heads, then the way through one of them."""
    names = visible(trace.tokens)
    pictures = {"all heads": _all_heads(trace, (layer, head)), **_head_pictures(trace.layers[layer], head, names)}
    if trace.pair is not None:
        pictures |= _pair_pictures(trace, layer, head)
    rolled = attention_rollout(mean_over_heads(trace), len(names))[-1]
    pictures["rollout"] = Picture(
        _weights(rolled, names, names, "share"),
        f"Attention rollout through all {len(trace.layers)} layers: how much of each token at the end has come from "
        f"each token of the input, if only attention mattered. {stated(rolled)}",
    )
    if isinstance(trace, HubTextTrace) and trace.predicts == "next":
        pictures["next token"] = _next_token(trace)
    return pictures


def translation_pictures(trace: TwoTextTrace, layer: int, head: int) -> dict[str, Picture]:
    """Two texts and the attention from the one that is written to the one that is read."""
    source, target = visible(trace.source.tokens), visible(trace.target.tokens)
    pictures = {
        "text that is read": _all_heads(trace.source, None),
        "text that is written": _all_heads(trace.target, None),
    }
    for name, picture in _head_pictures(trace.cross[layer], head, target, source).items():
        pictures[f"cross-attention: {name}"] = picture
    pictures["next token"] = _next_token(trace.target)
    return pictures


def _weights(weights: Tensor, rows: Sequence[str], columns: Sequence[str], name: str = "weight") -> Any:
    return matrix(
        numbers(weights),
        rows=rows,
        columns=columns,
        kind="weight",
        row_title="query",
        column_title="key",
        value_name=name,
    )


def _all_heads(trace: TextTrace, selected: tuple[int, int] | None) -> Picture:
    weights = [numbers(layer.weights[0]) for layer in trace.layers]
    heads = [f"head {index}" for index in range(max(map(len, weights)))]
    figure = heads_grid(
        weights,
        tokens=visible(trace.tokens),
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
        f"column a key.{framed} {stated(np.array([lowest, highest]))}",
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
        found = vectors[0, head]
        pictures[name] = Picture(
            vector_strip(numbers(found), rows=labels, quantity=name, value_name=name),  # type: ignore[arg-type]
            f"{said}: a vector of {found.shape[1]} numbers. {stated(found)}",
        )
    scores, weights = trace.scores[0, head], trace.weights[0, head]
    if isinstance(trace, HubAttentionTrace):
        allowed = trace.mask[0, min(head, trace.mask.shape[1] - 1)]
        scores = scores.masked_fill(~allowed, torch.nan)
    pictures["scores"] = Picture(
        matrix(
            numbers(scores),
            rows=queries,
            columns=keys,
            kind="signed",
            row_title="query",
            column_title="key",
            value_name="score",
        ),
        f"Query times key, scaled, before the softmax; what may not be looked at is blank. {stated(scores)}",
    )
    pictures["weights"] = Picture(
        _weights(weights, queries, keys),
        f"How much each row's token takes from each column's: the softmax of the scores, so that a row sums to 1. "
        f"{stated(weights)}",
    )
    output = trace.head_outputs[0, head]
    pictures["output"] = Picture(
        vector_strip(numbers(output), rows=queries, quantity="output", value_name="output"),
        f"The values, summed by the weights: what the head hands on for each token. {stated(output)}",
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
            f"How much the first text's words take from the second's in this head. {stated(attention.forth)}",
        ),
        "links": Picture(
            alignment(
                first,
                second,
                forth=links.forth,
                back=links.back,
                strengths=links.strengths,
                names=("each other's strongest", "strongest of the first text's word", "of the second text's word"),
                first_notes=["" for _ in first],
                second_notes=["" for _ in second],
            ),
            f"Each word's strongest partner in the other text; {len(links.both)} go both ways; thicker is stronger.",
        ),
    }


def _next_token(trace: TextTrace) -> Picture:
    best = trace.predictions(len(trace.tokens) - 1)
    return Picture(
        probability_bars([text for text, _ in best], [value for _, value in best], value_name="probability"),
        f"What may follow “{visible(trace.tokens)[-1]}”: the {len(best)} likeliest of {trace.logits.shape[-1]} tokens. "
        f"{stated(np.array([value for _, value in best]))}",
    )
