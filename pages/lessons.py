"""Prepared lessons, to be opened one by one or sent as links."""

from __future__ import annotations

import streamlit as st

from ui.i18n import current_language, t
from ui.stage import lessons

st.title(t("lessons.title"))
st.markdown(t("lessons.lead"))
for lesson in lessons.lessons(current_language()).values():
    with st.container(border=True, key=f"lesson-{lesson.name}"):
        st.subheader(f":material/{lesson.icon}: {lesson.title}")
        st.markdown(lesson.about)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(t("lessons.open"), icon=":material/play_arrow:", key=f"open-{lesson.name}"):
                lessons.open_scene(lesson, 0)
            st.caption(t("lessons.scenes", count=len(lesson.scenes)))
