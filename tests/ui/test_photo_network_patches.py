"""The page on vision transformers: nothing without a network, and its numbers with one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from streamlit.testing.v1 import AppTest

from attention_core import HubPatchModel, load_hub_vision_model, load_image
from attention_core.analysis.rollout import attention_rollout
from attention_core.inputs.samples import sample_photo
from attention_core.models.hub.patches import PatchTrace
from tests.models.photo_networks import HEADS, patched
from tests.ui.driver import decoded, figure, keys, loaded, opened, run, unfolded
from ui.i18n import LANGUAGES, catalogue
from ui.inputs import photo_networks

pytestmark = pytest.mark.usefixtures("networks_here")

NETWORKS = {"vit": "ViT", "registers": "DINOv2 with registers", "vectors": "ViT without a classifier"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    for name, kind in NETWORKS.items():
        patched(kind).save_pretrained(made / name)  # type: ignore[operator]
    return made


def visited(name: str, language: str = "en", **link: str) -> AppTest:
    app = opened("vision_transformer", language, vit=f"folder:{name}", photo="cat", **link)
    loaded(photo_networks.store(), f"folder:{name}")
    return run(app)


def traced(folder: Path, name: str) -> PatchTrace:
    model = load_hub_vision_model(f"transformers/{folder / name}", "cpu")
    assert isinstance(model, HubPatchModel)
    return model.trace(load_image(sample_photo("cat")))


def over_photo(app: AppTest, key: str) -> np.ndarray:
    [heatmap] = [trace for trace in figure(app, key)["data"] if trace["type"] == "heatmap"]
    assert (heatmap["zmin"], heatmap["zmax"]) == (0, 10)
    return decoded(heatmap["z"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_network_it_says_what_there_is_and_draws_nothing(language: str) -> None:
    app = opened("vision_transformer", language)
    assert not keys(app)
    assert [info.value for info in app.info] == [catalogue(language)["vision_transformer.none"]]
    [box] = unfolded(app, f"{photo_networks.PATCHES.key}-box").selectbox
    assert len(box.options) == 1 + len(NETWORKS) + len(photo_networks.PATCHES.suggested)


@pytest.mark.parametrize("name", ["vit", "registers"])
def test_rows_are_those_of_the_trace_in_even_shares(name: str, folder: Path) -> None:
    app = visited(name, vit_layer="1", vit_head="2", patch="6", seer="patch")
    trace = traced(folder, name)
    token, T = trace.special + 6, trace.layers[0].weights.shape[-1]

    def even(row: torch.Tensor) -> np.ndarray:
        return (row[..., trace.special :] * T).reshape(*row.shape[:-1], 4, 4).numpy()

    weights = trace.layers[1].weights[0]
    assert np.allclose(over_photo(app, "head-patch"), even(weights[2, token]), atol=1e-4)
    assert np.allclose(over_photo(app, "head-class"), even(weights[2, 0]), atol=1e-4)
    tiles = over_photo(app, "patch-heads")
    assert np.allclose(np.sort(tiles[np.isfinite(tiles)]), np.sort(even(weights[:, token]).ravel()), atol=1e-4)
    means = [layer.weights[0].mean(dim=0) for layer in trace.layers]
    assert np.allclose(over_photo(app, "patch-raw"), even(means[-1][token]), atol=1e-4)
    assert np.allclose(over_photo(app, "patch-rolled"), even(attention_rollout(means, T)[-1][token]), atol=1e-4)


def test_the_class_token_asks_unless_somebody_chooses_otherwise(folder: Path) -> None:
    app = visited("vit")
    trace = traced(folder, "vit")
    tiles = over_photo(app, "patch-heads")
    assert len(app.get("button_group")) >= 3
    expected = trace.seen_from(len(trace.layers) - 1).numpy() * trace.layers[0].weights.shape[-1]
    assert np.allclose(np.sort(tiles[np.isfinite(tiles)]), np.sort(expected.ravel()), atol=1e-4)
    assert len(expected) == HEADS


def test_a_network_without_a_classifier_has_all_but_the_prediction() -> None:
    app = visited("vectors")
    assert not app.error
    assert "patch-rolled" in keys(app) and "prediction" not in keys(app)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_caveat_of_rollout_stands_below_it(language: str) -> None:
    app = visited("vit", language)
    assert catalogue(language)["vision_transformer.rollout.caveat"] in [caption.value for caption in app.caption]
    assert "prediction" in keys(app)


def test_the_sizes_that_the_page_names_are_those_of_the_networks() -> None:
    sizes = {"deit-tiny-patch16-224": {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}}
    sizes |= {"vit-base-patch16-224": {}}
    for language in LANGUAGES:
        said = catalogue(language)["vision_transformer.none"]
        for name, about in sizes.items():
            with torch.device("meta"):
                network = transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000, **about))
            megabytes = 4 * sum(each.numel() for each in network.parameters()) / 1e6
            assert f"{megabytes:.0f} MB" in said.partition(name)[2][:60]
