"""What holds on every page: it runs in both languages, and help stands beside each control."""

from __future__ import annotations

import pytest

from tests.ui.driver import ROOT, opened
from ui.i18n import LANGUAGES, Language

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
CONTROLS = ("slider", "toggle", "checkbox", "selectbox", "multiselect", "number_input", "text_input", "button_group")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_help_beside_it(name: str, language: Language) -> None:
    app = opened(name, language)
    controls = [element.proto for kind in CONTROLS for element in app.get(kind)]
    assert [control.label for control in controls if not control.help] == []
