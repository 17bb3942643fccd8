"""What-ifs and the trial of a mask on networks of somebody else, against traces of the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from pytorchcv.model_provider import get_model
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

from attention_core import load_hub_vision_model, load_image, words
from attention_core.analysis import mask_trial
from attention_core.analysis.photo_change import mean_map
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import sample_photo
from attention_core.models.hub.vision import HubVisionModel
from attention_core.stories.photo_what_if import AS_TRAINED, COMPUTED, StageWhatIf, read
from tests.models.photo_networks import fitted
from tests.ui.driver import decoded, figure, keys, loaded, opened, run, taken_along
from ui.i18n import LANGUAGES, Language, catalogue
from ui.inputs import photo_networks

pytestmark = pytest.mark.usefixtures("networks_here")

MOBILE = "folder:torchvision/mobilenet_v3_small.safetensors"
RESNET = "folder:pytorchcv/cbam_resnet18.safetensors"
LINKS = {MOBILE: {"build": "se", "senet": MOBILE}, RESNET: {"build": "cbam", "cbamnet": RESNET}}
CAT = load_image(sample_photo("cat"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    torch.manual_seed(0)
    for name, network in ((MOBILE, torchvision.models.mobilenet_v3_small()), (RESNET, get_model("cbam_resnet18"))):
        path = made / name.removeprefix("folder:")
        path.parent.mkdir()
        save_file(fitted(network).state_dict(), path)
    return made


def model_of(name: str, folder: Path) -> HubVisionModel:
    path = folder / name.removeprefix("folder:")
    model = load_hub_vision_model(f"{path.parent.name}/{path.stem}", "cpu", checkpoint=path)
    assert isinstance(model, HubVisionModel)
    return model


def visited(page: str, name: str, language: str = "en", **link: str) -> AppTest:
    app = opened(page, language, photo="cat", **LINKS[name], **link)
    loaded(photo_networks.store(), name)
    return run(app)


CHANGES = {
    MOBILE: StageWhatIf(strongest=2, weakest=1, gates=((3, 0.25),)),
    RESNET: StageWhatIf(
        weakest=3, cells="0" * 28 * 14 + COMPUTED * 28 * 14, order="spatial-first", pooling="max", gates=((7, 1.0),)
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CHANGES)
def test_every_step_is_that_of_a_trace_with_the_same_controls(name: str, language: Language, folder: Path) -> None:
    model = model_of(name, folder)
    trained = model.trace(CAT)
    stage = trained.stages[3]  # of the CBAM network, one of 28 × 28
    what_if = AS_TRAINED.with_stage(stage.name, CHANGES[name])
    assert read(str(what_if), trained) == what_if  # though the name of the stage has dots
    app = visited("photo_what_if", name, language, stage=stage.name, photo_if=str(what_if))
    assert not app.error
    assert app.query_params["photo_if"] == str(what_if)
    traces = (trained, model.trace(CAT, overrides=what_if.overrides(trained)))
    before, after = (next(each for each in trace.stages if each.name == stage.name) for trace in traces)
    for bars, shown in zip(figure(app, "channel-weights")["data"], (before, after), strict=True):
        order = [int(channel) for channel in decoded(bars["customdata"])]
        np.testing.assert_allclose(decoded(bars["y"]), channel_weights(shown)[order].numpy(), atol=1e-5)
    for which, shown, trace in zip(("before", "after"), (before, after), traces, strict=True):
        maps = decoded(figure(app, f"features-{stage.name}-{which}")["data"][0]["z"])
        np.testing.assert_allclose(maps, mean_map(shown.output).numpy(), atol=1e-4)
        last = decoded(figure(app, f"features-{trace.stages[-1].name}-{which}")["data"][0]["z"])
        np.testing.assert_allclose(last, mean_map(trace.stages[-1].output).numpy(), atol=1e-4)
        bars = np.sort(decoded(figure(app, f"prediction-{which}")["data"][0]["x"]))
        assert set(np.round(bars, 5)) <= set(np.round(trace.probabilities.numpy().astype(float), 5))
    changed = after.spatial_mask
    assert (changed is not None) == (name == RESNET)
    if changed is not None:
        painted = decoded(figure(app, "mask-after")["data"][1]["z"])
        np.testing.assert_allclose(painted, changed[0, 0].numpy(), atol=1e-5)
        assert not painted[:14].any()


def test_of_many_places_behind_a_few_are_shown_and_it_says_so(folder: Path) -> None:
    stages = [stage.name for stage in model_of(MOBILE, folder).trace(CAT).stages]
    app = visited("photo_what_if", MOBILE, stage=stages[0], photo_if=f"{stages[0]}.top2")
    shown = [name for name in stages[1:] if f"features-{name}-before" in keys(app)]
    assert (shown[0], shown[-1], len(shown)) == (stages[1], stages[-1], 4)
    [said] = [piece.say for piece in words.catalogue("en")["photo.later.see"] if "some" in piece.when]
    assert any(said.format(shown=4, count=8) in text.value for text in app.markdown)


def test_what_is_left_over_from_another_network_is_dropped() -> None:
    app = visited("photo_what_if", RESNET, photo_if="features.stage1.unit1.nowhere.top1")
    assert app.query_params["photo_if"] == "none"
    app.session_state["photo_if"] = "stage3.top4"  # as the network that ships leaves it
    app = run(app)
    assert not app.error
    assert app.query_params["photo_if"] == "none"


def test_the_mask_of_another_network_is_tried(folder: Path) -> None:
    model = model_of(RESNET, folder)
    trace = model.trace(CAT)
    stage = trace.stages[-1].name
    app = visited("mask_trial", RESNET, stage=stage)
    assert not app.error
    assert len(app.table) == 1  # the areas on this photo
    assert catalogue("en")["mask_trial.not_scored"] in [note.value for note in app.info]
    tried = {kind: mask_trial.try_map(model, trace, stage, kind) for kind in ("mask", "grad_cam")}
    for name in ("deletion", "insertion"):
        lines = {line["name"].split(" · ")[0]: decoded(line["y"]) for line in figure(app, f"curve-{name}")["data"]}
        for kind, label in (("mask", "Mask"), ("grad_cam", "Grad-CAM")):
            np.testing.assert_allclose(lines[label], getattr(tried[kind], name).mean(dim=0).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("page", "name", "told"),
    [
        ("photo_what_if", MOBILE, "gate_override"),
        ("photo_what_if", RESNET, "mask_override"),
        ("mask_trial", RESNET, "try_map(model, trace"),
    ],
)
def test_its_numbers_can_be_taken_along(page: str, name: str, told: str, folder: Path) -> None:
    stage = model_of(name, folder).trace(CAT).stages[3].name
    link = {"stage": stage}
    if page == "photo_what_if":
        link["photo_if"] = str(AS_TRAINED.with_stage(stage, CHANGES[name]))
    app = visited(page, name, **link)
    assert told in taken_along(app, name)
