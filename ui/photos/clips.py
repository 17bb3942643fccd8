"""The steps of the page on short clips."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from attention_core.analysis.temporal import temporal_attention
from attention_core.figures import COLOURS, STROKES, Curve, clip_player, curves, map_grid, matrix
from attention_core.stories.arrays import array
from attention_core.stories.tex import lines, tex
from ui.i18n import t
from ui.inputs import film
from ui.inputs.film import Film
from ui.photos.steps import choose_sized_stage, class_name, stage_name
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import show, step

TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)
Kind = Literal["signed", "weight"]
PRINTED = 8  # frames up to which the numbers stand in the cells of two matrices side by side
NAMED = 3  # classes whose probability is followed

choose_film = film.choose


def choose_stage(shown: Film) -> str:
    """The stage whose masks are shown."""
    sizes = {name: tuple(masks.shape[1:]) for name, masks in shown.trace.masks.items()}
    return choose_sized_stage(sizes, t("clips.stage_help"))


def choose_frame(shown: Film) -> int:
    """The frame that the pictures start at and the attention asks from, counted from 0."""
    count = len(shown.clip.frames)
    asked = url_state.put("frame", 1, _positive)
    st.session_state["frame"] = number = min(asked, count)
    # The key holds the number of frames: a slider whose end moves would forget its value.
    st.session_state[f"frame-of-{count}"] = number

    def keep() -> None:
        st.session_state["frame"] = st.session_state[f"frame-of-{count}"]

    st.slider(t("clips.frame"), 1, count, key=f"frame-of-{count}", on_change=keep, help=t("clips.frame_help"))
    return number - 1


def masks_step(step_number: int, shown: Film, stage: str, number: int) -> None:
    """The masks over the frames, played in the browser."""
    masks = array(shown.trace.masks[stage])
    names = [t("clips.frame_name", number=place, total=shown.clip.total) for place in shown.places]
    with step(step_number, "clips.masks", None, stage=stage_name(stage), frames=len(names)):
        left, right = st.columns([1, 1.6])
        with left:
            show(
                clip_player(
                    shown.pictures,
                    masks,
                    side=film.PICTURE_SIDE,
                    names=names,
                    start=number,
                    title=t("clips.masks.figure"),
                    value_name="M",
                    play=t("clips.masks.play"),
                    pause=t("clips.masks.pause"),
                ),
                "clip-player",
                alt=t("clips.masks.alt", frames=len(names)),
            )
        with right:
            show(
                map_grid(
                    list(masks),
                    titles=[str(place) for place in shown.places],
                    kind="weight",
                    columns=6,
                    title=t("clips.masks.all"),
                    value_name="M",
                ),
                "clip-masks",
                alt=t("clips.masks.all"),
            )


def named_step(step_number: int, shown: Film, number: int) -> None:
    """What the network names over the frames."""
    trace = shown.trace
    probabilities = array(trace.probabilities)  # (T, classes)
    followed = trace.likeliest(NAMED)
    with step(step_number, "clips.named", None):
        show(
            curves(
                np.array(shown.places),
                [
                    Curve(class_name(trace.classes[each]), probabilities[:, each], colour, dash, markers=True)
                    for each, (colour, dash) in zip(followed, STROKES, strict=False)
                ],
                x_name=t("clips.frame"),
                value_name=t("words.probability"),
                marked=shown.places[number],
            ),
            "clip-named",
            alt=t("clips.named.title"),
        )


@region("tau")
def attention_step(step_number: int, shown: Film, number: int) -> float:
    """Self-attention between the frames, with the identity for W^q, W^k and W^v; returns the temperature."""
    tau = url_state.put_choice("tau", TEMPERATURES, 1.0)
    attention = temporal_attention(shown.trace.pooled, temperature=tau)
    T, C = attention.input.shape[1:]
    frames = [str(place) for place in shown.places]
    weights = array(attention.weights[0])
    others = np.delete(weights[number], number)
    values = {
        "frame": frames[number],
        "itself": f"{weights[number, number]:.2f}",
        "best": frames[int(np.delete(np.arange(T), number)[others.argmax()])],
        "weight": f"{others.max():.2f}",
        "even": f"{1 / T:.2f}",
    }
    with step(step_number, "clips.attention", _formula(C), **values):
        st.warning(t("clips.attention.untrained"), icon=":material/label:")
        st.select_slider(
            t("clips.attention.temperature"),
            TEMPERATURES,
            format_func=lambda value: f"{value:g}",
            key="tau",
            persist_state="session",
            help=t("clips.attention.temperature_help"),
        )
        left, right = st.columns(2)
        with left:
            _matrix("scores", array(attention.scores[0]), "signed", frames, number)
        with right:
            _matrix("weights", weights, "weight", frames, number)
        title = t("clips.attention.row_of", frame=frames[number])
        show(
            curves(
                np.array(shown.places),
                [
                    Curve(t("words.weight"), weights[number], COLOURS["weight"], markers=True),
                    Curve(t("clips.attention.even"), np.full(T, 1 / T), dash="dash", width=1),
                ],
                title=title,
                x_name=t("clips.frame"),
                value_name=t("words.weight"),
                marked=shown.places[number],
            ),
            "clip-row",
            alt=title,
        )
    return tau


def _matrix(name: str, values: npt.NDArray[Any], kind: Kind, frames: list[str], number: int) -> None:
    title = t(f"clips.attention.{name}")
    show(
        matrix(
            values,
            rows=frames,
            columns=frames,
            kind=kind,
            title=title,
            row_title=t("clips.attention.row"),
            column_title=t("clips.attention.column"),
            highlight_row=number,
            show_values=len(frames) <= PRINTED,
        ),
        f"clip-{name}",
        alt=title,
    )


def _formula(channels: int) -> str:
    alpha, weight = tex("score", r"\alpha_{ij}"), tex("weight", "w_{ij}")
    return lines(
        r"x_t = \frac{f_t - \mathrm{mean}(f_t)}{\mathrm{std}(f_t)}, \quad q_t = k_t = v_t = x_t",
        rf"{alpha} = \frac{{x_i \cdot x_j}}{{\sqrt{{{channels}}}}}, \quad"
        rf" {weight} = \mathrm{{softmax}}_j({alpha} / \tau)",
    )


def _positive(raw: str) -> int:
    number = int(raw)
    if number < 1:
        raise ValueError(raw)
    return number
