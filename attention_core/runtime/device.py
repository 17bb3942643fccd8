"""The device that a model runs on, and its name for people."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch

from attention_core.errors import ControlError


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """`device` itself, or for None: CUDA if there, else Apple MPS if there, else the CPU.

    Raises `ControlError` if a device is asked for that this machine lacks.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    chosen = torch.device(device)
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(chosen.type, True):
        raise ControlError(
            "device.missing",
            f"device {str(chosen)!r} was asked for, but torch finds none here; use None to let it choose.",
            came=str(chosen),
        )
    return chosen


def device_name(device: torch.device) -> str:
    """What people call it, such as "NVIDIA H100" or "CPU · Intel Xeon"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU · {processor_name()}"


@cache
def processor_name() -> str:
    """The processor as the system names it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
