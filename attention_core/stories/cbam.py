"""CBAM: one photo, one stage; attention over channels, then over positions, then the prediction.

Woo et al. 2018, §3. C channels, r hidden units, H × W the map, k the kernel size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from attention_core.analysis.stages import SpatialConvolution, is_flat, spatial_convolution
from attention_core.figures import range_text
from attention_core.mechanisms.cbam import CBAM, CBAMTrace, ChannelAttentionTrace, SpatialAttentionTrace
from attention_core.stories.arrays import array
from attention_core.stories.compared import bars, maps, side_by_side, tiles
from attention_core.stories.masks import masks
from attention_core.stories.photo import (
    FollowedStage,
    changed_steps,
    example,
    features,
    flat_note,
    weight_blocks,
    weight_example,
    weight_facts,
)
from attention_core.stories.photo_measured import extremes
from attention_core.stories.photo_prediction import prediction
from attention_core.stories.story import Beside, Block, Figure, Folded, Note, Step, Story
from attention_core.stories.tex import tex
from attention_core.words import Say, Words

KEY = "cbam"
S, M = tex("channel", "s_c"), tex("mask", "M")
MEAN, MAX = r"z^{\text{mean}}", r"z^{\text{max}}"
_NAMES = {"avg": "mean", "max": "max"}  # the poolings in formulas


@dataclass(frozen=True)
class _Module:
    """The module that is followed, with its numbers, and those as trained where something is changed."""

    f: FollowedStage
    channel: ChannelAttentionTrace
    spatial: SpatialAttentionTrace
    before: CBAMTrace | None
    module: CBAM

    @property
    def masked_first(self) -> bool:
        """Whether the order is changed to space before channels."""
        return bool(self.f.change.get("order") == "spatial-first")

    @property
    def facts(self) -> dict[str, Any]:
        """What each of its steps may speak of."""
        used = self.f.pooling
        both = len({*used}) == 2
        return {
            **self.f.facts,
            "both": both,
            "mean_alone": not both and "avg" in used,
            "max_alone": not both and "max" in used,
            "masked_first": self.masked_first,
        }

    def pair(self, name: str, what: str, title: str, unit: str = "words.channel") -> list[Block]:
        """What the branch of the mean and that of the maximum give; as trained and changed, a figure each."""
        names = {"avg": Say("photo.mean"), "max": Say("photo.maximum")}
        now = {branch: getattr(self.channel, f"{branch}_{what}")[0] for branch in names}
        if self.before is None:
            look: dict[str, Any] = {"second": array(now["max"]), "names": tuple(names.values())}
            return bars(name, now["avg"], title=Say(title), unit=Say(unit), **look)
        blocks: list[Block] = []
        for branch, said in names.items():
            which = Say("change.which", {"title": Say(title), "which": said})
            was = getattr(self.before.channel, f"{branch}_{what}")[0]
            blocks += bars(f"{name}-{_NAMES[branch]}", now[branch], was, title=which, unit=Say(unit))
        return blocks


def cbam_story(followed: FollowedStage) -> Story:
    """The way of a photo through the CBAM module of one stage."""
    stage, before = followed.stage, followed.stage_before
    attention, module = stage.attention, followed.modules[followed.name]
    was = None if before is None else before.attention
    assert isinstance(attention, CBAMTrace) and isinstance(module, CBAM)
    assert was is None or isinstance(was, CBAMTrace)
    m = _Module(followed, attention.channel, attention.spatial, was, module)
    steps = (
        features(followed),
        _pooled(m),
        _mlp(m),
        _weights(m),
        _maps(m),
        _convolution(m),
        _mask(m),
        masks(followed.trace, followed.photo, before=followed.before, measured=followed.measured),
        *changed_steps(followed),
        prediction(followed.trace, followed.before, measured=followed.measured, random=followed.random),
    )
    return Story(KEY, followed.focus, followed.facts, steps)


def _pooled(m: _Module) -> Step:
    channel = m.channel
    best = int(channel.max_pooled[0].argmax())
    u = r"u'_c(i,j)" if m.masked_first else "u_c(i,j)"
    formulas = [rf"u'_c = {M} \cdot u_c"] if m.masked_first else []
    formulas += [
        rf"{MEAN}_c = \frac{{1}}{{HW}} \sum_{{i,j}} {u}",
        rf"{MAX}_c = \max_{{i,j}} {u}",
    ]
    facts = {
        **m.facts,
        "channel": best,
        "mean": channel.avg_pooled[0, best].item(),
        "maximum": channel.max_pooled[0, best].item(),
    }
    arrays = {
        "input": array(channel.input[0]),
        "mean": array(channel.avg_pooled[0]),
        "maximum": array(channel.max_pooled[0]),
    }
    return Step("cbam.pooled", formulas, facts, m.pair("pooled", "pooled", "cbam.pooled.figure"), arrays)


def _mlp(m: _Module) -> Step:
    channel = m.channel
    facts = {
        **m.facts,
        "hidden": channel.avg_hidden.shape[1],
        "mean_zeros": int((channel.avg_hidden == 0).sum()),
        "max_zeros": int((channel.max_hidden == 0).sum()),
    }
    blocks = m.pair("mlp-hidden", "hidden", "cbam.mlp.hidden", "squeeze_excitation.hidden.unit")
    blocks += m.pair("mlp-logits", "logits", "cbam.mlp.logits")
    layers = m.module.channel
    arrays = {
        "W1": array(layers.reduce.weight),
        "b1": array(layers.reduce.bias),
        "W2": array(layers.expand.weight),
        "b2": array(layers.expand.bias),
        "e_mean": array(channel.avg_logits[0]),
        "e_max": array(channel.max_logits[0]),
    }
    formula = r"h = \mathrm{ReLU}(W_1 z + b_1) \qquad e = W_2 h + b_2"
    return Step("cbam.mlp", [formula], facts, blocks, arrays)


def _weights(m: _Module) -> Step:
    """The sum through the sigmoid, and one channel of it in numbers."""
    channel, weights = m.channel, m.channel.weights[0]
    used = {"avg": channel.avg_logits, "max": channel.max_logits}
    logits = {_NAMES[name]: values for name, values in used.items() if name in m.f.pooling}
    terms = [rf"e^{{\text{{{name}}}}}_c" for name in logits]
    formulas = [rf"{S} = \sigma({' + '.join(terms)})"]
    best = example(m.f)
    if best is not None:
        inside = [values[0, best].item() for values in logits.values()]
        formulas.append(weight_example(best, r"\sigma", inside, weights[best].item()))
    facts = {**m.facts, **weight_facts(m.f), "extremes": extremes(weights)}
    blocks = [*weight_blocks(m.f), *flat_note(m.f, "cbam.weights.flat")]
    return Step("cbam.weights", formulas, facts, blocks, {"s": array(weights)})


def _maps(m: _Module) -> Step:
    u = "u_c" if m.masked_first else "u'_c"
    formulas = [
        (rf"u'_c = {S}\, u_c \qquad " if not m.masked_first else "") + rf"P^{{\text{{max}}}}(i,j) = \max_c {u}(i,j)",
        rf"P^{{\text{{mean}}}}(i,j) = \frac{{1}}{{C}} \sum_c {u}(i,j)",
    ]
    blocks: list[Block] = []
    for name, field in (("maximum", "max_map"), ("mean", "mean_map")):
        title, was = Say(f"cbam.maps.{name}"), None
        if m.before is not None:
            was = getattr(m.before.spatial, field)[0, 0]
            blocks.append(Note(title, "text"))
        blocks += maps(f"map-{name}", getattr(m.spatial, field)[0, 0], was, title=title)
    if m.before is None:
        blocks = [Beside(blocks)]
    blocks.append(Folded(Say("words.differs"), [Note(Say("cbam.maps.correction"), "text")]))
    arrays = {
        "input": array(m.spatial.input[0]),
        "maximum": array(m.spatial.max_map[0, 0]),
        "mean": array(m.spatial.mean_map[0, 0]),
    }
    return Step("cbam.maps", formulas, m.facts, blocks, arrays)


def _convolution(m: _Module) -> Step:
    """The kernel's two planes, what each adds, and the logits of the mask."""
    parts = spatial_convolution(m.module.spatial, m.spatial, m.f.pooling)
    kernel = array(parts.kernel)
    size = kernel.shape[-1]
    offsets = [f"{offset:+d}" if offset else "0" for offset in range(-(size // 2), size // 2 + 1)]
    look = {"rows": offsets, "columns": offsets, "kind": "signed", "limit": float(abs(kernel).max())}
    planes = [
        Figure(f"kernel-{name}", "matrix", {"values": plane, "title": Say(f"cbam.convolution.{name}"), **look},
               alt=Say(f"cbam.convolution.{name}"))
        for name, plane in zip(("maximum", "mean"), kernel, strict=True)
    ]  # fmt: skip
    title = Say("cbam.convolution.logits")
    was = None if m.before is None else _tiles(spatial_convolution(m.module.spatial, m.before.spatial))
    summed = tiles("mask-logits", _tiles(parts), was, title=title, columns=3, kind="signed")
    planes_used = " + ".join(
        rf"K^{{\text{{{name}}}}} \star P^{{\text{{{name}}}}}"
        for name in ("max", "mean")
        if {"max": "max", "mean": "avg"}[name] in m.f.pooling
    )
    facts = {
        **m.facts,
        "size": size,
        "difference": parts.difference,
        "reflect": m.module.spatial.conv.padding_mode == "reflect",
        "zeros": m.module.spatial.conv.padding_mode == "zeros",
    }
    arrays = {
        "kernel": kernel,
        "c": np.array(parts.offset),
        "from_max": array(parts.from_max),
        "from_mean": array(parts.from_mean),
        "logits": array(m.spatial.logits[0, 0]),
    }
    formulas = [rf"L = {planes_used} + c", f"c = {parts.offset:.2f}"]
    return Step("cbam.convolution", formulas, facts, [Beside(planes), *summed], arrays)


def _tiles(parts: SpatialConvolution) -> tuple[Sequence[Tensor], Sequence[Words]]:
    found = {"from_max": parts.from_max, "from_mean": parts.from_mean, "logits": parts.summed}
    return [*found.values()], [Say(f"cbam.convolution.{name}") for name in found]


def _mask(m: _Module) -> Step:
    """The mask alone and over the photo, on the honest scale unless somebody asks for another."""
    mask, look = m.spatial.mask[0, 0], m.f.look
    override = m.f.change.get("mask_override")
    drawn = {"stretch": look.stretch, "stretched_note": Say("cbam.mask.stretched"), "value_name": "M"}
    title = Say("words.mask")

    def over(name: str, values: Tensor, opacity: float, said: Words, alt: Words) -> Figure:
        given = {"photo": m.f.photo, "mask": array(values), "opacity": opacity, "title": said, **drawn}
        return Figure(name, "mask_over_photo", given, alt=alt)

    if m.before is None:
        blocks: list[Block] = [
            Beside(
                [
                    over(f"mask-{name}", mask, opacity, Say(f"cbam.mask.{name}"), Say(f"cbam.mask.{name}"))
                    for name, opacity in (("over", look.opacity), ("alone", 1.0))
                ]
            )
        ]
    else:
        was = m.before.spatial.mask[0, 0]
        sides = [
            over(
                f"mask-{which}",
                values,
                look.opacity,
                Say(f"change.{which}"),
                Say("change.which", {"title": title, "which": Say(f"change.{which}")}),
            )
            for which, values in (("before", was), ("after", mask))
        ]
        blocks = side_by_side(sides, "mask", mask, was, title=title, limit=1.0)
    facts = {
        **m.facts,
        "range": range_text(array(mask)),
        "painted": 0 if override is None else int((~override.isnan()).sum()),
    }
    if is_flat(mask):
        blocks.append(Note(Say("cbam.mask.flat", facts), "info"))
    output = rf"\tilde u_c = {S} \cdot u'_c" if m.masked_first else rf"\tilde u_c = {M} \cdot u'_c"
    step = [rf"{M} = \sigma(L) \qquad " + (rf"u'_c = {M} \cdot u_c \qquad " if m.masked_first else "") + output]
    return Step("cbam.mask", step, facts, blocks, {"mask": array(mask)})
