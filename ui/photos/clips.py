"""The controls of the page on short clips, and the story that they choose."""

from __future__ import annotations

import streamlit as st

from attention_core.stories.clips import Played, clips_story
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import film
from ui.inputs.film import Film
from ui.photos.steps import choose_sized_stage
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.story import draw_step

TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)

choose_film = film.choose


@region("stage", "frame")
def played(shown: Film) -> tuple[Story, float]:
    """The choice of a stage and of a frame, and the steps; with the temperature of the last one."""
    looked = _looked(shown, _choose_stage(shown), _choose_frame(shown))
    *first, _ = clips_story(looked).steps
    for number, step in enumerate(first, start=1):
        draw_step(step, number)
    return _attention(looked)


@region("tau")
def _attention(looked: Played) -> tuple[Story, float]:
    """The last step, which the temperature alone changes."""
    tau = url_state.put_choice("tau", TEMPERATURES, 1.0)
    story = clips_story(looked, temperature=tau)
    draw_step(story.steps[-1], len(story.steps), control=_choose_temperature)
    return story, tau


def _looked(shown: Film, stage: str, frame: int) -> Played:
    return Played(
        shown.trace, shown.pictures, film.PICTURE_SIDE, shown.places, shown.clip.total, stage=stage, frame=frame
    )


def _choose_temperature() -> None:
    st.select_slider(
        t("clips.attention.temperature"),
        TEMPERATURES,
        format_func=lambda value: f"{value:g}",
        key="tau",
        persist_state="session",
        help=t("clips.attention.temperature_help"),
    )


def _choose_stage(shown: Film) -> str:
    """The stage whose masks are shown."""
    sizes = {name: tuple(masks.shape[1:]) for name, masks in shown.trace.masks.items()}
    return choose_sized_stage(sizes, t("clips.stage_help"))


def _choose_frame(shown: Film) -> int:
    """The frame that the pictures start at and the attention asks from, counted from 0."""
    count = len(shown.clip.frames)
    asked = url_state.put_number("frame", 1, 10**6, least=1)
    st.session_state["frame"] = number = min(asked, count)
    # The key holds the number of frames: a slider whose end moves would forget its value.
    st.session_state[f"frame-of-{count}"] = number

    def keep() -> None:
        st.session_state["frame"] = st.session_state[f"frame-of-{count}"]

    st.slider(t("clips.frame"), 1, count, key=f"frame-of-{count}", on_change=keep, help=t("clips.frame_help"))
    return number - 1
