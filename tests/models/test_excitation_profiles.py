"""Class profiles that ship: those of these weights, unaltered, or refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attention_core import ControlError, WeightsError, load_vision_model
from attention_core.models import registry


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "assets"
    shutil.copytree(registry.assets_folder() / "vision", folder / "vision")
    monkeypatch.setattr(registry, "assets_folder", lambda: folder)
    return folder / "vision"


def described(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "profiles.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", registry.PROFILED)
def test_profiles_fit_the_network(name: str) -> None:
    profiles = registry.excitation_profiles(name)
    model = load_vision_model(name, device="cpu")
    assert tuple(profiles) == model.stage_names
    for means, width in zip(profiles.values(), model.config.widths, strict=True):
        assert means.shape == (model.config.classes, width) and means.dtype == torch.float32
        there = means[~means.isnan().any(dim=1)]
        assert len(there) and there.min() >= 0 and there.max() <= 1


@pytest.mark.parametrize("name", registry.PROFILED)
def test_bands_fit_the_network_and_rise(name: str) -> None:
    bands = registry.gate_bands(name)
    model = load_vision_model(name, device="cpu")
    assert tuple(bands) == model.stage_names
    for band, width in zip(bands.values(), model.config.widths, strict=True):
        assert band.shape == (3, width)
        assert bool((band[0] <= band[1]).all()) and bool((band[1] <= band[2]).all())
        assert band.min() >= 0 and band.max() <= 1


@pytest.mark.parametrize("name", registry.VISION_MODELS)
def test_directions_fit_the_network(name: str) -> None:
    config = load_vision_model(name, device="cpu").config
    directions = registry.class_directions(name)
    assert directions["means"].shape == (config.classes, config.widths[-1])
    assert directions["whitening"].shape == (config.widths[-1],) * 2
    assert all(bool(tensor.isfinite().all()) for tensor in directions.values())


@pytest.mark.parametrize("measured", [registry.excitation_profiles, registry.gate_bands])
def test_a_build_without_gates_has_none(measured: Callable[[str], object]) -> None:
    with pytest.raises(ControlError, match="'plain' has no channel weights; expected one of se, cbam"):
        measured("plain")


def test_damaged_profiles_are_refused(copied: Path) -> None:
    path = copied / "profiles.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"profiles\.safetensors") as caught:
        registry.excitation_profiles("se")
    assert caught.value.key == "weights.altered"
    path.unlink()
    with pytest.raises(WeightsError) as caught:
        registry.excitation_profiles("se")
    assert caught.value.key == "weights.missing"
    (copied / "profiles.json").unlink()
    with pytest.raises(WeightsError, match=r"profiles\.json") as caught:
        registry.excitation_profiles("se")
    assert caught.value.key == "weights.missing"


def test_profiles_of_other_weights_are_refused(copied: Path) -> None:
    described(copied, lambda manifest: manifest["networks"].update(se="0" * 64))
    with pytest.raises(WeightsError, match="other weights of 'se'") as caught:
        registry.excitation_profiles("se")
    assert caught.value.key == "weights.other"
    assert registry.excitation_profiles("cbam")


def test_profiles_of_other_sizes_are_refused(copied: Path) -> None:
    path = copied / "profiles.safetensors"
    state = load_file(path)
    state["se.stage1"] = state["se.stage1"][:, 1:].contiguous()
    save_file(state, path)
    described(copied, lambda manifest: manifest.update(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(WeightsError) as caught:
        registry.excitation_profiles("se")
    assert caught.value.key == "weights.other"
