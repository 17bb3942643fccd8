"""The two languages say the same things."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from attention_core import errors
from attention_core.models import registry
from ui.i18n import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parent.parent


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def literal_keys() -> dict[str, set[str]]:
    """Keys that the code names outright, each with the names of the values given to it."""
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                names = {k.arg for k in node.keywords if k.arg}
                dynamic = any(k.arg is None for k in node.keywords)
                if node.func.id == "t" and isinstance(node.args[0], ast.Constant):
                    found[str(node.args[0].value)] = {"*"} if dynamic else names
    return found


# Keys that are put together where the error is raised, by file.
COMPOSED = {
    "inputs/image.py": ("image.unsupported", "clip.unsupported"),
    "models/overrides.py": ("control.stage", "control.place"),
}
# The table "words" holds words for values, among which this key would be taken for one.
WORDLESS = "words.tokens"


def raised_errors() -> list[tuple[str, str, set[str]]]:
    """Each error that the library raises: file, key, names of its values."""
    kinds = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    found = []
    for path in sorted((ROOT / "attention_core").rglob("*.py")):
        name = path.relative_to(ROOT / "attention_core").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds
            if made and len(node.args) >= 2:
                key, values = node.args[0], {k.arg for k in node.keywords if k.arg}
                keys = (str(key.value),) if isinstance(key, ast.Constant) else COMPOSED[name]
                found += [(name, one, values) for one in keys]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_the_library_has_words_and_gives_them_their_values(language: str) -> None:
    messages = catalogue(language)  # type: ignore[arg-type]
    raised = raised_errors()
    assert {name for name, _, _ in raised} >= set(COMPOSED)
    silent = {key for _, key, _ in raised if f"errors.{key}" not in messages}
    assert silent == {WORDLESS}
    for name, key, values in raised:
        if key != WORDLESS:
            assert fields(messages[f"errors.{key}"]) <= values, f"{name}: {key}"


def test_an_error_says_the_same_in_both_languages() -> None:
    chinese, english = catalogue("zh"), catalogue("en")
    unlike = {key for key in english if key.startswith("errors.") and fields(chinese[key]) != fields(english[key])}
    assert not unlike


def test_both_languages_have_the_same_keys() -> None:
    assert catalogue("zh").keys() == catalogue("en").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty(language: str) -> None:
    assert not [key for key, message in catalogue(language).items() if not message]  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_in_the_code_is_there_and_gets_its_values(language: str) -> None:
    messages = catalogue(language)  # type: ignore[arg-type]
    for key, given in literal_keys().items():
        assert key in messages, key
        if given and "*" not in given:
            assert fields(messages[key]) <= given, key


def test_every_relation_of_the_treebanks_has_a_name() -> None:
    measured = registry.scores("text")["relations"].values()
    for language in LANGUAGES:
        assert {f"relations.{name}" for names in measured for name in names} <= catalogue(language).keys()


def test_chinese_is_chinese() -> None:
    chinese = catalogue("zh")
    wordy = {key: m for key, m in chinese.items() if any(c.isalpha() for c in re.sub(r"{\w+(:[^}]*)?}", "", m))}
    latin = [key for key, message in wordy.items() if not any("\u4e00" <= c <= "\u9fff" for c in message)]
    allowed = ("softmax", "b^{", "W^")
    assert not [key for key in latin if not any(part in chinese[key] for part in allowed)]
