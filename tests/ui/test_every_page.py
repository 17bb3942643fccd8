"""What holds on every page: it runs in both languages, help stands beside each control, and figures are described."""

from __future__ import annotations

import re

import pytest

from tests.ui.driver import ROOT, charts, opened
from ui.i18n import LANGUAGES, Language

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
# Words, and not symbols such as α, W^q or a → b.
WORD: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"[A-Za-z]{4,}|Key"),
    "zh": re.compile(r"[\u4e00-\u9fff]{2,}|键|值"),
}
CHANGED = {"self_attention": {"whatif": "tau-2_custom-2-1"}, "photo_what_if": {"photo_if": "stage2.top8"}}
CONTROLS = ("slider", "toggle", "checkbox", "selectbox", "multiselect", "number_input", "text_input", "button_group")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_help_beside_it(name: str, language: Language) -> None:
    app = opened(name, language)
    controls = [element.proto for kind in CONTROLS for element in app.get(kind)]
    assert [control.label for control in controls if not control.help] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_described_in_words_of_its_own(name: str, language: Language) -> None:
    app = opened(name, language, **CHANGED.get(name, {}))
    described = [chart["alt"] for chart in charts(app).values()]
    assert [alt for alt in described if not WORD[language].search(alt) or "{" in alt] == []
    assert sorted(set(described)) == sorted(described)
