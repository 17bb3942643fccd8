"""Squeeze-and-excitation: one photo, one stage, from the feature maps to the prediction."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import streamlit as st

from attention_core.analysis.stages import is_flat, strongest_and_weakest
from attention_core.figures import map_grid
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.tex import lines, number, tex
from ui.i18n import t
from ui.inputs import networks
from ui.inputs.photo import traced_photo
from ui.inputs.photo_network_picker import choose
from ui.inputs.photo_networks import SE
from ui.photos.gate_formulas import Gating, gating_of
from ui.photos.gate_life import band_of, extremes, is_still, say_how_gates_live
from ui.photos.steps import (
    bars,
    choose_stage,
    features_step,
    foreign_prediction_step,
    map_kind,
    prediction_step,
    unbatched,
    weights_figure,
)
from ui.shell.regions import region
from ui.stage.steps import correction, show, step
from ui.take_along.export import photo_export
from ui.take_along.foreign import stage_export

Z, S, U = r"z_c", tex("channel", "s_c"), r"u_c"
COMPARED = 3  # strongest channels, and as many weakest
VISIBLE = 0.9  # a weight above it leaves a map as bright as it was, to the eye


def main() -> None:
    """Controls, then the steps."""
    st.title(t("squeeze_excitation.title"))
    st.markdown(t("squeeze_excitation.lead"))
    network = choose(SE)
    assert network is not None
    photo, trace = traced_photo(lambda photo: networks.stage_trace(network, photo))
    stage = _one_stage(trace, gating_of(network.model))
    if isinstance(trace, HubVisionTrace):
        foreign_prediction_step(7, trace)
        stage_export("squeeze_excitation", network, photo, trace, stage)
        return
    output = tex("output", r"\tilde u_c(i,j)")
    formula = lines(rf"g_c = \frac{{1}}{{HW}} \sum_{{i,j}} {output}", r"p = \mathrm{softmax}(W g + b)")
    prediction_step(7, formula, trace, "se")
    photo_export("squeeze_excitation", "se", photo, trace, stage)


@region("stage")
def _one_stage(trace: StagedTrace, gating: Gating) -> StageTrace:
    stage = choose_stage(trace)
    assert isinstance(stage.attention, SqueezeExcitationTrace)
    features_step(1, stage)
    _squeeze(stage.attention)
    _hidden(stage.attention, gating)
    _logits(stage.attention)
    _gates(stage.attention, gating, None if isinstance(trace, HubVisionTrace) else "se", stage.name)
    _scale(stage, stage.attention)
    return stage


def _squeeze(attention: SqueezeExcitationTrace) -> None:
    best = int(attention.squeezed[0].argmax())
    H, W = attention.input.shape[2:]
    total = attention.input[0, best].sum().item()
    mean = attention.squeezed[0, best].item()
    formula = lines(
        rf"{Z} = \frac{{1}}{{HW}} \sum_{{i,j}} u_c(i,j)",
        rf"z_{{{best}}} = \frac{{{total:.2f}}}{{{H} \cdot {W}}} = {mean:.3f}",
    )
    with step(2, "squeeze_excitation.squeeze", formula, channels=attention.squeezed.shape[1], channel=best):
        bars(attention.squeezed, "squeezed", title=t("squeeze_excitation.squeeze.figure"), channel=t("words.channel"))


def _hidden(attention: SqueezeExcitationTrace, gating: Gating) -> None:
    C, r = attention.squeezed.shape[1], attention.hidden.shape[1]
    formula = rf"h = {gating.activation_tex}(W_1 z + b_1) \qquad W_1 \in \mathbb{{R}}^{{{r} \times {C}}}"
    values = {"channels": C, "hidden": r, "zeros": int((attention.hidden == 0).sum())}
    name = "squeeze_excitation.hidden" if gating.activation == "ReLU" else "photo_network.hidden"
    with step(3, name, formula, activation=gating.activation, **values):
        bars(
            attention.hidden,
            "hidden",
            title=t("squeeze_excitation.hidden.figure"),
            channel=t("squeeze_excitation.hidden.unit"),
        )


def _logits(attention: SqueezeExcitationTrace) -> None:
    C, r = attention.logits.shape[1], attention.hidden.shape[1]
    positive = int((attention.logits > 0).sum())
    formula = rf"e = W_2 h + b_2 \qquad W_2 \in \mathbb{{R}}^{{{C} \times {r}}}"
    with step(4, "squeeze_excitation.logits", formula, channels=C, positive=positive, negative=C - positive):
        bars(attention.logits, "logits", title=t("squeeze_excitation.logits.figure"), channel=t("words.channel"))


def _gates(attention: SqueezeExcitationTrace, gating: Gating, build: str | None, stage: str) -> None:
    weights = attention.weights[0]
    best = int(weights.argmax())
    left = tex("channel", rf"s_{{{best}}}")
    formula = lines(
        rf"{S} = {gating.gate_tex}(e_c){gating.gate_formula}",
        rf"{left} = {gating.gate_tex}({number(attention.logits[0, best].item())}) = {weights[best].item():.3f}",
    )
    name = "squeeze_excitation.gates" if gating.gate == "Sigmoid" else "photo_network.gates"
    with step(5, name, formula, gate=gating.gate, extremes=extremes(weights)):
        weights_figure(attention.weights, band_of(build, stage))
        say_how_gates_live(build, stage, weights)
        correction("squeeze_excitation.gates.correction")
        if is_flat(weights) and not is_still(build, stage):
            st.info(t("squeeze_excitation.gates.flat"), icon=":material/horizontal_rule:")


def _scale(stage: StageTrace, attention: SqueezeExcitationTrace) -> None:
    strong, weak = strongest_and_weakest(attention.weights, stage.features, COMPARED)
    channels = [*strong, *weak]
    before, after = unbatched(attention.input), unbatched(attention.output)
    gates = unbatched(attention.weights)
    output = tex("output", r"\tilde u_c(i,j)")
    kind = map_kind(attention.input)
    name = "photo_network.scale" if kind == "signed" else "squeeze_excitation.scale"
    with step(6, name, rf"{output} = {S} \cdot u_c(i,j)", count=len(strong), effect=_effect(gates[channels])):
        show(
            map_grid(
                [values[channel] for values in (before, after) for channel in channels],
                titles=[str(channel) for channel in channels] + [f"× {gates[channel]:.2f}" for channel in channels],
                kind=kind,
                columns=len(channels),
            ),
            "scaled",
            alt=t("squeeze_excitation.scale.title"),
        )
        correction("squeeze_excitation.scale.correction")


def _effect(gates: npt.NDArray[Any]) -> str:
    """What these weights do to their maps, as far as one can see it."""
    low, high = float(gates.min()), float(gates.max())
    name = "darker" if low < VISIBLE else "equal"
    return t(f"squeeze_excitation.scale.{name}", low=f"{low:.2f}", high=f"{high:.2f}")


main()
