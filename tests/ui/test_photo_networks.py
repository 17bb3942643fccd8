"""The photo pages on networks of somebody else: the same steps, their own numbers, and a way back."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
import transformers
from pytorchcv.model_provider import get_model
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

from attention_core import load_hub_vision_model, load_image, words
from attention_core.analysis.stages import most_selective
from attention_core.errors import UnsupportedModelError
from attention_core.inputs.samples import sample_photo
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.hub.vision import HubVisionModel, attention_modules
from attention_core.stories.gating import Gating, gating_of
from tests.models.photo_networks import GATED, fitted, gated
from tests.ui.driver import decoded, figure, keys, loaded, opened, run, taken_along, unfolded
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import photo_networks
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL, PATCHES, SE
from ui.shell import settings

pytestmark = pytest.mark.usefixtures("networks_here")

MOBILE = "folder:torchvision/mobilenet_v3_small-mine.pt"
RESNET = "folder:pytorchcv/cbam_resnet18.safetensors"
SE_RESNET = "folder:pytorchcv/seresnet18.pth"
PAGES = {"squeeze_excitation": ("senet", 7), "cbam": ("cbamnet", 9), "vision_transformer": ("vit", 5)}


class Harmful:
    """A pickle that would run something."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    for library in settings.TORCH_LIBRARIES:
        (made / library).mkdir()
    torch.manual_seed(0)
    torch.save(
        fitted(torchvision.models.mobilenet_v3_small()).state_dict(), made / "torchvision/mobilenet_v3_small-mine.pt"
    )
    save_file(fitted(get_model("cbam_resnet18")).state_dict(), made / "pytorchcv/cbam_resnet18.safetensors")
    torch.save(fitted(get_model("seresnet18")).state_dict(), made / "pytorchcv/seresnet18.pth")
    (made / "torchvision/mobilenet_v3_small-cut.safetensors").write_bytes(b"\x10" * 400)
    (made / "torchvision/mobilenet_v3_small-harmful.pkl").write_bytes(pickle.dumps(Harmful(), protocol=2))
    (made / "torchvision/README.txt").write_text("not a checkpoint", encoding="utf-8")
    vit = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=30, image_size=32, patch_size=8
    )
    transformers.ViTForImageClassification(vit).save_pretrained(made / "vit")
    dino = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=42, patch_size=14, mlp_ratio=2
    )
    transformers.Dinov2Model(dino).save_pretrained(made / "dino")
    return made


def visited(page: str, name: str, language: str = "en", **link: str) -> AppTest:
    """`page` on a network of the folder, once that is there."""
    app = opened(page, language, **{PAGES[page][0]: name}, **link)
    loaded(photo_networks.store(), name)
    return run(app)


def steps(app: AppTest) -> int:
    return "".join(block.proto.body for block in app.get("html")).count('step-number">')


def read(name: str, folder: Path) -> HubVisionModel:
    path = folder / name.removeprefix("folder:")
    model = load_hub_vision_model(f"{path.parent.name}/{path.stem.partition('-')[0]}", "cpu", checkpoint=path)
    assert isinstance(model, HubVisionModel)
    return model


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("page", "name"), [("squeeze_excitation", MOBILE), ("squeeze_excitation", SE_RESNET), ("cbam", RESNET)]
)
def test_the_page_shows_every_step_of_it(page: str, name: str, language: str) -> None:
    app = visited(page, name, language)
    assert not app.error
    assert steps(app) == PAGES[page][1]
    measured = words.catalogue("zh" if language == "zh" else "en")["photo.trust"][0].say.split("{")[0]
    assert not [caption for caption in app.caption if caption.value.startswith(measured)]


@pytest.mark.parametrize("name", [MOBILE, SE_RESNET])
def test_the_gates_and_the_prediction_are_its_own(name: str, folder: Path) -> None:
    app = visited("squeeze_excitation", name, photo="cat")
    model = read(name, folder)
    trace = model.trace(load_image(sample_photo("cat")))
    stage = most_selective(trace.stages)
    assert app.selectbox(key="stage").value == stage.name
    assert len(app.selectbox(key="stage").options) == len(model.stage_names)
    painted = decoded(figure(app, "channel-weights")["data"][0]["y"])
    assert stage.attention is not None and not isinstance(stage.attention, CBAMTrace)
    assert np.allclose(painted, stage.attention.weights[0].numpy(), atol=1e-5)
    probabilities = decoded(figure(app, "prediction")["data"][0]["x"])
    assert np.allclose(sorted(probabilities), sorted(value for _, value in trace.top(5)), atol=1e-5)


def test_a_stage_is_chosen_and_its_mask_shown(folder: Path) -> None:
    trace = read(RESNET, folder).trace(load_image(sample_photo("coffee")))
    app = run(visited("cbam", RESNET).selectbox(key="stage").set_value(trace.stages[2].name))
    painted = decoded(figure(app, "mask-alone")["data"][1]["z"])
    expected = trace.stages[2].spatial_mask
    assert expected is not None
    assert np.allclose(painted, expected[0, 0].numpy(), atol=1e-5)
    assert app.query_params["stage"] == trace.stages[2].name


