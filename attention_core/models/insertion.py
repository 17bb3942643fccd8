"""SE or CBAM behind the chosen parts of any convolutional network.

    x = attention(place(x))

Hu et al. 2018, "Squeeze-and-Excitation Networks", §3.3, put SE behind a whole Inception module (fig. 2) and, in a
residual block, behind the branch before it is added (fig. 3); Woo et al. 2018, "CBAM", fig. 3, does the latter. On
torchvision's networks these places are "inception3a", "Mixed_5b" and "layer1.0.bn2".

B batch, C channels, H × W the map.
"""

from __future__ import annotations

import copy
import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError
from attention_core.mechanisms.cbam import CBAM, CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.overrides import Overrides, checked_overrides

InsertedKind = Literal["se", "cbam"]
MadeAttention = Callable[[int], SqueezeExcitation | CBAM]  # from C
LISTED = 40  # places that an error names at most: more are not read


@dataclass(frozen=True, eq=False)
class AttendedTrace(Trace):
    """One pass through a network with inserted attention."""

    attentions: Mapping[str, SqueezeExcitationTrace | CBAMTrace]  # by place, in the order in which they ran
    output: Any  # whatever the network returns; logits (B, classes) of a classifier


@dataclass
class _Recording:
    controls: Overrides
    outputs: Mapping[str, Tensor] = field(default_factory=dict)  # what goes on from a place instead of its own
    attentions: dict[str, SqueezeExcitationTrace | CBAMTrace] = field(default_factory=dict)


# The trace that the current thread is taking. A network calls its parts with tensors alone, and the parts are shared by
# all threads, so that neither an argument nor an attribute could carry this.
_recording: ContextVar[_Recording | None] = ContextVar("recording", default=None)


class Attended(nn.Module):
    """A part of a network and the attention behind it. name: that of the part before it was wrapped.

    What is asked of the part, such as `weight`, is still found; but `isinstance` sees the wrapper.
    """

    def __init__(self, name: str, place: nn.Module, attention: SqueezeExcitation | CBAM) -> None:
        super().__init__()
        self.name = name
        self.place = place
        self.attention = attention.train(place.training)
        self.training = place.training  # not train(): a frozen norm inside the part stays frozen

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "place" or name.startswith("__"):  # not yet there, or a protocol of the wrapper's own
                raise
            return getattr(self.place, name)

    def forward(self, *inputs: Any, **named_inputs: Any) -> Tensor:
        """What the part takes → (B, C, H, W). Raises `ShapeError`, `KindError`."""
        x: Tensor = self.place(*inputs, **named_inputs)
        recording = _recording.get()
        if recording is None:
            attended: Tensor = self.attention(x)
            return attended
        # Networks overwrite their maps (`out += shortcut`, ReLU in place): those in the trace are its own.
        if self.name in recording.outputs:
            return recording.outputs[self.name].clone()
        traced = self.attention.trace(x.clone(), **recording.controls.get(self.name, {}))
        recording.attentions[self.name] = traced
        return traced.output.clone()


