"""A short clip: the mask of each frame, what is named, and self-attention between the frames.

T frames, C channels, h × w a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor

from attention_core.analysis.temporal import ClipTrace, temporal_attention
from attention_core.figures import COLOURS, STROKES
from attention_core.stories.arrays import array
from attention_core.stories.photo import class_named, stage_named
from attention_core.stories.story import Beside, Block, Figure, Line, Note, Step, Story
from attention_core.stories.tex import tex
from attention_core.words import Say

KEY = "clips"
PRINTED = 8  # frames up to which the numbers stand in the cells of two matrices side by side
NAMED = 3  # classes whose probability is followed
Kind = Literal["signed", "weight"]


@dataclass(frozen=True, eq=False)
class Played:
    """What is looked at. pictures: of the frames, as data URIs of `side` pixels; stage: whose masks are shown.

    places: of the frames in the clip, from 1; total: frames of the whole clip; frame: the one that asks, from 0.
    """

    trace: ClipTrace
    pictures: Sequence[str]
    side: int
    places: Sequence[int]
    total: int
    stage: str
    frame: int


def clips_story(played: Played, *, temperature: float = 1.0) -> Story:
    """temperature: that the scores between frames are divided by."""
    steps = (_masks(played), _named(played), _attention(played, temperature))
    return Story(KEY, {"stage": played.stage, "frame": played.frame}, {"frames": len(played.places)}, steps)


def _masks(played: Played) -> Step:
    """The masks over the frames, played in the browser."""
    key, masks = f"{KEY}.masks", array(played.trace.masks[played.stage])
    facts = {"stage": stage_named(played.stage), "frames": len(masks)}
    names = [Say(f"{KEY}.frame_name", {"number": place, "total": played.total}) for place in played.places]
    player = {
        "pictures": played.pictures,
        "masks": masks,
        "side": played.side,
        "names": names,
        "start": played.frame,
        "title": Say(f"{key}.figure"),
        "value_name": "M",
        "play": Say(f"{key}.play"),
        "pause": Say(f"{key}.pause"),
    }
    grid = {
        "maps": list(masks),
        "titles": [str(place) for place in played.places],
        "kind": "weight",
        "columns": 6,
        "title": Say(f"{key}.all"),
        "value_name": "M",
    }
    figures = [
        Figure("clip-player", "clip_player", player, alt=Say(f"{key}.alt", facts)),
        Figure("clip-masks", "map_grid", grid, alt=Say(f"{key}.all")),
    ]
    return Step(key, (), facts, [Beside(figures, (1, 1.6))], {"masks": masks})


def _named(played: Played) -> Step:
    """What the network names over the frames."""
    key, trace = f"{KEY}.named", played.trace
    probabilities = array(trace.probabilities)  # (T, classes)
    given = {
        "x": np.array(played.places),
        "lines": [
            Line(
                class_named(trace.classes[number]),
                probabilities[:, number],
                {"colour": colour, "dash": dash, "markers": True},
            )
            for number, (colour, dash) in zip(trace.likeliest(NAMED), STROKES, strict=False)
        ],
        "x_name": Say(f"{KEY}.frame"),
        "value_name": Say("words.probability"),
        "marked": played.places[played.frame],
    }
    figure = Figure("clip-named", "curves", given, alt=Say(f"{key}.title"))
    return Step(key, blocks=[figure], arrays={"probabilities": probabilities})


def _attention(played: Played, temperature: float) -> Step:
    """Self-attention between the frames, with the identity for W^q, W^k and W^v."""
    key, places, frame = f"{KEY}.attention", played.places, played.frame
    attention = temporal_attention(played.trace.pooled, temperature=temperature)
    T, C = attention.input.shape[1:]
    weights = array(attention.weights[0])
    others = np.where(np.arange(T) == frame, -np.inf, weights[frame])
    best = int(others.argmax())
    facts = {
        "frame": places[frame],
        "itself": float(weights[frame, frame]),
        "best": places[best],
        "weight": float(weights[frame, best]),
        "even": 1 / T,
    }
    title = Say(f"{key}.row_of", facts)
    row = {
        "x": np.array(places),
        "lines": [
            Line(Say("words.weight"), weights[frame], {"colour": COLOURS["weight"], "markers": True}),
            Line(Say(f"{key}.even"), np.full(T, 1 / T), {"dash": "dash", "width": 1}),
        ],
        "title": title,
        "x_name": Say(f"{KEY}.frame"),
        "value_name": Say("words.weight"),
        "marked": places[frame],
    }
    matrices = [
        _matrix(played, "scores", attention.scores[0], "signed"),
        _matrix(played, "weights", attention.weights[0], "weight"),
    ]
    blocks: list[Block] = [
        Note(Say(f"{key}.untrained"), "warning"),
        Beside(matrices),
        Figure("clip-row", "curves", row, alt=title),
    ]
    arrays = {
        "pooled": array(played.trace.pooled),
        "input": array(attention.input[0]),
        "scores": array(attention.scores[0]),
        "weights": weights,
    }
    return Step(key, _formulas(C), facts, blocks, arrays)


def _matrix(played: Played, name: str, values: Tensor, kind: Kind) -> Figure:
    """(T, T) between the frames."""
    title, frames = Say(f"{KEY}.attention.{name}"), [str(place) for place in played.places]
    given: dict[str, Any] = {
        "values": array(values),
        "rows": frames,
        "columns": frames,
        "kind": kind,
        "title": title,
        "row_title": Say(f"{KEY}.attention.row"),
        "column_title": Say(f"{KEY}.attention.column"),
        "highlight_row": played.frame,
        "show_values": len(frames) <= PRINTED,
    }
    return Figure(f"clip-{name}", "matrix", given, alt=title)


def _formulas(channels: int) -> list[str]:
    alpha, weight = tex("score", r"\alpha_{ij}"), tex("weight", "w_{ij}")
    return [
        r"x_t = \frac{f_t - \mathrm{mean}(f_t)}{\mathrm{std}(f_t)}, \quad q_t = k_t = v_t = x_t",
        rf"{alpha} = \frac{{x_i \cdot x_j}}{{\sqrt{{{channels}}}}}, \quad"
        rf" {weight} = \mathrm{{softmax}}_j({alpha} / \tau)",
    ]
