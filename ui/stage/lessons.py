"""Prepared lessons: a lesson is data that drives the pages, scene by scene, and has no picture of its own.

[[scene]]
page = "self_attention"            # which page draws it
focus = [5]                        # the steps that are shown; none: the whole page
role = "alignment"                 # optional: layer and head are those that are best at this
link = {s = "我吃柠檬", q = 2}      # the page's values in the URL
text = "…"
question = "…"                     # optional: the page comes after the answer
options = ["…", "…"]
after = "…"                        # optional: said once the page is shown
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import streamlit as st

from attention_core.analysis.head_roles import outstanding_heads
from attention_core.models import registry
from ui.i18n import Language, current_language, t
from ui.shell import url_state

PAGES = Path(__file__).resolve().parents[2] / "pages"
FOLDER = PAGES.parent / "assets" / "lessons"
NO_LESSON = "none"
LINKED = ("lesson", "scene")  # what a link says of a lesson
_SET = "_lesson_set"


@dataclass(frozen=True)
class Scene:
    """One screen of a lesson. link: URL key → value; options: empty where nothing is asked."""

    page: str
    text: str
    link: Mapping[str, str | int] = field(default_factory=dict)
    focus: tuple[int, ...] = ()
    role: str = ""
    question: str = ""
    options: tuple[str, ...] = ()
    after: str = ""


@dataclass(frozen=True)
class Lesson:
    """A story in scenes. name: as in links; icon: a Material symbol; about: what it shows, in a sentence."""

    name: str
    icon: str
    title: str
    about: str
    scenes: tuple[Scene, ...]


@cache
def lessons(language: Language) -> dict[str, Lesson]:
    """All lessons of a language by name, in order."""
    found = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        with path.open("rb") as stream:
            data = tomllib.load(stream)
        name = path.stem.partition("-")[2]  # the number before it is for the order
        scenes = tuple(_scene(entry) for entry in data["scene"])
        found[name] = Lesson(name, data["icon"], data["title"], data["about"], scenes)
    return found


def _scene(entry: Mapping[str, object]) -> Scene:
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    words = {name: value.strip() for name, value in entry.items() if isinstance(value, str)}
    return Scene(**{**entry, **lists, **words})  # type: ignore[arg-type]


def values(scene: Scene) -> dict[str, str]:
    """What the scene sets on its page: URL key → text."""
    link: dict[str, str | int] = {**scene.link}
    if scene.role:
        link["layer"], link["head"] = _head(scene.role)
    return {key: str(value) for key, value in link.items()}


def _head(role: str) -> tuple[int, int]:
    """(layer, head) of the head that was measured to be best at something."""
    found = outstanding_heads(registry.scores("text"))
    best = next((head for head in found if head.kind == role), found[0])
    return best.layer, best.head


def panel(page: str) -> bool:
    """Draws the lesson of the link above the page, if there is one; whether the page is to be shown.

    page: the name of the page that runs. On a page that the scene does not speak of, a line leads back.
    """
    if "lesson" not in st.query_params and "lesson" not in st.session_state:
        return True
    known = lessons(current_language())
    name = url_state.put_choice("lesson", (NO_LESSON, *known))
    if name == NO_LESSON:
        return True
    lesson = known[name]
    number = url_state.put_choice("scene", range(1, len(lesson.scenes) + 1)) - 1
    scene = lesson.scenes[number]
    if scene.page != page:  # somebody went on by the sidebar: the lesson waits, it does not follow
        _wait(lesson, number)
        return True
    with st.container(border=True, key="lesson"):
        st.markdown(f"**:material/{lesson.icon}: {lesson.title}** · {number + 1} / {len(lesson.scenes)}")
        st.markdown(scene.text)
        revealed = _way(lesson, number)
        if revealed and scene.after:
            st.markdown(scene.after)
        if (
            revealed
            and scene.focus
            and not st.toggle(t("lessons.whole"), key=f"lesson-whole-{number}", help=t("lessons.whole_help"))
        ):
            st.html(_only(scene.focus))
    if revealed:
        _set(lesson, number)
    return revealed


def _set(lesson: Lesson, number: int) -> None:
    """Gives the page the scene's values, once: what somebody changes afterwards stays, and so does what a link says."""
    here = (lesson.name, number, current_language())
    before = st.session_state.get(_SET)
    if before == here:
        return
    st.session_state[_SET] = here
    told = values(lesson.scenes[number])
    if before is not None and before[:2] == here[:2]:  # only the language is another
        former = values(lessons(before[2])[lesson.name].scenes[number])
        if told == former or st.query_params.get("s") != former.get("s"):  # nothing to translate, or one's own sentence
            return
        st.query_params.update(told)
    for key, value in told.items():
        url_state.forget(key)
        st.query_params.setdefault(key, value)


