"""State dicts of one's own: what lies in a file, and how many classes it tells apart.

Nothing that a file could run is ever run: a checkpoint is safetensors, or a pickle of nothing but tensors.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attention_core.errors import ModelSourceError, UnsupportedModelError, WeightsError
from attention_core.models.vision import VisionClass


def read_checkpoint(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a file by their names.

    Raises `ModelSourceError` where there is no file, `UnsupportedModelError` for a pickle that could run code,
    `WeightsError` for what is no state dict.
    """
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
    if isinstance(state, Mapping):
        state = state.get("state_dict", state)
    if not isinstance(state, Mapping):
        raise WeightsError(
            "hub.no_state",
            f"{path.name} holds a {type(state).__name__} and not the tensors of a network by their names. Save what "
            "its state_dict() gives.",
            name=path.name,
            came=type(state).__name__,
        )
    return state


def fill(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Gives a network its tensors. Raises `WeightsError` where they are those of another; name: of the file."""
    try:
        network.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise WeightsError(
            "hub.other_weights",
            f"{name} does not hold the tensors of {type(network).__name__}: {str(error)[:300]}",
            name=name,
            network=type(network).__name__,
        ) from error


def own_classes(network: nn.Module, state: Mapping[str, Tensor]) -> int | None:
    """How many classes `state` tells apart where it is that of `network` with another last layer; None where not.

    The last layer is what differs in nothing but the number of its outputs.
    """
    built = network.state_dict()
    if built.keys() != state.keys():
        return None
    other = [(tensor, state[name]) for name, tensor in built.items() if tensor.shape != state[name].shape]
    counts = {tuple(len(tensor) for tensor in pair) for pair in other if all(tensor.dim() for tensor in pair)}
    alike = all(before.shape[1:] == after.shape[1:] for before, after in other)
    return counts.pop()[1] if alike and len(counts) == 1 else None


def class_names(checkpoint: Path, count: int) -> tuple[VisionClass, ...]:
    """The lines of the text file beside a checkpoint, `mine.txt` beside `mine.safetensors`; none without that file.

    Raises `WeightsError` where there are not as many as the network has outputs.
    """
    path = checkpoint.with_suffix(".txt")
    if not path.is_file():
        return ()
    names = [line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines()]
    names = [name for name in names if name]
    if len(names) != count:
        raise WeightsError(
            "hub.labels",
            f"{path.name} names {len(names)} classes, and the network has {count}; expected one a line.",
            name=path.name,
            came=len(names),
            expected=count,
        )
    return tuple(VisionClass("", name, name, "") for name in names)
