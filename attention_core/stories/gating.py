"""The two functions of an SE module, in formulas: σ and ReLU in the paper, others elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation

# Classes that libraries have of their own for what torch has under another name.
_STANDARD = {"HSigmoid": "Hardsigmoid", "HSwish": "Hardswish", "Swish": "SiLU"}
_GATES = {
    "Sigmoid": r"\frac{1}{1 + e^{-e_c}}",
    "Hardsigmoid": r"\min\left(\max\left(\frac{e_c}{6} + \frac{1}{2},\, 0\right),\, 1\right)",
}


@dataclass(frozen=True)
class Gating:
    """What an SE module computes with, by torch's names. activation: of the hidden units; gate: of the weights."""

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

    @property
    def halves(self) -> bool:
        """Whether the gate of 0 is known to be 0.5, and that it lies between 0 and 1."""
        return self.gate in _GATES


def gating_of(module: SqueezeExcitation) -> Gating:
    """The functions of a module, those that libraries have of their own by torch's names."""
    kinds = (type(part).__name__ for part in (module.activation, module.gate))
    return Gating(*(_STANDARD.get(kind, kind) for kind in kinds))
