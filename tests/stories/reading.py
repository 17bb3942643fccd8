"""A story read to its end: in both languages, through each door that needs no browser."""

from __future__ import annotations

import json

from attention_core.figures.drawing import Picture
from attention_core.stories.story import Story, as_data
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, Language, spoken


def written(story: Story) -> dict[Language, str]:
    """As HTML, every figure drawn; the figures' names stand in their places. No TeX may be left in it."""

    def placed(name: str, figure: Picture, alt: str) -> str:
        assert figure.data and alt
        return f"[{name}]"

    json.dumps(as_data(story))
    pages = {language: story_html(story, language, placed) for language in LANGUAGES}
    for page in pages.values():
        assert all(f"[{name}]" in page for name in story.figures)
        assert "\\" not in page and "{" not in page, page
    return pages


def seen(story: Story, key: str, language: Language = "en") -> str:
    """What there is to see in a step, as a page says it on which figures can be clicked."""
    [step] = [step for step in story.steps if step.key == key]
    return spoken(step.see, language, live=True)
