"""The formulas of self-attention, as trained and with something changed; KaTeX, in the colours of the quantities."""

from __future__ import annotations

from ui.stage.tex import number, tex

Q, K, V = tex("query", "q^i"), tex("key", "k^j"), tex("value", "v^j")
SCORE, WEIGHT, OUTPUT = (
    tex("score", r"\alpha_{i,j}"),
    tex("weight", r"\tilde\alpha_{i,j}"),
    tex("output", "b^i"),
)


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


def weight(*, temperature: float = 1.0, masked: bool = False) -> str:
    """The softmax over the keys; τ only where it is not 1, M_i only where a mask leaves some of them out."""
    over = r" / \tau" if temperature != 1 else ""
    exponential = tex("score", rf"e^{{\alpha_{{i,j}}{over}}}")
    keys = r"l \in M_i" if masked else "l"
    formula = rf"{WEIGHT} = \frac{{{exponential}}}{{\sum_{{{keys}}} e^{{\alpha_{{i,l}}{over}}}}}"
    said = [rf"\tau = {number(temperature)}"] if temperature != 1 else []
    if masked:
        said.append(rf"{WEIGHT} = 0 \;\; (j \notin M_i)")
    if not said:
        return formula
    # On a line of its own: a phone has no room for it behind the fraction.
    second = r" \qquad ".join(said)
    return rf"\begin{{gathered}} {formula} \\[6pt] {second} \end{{gathered}}"


def output(*, gate: float = 1.0) -> str:
    """The weighted sum of the values; g only where the head's gate is not 1."""
    if gate == 1:
        return rf"{OUTPUT} = \sum_j {WEIGHT}\, {V}"
    return rf"{OUTPUT} = g \sum_j {WEIGHT}\, {V} \qquad g = {number(gate)}"
