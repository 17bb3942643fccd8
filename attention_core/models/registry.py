"""What can be loaded by name, and the loading: every file is checked against its checksum first."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load

from attention_core.errors import ControlError, WeightsError
from attention_core.models.spelling import Spelling
from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from attention_core.models.vision import VisionClass, VisionConfig, VisionModel
from attention_core.runtime.assets import assets_folder
from attention_core.runtime.device import choose_device

TEXT_MODELS = ("bilingual",)
TRANSLATORS = ("translator",)
VISION_MODELS = ("plain", "se", "cbam")
PROFILED = ("se", "cbam")  # the builds with channel weights

Model = TypeVar("Model", bound=torch.nn.Module)


def load_text_model(name: str = "bilingual", device: str | torch.device | None = None) -> TextModel:
    """The trained encoder that ships, ready to trace.

    device: None = CUDA if there, else Apple MPS, else CPU. Raises `ControlError` for an unknown name and
    `WeightsError` for a missing or altered file.
    """
    manifest, state = _read("text", name, TEXT_MODELS)
    model = TextModel(TextConfig(**sizes(manifest["config"])), _tokenizer(manifest))
    return _filled(model, state, device)


def load_translator(name: str = "translator", device: str | torch.device | None = None) -> Translator:
    """The trained encoder–decoder that ships, Chinese ↔ English. `device` and errors as in `load_text_model`."""
    manifest, state = _read("text", name, TRANSLATORS)
    config = TranslatorConfig(**sizes(manifest["config"]))
    return _filled(Translator(config, _tokenizer(manifest), Spelling(manifest["capitalised"])), state, device)


def load_vision_model(name: str = "cbam", device: str | torch.device | None = None) -> VisionModel:
    """One of the three builds that ship: "plain", "se" or "cbam". `device` and errors as in `load_text_model`."""
    manifest, state = _read("vision", name, VISION_MODELS)
    config = sizes(manifest["config"])
    return _filled(VisionModel(VisionConfig(**config), vision_classes()), state, device)


def vision_classes() -> tuple[VisionClass, ...]:
    """The 100 classes in output order."""
    listed = json.loads((assets_folder() / "vision" / "classes.json").read_text(encoding="utf-8"))
    return tuple(VisionClass(**entry) for entry in listed)


def vision_groups() -> dict[str, dict[str, str]]:
    """Group key → its name by language code."""
    groups: dict[str, dict[str, str]] = json.loads(
        (assets_folder() / "vision" / "groups.json").read_text(encoding="utf-8")
    )
    return groups


def scores(kind: str) -> dict[str, Any]:
    """What `python -m training.evaluate` measured on the shipped networks; kind: "text" or "vision"."""
    name = {"text": "bilingual.scores.json", "vision": "scores.json"}[kind]
    measured: dict[str, Any] = json.loads((assets_folder() / kind / name).read_text(encoding="utf-8"))
    return measured


def openings() -> dict[str, dict[str, dict[str, Any]]]:
    """What shows the text network best, by `python -m training.defaults`: language → "alone" or "pair" → text,
    translation, and layer, head and position counted from 0."""
    path = assets_folder() / "text" / "defaults.json"
    chosen: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    return chosen


def translator_scores() -> dict[str, Any] | None:
    """What `python -m training.evaluate translator` measured; None where it has not been run."""
    return _if_measured(assets_folder() / "text" / "translator.scores.json")


def ablations() -> dict[str, Any] | None:
    """What `python -m training.ablations` measured; None where it has not been run."""
    return _if_measured(assets_folder() / "vision" / "ablations.json")


def _if_measured(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return measured


def excitation_profiles(name: str) -> dict[str, torch.Tensor]:
    """Stage → mean channel weight of each class over the dev photos, (classes, C), of the build "se" or "cbam".

    NaN for a class without photos. Raises `ControlError` for a build without channel weights, and `WeightsError` for a
    file that is missing, altered, or measured on other weights than those that are here.
    """
    _check_profiled(name)
    config = manifest("vision", name)["config"]
    return _of_stages("profiles", name, [(config["classes"], width) for width in config["widths"]])


def gate_bands(name: str) -> dict[str, torch.Tensor]:
    """Stage → the 5%, 50% and 95% quantiles of each gate over the dev photos, (3, C), of the build "se" or "cbam".

    Raises as `excitation_profiles` does.
    """
    _check_profiled(name)
    return _of_stages("bands", name, [(3, width) for width in manifest("vision", name)["config"]["widths"]])


def class_directions(name: str) -> dict[str, torch.Tensor]:
    """ "means" (classes, C) and "whitening" (C, C) of one of the three builds: `analysis.familiarity` says what for.

    Raises `WeightsError` as `excitation_profiles` does.
    """
    config = manifest("vision", name)["config"]
    classes, width = config["classes"], config["widths"][-1]
    return _measured_on("directions", name, {"means": (classes, width), "whitening": (width, width)})


def _check_profiled(name: str) -> None:
    if name not in PROFILED:
        raise ControlError(
            "model.unknown", f"{name!r} has no channel weights; expected one of {', '.join(PROFILED)}.", came=name
        )


def _of_stages(file: str, name: str, shapes: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
    return _measured_on(file, name, {f"stage{number}": shape for number, shape in enumerate(shapes, start=1)})


def _measured_on(file: str, name: str, expected: dict[str, tuple[int, int]]) -> dict[str, torch.Tensor]:
    """Tensors of a build that were measured on its very weights, float32. Raises `WeightsError`."""
    described = manifest("vision", file)
    tensors = load(_checked_bytes(assets_folder() / "vision" / described["weights"], described["sha256"]))
    found = {
        key.removeprefix(f"{name}."): tensor.float() for key, tensor in tensors.items() if key.startswith(f"{name}.")
    }
    fits = {part: tuple(tensor.shape) for part, tensor in found.items()} == expected
    if not fits or described["networks"].get(name) != manifest("vision", name)["sha256"]:
        raise WeightsError(
            "weights.other",
            f"{described['weights']} was measured on other weights of {name!r} than those that are here. "
            "Run `python -m training.evaluate vision`, or reinstall the package.",
            name=described["weights"],
        )
    return {part: found[part] for part in expected}


def manifest(kind: str, name: str) -> dict[str, Any]:
    """Sizes, training and checksum of shipped weights; kind: "text" or "vision"."""
    path = assets_folder() / kind / f"{name}.json"
    if not path.exists():
        raise WeightsError(
            "weights.missing",
            f"{path.name} is not in {path.parent}; reinstall the package, or train it (docs/training.md).",
            name=path.name,
        )
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return described


def sizes(config: dict[str, Any]) -> dict[str, Any]:
    """A manifest's config with JSON's lists as the tuples they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}


def _read(kind: str, name: str, known: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    if name not in known:
        raise ControlError(
            "model.unknown", f"no model is called {name!r}; expected one of {', '.join(known)}.", came=name
        )
    described = manifest(kind, name)
    data = _checked_bytes(assets_folder() / kind / described["weights"], described["sha256"])
    return described, load(data)


def _tokenizer(manifest: dict[str, Any]) -> Tokenizer:
    described = manifest["tokenizer"]
    saved = _checked_bytes(assets_folder() / "text" / described["file"], described["sha256"])
    return Tokenizer.from_json(saved.decode())


def _checked_bytes(path: Path, sha256: str) -> bytes:
    if not path.exists():
        raise WeightsError(
            "weights.missing", f"{path.name} is not in {path.parent}; reinstall the package.", name=path.name
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(
            "weights.altered",
            f"{path.name} does not have the checksum that was recorded for it: it is cut off or altered. "
            "Reinstall the package.",
            name=path.name,
        )
    return data


def _filled(model: Model, state: dict[str, torch.Tensor], device: str | torch.device | None) -> Model:
    # float16 is for the file only: on a CPU it is slow, and its rounding would show in the traces.
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
    return model.eval().requires_grad_(False).to(choose_device(device))
