"""Whatever is typed or pasted: `python -m benchmarks.robustness` tries many more."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest

from attention_core import load_text_model
from attention_core.analysis.tables import csv_zip, text_tables
from attention_core.models.text import TextModel, TextTrace
from tests.robustness.texts import FORMULAS, checked_pieces, cleaned, long_pastes, try_texts


@pytest.fixture(scope="module")
def model() -> TextModel:
    return load_text_model(device="cpu")


def test_strings_of_every_plane_are_read_or_refused_in_words(model: TextModel) -> None:
    tried = try_texts(model, count=700, each=10)
    assert len(tried.planes) > 12
    assert tried.strings >= 700 and tried.traced > 40
    assert 20 < tried.refused < tried.strings / 2


@pytest.mark.parametrize("plane", range(17))
def test_characters_of_every_plane_are_read(plane: int, model: TextModel) -> None:
    raw = "".join(chr(code) for code in range(plane << 16, (plane + 1) << 16, 37))
    checked_pieces(model.tokenizer, raw)
    assert cleaned(raw) is not None


@pytest.mark.parametrize("name", long_pastes())
def test_a_megabyte_is_refused_in_words(name: str) -> None:
    assert cleaned(long_pastes()[name]) is None


@pytest.mark.parametrize("name", ["words", "Chinese", "marks on one letter", "invisible", "halves", "joined", "markup"])
def test_long_strings_have_their_tokens_in_place(name: str, model: TextModel) -> None:
    checked_pieces(model.tokenizer, long_pastes()[name][:20_000])


def begins_a_formula(cell: str) -> bool:
    """As a spreadsheet reads it: a number is a number, whatever its sign, and a sign alone is a sign."""
    try:
        float(cell)
    except ValueError:
        return len(cell) > 1 and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return False


def cells(trace: TextTrace) -> set[str]:
    """All cells of the tables of a trace that are named after tokens."""
    tables = [one for one in text_tables(trace) if one.name.startswith(("layers/0/weights/head-0", "logits"))]
    with zipfile.ZipFile(io.BytesIO(csv_zip(tables))) as archive:
        texts = [archive.read(name).decode("utf-8-sig") for name in archive.namelist()]
    assert len(texts) == 2
    return {cell for text in texts for row in csv.reader(io.StringIO(text)) for cell in row}


def test_no_cell_of_a_table_begins_a_formula(model: TextModel) -> None:
    found = cells(model.trace(cleaned("".join(FORMULAS)) or ""))
    assert {"=", "+", "-", "@"} <= found
    assert not [cell for cell in found if begins_a_formula(cell)]


def test_no_token_of_another_network_begins_a_formula(model: TextModel) -> None:
    """Tokenizers of others may keep more than the sign in one token."""
    trace = model.trace("x")
    formula = replace(trace.tokens[1], text="=1+1")
    assert not [cell for cell in cells(replace(trace, tokens=(formula,) * 3)) if begins_a_formula(cell)]