class AttendedModel(nn.Module):
    """A network with attention inserted by `insert_attention`. network: the network itself, its parts wrapped."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.training = network.training

    @property
    def places(self) -> tuple[str, ...]:
        """The keys of `overrides` and of `AttendedTrace.attentions`."""
        return tuple(self._attended())

    def forward(self, images: Tensor) -> Any:
        """The fast path: what the network takes → what the network returns, such as logits (B, classes)."""
        return self.network(images)

    @torch.no_grad()
    def trace(self, images: Tensor, *, overrides: Overrides | None = None) -> AttendedTrace:
        """The same pass with every intermediate of the inserted attention.

        images: what the network takes, as a rule (B, 3, H, W). overrides: place → what-if controls of the attention
        there, such as {"layer1": {"gate_override": tensor}}. Raises `ControlError`, `ShapeError`, `KindError`.
        """
        attentions = {place: part.attention for place, part in self._attended().items()}
        controls = checked_overrides(overrides, attentions, "place", lambda place: f"the attention behind {place}")
        recording = _Recording(controls)
        output = self._run(images, recording)
        return AttendedTrace(recording.attentions, output)

    def with_output(self, images: Tensor, place: str, output: Tensor) -> Any:
        """What the network returns for `images` where the attention behind one place gives `output` (B, C, H, W).

        Gradients flow into `output`. Raises `ControlError` for an unknown place.
        """
        if place not in self.places:
            raise ControlError(
                "control.stage",
                f"place is {place!r}; expected one of {', '.join(self.places)}.",
                came=place,
                expected=self.places,
            )
        return self._run(images, _Recording({}, {place: output}))

    def _run(self, images: Tensor, recording: _Recording) -> Any:
        # In training mode norms move their running statistics: a copy's, as a trace leaves no mark on the module.
        network = copy.deepcopy(self.network) if any(part.training for part in self.modules()) else self.network
        token = _recording.set(recording)
        try:
            return network(images)
        finally:
            _recording.reset(token)

    def _attended(self) -> dict[str, Attended]:
        return {part.name: part for part in self.network.modules() if isinstance(part, Attended)}


def insert_attention(
    model: nn.Module,
    kind: InsertedKind | MadeAttention,
    after: Sequence[str],
    *,
    reduction: int = 16,
    kernel_size: int = 7,
    example: Tensor | None = None,
) -> AttendedModel:
    """A copy of `model` with SE or CBAM behind each of the named parts; `model` itself is left as it is.

    The new weights are untrained: train them, and as a rule the network with them, before their gates and masks, or
    what the network now says, mean anything.

    kind: "se", "cbam", or what makes either from C, such as `partial(SqueezeExcitation, pooling="max")`; reduction: C
    // r, and kernel_size: k of CBAM, are for the two names. after: names from `model.named_modules()`, of parts that
    run once in a pass and give (B, C, H, W): a convolution, a norm, a block, a stage. Each attention takes C, dtype and
    device from what its part gives, and the part's training mode. example: images to find that out with, for a network
    that does not take the default (1, 3, 224, 224). A model with attention can be given more, of the other kind too.

    In `state_dict` of the result's `network`, "layer1.…" becomes "layer1.place.…" and "layer1.attention.…" is new.
    Raises `ControlError` for an unknown kind, and for a place that is unknown or unfit, with the possible ones.
    """
    if not callable(kind) and kind not in get_args(InsertedKind):
        raise ControlError(
            "control.attention",
            f"kind is {kind!r}; expected one of {', '.join(get_args(InsertedKind))}.",
            came=kind,
        )
    network = copy.deepcopy(model.network if isinstance(model, AttendedModel) else model)
    makers: Mapping[str, MadeAttention] = {
        "se": lambda channels: SqueezeExcitation(channels, reduction),
        "cbam": lambda channels: CBAM(channels, reduction, kernel_size),
    }
    make = kind if callable(kind) else makers[kind]
    names = (after,) if isinstance(after, str) else tuple(after)
    _check_names(names, taken={part.name for part in network.modules() if isinstance(part, Attended)})
    maps = _maps(network, names, example)
    parts = dict(network.named_modules())
    for name, x in maps.items():
        attention = make(x.shape[1]).to(x.device, x.dtype)
        _replace(network, parts[name], Attended(name, parts[name], attention))
    return AttendedModel(network)


def _check_names(names: tuple[str, ...], taken: set[str]) -> None:
    if not names:
        raise ControlError("control.place", "after is empty; expected the name of at least one part.", came="")
    for name, count in Counter(names).items():
        if count > 1 or name in taken:
            raise ControlError(
                "control.place_twice",
                f"{name!r} {'is named twice' if count > 1 else 'has attention already'}; expected each place once.",
                came=name,
            )


def _maps(network: nn.Module, names: tuple[str, ...], example: Tensor | None) -> dict[str, Tensor]:
    """What each named part gives, (B, C, H, W); only shape, dtype and device are to be relied on."""
    outputs = _outputs(network, example)
    possible = {
        name: came[0]
        for name, came in outputs.items()
        if len(came) == 1 and isinstance(came[0], Tensor) and came[0].dim() == 4 and came[0].is_floating_point()
    }
    for name in names:
        if name not in possible:
            raise ControlError(
                "control.place",
                f"after names {name!r}, which {_unfit(outputs.get(name))}; expected a part that runs once and gives "
                f"(B, C, H, W), such as {_listed(name, tuple(possible))}.",
                came=name,
                expected=tuple(possible),
            )
    return {name: possible[name] for name in names}


@torch.no_grad()
def _outputs(network: nn.Module, example: Tensor | None) -> dict[str, list[Any]]:
    """By part, what it gave each time that it ran on `example` in evaluation mode; tensors by their metadata alone."""
    probe = copy.deepcopy(network).eval()  # thrown away with its hooks
    outputs: dict[str, list[Any]] = {name: [] for name, _ in probe.named_modules() if name}

    def keep(came: list[Any], output: Any) -> None:
        came.append(output.new_empty(()).expand(output.shape) if isinstance(output, Tensor) else output)

    for name, came in outputs.items():
        probe.get_submodule(name).register_forward_hook(lambda _part, _input, output, came=came: keep(came, output))
    if example is None:
        weight = next((weight for weight in probe.parameters() if weight.is_floating_point()), torch.empty(0))
        example = weight.new_zeros(1, 3, 224, 224)
    try:
        probe(example)
    except Exception as error:  # whatever a network may raise
        raise ControlError(
            "control.example",
            f"the network does not run on an example of shape {tuple(example.shape)}: {error}. "
            "Pass images that it takes as example=….",
            came=tuple(example.shape),
        ) from error
    return outputs


def _unfit(came: list[Any] | None) -> str:
    if came is None:
        return "the network does not have"
    if len(came) != 1:
        return f"runs {len(came)} times in a pass" if came else "does not run in evaluation mode"
    return f"gives {tuple(came[0].shape)}" if isinstance(came[0], Tensor) else f"gives a {type(came[0]).__name__}"


def _listed(name: str, possible: tuple[str, ...]) -> str:
    """The possible places; where they are too many, those nearest to `name` and those in no other."""
    shown = possible
    if len(possible) > LISTED:
        inner = {place for place in possible for outer in possible if place.startswith(f"{outer}.")}
        outermost = (place for place in possible if place not in inner)
        shown = tuple(dict.fromkeys((*difflib.get_close_matches(name, possible, n=5, cutoff=0.5), *outermost)))[:LISTED]
    more = len(possible) - len(shown)
    return (", ".join(shown) or "none of this network's") + (f" and {more} more" if more else "")


def _replace(network: nn.Module, part: nn.Module, attended: Attended) -> None:
    """Puts `attended` wherever `part` is registered: a part may be known by more than one name."""
    for parent in list(network.modules()):
        for key, child in list(parent.named_children()):
            if child is part:
                parent.add_module(key, attended)
