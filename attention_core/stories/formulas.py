"""The formulas of attention, by the facts of a network and what was changed; TeX, in the quantities' colours."""

from __future__ import annotations

from collections.abc import Sequence

from attention_core.figures import Quantity
from attention_core.stories.tex import number, tex

Q, K, V = tex("query", "q^i"), tex("key", "k^j"), tex("value", "v^j")
_LETTERS: dict[Quantity, str] = {"query": "q", "key": "k", "value": "v"}
_SUMMANDS = {"token": "W x^i", "position": "p_i", "segment": "s_i"}
SCORE, WEIGHT, OUTPUT = (
    tex("score", r"\alpha_{i,j}"),
    tex("weight", r"\tilde\alpha_{i,j}"),
    tex("output", "b^i"),
)
_HEAD_WEIGHT, _HEAD_OUTPUT = r"\tilde\alpha^{h}_{i,j}", tex("output", "b^{i,h}")


def embedding(layer: int, parts: Sequence[str], *, shipped: bool, root: bool, as_is: bool) -> list[str]:
    """h_0 as the sum of its parts, and what layer `layer` (from 0) reads of what comes to it.

    parts: which of token, position and segment a network adds; shipped: whether nothing is done to their sum but a
    factor of √D, if `root`; as_is: whether the layer reads it without a norm.
    """
    summed = " + ".join(_SUMMANDS[part] for part in parts)
    whole = rf"\sqrt{{D}}\,({summed})" if root else summed if shipped else rf"f({summed})"
    read = rf"h^i_{{{layer}}}" if as_is else rf"\mathrm{{norm}}(h^i_{{{layer}}})"
    return [rf"h^i_0 = {whole}", rf"{tex('embedding', 'a^i')} = {read} \in \mathbb{{R}}^D"]


def projections(bias: bool | None) -> list[str]:
    """q and k of a token, then v: a phone has room for two. bias: as in `added`."""
    q, k, v = (projected(name, "i", "a^i", bias) for name in _LETTERS)
    return [rf"{q} \qquad {k}", v]


def projected(quantity: Quantity, index: str, given: str, bias: bool | None) -> str:
    """The query, key or value of token `index`, by its map from the vector `given`."""
    letter = _LETTERS[quantity]
    return rf"{tex(quantity, f'{letter}^{index}')} = {tex(quantity, f'W^{letter}')} {given}{added(bias, f'b^{letter}')}"


def added(bias: bool | None, symbol: str) -> str:
    """What a map adds; None: it is not known whether it does."""
    return rf" + {symbol}" if bias else "" if bias is False else rf"\;(+\, {symbol})"


def prediction(layer: int, shipped: bool) -> list[str]:
    """From the heads of layer `layer` (from 0) to what is said.

    shipped: of others it is not known where they norm and what they add, so that only the end is written.
    """
    said = r"p(\text{token} \mid \text{sentence}) = \mathrm{softmax}(E\, h^i + c)"
    if not shipped:
        return [said]
    joined = rf"h' = h^i_{{{layer}}} + W^O [\,b^{{i,1}}; \dots; b^{{i,H}}\,] + c^O"
    return [joined, rf"h^i_{{{layer + 1}}} = h' + \mathrm{{MLP}}(\mathrm{{norm}}(h'))", said]


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


def head_weights(*, plain: bool, scaled: bool = True, temperature: float = 1.0, masked: bool = False) -> str:
    """The weights of head h from its queries and keys alone; the arguments as of `score` and `weight`."""
    product = rf"{tex('query', 'q^{i,h}')} \cdot {tex('key', 'k^{j,h}')}"
    score = rf"c\,({product}) + \beta_{{i,j}}"
    if plain:
        score = rf"\frac{{{product}}}{{\sqrt{{d}}}}" if scaled else product
    if temperature != 1:
        score = rf"\frac{{1}}{{{number(temperature)}}}\left({score}\right)"
    keys = r"j \in M_i" if masked else "j"
    return rf"{tex('weight', _HEAD_WEIGHT)} = \mathrm{{softmax}}_{{{keys}}}\left({score}\right)"


def head_output(*, gate: float = 1.0) -> str:
    """The output of head h, with its gate where that is not 1."""
    gated, said = ("", "") if gate == 1 else (r"g\,", rf" \qquad g = {number(gate)}")
    weight = tex("weight", r"\tilde\alpha^{h}_{i,l}")
    return rf"{_HEAD_OUTPUT} = {gated}\sum_l {weight}\, {tex('value', 'v^{l,h}')}{said}"


def two_stages(d: int, width: int, *, bias: bool) -> list[str]:
    """A head's query by way of one projection for all heads and a second one of its own: (d, width) the product."""
    query, constant = tex("query", "q^{i,h}"), added(bias, "b^{q,h}")
    once = rf"(\underbrace{{W^{{q,h}} W^q}}_{{{d} \times {width}}})\, a^i{constant}"
    twice = rf"W^{{q,h}} {tex('query', 'q^i')}{constant} = W^{{q,h}} (W^q a^i){constant}"
    # On lines of their own: a phone has no room for both.
    return [rf"{query} = {twice}", rf"{query} = {once}"]


def joined(*, bias: bool | None, by_heads: bool) -> str:
    """The heads' outputs as one; bias: None where it is not known; by_heads: whether as a sum of them, too."""
    constant = added(bias, "c")
    ends = rf"{tex('output', 'b^{i,1}')}; \dots; {tex('output', 'b^{i,H}')}"
    whole = rf"{OUTPUT} = W^O [{ends}]{constant}"
    return rf"{whole} = \sum_h W^O_h\, {_HEAD_OUTPUT}{constant}" if by_heads else whole


def importance() -> list[str]:
    """What the right answer loses without a head."""
    answer = r"(x_i \mid x_{\setminus i})"
    return [rf"\Delta_{{l,h}} = \log p\,{answer} - \log p_{{\setminus (l,h)}}{answer}"]


def rollout() -> list[str]:
    """Attention through all layers: each takes half of a token from itself."""
    mean = tex("weight", r"\overline{W}_l")
    return [
        rf"R_l = \left(\tfrac{{1}}{{2}}\,{mean} + \tfrac{{1}}{{2}}\,I\right) R_{{l-1}}",
        rf"R_0 = I \qquad {mean} = \tfrac{{1}}{{H_l}} \textstyle\sum_h {tex('weight', 'W_{l,h}')}",
    ]


def hiding() -> str:
    """How much of token i's final vector changes when token j is hidden."""
    return r"E_{i,j} = \frac{\lVert h^i - h^i_{\setminus j} \rVert}{\lVert h^i \rVert}"


def fewest_links(percent: int) -> str:
    """S_i, the fewest links of a query that carry a share of what it gives to the keys K that are shown."""
    weight = tex("weight", _HEAD_WEIGHT)
    return rf"\min |S_i| : \quad \sum_{{j \in S_i}} {weight} \;\ge\; {percent}\% \cdot \sum_{{j \in K}} {weight}"
