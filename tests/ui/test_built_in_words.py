"""Streamlit's own words: those that the catalogue knows are those that Streamlit writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from ui.i18n import catalogue
from ui.shell.built_in_words import words

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = Path(streamlit.__file__).parent / "static" / "static" / "js"
FIELD = re.compile(r"\{\w+\}")
# Streamlit puts these together from parts that do not show as fields: "Press Enter to " and "apply".
JOINTS = re.compile(
    r": (?=\{label\})|(?<=Enter to )|(?<=Press )(?=Ctrl|⌘)|(?<=Ctrl)|(?<=⌘)"
    r"|(?<=up to )(?=1)|(?= option\.)|(?= options\.)|(?=\. R)"
)


@pytest.fixture(scope="module")
def bundles() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in BUNDLES.glob("*.js"))


def test_every_known_word_is_one_that_streamlit_writes(bundles: str) -> None:
    unknown = []
    for key, word in catalogue("en").items():
        if key.startswith("built_in."):
            parts = [piece for part in FIELD.split(JOINTS.sub("{joint}", word)) for piece in [part.strip()]]
            unknown += [(key, part) for part in parts if part not in bundles]
    assert not unknown


def test_no_word_is_translated_in_two_ways() -> None:
    known = [word for key, word in catalogue("en").items() if key.startswith("built_in.")]
    assert len(known) == len(set(known))


def test_what_varies_is_kept() -> None:
    for key, word in catalogue("en").items():
        if key.startswith("built_in."):
            assert set(FIELD.findall(word)) == set(FIELD.findall(catalogue("zh")[key])), key


@pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_every_page_gets_the_words_of_its_language(language: str, tag: str) -> None:
    app = AppTest.from_file(str(ROOT / "ui" / "shell" / "frame.py"), default_timeout=60)
    app.query_params["lang"] = language
    app.run()
    assert not app.exception
    [sent] = [each.proto for each in app.get("bidi_component") if each.proto.component_name == "built_in_words"]
    data = json.loads(sent.json)
    assert data["language"] == tag
    assert bool(data["words"]) == (language == "zh")


def test_english_has_nothing_to_translate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.shell.built_in_words.current_language", lambda: "en")
    assert words() == {}
    monkeypatch.setattr("ui.shell.built_in_words.current_language", lambda: "zh")
    assert words()["Take Photo"] == catalogue("zh")["built_in.camera.take"]
