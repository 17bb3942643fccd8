"""What stories about photos share: whose numbers are followed, what the convolutions see, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from attention_core.analysis.photo_change import mean_map
from attention_core.analysis.stages import channel_weights, is_flat, most_active
from attention_core.mechanisms.cbam import BOTH_POOLINGS, CBAMTrace
from attention_core.mechanisms.squeeze_excitation import Pooling
from attention_core.models import registry
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import ClassifiedPhoto, StageTrace, VisionClass, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.compared import bars, map_kind, maps, tiles
from attention_core.stories.photo_measured import Measured
from attention_core.stories.story import Block, Note, Step
from attention_core.stories.tex import number, tex
from attention_core.words import Named, Say, Words

Pixels = npt.NDArray[np.uint8]
Order = Literal["index", "sorted", "top"]
BUILD_NAMES = {"se": "SE", "cbam": "CBAM"}  # the same in every language
SHOWN_CHANNELS, COLUMNS = 12, 6
MOST_LATER = 4  # stages behind the one that is followed, of networks with many
OPACITY = 0.6
OUTPUT = tex("output", r"\tilde u_c(i,j)")
_OWN_STAGE = re.compile(r"stage\d+")


@dataclass(frozen=True)
class Look:
    """How figures are drawn; no number follows from it. opacity, stretch: of a mask over the photo."""

    order: Order = "index"
    opacity: float = OPACITY
    stretch: bool = False


@dataclass(frozen=True)
class FollowedStage:
    """One stage's numbers in one trace, or in one as trained (`before`) and one changed.

    modules: of the network, by the name of their stage; change: the controls with which the stage of `trace` was made,
    as `trace` of the network takes them; square: the photo in its own sharpness, (S, S, 3), as the network saw it where
    it is None; measured: of a network that ships; random: how likely the first answer is with as many channels off that
    were drawn at random, where the stage's strongest or weakest are.
    """

    trace: StagedTrace
    before: StagedTrace | None
    name: str
    modules: Mapping[str, nn.Module]
    change: Mapping[str, Any] = field(default_factory=dict)
    square: Pixels | None = None
    measured: Measured | None = None
    look: Look = Look()
    random: tuple[float, ...] = ()

    @property
    def stage(self) -> StageTrace:
        """In the trace."""
        return stage_of(self.trace, self.name)

    @property
    def stage_before(self) -> StageTrace | None:
        """As trained, where something is changed."""
        return None if self.before is None else stage_of(self.before, self.name)

    @property
    def photo(self) -> Pixels:
        """What lies under masks."""
        return seen_pixels(self.trace) if self.square is None else self.square

    @property
    def pooling(self) -> Collection[Pooling]:
        """The poolings that take part."""
        used: Collection[Pooling] = self.change.get("pooling", BOTH_POOLINGS)
        return used

    @property
    def facts(self) -> Mapping[str, Any]:
        """What every step may speak of."""
        C, H, W = self.stage.features.shape[1:]
        return {
            "shipped": isinstance(self.trace, VisionTrace),
            "changed": self.before is not None,
            "stage": stage_named(self.name),
            "channels": C,
            "height": H,
            "width": W,
        }

    @property
    def focus(self) -> dict[str, int | str]:
        """As links and files say it."""
        return {"stage": self.name}


def stage_of(trace: StagedTrace, name: str) -> StageTrace:
    """The stage of this name."""
    return next(stage for stage in trace.stages if stage.name == name)


def stage_named(name: str) -> Words:
    """ "stage2" by its number; the name of a module, which another library gave, as it is."""
    return Say("photo.stage", {"number": name.removeprefix("stage")}) if _OWN_STAGE.fullmatch(name) else name


def class_named(entry: VisionClass) -> Named:
    """What a class is called; in Chinese as in English where nobody has said it in Chinese."""
    if entry.zh != entry.en:
        return Named(entry.en, entry.zh)
    words = entry.en.lower().split(", ")  # some libraries name all synonyms
    return Named(entry.en, next((_in_chinese()[word] for word in words if word in _in_chinese()), entry.en))


@cache
def _in_chinese() -> dict[str, str]:
    return {entry.en.lower(): entry.zh for entry in registry.vision_classes()}


def group_named(entry: VisionClass) -> Named:
    """Its kind, such as "dog"; only the classes of the networks that ship have one."""
    return Named(**_groups()[entry.group])


_groups = cache(registry.vision_groups)


def seen_pixels(trace: ClassifiedPhoto) -> Pixels:
    """The square as the network saw it, (S, S, 3)."""
    pixels = (trace.image.float() * 255).round().to(torch.uint8).permute(1, 2, 0)
    return np.ascontiguousarray(pixels.cpu().numpy())


def small(square: Pixels, side: int) -> Pixels:
    """A photo with fewer pixels, (side, side, 3), for a place where more would not be seen."""
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS))


def features(f: FollowedStage) -> Step:
    """X → U: what the convolutions up to the stage make of the photo."""
    stage, before = f.stage, f.stage_before
    C, H, W = stage.features.shape[1:]
    count = SHOWN_CHANNELS if before is None else COLUMNS
    shown = most_active((stage if before is None else before).features, count)
    names = [str(channel) for channel in shown]

    def of(one: StageTrace) -> tuple[Sequence[Tensor], Sequence[Words]]:
        return [one.features[0, channel] for channel in shown], names

    title = Say("photo.features.alt", {"shown": len(shown)})
    was = None if before is None else of(before)
    blocks = tiles("features", of(stage), was, title=title, columns=min(COLUMNS, len(shown)), value_name="U")
    signed = map_kind(stage.features, *([] if before is None else [before.features])) == "signed"
    facts = {**f.facts, "shown": len(shown), "signed": signed}
    formula = (
        rf"U = \mathrm{{conv}}(X) \in \mathbb{{R}}^{{C \times H \times W}}"
        rf" = \mathbb{{R}}^{{{C} \times {H} \times {W}}}"
    )
    return Step("photo.features", [formula], facts, blocks, {"features": array(stage.features[0])})


def weight_blocks(f: FollowedStage) -> list[Block]:
    """The channel weights, and what was measured of them; as trained and with the change where there is one."""
    weights = channel_weights(f.stage)
    before = f.stage_before
    look: dict[str, Any] = {"order": f.look.order, "limits": (0.0, 1.0), "baseline": 0.5}
    if before is not None:
        title = Say("change.which", {"title": Say("photo.weight"), "which": stage_named(f.name)})
        return bars("channel-weights", weights, channel_weights(before), title=title, unit=Say("words.channel"), **look)
    band = None if f.measured is None else f.measured.bands.get(f.name)
    if band is not None:
        look |= {"band": (array(band[0]), array(band[2])), "band_name": Say("gate_life.band")}
    blocks = bars("channel-weights", weights, title=Say("photo.weight"), unit=Say("words.channel"), **look)
    return blocks if f.measured is None else [*blocks, *f.measured.gate_notes(f.name, weights)]


def flat_note(f: FollowedStage, key: str) -> list[Block]:
    """That the channel weights are nearly equal on this photo, unless they are the same on every one."""
    still = f.measured is not None and f.measured.is_still(f.name)
    return [Note(Say(key), "info")] if is_flat(channel_weights(f.stage)) and not still else []


def weight_facts(f: FollowedStage) -> dict[str, Any]:
    """Which channels have the largest weights, as trained, too, and how many are off or set."""
    weights, before = channel_weights(f.stage), f.stage_before
    override = f.change.get("gate_override")
    found: dict[str, Any] = {"set": 0 if override is None else int((~override.isnan()).sum())}
    if before is not None:
        as_trained = channel_weights(before)
        best = int(as_trained.argmax())
        found |= {"off": int((weights == 0).sum()), "best": best, "high": as_trained[best].item()}
    return found


def example(f: FollowedStage) -> int | None:
    """The channel of the largest weight that the network computed by itself; None where all are set."""
    override = f.change.get("gate_override")
    weights = channel_weights(f.stage)
    if override is not None:
        if not bool(override.isnan().any()):
            return None
        weights = weights.masked_fill(~override.isnan().to(weights.device), -torch.inf)
    return int(weights.argmax())


def weight_example(channel: int, gate: str, inside: Sequence[float], weight: float) -> str:
    """One channel of the gates in numbers. inside: what is added before the gate."""
    left = tex("channel", rf"s_{{{channel}}}")
    return rf"{left} = {gate}({' + '.join(number(value) for value in inside)}) = {weight:.3f}"


def changed_steps(f: FollowedStage) -> list[Step]:
    """What a change makes of the stage's output, and of the stages behind it; none where nothing is changed."""
    if f.before is None:
        return []
    factors = rf"{tex('mask', 'M')}(i,j) \cdot " if isinstance(f.stage.attention, CBAMTrace) else ""
    formula = [
        rf"{OUTPUT} = {factors}{tex('channel', 's_c')} \cdot u_c(i,j)",
        rf"\frac{{1}}{{C}} \sum_c {OUTPUT}",
    ]
    mean = {"mean": array(mean_map(f.stage.output)), "output": array(f.stage.output[0])}
    steps = [Step("photo.output", formula, f.facts, _mean_maps(f, f.name), mean)]
    names = [stage.name for stage in f.trace.stages]
    later = names[names.index(f.name) + 1 :]
    if not later:
        return steps
    last = len(later) - 1
    shown = later
    if len(later) > MOST_LATER:
        shown = [later[round(place * last / (MOST_LATER - 1))] for place in range(MOST_LATER)]
    facts = {**f.facts, "some": len(shown) < len(later), "shown": len(shown), "count": len(later)}
    blocks = [block for name in shown for block in _mean_maps(f, name)]
    arrays = {name: array(mean_map(stage_of(f.trace, name).output)) for name in shown}
    return [*steps, Step("photo.later", [], facts, blocks, arrays)]


def _mean_maps(f: FollowedStage, name: str) -> list[Block]:
    """The mean over the channels of one stage's output, as trained and with the change."""
    is_ = mean_map(stage_of(f.trace, name).output)
    was = None if f.before is None else mean_map(stage_of(f.before, name).output)
    stage = stage_named(name)
    return [
        Note(stage, "text"),
        *maps(f"features-{name}", is_, was, title=Say("photo.output.alt", {"stage": stage})),
    ]