def _wait(lesson: Lesson, number: int) -> None:
    """One line on a page that is not the scene's: back to it, or away from it."""
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-waiting"):
        st.markdown(f":material/{lesson.icon}: {t('lessons.waiting', title=lesson.title)}", width="content")
        if st.button(t("lessons.resume"), icon=":material/arrow_back:", key="lesson-resume"):
            open_scene(lesson, number)
        st.button(t("lessons.leave"), icon=":material/close:", key="lesson-give-up", on_click=_leave)


def _forget() -> None:
    for key in LINKED:
        url_state.forget(key)


def _leave() -> None:
    _forget()
    for key in LINKED:
        st.query_params.pop(key, None)


def _way(lesson: Lesson, number: int) -> bool:
    """The question and the buttons, which stay where they are when the answer comes; whether it is to be seen."""
    scene, key = lesson.scenes[number], f"lesson-{lesson.name}-{number}"
    if scene.question:
        st.radio(scene.question, scene.options, index=None, key=f"{key}-answer")
    shown: bool = st.session_state.setdefault(f"{key}-shown", not scene.question)
    with st.container(horizontal=True, key="lesson-way"):
        # One button for all scenes and states: a click counts, even where the browser still shows the former scene's.
        reveal = bool(scene.question) and st.button(
            t("lessons.reveal"), key="lesson-reveal", type="primary", disabled=shown
        )
        back = number > 0 and st.button(t("lessons.back"), icon=":material/arrow_back:", key=f"lesson-back-{number}")
        forward = number + 1 < len(lesson.scenes) and st.button(
            t("lessons.next"), icon=":material/arrow_forward:", key=f"lesson-next-{number}"
        )
        leave = st.button(t("lessons.leave"), icon=":material/close:", key=f"lesson-leave-{number}")
    # Only now, because two quick clicks can come in one run, and the one that leads on must not be lost.
    if leave:
        _forget()
        st.switch_page(PAGES / "lessons.py", query_params={"lang": current_language()})
    if back or forward:
        open_scene(lesson, number + 1 if forward else number - 1)
    if reveal:
        st.session_state[f"{key}-shown"] = True
        st.rerun()
    return shown


def open_scene(lesson: Lesson, number: int) -> None:
    """Leaves this run for the scene's page; nothing of what the former one showed goes along."""
    url_state.start_over(keeping=("lang", "present"))
    st.session_state.pop(_SET, None)
    link = {"lang": current_language(), "lesson": lesson.name, "scene": str(number + 1)}
    if st.session_state.get("present"):
        link["present"] = "1"
    st.switch_page(PAGES / f"{lesson.scenes[number].page}.py", query_params=link)


def _only(steps: tuple[int, ...]) -> str:
    """Hides the steps that a scene does not speak of; the property tells presenter mode, which hides steps, too."""
    kept = "".join(f":not(.st-key-step-{number})" for number in steps)
    return f'<style>[class*="st-key-step-"]{kept} {{ display: none; --lesson-hides: 1; }}</style>'
