"""Arrays and tables of networks that write, read back from their files."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from attention_core import EncoderDecoderTrace, GenerationStep, HubEncoderDecoder, generate, load_hub_text_model
from attention_core.analysis.tables import (
    csv_zip,
    translation_npz,
    translation_tables,
    written_npz,
    written_tables,
)
from attention_core.models.tokenization import visible
from attention_core.models.translation import TranslationStep, TranslationTrace
from attention_core.models.writing import Sampling
from tests.models.hub_networks import encoder_decoder, saved, sentence_pieces
from tests.models.small_translator import small_translator


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[GenerationStep]:
    folder = saved(tmp_path_factory.mktemp("decoder"), "GPT2LMHeadModel")
    steps = [*generate(load_hub_text_model(folder, device="cpu"), "the cat eats", steps=4)]
    assert len(steps) > 1
    return steps


@pytest.fixture(scope="module")
def own() -> list[TranslationStep]:
    return [*small_translator().write("我吃柠檬。", steps=5, choose=Sampling(seed=2).choose())]


@pytest.fixture(scope="module", params=["others", "own"])
def translated(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> EncoderDecoderTrace | TranslationTrace:
    if request.param == "own":
        return small_translator().trace("我吃柠檬。", "I eat lemons.")
    folder: Path = tmp_path_factory.mktemp("t5")
    encoder_decoder("T5ForConditionalGeneration").save_pretrained(folder)
    sentence_pieces().save_pretrained(folder)
    model = load_hub_text_model(folder, device="cpu")
    assert isinstance(model, HubEncoderDecoder)
    return model.trace("the cat eats fish", "the fish eats")


def table(archive: zipfile.ZipFile, name: str) -> tuple[list[str], list[list[str]]]:
    head, *rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))
    return head, rows


def test_every_array_of_every_step_is_in_the_archive(written: list[GenerationStep]) -> None:
    with np.load(io.BytesIO(written_npz(written)), allow_pickle=False) as found:
        for number, step in enumerate(written):
            for name, values in step.arrays(f"steps.{number}").items():
                np.testing.assert_array_equal(found[name], values)
        assert found["written"].tolist() == [token.text for token in written[-1].written]
        assert found["read"].tolist() == [token.text for token in written[-1].read]


def test_a_row_is_as_long_as_what_had_been_read(written: list[GenerationStep]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(csv_zip(written_tables(written, 1))))
    names, rows = table(archive, "layers/1/weights/head-2.csv")
    assert len(names) == 2 + len(written[-1].read)
    for step, row in zip(written, rows, strict=True):
        weights = step.layers[1].weights[0, 2, 0].numpy()
        np.testing.assert_array_equal(np.array(row[2 : 2 + len(weights)], dtype=np.float32), weights)
        assert not any(row[2 + len(weights) :])
    _, likely = table(archive, "probabilities.csv")
    assert [float(row[2]) for row in likely] == pytest.approx([step.probability for step in written])


def test_of_a_translation_there_is_also_what_it_looked_at(own: list[TranslationStep]) -> None:
    sampling = Sampling(temperature=0.5, top_k=3)
    chances = [sampling.probability(step) for step in own]
    archive = zipfile.ZipFile(io.BytesIO(csv_zip(written_tables(own, 1, {"drawn": chances}))))
    for head in range(4):
        names, rows = table(archive, f"cross/1/weights/head-{head}.csv")
        assert names[2:] == [f"{place} {token.text}" for place, token in enumerate(own[0].source)]
        for step, row in zip(own, rows, strict=True):
            expected = step.cross[1].weights[0, head, 0].numpy()
            np.testing.assert_allclose(np.array(row[2:], dtype=np.float64), expected, rtol=1e-8)
    names, likely = table(archive, "probabilities.csv")
    assert names[2:] == ["probability", "drawn"]
    assert [float(row[3]) for row in likely] == pytest.approx(chances)
    with np.load(io.BytesIO(written_npz(own)), allow_pickle=False) as found:
        assert found["source"].tolist() == ["[CLS]", "我", "吃", "柠", "檬", "。", "[SEP]"]
        np.testing.assert_array_equal(found["steps.2.cross.1.weights"], own[2].cross[1].weights.numpy())


def test_both_texts_and_what_goes_between_them_are_tables(translated: EncoderDecoderTrace) -> None:
    archive = zipfile.ZipFile(io.BytesIO(csv_zip(translation_tables(translated, 1))))
    tokens = {side: visible(getattr(translated, side).tokens) for side in ("source", "target")}
    for part, layers, queries, keys in (
        ("cross", translated.cross, "target", "source"),
        ("source", translated.source.layers, "source", "source"),
        ("target", translated.target.layers, "target", "target"),
    ):
        for head, weights in enumerate(layers[1].weights[0].numpy()):
            names, rows = table(archive, f"{part}/1/weights/head-{head}.csv")
            assert names[2:] == [f"{place} {token}" for place, token in enumerate(tokens[keys])]
            assert [row[0] for row in rows] == [str(place) for place in range(len(tokens[queries]))]
            printed = np.array([row[2:] for row in rows], dtype=weights.dtype)
            np.testing.assert_allclose(printed, weights, rtol=0 if weights.dtype == np.float32 else 1e-8)


def test_the_archive_of_a_translation_has_all_three_parts(translated: EncoderDecoderTrace) -> None:
    with np.load(io.BytesIO(translation_npz(translated)), allow_pickle=False) as found:
        for name, values in translated.arrays().items():
            np.testing.assert_array_equal(found[name], values)
        assert found["tokens.target"].tolist() == [token.text for token in translated.target.tokens]
