"""The three builds side by side: painted numbers are those of the traces, and every claim is one of the scores file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_vision_model
from attention_core.analysis.stages import channel_weights
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.words import Say, spoken
from tests.ui.driver import decoded, figure, keys, opened
from training import variants
from training.ablations import REFERENCES
from ui.i18n import LANGUAGES, Language, catalogue
from ui.inputs import networks

ROOT = Path(__file__).resolve().parents[2]
COFFEE = load_image(sample_photo("coffee"))


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.info, *app.caption])


def score(value: float, error: float = 0.01) -> dict[str, float]:
    return {"value": value, "standard_error": error}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_build_shows_its_own_predictions_and_gates(language: Language) -> None:
    app = opened("compare", language)
    traces = {name: load_vision_model(name).trace(COFFEE) for name in registry.VISION_MODELS}
    for name, trace in traces.items():
        bars = figure(app, f"prediction-{name}")["data"][0]
        assert bars["customdata"] == [getattr(entry, language) for entry, _ in trace.top(5)]
        np.testing.assert_allclose(decoded(bars["x"]), [probability for _, probability in trace.top(5)], atol=1e-5)
    for stage, (se, cbam) in enumerate(zip(traces["se"].stages, traces["cbam"].stages, strict=True), start=1):
        drawn = figure(app, f"gates-stage{stage}")["data"]
        for line, shown in zip(drawn, (se, cbam), strict=True):
            falling = channel_weights(shown).sort(descending=True).values.numpy()
            np.testing.assert_allclose(decoded(line["y"]), falling, atol=1e-5)
    assert sum("mask-stage" in key for key in keys(app).split()) == len(traces["cbam"].stages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_is_the_scores_file(language: Language) -> None:
    app = opened("compare", language)
    table = app.table[0].value
    measured = registry.scores("vision")
    for column, build in enumerate(registry.VISION_MODELS, start=1):
        cells = [str(cell) for cell in table.iloc[:, column]]
        of_build = measured["builds"][build]
        top1 = of_build["class_top1"]
        assert cells[0] == f"{100 * top1['value']:.1f} ± {100 * top1['standard_error']:.1f}"
        assert f"{of_build['parameters']:,}" in cells
        assert any(f"{of_build['multiply_adds'] / 1e6:.2f}" in cell for cell in cells)
    dots = figure(app, "differences")["data"][2]
    expected = [measured["minus_plain"][build]["value"] for build in ("se", "cbam")]
    np.testing.assert_allclose(decoded(dots["x"]), expected, atol=1e-6)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("value", "verdict"), [(0.05, "more"), (-0.05, "less"), (0.012, "unclear")])
def test_a_difference_within_its_error_is_called_so(
    language: Language, value: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {**registry.scores("vision"), "minus_plain": {"se": score(value, 0.008)}}
    monkeypatch.setattr(networks, "measured", lambda kind: scores)
    monkeypatch.setattr(networks, "ablations", lambda: None)  # whose verdicts are in the same words
    said = words(opened("compare", language))
    number = f"{100 * value:+.1f} ± 0.8".replace("-", "−")
    assert number in said
    for name in ("more", "less", "unclear"):
        facts = {"build": "SE", "points": 100 * value, "error": 0.8, "more": False, "less": False, "unclear": False}
        sentence = spoken(Say("compare.measured.follows", {**facts, name: True}), language)
        assert (sentence in said) == (name == verdict)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_measured_is_said_plainly(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(kind: str) -> dict[str, Any]:
        raise FileNotFoundError(kind)

    monkeypatch.setattr(networks, "measured", missing)
    monkeypatch.setattr(networks, "ablations", lambda: None)
    app = opened("compare", language)
    told = [info.value for info in app.info]
    assert catalogue(language)["compare.measured.missing"] in told
    assert catalogue(language)["compare.overfitting.missing"] in told
    assert not app.table
    assert not [key for key in keys(app).split() if "overfitting" in key]


def with_ablations(folder: Path, found: dict[str, Any]) -> Path:
    """A copy of the assets with a file as `python -m training.ablations` writes it."""
    for kind in ("text", "vision"):
        (folder / kind).mkdir()
        for path in (registry.assets_folder() / kind).iterdir():
            (folder / kind / path.name).symlink_to(path)
    file = folder / "vision" / "ablations.json"
    file.unlink(missing_ok=True)
    file.write_text(json.dumps(found), encoding="utf-8")
    return folder


def ablations(*names: str) -> dict[str, Any]:
    return {
        "classes": 20,
        "epochs": 16,
        "train_photos": 9000,
        "dev_photos": 500,
        "variants": {name: {"train_top1": score(0.7 + i / 20, 0.004), "dev_top1": score(0.6)}
                     for i, name in enumerate(names)},
        "differences": {
            name: {other: score(0.0, 0.003) for other in REFERENCES if other in names and other != name}
            for name in names
        },
    }  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_overfitting_appears_with_its_file(language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ablations("plain", "se", "se-convolutions")
    folder = with_ablations(tmp_path, found)
    monkeypatch.setattr(registry, "assets_folder", lambda: folder)
    app = opened("compare", language)
    _, train, new, gaps = figure(app, "overfitting")["data"]
    np.testing.assert_allclose(decoded(train["x"]), [0.7, 0.75, 0.8], atol=1e-6)
    np.testing.assert_allclose(decoded(new["x"]), [0.6, 0.6, 0.6], atol=1e-6)
    assert [text.strip() for text in gaps["text"]] == ["+10.0", "+15.0", "+20.0"]
    assert (
        len(decoded(figure(app, "overfitting-against-plain")["data"][2]["x"])) == 2
    )  # plain has nothing to differ from
    said = words(app)
    assert catalogue(language)["compare.overfitting.missing"] not in said
    assert "+10.0 ± 0.6" in said  # (0.80 − 0.60) − (0.70 − 0.60), √(0.004² + 0.004² + 0.003²)
    assert {"en": "so it really over-fits more.", "zh": "确实过拟合得更厉害。"}[language] in said
    assert all(number in said for number in ("9,000", "500", "20"))


def test_an_unfinished_run_draws_what_it_has_and_concludes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_ablations(tmp_path, ablations("plain"))
    monkeypatch.setattr(registry, "assets_folder", lambda: folder)
    app = opened("compare", "en")
    assert any(key == "overfitting" for key in keys(app).split())
    assert catalogue("en")["compare.overfitting.not_yet"] in [info.value for info in app.info]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_variant_has_a_name(language: Language) -> None:
    assert {f"compare.variants.{name}" for name in variants.VARIANTS} <= catalogue(language).keys()
