"""A network that writes, token by token, each with its rivals and the attention that it was chosen by."""

from __future__ import annotations

import streamlit as st

from attention_core.stories.generation import Moment, generation_story
from attention_core.stories.story import Story
from ui.i18n import t
from ui.inputs import passage, writers
from ui.shell.regions import region
from ui.stage.story import draw
from ui.take_along.written import generation_export


def main() -> None:
    """Controls, then the steps."""
    st.title(t("generation.title"))
    st.markdown(t("generation.lead"))
    writer = writers.choose()
    written = passage.write(writer)
    if written is not None:
        generation_export(writer, written, *_followed(written))


@region(*passage.FOLLOWED)
def _followed(written: passage.Passage) -> tuple[Moment, Story]:
    moment = passage.choose_moment(written)
    story = generation_story(moment)
    draw(story)
    return moment, story


main()
