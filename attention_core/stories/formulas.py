"""The formulas of self-attention, by the facts of a network and what was changed; TeX, in the quantities' colours."""

from __future__ import annotations

from collections.abc import Sequence

from attention_core.figures import Quantity
from attention_core.stories.tex import number, tex

Q, K, V = tex("query", "q^i"), tex("key", "k^j"), tex("value", "v^j")
_SUMMANDS = {"token": "W x^i", "position": "p_i", "segment": "s_i"}
SCORE, WEIGHT, OUTPUT = (
    tex("score", r"\alpha_{i,j}"),
    tex("weight", r"\tilde\alpha_{i,j}"),
    tex("output", "b^i"),
)


def embedding(layer: int, parts: Sequence[str], *, shipped: bool, root: bool, as_is: bool) -> list[str]:
    """h_0 as the sum of its parts, and what layer `layer` (from 0) reads of what comes to it.

    parts: which of token, position and segment a network adds; shipped: whether nothing is done to their sum but a
    factor of √D, if `root`; as_is: whether the layer reads it without a norm.
    """
    summed = " + ".join(_SUMMANDS[part] for part in parts)
    whole = rf"\sqrt{{D}}\,({summed})" if root else summed if shipped else rf"f({summed})"
    read = rf"h^i_{{{layer}}}" if as_is else rf"\mathrm{{norm}}(h^i_{{{layer}}})"
    return [rf"h^i_0 = {whole}", rf"{tex('embedding', 'a^i')} = {read} \in \mathbb{{R}}^D"]


def projections(bias: bool | None) -> str:
    """q, k and v of a token; None: it is not known whether the maps add a bias."""

    def one(letter: str, name: Quantity) -> str:
        added = f" + b^{letter}" if bias else "" if bias is False else rf"\;(+\, b^{letter})"
        return rf"{tex(name, f'{letter}^i')} = {tex(name, f'W^{letter}')} a^i{added}"

    return r" \qquad ".join((one("q", "query"), one("k", "key"), one("v", "value")))


def prediction(layer: int, shipped: bool) -> list[str]:
    """From the heads of layer `layer` (from 0) to what is said.

    shipped: of others it is not known where they norm and what they add, so that only the end is written.
    """
    said = r"p(\text{token} \mid \text{sentence}) = \mathrm{softmax}(E\, h^i + c)"
    if not shipped:
        return [said]
    joined = rf"h' = h^i_{{{layer}}} + W^O [\,b^{{i,1}}; \dots; b^{{i,H}}\,] + c^O"
    return [rf"{joined} \qquad h^i_{{{layer + 1}}} = h' + \mathrm{{MLP}}(\mathrm{{norm}}(h'))", said]


def score(query: int, key: int, raw: float, score: float, d: int, *, scaled: bool = True, plain: bool = True) -> str:
    """α = q·k / √d, or q·k alone, then the same with the numbers of one query and one key.

    query, key: positions, counted from 0, which the formula counts from 1; plain: False for a network with a factor of
    its own or a position bias.
    """
    example = rf"\alpha_{{{query + 1},{key + 1}}}"
    if not plain:
        return (
            rf"{SCORE} = c\,({Q} \cdot {K}) + \beta_{{i,j}} \qquad "
            rf"{number(raw)} \;\to\; {example} = {number(score)}"
        )
    if not scaled:
        return rf"{SCORE} = {Q} \cdot {K} \qquad {example} = {number(raw)}"
    return (
        rf"{SCORE} = \frac{{{Q} \cdot {K}}}{{\sqrt{{d}}}} \qquad "
        rf"{example} = \frac{{{number(raw)}}}{{\sqrt{{{d}}}}} = {number(score)}"
    )


def weight(*, temperature: float = 1.0, masked: bool = False) -> list[str]:
    """The softmax over the keys; τ only where it is not 1, M_i only where a mask leaves some of them out."""
    over = r" / \tau" if temperature != 1 else ""
    exponential = tex("score", rf"e^{{\alpha_{{i,j}}{over}}}")
    keys = r"l \in M_i" if masked else "l"
    formula = rf"{WEIGHT} = \frac{{{exponential}}}{{\sum_{{{keys}}} e^{{\alpha_{{i,l}}{over}}}}}"
    said = [rf"\tau = {number(temperature)}"] if temperature != 1 else []
    if masked:
        said.append(rf"{WEIGHT} = 0 \;\; (j \notin M_i)")
    # On a line of its own: a phone has no room for it behind the fraction.
    return [formula, r" \qquad ".join(said)] if said else [formula]


def output(*, gate: float = 1.0) -> str:
    """The weighted sum of the values; g only where the head's gate is not 1."""
    if gate == 1:
        return rf"{OUTPUT} = \sum_j {WEIGHT}\, {V}"
    return rf"{OUTPUT} = g \sum_j {WEIGHT}\, {V} \qquad g = {number(gate)}"


def looking(weight: str, query: str, key: str, *, rooted: bool) -> str:
    """The weights of one query over the keys j; the symbols as in the text.

    rooted: False for a network with a factor of its own or a position bias.
    """
    product = rf"{tex('query', query)} \cdot {tex('key', key)}"
    score = rf"{product} / \sqrt{{d}}" if rooted else rf"c\,({product}) + \beta_{{i,j}}"
    return rf"{tex('weight', weight)} = \mathrm{{softmax}}_j({score})"
