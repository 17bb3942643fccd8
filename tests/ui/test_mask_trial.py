"""The page that puts the mask to the test, run without a browser."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_image, load_vision_model
from attention_core.analysis.mask_trial import TRIED_KINDS, TriedKind, TriedMap, try_map
from attention_core.inputs.samples import sample_photo
from attention_core.words import Say, spoken
from tests.ui.driver import decoded, figure, opened
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import networks, text_networks

LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def score(value: float, error: float = 0.004) -> dict[str, float]:
    return {"value": value, "standard_error": error}


def measured(mask: float, gaussian: float) -> dict[str, Any]:
    """Scores in the evaluation's form, the pixel AUC of mask and Gaussian given."""

    def of(auc: float) -> dict[str, Any]:
        return {"pointing": score(0.111), "energy": score(0.222), "pixel_auc": score(auc)}

    stages = {f"stage{i}": {k: of(mask) for k in ("mask", "inverted", "grad_cam", "features")} for i in (1, 2, 3, 4)}
    shared = {"photos": 1234, "largest_box": 0.6, "box_area": score(0.3)}
    return {
        "masks": {**shared, **stages, "centred_gaussian": of(gaussian), "uniform": of(0.5)},
        "masks_untrained": {**shared, **stages},
        "removal": {
            "photos": 77,
            "stage": "stage4",
            "maps": {
                kind: {
                    "deletion": score(0.08),
                    "insertion": score(0.2),
                    "deletion_minus_gaussian": score(-0.017),
                    "insertion_minus_gaussian": score(0.02),
                }
                for kind in ("mask", "inverted", "cam", "grad_cam_stage1", "random", "centred_gaussian")
            },
        },
    }


def shown(app: AppTest) -> str:
    assert not app.exception
    parts = [part.value for part in (*app.markdown, *app.info, *app.caption)]
    parts += [str(cell) for table in app.table for cell in (*table.value.columns, *table.value.to_numpy().ravel())]
    return "\n".join(parts) + "".join(block.proto.body for block in app.get("html"))


@pytest.fixture(scope="module")
def tried() -> dict[TriedKind, TriedMap]:
    model = load_vision_model("cbam")
    trace = model.trace(load_image(sample_photo("cat")))
    return {kind: try_map(model, trace, "stage4", kind) for kind in TRIED_KINDS}


@LANGUAGE
def test_the_curves_and_areas_are_those_of_the_analysis(language: str, tried: dict[TriedKind, TriedMap]) -> None:
    app = opened("mask_trial", language, photo="cat", stage="stage4")
    words, said = catalogue(language), shown(app)  # type: ignore[arg-type]
    for name in ("deletion", "insertion"):
        lines = figure(app, f"curve-{name}")["data"]
        assert len(lines) == len(tried)
        for line, (kind, each) in zip(lines, tried.items(), strict=True):
            expected = getattr(each, name).mean(dim=0)
            np.testing.assert_allclose(decoded({"shape": len(expected), **line["y"]}), expected, atol=1e-5)
            area = getattr(each, f"{name}_areas").mean().item()
            assert line["name"].startswith(words[f"mask_trial.kinds.{kind}"])
            assert math.isclose(float(line["name"].split("· ")[1]), area, abs_tol=6e-4)
    heat = next(trace for trace in figure(app, "tried-maps")["data"] if trace["type"] == "heatmap")
    assert (heat["zmin"], heat["zmax"]) == (0, 1)
    mask, others = tried["mask"], [each for kind, each in tried.items() if kind != "mask"]
    deletion = sum(bool(mask.deletion_areas.mean() < each.deletion_areas.mean()) for each in others)
    insertion = sum(bool(mask.insertion_areas.mean() > each.insertion_areas.mean()) for each in others)
    facts = {"deletion": deletion, "insertion": insertion, "others": 4, "many": True}
    assert spoken(Say("mask_trial.areas.see", facts), language) in said  # type: ignore[arg-type]


@LANGUAGE
@pytest.mark.parametrize(("mask", "outcome"), [(0.8, "above"), (0.6, "below"), (0.705, "same")])
def test_the_scores_stand_beside_their_baselines(
    language: str, mask: float, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "measured", lambda kind: measured(mask, 0.7))
    app = opened("mask_trial", language, photo="cat")
    words, said = catalogue(language), shown(app)  # type: ignore[arg-type]
    facts = {"mask": mask, "gaussian": 0.7, "difference": abs(mask - 0.7), "error": 0.004 * math.sqrt(2)}
    for kind in ("above", "below", "same"):
        holds = {"above": False, "below": False, "same": False, kind: True}
        verdict = spoken(Say("mask_trial.verdict", {**facts, **holds}), language)  # type: ignore[arg-type]
        assert (verdict in said) == (kind == outcome)
    assert f"{mask:.3f} ± 0.004" in said and "0.111 ± 0.004" in said and "1,234" in said
    assert "−0.017 ± 0.004" in said and {"en": "Grad-CAM · ", "zh": "Grad-CAM 热图 · "}[language] in said
    for kind in ("untrained", "uniform", "gaussian", "inverted"):
        assert words[f"mask_trial.kinds.{kind}"] in said


@LANGUAGE
def test_what_is_not_measured_is_said(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "measured", lambda kind: {})
    said = shown(opened("mask_trial", language, photo="cat"))
    words = catalogue(language)  # type: ignore[arg-type]
    assert words["mask_trial.boxes.missing"] in said and words["mask_trial.removal.missing"] in said


def test_another_stage_gives_other_curves() -> None:
    app = opened("mask_trial", photo="cat", stage="stage4")
    before = figure(app, "curve-deletion")["data"][0]["y"]
    app.segmented_control(key="stage").set_value("stage1").run()
    assert not app.exception
    assert figure(app, "curve-deletion")["data"][0]["y"] != before
    assert app.query_params["stage"] == "stage1"


def test_weights_loaded_at_the_start_can_be_asked_for_gradients() -> None:
    # Made in inference mode, they could not: Grad-CAM would fail on the server and nowhere else.
    networks.vision_model.clear()
    text_networks.shipped.clear()
    networks.warm()
    assert not any(p.is_inference() for p in networks.vision_model("cbam").parameters())
