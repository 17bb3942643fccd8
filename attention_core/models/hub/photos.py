"""Photo networks by name, or with a checkpoint of one's own, behind the project's traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attention_core.errors import MissingPackageError, ModelSourceError, UnsupportedModelError, WeightsError
from attention_core.models.checkpoints import class_names, fill, own_classes, read_checkpoint
from attention_core.models.hub.files import Progress, fetched
from attention_core.models.hub.loading import INSTALL, READING, require_transformers
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat, imagenet_classes
from attention_core.models.hub.weights import fetched_weights
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
    checkpoint: a state dict of that network, instead of the weights that the library fetches. Its last layer may have
    any number of classes; their names are the lines of a text file beside it, `mine.txt` beside `mine.pt`, if there is
    one. device: as in `load_vision_model`; endpoint, progress: as in `load_hub_text_model`, the first for networks of
    transformers alone, which may also be without a classifier, as DINOv2 is.
    Raises `ModelSourceError` for what cannot be found or fetched, `MissingPackageError`, `UnsupportedModelError` for
    what has no attention that can be read, `WeightsError` for weights that do not fit.
    """
    library, _, name = source.partition("/")
    if library == "transformers":
        network, classes, format = _of_transformers(name, endpoint, progress)
        if checkpoint is not None:
            fill(network, read_checkpoint(Path(checkpoint)), Path(checkpoint).name)
    elif library in LIBRARIES:
        if checkpoint is None:  # not by the library itself: pytorchcv's reading would run what a file holds
            checkpoint = fetched_weights(source, progress or (lambda done, total: None))
        network, classes, format = _of_torch(library, name, Path(checkpoint))
    else:
        raise ModelSourceError(
            "hub.library",
            f"{source!r} names the library {library!r}; expected one of {', '.join(LIBRARIES)}, a slash and a name.",
            name=source,
            expected=LIBRARIES,
        )
    network = network.eval().requires_grad_(False).to(choose_device(device))
    transformer = library == "transformers" or any(isinstance(m, nn.MultiheadAttention) for m in network.modules())
    kind = HubPatchModel if transformer else HubVisionModel
    return kind(network, classes, format=format)


def _of_torch(library: str, name: str, checkpoint: Path) -> tuple[nn.Module, tuple[VisionClass, ...], PhotoFormat]:
    try:
        build = _torchvision(name) if library == "torchvision" else _pytorchcv(name)
        network = build({})
        format = _format_of(library, name, network)
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
    state = read_checkpoint(checkpoint)
    count = own_classes(network, state)
    if count is None:
        classes = imagenet_classes(vision_classes())
    else:
        network, classes = build({"num_classes": count}), class_names(checkpoint, count)
    fill(network, state, checkpoint.name)
    return network, classes, format


_Build = Callable[[dict[str, int]], nn.Module]  # from what is to be other than usual


def _torchvision(name: str) -> _Build:
    from torchvision.models import get_model

    return lambda other: get_model(name, weights=None, **other)


def _pytorchcv(name: str) -> _Build:
    from pytorchcv.model_provider import get_model

    return lambda other: get_model(name, pretrained=False, **other)


def _format_of(library: str, name: str, network: Any) -> PhotoFormat:
    """How a network of torchvision or pytorchcv wants its photos."""
    if library == "pytorchcv":
        return PhotoFormat(network.in_size[0])
    from torchvision.models import get_model_weights

    preset: Any = get_model_weights(name).DEFAULT.transforms()
    return PhotoFormat(preset.crop_size[0], tuple(preset.mean), tuple(preset.std))


def _of_transformers(
    source: str, endpoint: str | None, progress: Progress | None
) -> tuple[nn.Module, tuple[VisionClass, ...], PhotoFormat]:
    require_transformers()
    from safetensors import SafetensorError

    folder = fetched(source, endpoint, progress)
    try:
        with READING:
            network, report = _auto_class(folder).from_pretrained(
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
    # What some pool after their last layer nobody reads here, and not all files have it.
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise WeightsError(
            "hub.missing_weights",
            f"{folder.name} lacks {len(missing)} of its network's tensors, such as {missing[0]}; they would be random.",
            name=folder.name,
            count=len(missing),
            tensor=missing[0],
        )
    names = network.config.id2label if "ForImageClassification" in type(network).__name__ else {}
    classes = tuple(VisionClass("", names[index], names[index], "") for index in sorted(names))
    return network, classes, _prepared(folder, network)


def _auto_class(folder: Path) -> Any:
    """How the library loads a folder: with the classifier that its config names, or without one.

    Raises `ValueError` where it is none for photos.
    """
    from transformers import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        AutoConfig,
        AutoModel,
        AutoModelForImageClassification,
    )

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    classifies = any("ForImageClassification" in name for name in config.architectures or ())
    if classifies or type(config) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        return AutoModelForImageClassification  # which says itself what it is none for
    return AutoModel


@torch.no_grad()
def _prepared(folder: Path, network: Any) -> PhotoFormat:
    """What the folder says of its photos, at the size that it prepares them for, where the network takes that."""
    from transformers.image_processing_utils import BaseImageProcessor

    try:
        said, _ = BaseImageProcessor.get_image_processor_dict(folder, local_files_only=True)
    except OSError:
        said = {}
    size = prepared_size(said) or network.config.image_size
    try:
        network(torch.zeros(1, 3, size, size))
    except ValueError:  # most take the size alone that they were built for
        size = network.config.image_size
    known = PhotoFormat(size)
    return PhotoFormat(size, tuple(said.get("image_mean") or known.mean), tuple(said.get("image_std") or known.spread))


def prepared_size(processor: Mapping[str, Any]) -> int | None:
    """The side of the square that an image processor makes of a photo, by its preprocessor_config.json; None where it
    makes none."""
    said = (processor.get("crop_size") if processor.get("do_center_crop") else None) or processor.get("size")
    height, width = (said.get("height"), said.get("width")) if isinstance(said, dict) else (said, said)
    return height if isinstance(height, int) and height == width else None
