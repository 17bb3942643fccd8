"""Weights that are not the recorded ones are refused by their checksum, before anything in them is read."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attention_core import WeightsError, load_text_model, load_translator, load_vision_model
from attention_core.models import registry
from deploy.hall import free_port
from tests.ui.driver import ROOT, opened
from ui.i18n import LANGUAGES, Language, catalogue
from ui.inputs import networks

LOADED: dict[str, Callable[[], Any]] = {
    "text/bilingual.safetensors": load_text_model,
    "text/translator.safetensors": load_translator,
    **{f"vision/{name}.safetensors": lambda name=name: load_vision_model(name) for name in registry.VISION_MODELS},
    "vision/profiles.safetensors": lambda: registry.excitation_profiles("cbam"),
    "vision/bands.safetensors": lambda: registry.gate_bands("cbam"),
    "vision/directions.safetensors": lambda: registry.class_directions("cbam"),
}


def damages(name: str, data: bytes) -> Iterator[bytes]:
    """The file cut off, with single bits turned, longer than it was, claiming a header beyond all memory, or empty."""
    chance = random.Random(name)
    yield from (data[: chance.randrange(len(data))] for _ in range(4))
    yield data[:-1]
    for place in (0, 8, 9, len(data) - 1, *(chance.randrange(len(data)) for _ in range(8))):
        yield data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
    yield data + b"\0"
    yield struct.pack("<Q", 2**63) + data[8:]
    yield b""


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage, which the loading takes for its own; what reads weights is out of bounds."""

    def read(_: bytes) -> None:
        raise AssertionError("weights were read before their checksum was")

    copied = tmp_path / "assets"
    shutil.copytree(registry.assets_folder(), copied)
    monkeypatch.setattr(registry, "assets_folder", lambda: copied)
    monkeypatch.setattr(registry, "load", read)
    return copied


def test_every_file_of_weights_is_tried() -> None:
    folder = registry.assets_folder()
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")} == {*LOADED}


@pytest.mark.parametrize("name", LOADED)
def test_damaged_weights_are_refused_before_they_are_read(assets: Path, name: str) -> None:
    path = assets / name
    for damaged in damages(name, path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=f"{path.name} .*cut off or altered.*Reinstall") as refused:
            LOADED[name]()
        assert refused.value.key == "weights.altered"
    path.unlink()
    with pytest.raises(WeightsError, match=f"{path.name} is not in .*einstall") as refused:
        LOADED[name]()
    assert refused.value.key == "weights.missing"


@pytest.mark.parametrize("name", LOADED)
def test_sound_weights_of_another_network_are_refused(assets: Path, name: str) -> None:
    for other in {*LOADED} - {name}:
        shutil.copyfile(registry.assets_folder() / other, assets / "swapped")
        kept = (assets / name).read_bytes()
        (assets / name).write_bytes((assets / "swapped").read_bytes())
        with pytest.raises(WeightsError, match="cut off or altered"):
            LOADED[name]()
        (assets / name).write_bytes(kept)


def test_profiles_of_other_weights_than_those_that_are_here_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "assets"
    shutil.copytree(registry.assets_folder(), copied)
    monkeypatch.setattr(registry, "assets_folder", lambda: copied)
    described = copied / "vision" / "cbam.json"
    manifest = json.loads(described.read_text(encoding="utf-8"))
    described.write_text(json.dumps({**manifest, "sha256": "0" * 64}), encoding="utf-8")
    assert registry.excitation_profiles("se")
    with pytest.raises(WeightsError) as refused:
        registry.excitation_profiles("cbam")
    assert refused.value.key == "weights.other"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_which_file_it_is_and_what_to_do(
    language: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profiles are the only weights that a page loads by itself."""
    networks.warm()
    networks.excitation_profiles.clear()
    copied = tmp_path / "assets"
    shutil.copytree(registry.assets_folder(), copied)
    with (copied / "vision" / "profiles.safetensors").open("r+b") as stream:
        stream.truncate(1000)
    monkeypatch.setattr(registry, "assets_folder", lambda: copied)
    app = opened("profiles", language)
    [error] = app.error
    assert error.value == catalogue(language)["errors.weights.altered"].format(name="profiles.safetensors")


def test_a_server_with_damaged_weights_ends_and_says_why(tmp_path: Path) -> None:
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".streamlit", "assets", "attention_core", "pages", "ui"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "assets" / "vision" / "cbam.safetensors").open("r+b") as stream:
        stream.truncate(1000)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port())]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode != 0
    assert "cbam.safetensors does not have the checksum" in ended.stderr and "Reinstall" in ended.stderr
