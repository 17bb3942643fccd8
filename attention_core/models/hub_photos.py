"""Photo networks by name, or with a checkpoint of one's own, behind the project's traces.

Nothing that a file could run is ever run: a checkpoint is safetensors, or a pickle of nothing but tensors.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attention_core.errors import MissingPackageError, ModelSourceError, UnsupportedModelError, WeightsError
from attention_core.models.hub import INSTALL, READING, require_transformers
from attention_core.models.hub_files import Progress, fetched
from attention_core.models.hub_patches import HubPatchModel
from attention_core.models.hub_vision import HubVisionModel, PhotoFormat, imagenet_classes
from attention_core.models.hub_weights import fetched_weights
from attention_core.models.registry import vision_classes
from attention_core.models.vision import VisionClass
from attention_core.runtime.device import choose_device

LIBRARIES = ("torchvision", "pytorchcv", "transformers")


def load_hub_vision_model(
    source: str,
    device: str | torch.device | None = None,
    *,
    checkpoint: str | Path | None = None,
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> HubVisionModel | HubPatchModel:
    """A network that names what is in a photo, ready to trace, in single precision.

    source: library and name, such as "torchvision/mobilenet_v3_small", "torchvision/vit_b_16",
    "pytorchcv/cbam_resnet18" or "transformers/google/vit-base-patch16-224", where the last may be a folder instead;
    checkpoint: a state dict of that network, instead of the weights that the library fetches; device: as in
    `load_vision_model`; endpoint, progress: as in `load_hub_text_model`, the first for networks of transformers alone.
    Raises `ModelSourceError` for what cannot be found or fetched, `MissingPackageError`, `UnsupportedModelError` for
    what has no attention that can be read, `WeightsError` for weights that do not fit.
    """
    library, _, name = source.partition("/")
    if library == "transformers":
        network, classes, format = _of_transformers(name, endpoint, progress)
    elif library in LIBRARIES:
        network, classes, format = _of_torch(library, name)
        if checkpoint is None:  # not by the library itself: pytorchcv's reading would run what a file holds
            checkpoint = fetched_weights(source, progress or (lambda done, total: None))
    else:
        raise ModelSourceError(
            "hub.library",
            f"{source!r} names the library {library!r}; expected one of {', '.join(LIBRARIES)}, a slash and a name.",
            name=source,
            expected=LIBRARIES,
        )
    if checkpoint is not None:
        load_checkpoint(network, Path(checkpoint))
    network = network.eval().requires_grad_(False).to(choose_device(device))
    transformer = library == "transformers" or any(isinstance(m, nn.MultiheadAttention) for m in network.modules())
    kind = HubPatchModel if transformer else HubVisionModel
    return kind(network, classes, format=format)


def load_checkpoint(network: nn.Module, path: Path) -> None:
    """Fills `network` from a file. Raises `ModelSourceError`, `UnsupportedModelError` for a pickle that could run code,
    `WeightsError` for tensors of another network."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ModelSourceError("hub.no_file", f"there is no file {path.name}. Check the path.", name=path.name)
    try:
        state: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnsupportedModelError(
            "hub.pickle",
            f"{path.name} holds more than tensors, and could run code when opened. Save the state dict of the network "
            "with safetensors.torch.save_file.",
            name=path.name,
        ) from error
    except (SafetensorError, RuntimeError, EOFError, OSError) as error:
        raise WeightsError(
            "hub.damaged", f"{path.name} cannot be read: it is cut off or altered. Fetch it again.", name=path.name
        ) from error
    try:
        network.load_state_dict(state.get("state_dict", state))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise WeightsError(
            "hub.other_weights",
            f"{path.name} does not hold the tensors of {type(network).__name__}: {str(error)[:300]}",
            name=path.name,
            network=type(network).__name__,
        ) from error


def _of_torch(library: str, name: str) -> tuple[nn.Module, tuple[VisionClass, ...], PhotoFormat]:
    try:
        if library == "torchvision":
            from torchvision.models import get_model, get_model_weights

            made = get_model(name, weights=None)
            preset: Any = get_model_weights(name).DEFAULT.transforms()
            format = PhotoFormat(preset.crop_size[0], tuple(preset.mean), tuple(preset.std))
        else:
            from pytorchcv.model_provider import get_model

            made = get_model(name, pretrained=False)
            format = PhotoFormat(made.in_size[0])
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "hub.package",
            f"{library}/{name} needs the package {library}, which is not installed. Run: {INSTALL}",
            package=library,
            command=INSTALL,
        ) from error
    except (ValueError, AttributeError) as error:
        raise ModelSourceError(
            "hub.not_found", f"{library} has no network called {name}. Check the spelling.", name=name
        ) from error
    network: nn.Module = made
    return network, imagenet_classes(vision_classes()), format


def _of_transformers(
    source: str, endpoint: str | None, progress: Progress | None
) -> tuple[nn.Module, tuple[VisionClass, ...], PhotoFormat]:
    require_transformers()
    from safetensors import SafetensorError
    from transformers import AutoModelForImageClassification

    folder = fetched(source, endpoint, progress)
    try:
        with READING:
            network, report = AutoModelForImageClassification.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsError(
            "hub.damaged",
            f"the weights of {folder.name} cannot be read: they are cut off, altered, or not those of its config.json. "
            "Fetch them again.",
            name=folder.name,
        ) from error
    except ValueError as error:
        raise UnsupportedModelError(
            "hub.no_photo_network",
            f"{folder.name} is no network that the transformers library classifies photos with.",
            name=folder.name,
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(
            "hub.missing_weights",
            f"{folder.name} lacks {len(missing)} of its network's tensors, such as {missing[0]}; they would be random.",
            name=folder.name,
            count=len(missing),
            tensor=missing[0],
        )
    names = network.config.id2label
    classes = tuple(VisionClass("", names[index], names[index], "") for index in sorted(names))
    return network, classes, _format(folder, network.config.image_size)


def _format(folder: Path, size: int) -> PhotoFormat:
    """What the folder says of its photos, at the size that the network was built for."""
    from transformers.image_processing_utils import BaseImageProcessor

    try:
        said, _ = BaseImageProcessor.get_image_processor_dict(folder, local_files_only=True)
    except OSError:
        said = {}
    known = PhotoFormat(size)
    return PhotoFormat(size, tuple(said.get("image_mean") or known.mean), tuple(said.get("image_std") or known.spread))
