"""Arrays and tables of a trace, read back from their files."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from attention_core import Trace, load_text_model, load_vision_model
from attention_core.analysis.mask_trial import DRAWS, TriedKind, try_map
from attention_core.analysis.tables import csv_zip, npz, text_tables, tried_tables, vision_tables


def photo() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.fixture(scope="module")
def text_trace() -> Trace:
    return load_text_model().trace("我吃柠檬,再喝水", "I eat lemons.", hide=(2,), temperature=0.5)


def read(archive: zipfile.ZipFile, name: str) -> tuple[list[str], list[list[str]]]:
    head, *rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))
    return head, rows


@pytest.mark.parametrize("build", ["text", "se", "cbam"])
def test_the_archive_gives_back_every_array_to_the_last_bit(build: str, text_trace: Trace) -> None:
    trace = text_trace if build == "text" else load_vision_model(build).trace(photo())
    expected = trace.arrays()
    with np.load(io.BytesIO(npz(trace)), allow_pickle=False) as found:
        assert set(found) == {*expected, *(["tokens"] if build == "text" else [])}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
        if build == "text":
            assert found["tokens"].tolist() == [token.text for token in trace.tokens]  # type: ignore[attr-defined]


def test_every_matrix_of_a_sentence_is_a_table_with_its_tokens() -> None:
    trace = load_text_model().trace('a "b", c')
    tokens = [token.text for token in trace.tokens]
    archive = zipfile.ZipFile(io.BytesIO(csv_zip(text_tables(trace))))
    for layer, attention in enumerate(trace.layers):
        for head, weights in enumerate(attention.weights[0].numpy()):
            names, rows = read(archive, f"layers/{layer}/weights/head-{head}.csv")
            assert names == ["position", "token", *(f"{i} {token}" for i, token in enumerate(tokens))]
            assert [row[1] for row in rows] == tokens
            np.testing.assert_array_equal(np.array([row[2:] for row in rows], dtype=np.float32), weights)
    _, rows = read(archive, "logits.csv")
    assert [row[1] for row in rows] == list(trace.vocabulary)
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], dtype=np.float32), trace.logits.numpy().T)
    whole = sum(values.size for values in trace.arrays().values())
    cells = [len(rows) * (len(names) - 2) for names, rows in (read(archive, name) for name in archive.namelist())]
    assert sum(cells) == whole


def test_every_array_of_a_photo_is_a_table() -> None:
    trace = load_vision_model("cbam").trace(photo())
    archive = zipfile.ZipFile(io.BytesIO(csv_zip(vision_tables(trace))))
    for name, values in trace.arrays().items():
        names, rows = read(archive, f"{name.replace('.', '/')}.csv")
        labels = len(names) - (values.shape[-1] if values.ndim >= 3 else 1)
        found = np.array([row[labels:] for row in rows], dtype=np.float32)
        np.testing.assert_array_equal(found.reshape(values.shape), values)


def test_what_was_tried_with_a_mask_comes_along() -> None:
    model = load_vision_model("cbam")
    trace = model.trace(photo())
    kinds: tuple[TriedKind, ...] = ("mask", "random")
    tried = {kind: try_map(model, trace, "stage3", kind, steps=4) for kind in kinds}
    with np.load(io.BytesIO(npz(trace, tried))) as arrays:
        assert set(trace.arrays()) < set(arrays)
        np.testing.assert_array_equal(arrays["tried.random.deletion"], tried["random"].deletion.numpy())
    with zipfile.ZipFile(io.BytesIO(csv_zip(tried_tables(tried)))) as archive:
        head, rows = read(archive, "tried/random/curves.csv")
        assert head == ["share", *(f"{name} {draw}" for name in ("deletion", "insertion") for draw in range(DRAWS))]
        np.testing.assert_allclose(np.array(rows, dtype=float)[:, 1 : 1 + DRAWS].T, tried["random"].deletion, atol=1e-6)
        _, rows = read(archive, "tried/mask/map.csv")
        np.testing.assert_allclose(np.array(rows, dtype=float)[:, 1:], tried["mask"].shown, atol=1e-6)
