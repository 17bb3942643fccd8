"""A network of the transformers library that reports what it computes.

Each call runs on a twin of the network: a copy of its modules that shares every parameter, with a config of its own.
The attention function, which goes through the library's `AttentionInterface`, and all hooks live on the twin and vanish
with it, so that the network itself is never written to and any number of threads can record it at once.
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attention_core.errors import UnsupportedModelError
from attention_core.models.hub.recording import AttentionControls, Recording

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Network = TypeVar("Network", bound=nn.Module)
IMPLEMENTATION = "attention_core"  # the name under which the library finds the attention function below


class _Additions(TorchFunctionMode):
    """Tells a recording of every addition; a mode of this kind is on in one thread alone."""

    FUNCTIONS = frozenset({torch.add, Tensor.add})  # a + b is the second

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in self.FUNCTIONS and len(args) >= 2 and isinstance(result, Tensor):
            self._recording.add(args[0], args[1], result)
        return result


_RECORDING: ContextVar[Recording] = ContextVar("attention_core_recording")


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **extras: Any,
) -> tuple[Tensor, Tensor]:
    return _RECORDING.get().attend(module, query, key, value, attention_mask, scaling, extras)


@cache
def _make_known() -> None:
    """Tells the library of the attention function; its masks are those that its own eager attention gets."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(IMPLEMENTATION, _attention)
    AttentionMaskInterface.register(IMPLEMENTATION, eager_mask)


def copied(network: Network) -> Network:
    """The modules and the config anew, for inference, with the same tensors."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    twin.train(False)
    return twin


class Twin:
    """A copy of a network for one call and one thread: its own modules and config, the network's own tensors."""

    def __init__(self, network: PreTrainedModel) -> None:
        """Raises `UnsupportedModelError` where the network's attention does not go through the library's interface."""
        _make_known()
        self.network = copied(network)
        self.network.set_attn_implementation(IMPLEMENTATION)
        if self.network.config.get_text_config()._attn_implementation != IMPLEMENTATION:
            name = type(network).__name__
            raise UnsupportedModelError(
                "hub.interface",
                f"{name} does not compute its attention through the library's attention interface, so that nothing of "
                "it can be read. Update the transformers library, or choose another architecture.",
                name=name,
            )
        self._names = {id(module): name for name, module in self.network.named_modules()}
        # The network without its head; OPT's head passes it by and calls the decoder within.
        whole: Any = self.network
        bodies = (whole.base_model, whole.get_decoder())
        self._bodies = [self._names[id(body)] for body in bodies if isinstance(body, nn.Module)]
        self.encoder_name, self.decoder_name = (
            self._names.get(id(part), "") for part in (whole.get_encoder(), whole.get_decoder())
        )
        self._blocks = frozenset(
            id(child) for module in self.network.modules() if isinstance(module, nn.ModuleList) for child in module
        )
        for module in self.network.modules():
            module.register_forward_pre_hook(_entered, with_kwargs=True)
            module.register_forward_hook(_left)

    def final(self, recording: Recording) -> Tensor:
        """(T, D) what the network's body gave to its head."""
        return next(recording.results[name] for name in self._bodies if name in recording.results)[0]

    @torch.no_grad()
    def run(self, controls: AttentionControls | None = None, **inputs: Any) -> tuple[Any, Recording]:
        """The library's own output for `inputs`, and what was computed on the way."""
        recording = Recording(self._names, self._blocks, controls or AttentionControls())
        token = _RECORDING.set(recording)
        try:
            with _Additions(recording):
                return self.network(**inputs), recording
        finally:
            _RECORDING.reset(token)


def _entered(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    _RECORDING.get().enter(module, args, kwargs)


def _left(module: nn.Module, args: tuple[Any, ...], output: object) -> None:
    _RECORDING.get().leave(module, output)
