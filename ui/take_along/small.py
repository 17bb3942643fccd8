"""Taking it along from the pages that are not about one sentence or one photo: the numbers by hand, and a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from torch import Tensor

from attention_core.analysis import tables
from attention_core.analysis.temporal import temporal_attention
from attention_core.inputs.image import to_square_tensor
from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.programs.clip import clip_snippet
from attention_core.programs.hand import hand_snippet
from attention_core.stories.arrays import array
from attention_core.stories.photo import stage_named
from attention_core.stories.story import Story
from ui.i18n import say, t
from ui.inputs import networks
from ui.inputs.film import Film
from ui.take_along.export import digest, written_settings
from ui.take_along.files import Taken, offered, stem

_BUILD = "cbam"


@offered
def hand_export(
    story: Story, matrices: Mapping[str, Tensor], trace: SelfAttentionTrace, tokens: Sequence[str]
) -> Taken:
    """At the end of the numbers by hand. matrices: what `trace` was made of; story: what the page tells of it."""
    score, query = str(story.facts["score"]), int(story.focus["query"])
    made = {"kind": "by hand", "score": score, "matrices": {key: value.tolist() for key, value in matrices.items()}}
    return Taken(
        "self_attention",
        t("export.hand_caption", score=t(f"by_hand.scores.{score}"), query=tokens[query]),
        written_settings("self_attention", {"query": query}, made),
        hand_snippet(matrices, trace, score=score, query=query),
        npz=partial(tables.npz, trace, beside={f"typed.{key}": array(value) for key, value in matrices.items()}),
        csv=lambda: tables.csv_zip(tables.hand_tables(trace, tokens)),
        story=story,
    )


@offered
def clip_export(film: Film, story: Story, temperature: float) -> Taken:
    """At the end of the page on clips. story, temperature: what it tells, and with which one."""
    stage, frame = str(story.focus["stage"]), int(story.focus["frame"])
    attention = temporal_attention(film.trace.pooled, temperature=temperature)
    clip = {
        "sample": film.sample,
        "sha256": None if film.sample else film.digest,
        "frames": film.clip.numbers,
        "of": film.clip.total,
    }
    return Taken(
        "clips",
        t(
            "export.clip_caption",
            clip=t(f"clips.choices.{film.sample or 'upload'}"),
            build=_BUILD,
            stage=say(stage_named(stage)),
            frame=film.places[frame],
        ),
        written_settings(
            "clips",
            {"clip": clip, "stage": stage, "frame": frame, "temperature": temperature},
            {"kind": "vision", "name": _BUILD, "sha256": digest("vision", _BUILD)},
        ),
        clip_snippet(
            film.trace,
            attention.weights[0],
            build=_BUILD,
            stage=stage,
            frame=frame,
            temperature=temperature,
            sample=film.sample,
            archive=f"{stem('clips')}.npz",
        ),
        npz=lambda: tables.npz(
            film.trace, beside={"frames": seen(film), **{f"between.{n}": v for n, v in attention.arrays().items()}}
        ),
        csv=lambda: tables.csv_zip(tables.clip_tables(film.trace, attention, film.places)),
        story=story,
    )


def seen(film: Film) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the network saw of each frame, (T, 3, S, S)."""
    side = networks.vision_model(_BUILD).config.image_size
    return np.stack([array(to_square_tensor(frame, side)[0]) for frame in film.clip.frames])
