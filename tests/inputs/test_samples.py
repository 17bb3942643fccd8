"""The photos to begin with: named rightly, different from each other, and the first one the most so."""

from __future__ import annotations

import io

import pytest
import torch
from PIL import Image

from attention_core.analysis.contrast import contrast, stage_contrasts
from attention_core.inputs import load_image
from attention_core.inputs.samples import SAMPLE_CLASSES, SAMPLE_PHOTOS, STRANGE_PHOTOS, sample_photo
from attention_core.models.registry import VISION_MODELS, load_vision_model, vision_classes
from attention_core.models.vision import VisionTrace
from attention_core.runtime.assets import assets_folder


@pytest.fixture(scope="module")
def traces() -> dict[str, dict[str, VisionTrace]]:
    """Build → sample → trace."""
    models = {build: load_vision_model(build, device="cpu") for build in VISION_MODELS}
    photos = {name: load_image(sample_photo(name)) for name in SAMPLE_PHOTOS}
    return {b: {name: model.trace(photo) for name, photo in photos.items()} for b, model in models.items()}


@pytest.mark.parametrize("name", SAMPLE_PHOTOS)
@pytest.mark.parametrize("build", VISION_MODELS)
def test_each_network_names_each_sample_rightly(
    traces: dict[str, dict[str, VisionTrace]], build: str, name: str
) -> None:
    assert traces[build][name].top(1)[0][0].en == SAMPLE_CLASSES[name]


def test_what_is_strange_is_no_class() -> None:
    names = {entry.en for entry in vision_classes()}
    assert set(SAMPLE_CLASSES.values()) <= names
    assert not names & {"astronaut", "rocket"} and not set(STRANGE_PHOTOS) & set(SAMPLE_PHOTOS)


def test_photos_that_ship_are_small_and_have_a_source() -> None:
    folder = assets_folder() / "samples"
    notes = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("*.jpg"):
        assert path.stat().st_size <= 60_000 and path.stem in SAMPLE_PHOTOS
        assert f"| `{path.name}` |" in notes
        assert min(Image.open(io.BytesIO(path.read_bytes())).size) >= 256


def test_contrast_is_the_distance_from_the_mean() -> None:
    values = torch.tensor([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    assert contrast(values).tolist() == pytest.approx([2**0.5, 0, 2**0.5])


def test_photos_differ_most_at_the_last_stage_and_the_first_sample_most_of_all(
    traces: dict[str, dict[str, VisionTrace]],
) -> None:
    total = torch.zeros(len(SAMPLE_PHOTOS))
    for build in ("se", "cbam"):
        found = stage_contrasts([*traces[build].values()])
        for kind in found["stage4"]:
            assert max(found, key=lambda stage: found[stage][kind].mean().item()) == "stage4"
        total += found["stage4"]["gates"]
    assert SAMPLE_PHOTOS[int(total.argmax())] == SAMPLE_PHOTOS[0]
