"""The photo networks of others: of torchvision, pytorchcv, the hub or a folder, kept for all sessions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from attention_core.errors import ModelSourceError
from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.hub.description import ModelDescription, describe
from attention_core.models.hub.files import fetched
from attention_core.models.hub.limits import bytes_of, check_config, check_size, check_torchvision
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.photos import load_hub_vision_model
from attention_core.models.hub.vision import HubVisionModel, attention_modules
from attention_core.models.hub.weights import fetched_weights, published_weights
from attention_core.models.vision import VisionModel
from attention_core.runtime.model_store import ModelStore, Progress
from ui.inputs import text_networks
from ui.inputs.text_networks import FOLDER, source_of
from ui.shell.settings import TORCH_LIBRARIES, config_of, settings

_serial = itertools.count(1)


@dataclass(frozen=True)
class PhotoKind:
    """What a page shows of a photo network. key: of the choice, in the link; default: the network without a choice;
    suggested: those that are offered; module: what the page is about, None for the attention between patches.
    """

    key: str
    default: str
    suggested: tuple[str, ...]
    module: type[SqueezeExcitation] | type[CBAM] | None = None

    def has(self, network: PhotoNetwork) -> bool:
        """Whether a network has what the page is about."""
        if self.module is None or isinstance(network.model, HubPatchModel):
            return self.module is None and isinstance(network.model, HubPatchModel)
        return any(isinstance(each, self.module) for each in attention_modules(network.model).values())

    def by_name(self, architecture: str) -> bool:
        """Whether the name of an architecture says that it may have that."""
        kinds = {"vit": architecture.startswith("vit"), "cbamnet": "cbam" in architecture}
        return kinds[self.key] if self.key in kinds else not any(kinds.values())


SE = PhotoKind(
    "senet",
    "se",
    (
        "torchvision/mobilenet_v3_small",
        "torchvision/mobilenet_v3_large",
        "torchvision/efficientnet_b0",
        "torchvision/regnet_y_400mf",
        "pytorchcv/seresnet18",
        "pytorchcv/seresnet50",
    ),
    SqueezeExcitation,
)
CHANNEL_AND_SPATIAL = PhotoKind("cbamnet", "cbam", ("pytorchcv/cbam_resnet50",), CBAM)
PATCHES = PhotoKind(
    "vit",
    "none",
    (
        "facebook/deit-tiny-patch16-224",
        "facebook/deit-small-patch16-224",
        "google/vit-base-patch16-224",
        "torchvision/vit_b_32",
        "torchvision/vit_b_16",
    ),
)


@dataclass(frozen=True, eq=False)
class PhotoNetwork:
    """A photo network with what pages need to know of it. key: of its traces; another one after each loading."""

    name: str
    key: str
    model: VisionModel | HubVisionModel | HubPatchModel

    @property
    def shipped(self) -> bool:
        """Whether it is one that ships, whose predictions have been measured."""
        return isinstance(self.model, VisionModel)


@st.cache_resource(show_spinner=False)
def store() -> ModelStore[PhotoNetwork]:
    """The photo networks of others, for all sessions, within the same limits as the text networks."""
    return text_networks.store().beside(_load)


def _load(name: str, progress: Progress) -> PhotoNetwork:
    library, checkpoint = _of_torch(name)
    if library:
        architecture = f"{library}/{architecture_of(name)}"
        if library == "torchvision":
            check_torchvision(name, architecture_of(name), settings().kept_bytes)
        model = load_hub_vision_model(architecture, checkpoint=checkpoint or fetched_weights(name, progress))
    else:
        folder = fetched(source_of(name), progress=progress)
        configs = config_of(folder), config_of(folder, "preprocessor_config.json")
        check_config(name, *configs)
        model = load_hub_vision_model(f"transformers/{folder}")
        check_config(name, *configs, model.format.size)
    check_size(name, bytes_of(model), settings().kept_bytes)
    return PhotoNetwork(name, f"{name}@{next(_serial)}", model)


def _of_torch(name: str) -> tuple[str, Path | None]:
    """The library of a network, "" for transformers; its checkpoint where that lies in the folder of the settings."""
    library = name.removeprefix(FOLDER).partition("/")[0]
    if library not in TORCH_LIBRARIES:
        return "", None
    return library, settings().folder / name.removeprefix(FOLDER) if name.startswith(FOLDER) else None


def architecture_of(name: str) -> str:
    """ "torchvision/vit_b_16", or "folder:torchvision/vit_b_16-mine.pt" → "vit_b_16"."""
    last = name.rpartition("/")[2]
    return last.partition(".")[0].partition("-")[0] if name.startswith(FOLDER) else last


def offered(kind: PhotoKind) -> tuple[str, ...]:
    """The networks to choose from, besides the default: those of the folder, then those of the libraries."""
    here = [f"{path.parent.name}/{path.name}" for path in settings().checkpoints() if kind.by_name(_stem(path))]
    here += [path.name for path in settings().photo_folders()] if kind is PATCHES else []
    return (*(FOLDER + name for name in here), *settings().listed(kind.suggested))


def _stem(path: Path) -> str:
    return architecture_of(FOLDER + path.name)


def named(kind: PhotoKind, written: str) -> str:
    """A name in a link, if it may be loaded here. Raises `ValueError`."""
    if written.startswith(FOLDER):
        here = source_of(written) in (*settings().checkpoints(), *settings().photo_folders())
    else:
        here = settings().allows(written)
    if written != kind.default and not here:
        raise ValueError(f"{written[:80]!r} may not be loaded here")
    return written


def described(kind: PhotoKind, name: str) -> ModelDescription:
    """What is known of a network before it is loaded. Raises `ModelSourceError`, `MissingPackageError`."""
    library, checkpoint = _of_torch(name)
    if not library and kind.module is not None and not name.startswith(FOLDER):
        raise ModelSourceError(
            "hub.library",
            f"{name!r} names no library with SE or CBAM; expected one of {', '.join(TORCH_LIBRARIES)}, a slash and a "
            "name.",
            name=name,
            expected=", ".join(TORCH_LIBRARIES),
        )
    if not library:
        return describe(source_of(name))
    architecture = architecture_of(name)
    if checkpoint is not None:
        return ModelDescription(name, architecture, None, 0, None, (), on_disk=True)
    weights = published_weights(name)
    size = 0 if weights.here else weights.size or 4 * weights.parameters  # 32 bits each, before they are packed
    return ModelDescription(name, architecture, weights.parameters, size, None, (), on_disk=weights.here)


def loading_call(name: str) -> str:
    """How a program gets a network of others."""
    library, checkpoint = _of_torch(name)
    if checkpoint is not None:
        return f"load_hub_vision_model({f'{library}/{architecture_of(name)}'!r}, checkpoint={str(checkpoint)!r})"
    return f"load_hub_vision_model({name if library else f'transformers/{source_of(name)}'!r})"
