"""Squeeze-and-excitation: one photo, one stage, from the feature maps to the prediction.

Hu et al. 2018, §3. C channels, r hidden units, H × W the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from attention_core.analysis.stages import strongest_and_weakest
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.arrays import array
from attention_core.stories.compared import bars, map_kind, tiles
from attention_core.stories.gating import Gating, gating_of
from attention_core.stories.photo import (
    OUTPUT,
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
from attention_core.stories.story import Block, Folded, Note, Step, Story
from attention_core.stories.tex import tex
from attention_core.words import Say, Words

KEY = "squeeze_excitation"
Z, S = r"z_c", tex("channel", "s_c")
COMPARED = 3  # strongest channels, and as many weakest
VISIBLE = 0.9  # a weight above it leaves a map as bright as it was, to the eye


@dataclass(frozen=True)
class _Module:
    """The module that is followed, with its numbers, and those as trained where something is changed."""

    f: FollowedStage
    attention: SqueezeExcitationTrace
    before: SqueezeExcitationTrace | None
    module: SqueezeExcitation
    gating: Gating

    def bars(self, name: str, title: str, unit: str = "words.channel") -> list[Block]:
        """One of the trace's vectors by its name there."""
        was = None if self.before is None else getattr(self.before, name)[0]
        return bars(name, getattr(self.attention, name)[0], was, title=Say(title), unit=Say(unit))


def squeeze_excitation_story(followed: FollowedStage) -> Story:
    """The way of a photo through the SE module of one stage."""
    stage, before = followed.stage, followed.stage_before
    attention, module = stage.attention, followed.modules[followed.name]
    was = None if before is None else before.attention
    assert isinstance(attention, SqueezeExcitationTrace) and isinstance(module, SqueezeExcitation)
    assert was is None or isinstance(was, SqueezeExcitationTrace)
    m = _Module(followed, attention, was, module, gating_of(module))
    steps = (
        features(followed),
        _squeeze(m),
        _hidden(m),
        _logits(m),
        _gates(m),
        _scale(m),
        *changed_steps(followed),
        prediction(followed.trace, followed.before, measured=followed.measured, random=followed.random),
    )
    return Story(KEY, followed.focus, followed.facts, steps)


def _squeeze(m: _Module) -> Step:
    squeezed = m.attention.squeezed[0]
    best = int(squeezed.argmax())
    H, W = m.attention.input.shape[2:]
    total, value = m.attention.input[0, best].sum().item(), squeezed[best].item()
    mean = m.module.pooling == "avg"
    formulas = [
        rf"{Z} = \frac{{1}}{{HW}} \sum_{{i,j}} u_c(i,j)" if mean else rf"{Z} = \max_{{i,j}} u_c(i,j)",
        rf"z_{{{best}}} = "
        + (rf"\frac{{{total:.2f}}}{{{H} \cdot {W}}} = " if mean else rf"\max_{{i,j}} u_{{{best}}}(i,j) = ")
        + f"{value:.3f}",
    ]
    facts = {**m.f.facts, "channel": best, "mean": mean}
    blocks = m.bars("squeezed", "squeeze_excitation.squeeze.figure")
    return Step("squeeze_excitation.squeeze", formulas, facts, blocks, {"z": array(squeezed)})


def _hidden(m: _Module) -> Step:
    C, r = m.attention.squeezed.shape[1], m.attention.hidden.shape[1]
    formula = rf"h = {m.gating.activation_tex}(W_1 z + b_1) \qquad W_1 \in \mathbb{{R}}^{{{r} \times {C}}}"
    facts = {
        **m.f.facts,
        "hidden": r,
        "relu": m.gating.activation == "ReLU",
        "activation": m.gating.activation,
        "zeros": int((m.attention.hidden == 0).sum()),
    }
    blocks = m.bars("hidden", "squeeze_excitation.hidden.figure", "squeeze_excitation.hidden.unit")
    arrays = {"W1": array(m.module.reduce.weight), "b1": array(m.module.reduce.bias), "h": array(m.attention.hidden[0])}
    return Step("squeeze_excitation.hidden", [formula], facts, blocks, arrays)


def _logits(m: _Module) -> Step:
    C, r = m.attention.logits.shape[1], m.attention.hidden.shape[1]
    positive, negative = int((m.attention.logits > 0).sum()), int((m.attention.logits < 0).sum())
    formula = rf"e = W_2 h + b_2 \qquad W_2 \in \mathbb{{R}}^{{{C} \times {r}}}"
    facts = {
        **m.f.facts,
        "positive": positive,
        "negative": negative,
        "halves": m.gating.halves,
    }
    blocks = m.bars("logits", "squeeze_excitation.logits.figure")
    arrays = {"W2": array(m.module.expand.weight), "b2": array(m.module.expand.bias), "e": array(m.attention.logits[0])}
    return Step("squeeze_excitation.logits", [formula], facts, blocks, arrays)


def _gates(m: _Module) -> Step:
    weights, gate = m.attention.weights[0], m.gating.gate
    formulas = [rf"{S} = {m.gating.gate_tex}(e_c){m.gating.gate_formula}"]
    best = example(m.f)
    if best is not None:
        inside = [m.attention.logits[0, best].item()]
        formulas.append(weight_example(best, m.gating.gate_tex, inside, weights[best].item()))
    facts = {
        **m.f.facts,
        **weight_facts(m.f),
        "sigmoid": gate == "Sigmoid",
        "straight": gate == "Hardsigmoid",
        "halves": m.gating.halves,
        "gate": gate,
        "extremes": extremes(weights),
    }
    blocks = weight_blocks(m.f)
    blocks.append(Folded(Say("words.differs"), [Note(Say("squeeze_excitation.gates.correction"), "text")]))
    blocks += flat_note(m.f, "squeeze_excitation.gates.flat")
    return Step("squeeze_excitation.gates", formulas, facts, blocks, {"s": array(weights)})


def _scale(m: _Module) -> Step:
    """Some channels before and after their weights; where something is changed, those chosen as trained."""
    stage, before = m.f.stage, m.f.stage_before
    first, trained = (stage, m.attention) if before is None or m.before is None else (before, m.before)
    strong, weak = strongest_and_weakest(trained.weights, first.features, COMPARED)
    channels = [*strong, *weak]

    def of(one: StageTrace, attention: SqueezeExcitationTrace) -> tuple[Sequence[Tensor], Sequence[Words]]:
        shown = [values[0, channel] for values in (one.features, one.output) for channel in channels]
        gates = [f"× {attention.weights[0, channel].item():.2f}" for channel in channels]
        return shown, [*(str(channel) for channel in channels), *gates]

    was = None if m.before is None else of(first, trained)
    title = Say("squeeze_excitation.scale.title")
    blocks = tiles("scaled", of(stage, m.attention), was, title=title, columns=len(channels))
    blocks.append(Folded(Say("words.differs"), [Note(Say("squeeze_excitation.scale.correction"), "text")]))
    gates: npt.NDArray[np.floating[Any]] = array(m.attention.weights[0])[channels]
    facts = {
        **m.f.facts,
        "count": len(strong),
        "weakest": len(weak),
        "some_weak": bool(weak),
        "low": float(gates.min()),
        "high": float(gates.max()),
        "fainter": float(gates.min()) < VISIBLE,
        "signed": map_kind(m.attention.input) == "signed",
    }
    formula = rf"{OUTPUT} = {S} \cdot u_c(i,j)"
    return Step("squeeze_excitation.scale", [formula], facts, blocks, {"output": array(m.attention.output[0])})
