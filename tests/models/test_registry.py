"""What ships: found by name, checked before use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from attention_core import ControlError, WeightsError, load_text_model, load_translator, load_vision_model
from attention_core.models import registry

PARAMETERS = {"text": 6_000_000, "translator": 8_000_000, "vision": 3_000_000}


@pytest.fixture
def altered_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = tmp_path / "assets"
    shutil.copytree(registry.assets_folder(), copied)
    monkeypatch.setattr(registry, "assets_folder", lambda: copied)
    return copied


def test_the_text_network_is_small_and_ready() -> None:
    model = load_text_model()
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) <= PARAMETERS["text"]
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())


def test_the_translator_is_small_and_ready() -> None:
    model = load_translator()
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) <= PARAMETERS["translator"]
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())


def test_scores_of_the_translator_are_there_once_they_are_measured(altered_assets: Path) -> None:
    path = altered_assets / "text" / "translator.scores.json"
    path.unlink(missing_ok=True)
    assert registry.translator_scores() is None
    path.write_text('{"aer": {"value": 0.25}}', encoding="utf-8")
    assert registry.translator_scores() == {"aer": {"value": 0.25}}


@pytest.mark.parametrize("name", registry.VISION_MODELS)
def test_the_vision_networks_are_small_and_ready(name: str) -> None:
    model = load_vision_model(name, device="cpu")
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) <= PARAMETERS["vision"]
    assert len(model.classes) == model.config.classes == 100
    assert {entry.group for entry in model.classes} == set(registry.vision_groups())


@pytest.mark.parametrize("damage", ["cut", "altered", "gone"])
def test_damaged_weights_are_refused_before_use(altered_assets: Path, damage: str) -> None:
    path = altered_assets / "vision" / "cbam.safetensors"
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WeightsError, match=r"cbam\.safetensors"):
        load_vision_model("cbam")


def test_a_damaged_tokenizer_is_refused(altered_assets: Path) -> None:
    path = altered_assets / "text" / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8").replace("吃", "喝"), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        load_text_model()


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ControlError, match="plain, se, cbam"):
        load_vision_model("resnet")


def test_a_missing_device_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ControlError, match="cuda"):
        load_text_model(device="cuda")
