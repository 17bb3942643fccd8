"""The page on excitation profiles, run without a browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from attention_core import load_image, load_vision_model
from attention_core.analysis.profiles import contrasting_classes
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.words import Say, spoken
from tests.ui.driver import decoded, figure, opened
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import networks

LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
STAGES = ("stage1", "stage2", "stage3", "stage4")


def lines(app: AppTest, stage: str) -> list[np.ndarray[Any, Any]]:
    """The curves of one stage: the mean, the predicted class, the classes compared with, the photo."""
    assert not app.exception
    drawn = figure(app, f"profile-{stage}")["data"]
    return [decoded({"shape": len(line["customdata"]), **line["y"]}) for line in drawn]


@LANGUAGE
@pytest.mark.parametrize("build", registry.PROFILED)
def test_the_lines_are_the_profiles_and_the_photo(language: str, build: str) -> None:
    app = opened("profiles", language, photo="coffee", gates=build, by="index")
    trace = load_vision_model(build).trace(load_image(sample_photo("coffee")))
    profiles = registry.excitation_profiles(build)
    predicted = int(trace.logits.argmax())
    chosen = [predicted, *contrasting_classes(profiles["stage4"], predicted, 3)]
    for stage in trace.stages:
        mean, *classes, photo = lines(app, stage.name)
        np.testing.assert_allclose(photo, channel_weights(stage).cpu().numpy(), atol=1e-5)
        np.testing.assert_allclose(mean, profiles[stage.name].nanmean(dim=0).numpy(), atol=1e-5)
        np.testing.assert_allclose(classes, profiles[stage.name][chosen].numpy(), atol=1e-6)
    names = [getattr(registry.vision_classes()[number], language) for number in chosen]
    assert [line["name"] for line in figure(app, "profile-stage1")["data"]][1:-1] == names


def test_orders_of_the_channels() -> None:
    app = opened("profiles", by="sorted")
    mean = lines(app, "stage4")[0]
    assert (np.diff(mean) <= 0).all()
    app.segmented_control(key="by").set_value("spread").run()
    mean = lines(app, "stage4")[0]
    assert len(mean) == 50 and (np.diff(mean) <= 0).all()
    spread = registry.excitation_profiles("se")["stage4"].numpy().std(axis=0)
    channels = [int(channel) for channel in figure(app, "profile-stage4")["data"][0]["customdata"]]
    assert spread[channels].min() >= np.delete(spread, channels).max()
    assert len(lines(app, "stage1")[0]) == 32


def test_chosen_classes_stand_in_the_link_and_come_back() -> None:
    classes = registry.vision_classes()
    app = opened("profiles", photo="coffee")
    assert app.query_params["classes"] == "auto"
    app.multiselect(key="profile-classes").set_value([3, 7]).run()
    assert app.query_params["classes"] == f"{classes[3].wnid},{classes[7].wnid}"
    again = opened("profiles", photo="coffee", classes=app.query_params["classes"])
    assert [line["name"] for line in figure(again, "profile-stage2")["data"]][2:-1] == [classes[3].en, classes[7].en]
    again.multiselect(key="profile-classes").set_value([]).run()
    assert again.query_params["classes"] == "none"
    assert len(lines(again, "stage1")) == 3


@pytest.mark.parametrize("junk", ["n0", "n01443537,,", "n01443537,n01443537"])
def test_junk_in_the_link_falls_back(junk: str) -> None:
    app = opened("profiles", classes=junk, gates="plain", by="x")
    assert not app.exception
    assert app.query_params["classes"] == "auto"
    assert app.info


@LANGUAGE
def test_how_class_specific_stands_beside_chance(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stage(share: float) -> dict[str, float]:
        return {"class_share": share, "chance": 0.0123, "spread": 0.123}

    rising = {name: stage(share) for name, share in zip(STAGES, (0.111, 0.2, 0.25, 0.333), strict=True)}
    falling = {name: stage(share) for name, share in zip(STAGES, (0.333, 0.25, 0.2, 0.111), strict=True)}
    monkeypatch.setattr(networks, "measured", lambda kind: {"profiles": {"se": rising, "cbam": falling}})
    for build, first, last in (("se", 0.111, 0.333), ("cbam", 0.333, 0.111)):
        app = opened("profiles", language, gates=build)
        assert not app.exception
        said = "\n".join(part.value for part in app.markdown)
        facts = {"first": first, "last": last, "rises": last > first, "falls": last < first}
        see = Say("profiles.shares.see", {"build": Say(f"profiles.builds.{build}"), **facts})
        assert spoken(see, language) in said  # type: ignore[arg-type]
        assert {"en": "and in part on the class", "zh": "也部分地认类别"}[language] in said
        assert all(number in said for number in (f"{first:.0%}", "1%", "0.123"))
        assert {"en": "the same for every photo", "zh": "对每张照片都一样"}[language] not in said
        assert [str(cell) for cell in app.table[0].value.iloc[0, 1:]] == ["11.1%", "33.3%", "1.2%"]


@LANGUAGE
def test_profiles_of_other_weights_are_not_shown(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "assets"
    shutil.copytree(registry.assets_folder(), folder)
    path = folder / "vision" / "profiles.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "networks": {}}), encoding="utf-8")
    monkeypatch.setattr(registry, "assets_folder", lambda: folder)
    networks.excitation_profiles.clear()
    app = opened("profiles", language)
    networks.excitation_profiles.clear()
    assert not app.exception
    expected = catalogue(language)["errors.weights.other"].format(name="profiles.safetensors")  # type: ignore[arg-type]
    assert expected in [error.value for error in app.error]