def test_all_masks_stand_on_one_scale_in_their_own_cells(folder: Path) -> None:
    trace = read(RESNET, folder).trace(load_image(sample_photo("coffee")))
    heatmap = figure(visited("cbam", RESNET), "mask-places")["data"][-2]
    assert (heatmap["zmin"], heatmap["zmax"]) == (0, 1)
    painted = decoded(heatmap["z"])
    expected = np.concatenate([stage.spatial_mask[0, 0].numpy().ravel() for stage in trace.stages])  # type: ignore[index]
    shown = painted[np.isfinite(painted)]
    assert np.isclose(shown.min(), expected.min(), atol=1e-5)
    assert np.isclose(shown.max(), expected.max(), atol=1e-5)
    assert np.isfinite(painted).sum() == 8 * 56 * 56


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder:torchvision/mobilenet_v3_small-cut.safetensors", "errors.hub.damaged"),
        ("folder:torchvision/mobilenet_v3_small-harmful.pkl", "errors.hub.pickle"),
        (RESNET, "senet.other"),
        ("folder:vit", "senet.other"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_shown_says_why_and_leads_back(name: str, reason: str, language: str) -> None:
    app = visited("squeeze_excitation", name, language)
    [error] = app.error
    messages = catalogue("zh" if language == "zh" else "en")
    for part in messages[reason].split("}")[-1:]:
        assert part in error.value
    assert not keys(app)
    app = run(next(button for button in app.button if button.label == messages["senet.back"]).click())
    assert not app.error
    assert "channel-weights" in keys(app)
    assert app.session_state["senet"] == "se"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_network_without_classes_says_so_in_the_place_of_its_prediction(language: str) -> None:
    app = visited("vision_transformer", "folder:dino", language)
    assert not app.error
    for key in ("head-patch", "patch-heads", "patch-rolled"):
        assert key in keys(app)
    assert "prediction" not in keys(app)
    messages = catalogue("zh" if language == "zh" else "en")
    assert messages["photo.prediction.absent"] in [note.value for note in app.info]


@pytest.mark.parametrize(
    ("page", "name", "link", "told"),
    [
        ("squeeze_excitation", MOBILE, {}, "channel weights"),
        ("squeeze_excitation", SE_RESNET, {"crop": "20"}, ".crop("),
        ("cbam", RESNET, {"photo": "coffee"}, "spatial mask"),
        ("vision_transformer", "folder:vit", {"vit_layer": "1", "vit_head": "2", "patch": "5"}, "best = trace.top(5)"),
        ("vision_transformer", "folder:dino", {"patch": "5"}, "trace.seen_from(1, trace.special + 5)[0]"),
    ],
)
def test_its_numbers_can_be_taken_along(page: str, name: str, link: dict[str, str], told: str) -> None:
    app = visited(page, name, **link)
    assert told in taken_along(app, name)


def test_the_folder_is_offered_where_its_names_fit() -> None:
    assert {MOBILE, SE_RESNET} <= {*photo_networks.offered(SE)}
    assert RESNET not in photo_networks.offered(SE)
    assert photo_networks.offered(CHANNEL_AND_SPATIAL) == (RESNET, *CHANNEL_AND_SPATIAL.suggested)
    assert photo_networks.offered(PATCHES) == ("folder:dino", "folder:vit", *PATCHES.suggested)
    assert not [path for path in settings.settings().folders() if path.name == "vit"]


@pytest.mark.parametrize("junk", ["folder:torchvision/none.pt", "folder:../outside"])
def test_a_link_to_no_network_falls_back(junk: str) -> None:
    app = opened("cbam", cbamnet=junk)
    assert "channel-weights" in keys(app)
    assert app.session_state["cbamnet"] == "cbam"


def test_where_networks_of_others_are_off_there_is_no_picker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENTION_MODELS", "off")
    settings.settings.cache_clear()
    app = unfolded(opened("cbam", cbamnet=RESNET), "cbamnet-box")
    assert not [box for box in app.selectbox if str(box.key).startswith("cbamnet-wish")]
    assert app.session_state["cbamnet"] == "cbam"


@pytest.mark.parametrize("name", [name for name in GATED if "cbam" not in name])
def test_the_formula_is_of_the_functions_that_every_module_has(name: str) -> None:
    model = HubVisionModel(gated(name))
    for module in attention_modules(model).values():
        assert isinstance(module, SqueezeExcitation)
        found = gating_of(module)
        kinds = (type(part).__name__ for part in (module.activation, module.gate))
        assert found == Gating(*(kind.replace("HSigmoid", "Hardsigmoid") for kind in kinds))
    x = torch.linspace(-5, 5, 11)
    spelled = {"Sigmoid": 1 / (1 + (-x).exp()), "Hardsigmoid": (x / 6 + 0.5).clamp(0, 1)}
    torch.testing.assert_close(module.gate(x.clone()), spelled[found.gate])  # type: ignore[operator]


def test_a_transformer_that_would_fill_the_memory_is_refused_before_it_is_built(folder: Path) -> None:
    large = folder / "torchvision" / "vit_h_14-large.pt"
    large.write_bytes(b"nothing")
    loaded(photo_networks.store(), "folder:torchvision/vit_h_14-large.pt")
    state = photo_networks.store().ask("folder:torchvision/vit_h_14-large.pt")
    assert isinstance(state.error, UnsupportedModelError)
    assert state.error.key == "model.too_many_patches"
