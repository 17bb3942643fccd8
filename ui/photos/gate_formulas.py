"""The two functions of a network's SE modules, in formulas: σ and ReLU in the paper, others elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation
from attention_core.models.hub.vision import HubVisionModel
from attention_core.models.vision import VisionModel
from ui.inputs.photo_networks import attention_modules

# Classes that libraries have of their own for what torch has under another name.
_STANDARD = {"HSigmoid": "Hardsigmoid", "HSwish": "Hardswish", "Swish": "SiLU"}
_GATES = {
    "Sigmoid": r"\frac{1}{1 + e^{-e_c}}",
    "Hardsigmoid": r"\min\left(\max\left(\frac{e_c}{6} + \frac{1}{2},\, 0\right),\, 1\right)",
}


@dataclass(frozen=True)
class Gating:
    """What SE modules compute with, by torch's names. activation: of the hidden units; gate: of the channel weights."""

    activation: str
    gate: str

    @property
    def activation_tex(self) -> str:
        """Its sign in a formula."""
        return rf"\mathrm{{{self.activation}}}"

    @property
    def gate_tex(self) -> str:
        """Its sign in a formula."""
        return r"\sigma" if self.gate == "Sigmoid" else rf"\mathrm{{{self.gate}}}"

    @property
    def gate_formula(self) -> str:
        """What it makes of e_c; "" for one that is not spelled out."""
        return f" = {_GATES[self.gate]}" if self.gate in _GATES else ""


def gating_of(model: VisionModel | HubVisionModel) -> Gating:
    """The functions of the first SE module; all modules of a network have the same."""
    module = next(each for each in attention_modules(model).values() if isinstance(each, SqueezeExcitation))
    return Gating(*(_STANDARD.get(kind, kind) for kind in (_kind(module.activation), _kind(module.gate))))


def gate_of(model: VisionModel | HubVisionModel) -> str:
    """The sign of the function that makes channel weights; that of CBAM is always σ."""
    has_se = any(isinstance(each, SqueezeExcitation) for each in attention_modules(model).values())
    return gating_of(model).gate_tex if has_se else r"\sigma"


def _kind(part: object) -> str:
    return type(part).__name__
