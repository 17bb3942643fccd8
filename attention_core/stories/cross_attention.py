"""Cross-attention: one head of a network that reads one text and writes another, followed at one written token.

Vaswani et al. 2017, §3.2.3. S tokens read, T written, d head width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from attention_core.analysis.heads import divided_by_root
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder, TwoTextTrace
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered, visible
from attention_core.models.translation import DecoderBlock
from attention_core.models.translator import Translator
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.story import Beside, Figure, Pick, Step, Story
from attention_core.words import Listed, Say, Words

BEST = 5  # tokens that a prediction shows
_MOST = 0.5  # of a head's weight: what lies on one token is more than on all others


@dataclass(frozen=True, eq=False)
class Crossed:
    """One head between two texts, and the written token that is followed; all counted from 0.

    bias: whether the maps to q and k add one, None where that is not known.
    """

    trace: TwoTextTrace
    layer: int
    head: int
    row: int
    bias: bool | None = None

    @property
    def attention(self) -> MultiHeadTrace:
        """Of the layer, between the texts."""
        return self.trace.cross[self.layer]

    @cached_property
    def source(self) -> list[str]:
        """S names, as on the axes."""
        return visible(self.trace.source.tokens)

    @cached_property
    def target(self) -> list[str]:
        """T names, the start token first."""
        return visible(self.trace.target.tokens)

    @property
    def facts(self) -> dict[str, Any]:
        """What every step may speak of."""
        return {"layer": self.layer + 1, "head": self.head + 1, "query": numbered(self.target)[self.row]}


def adds_bias(model: Translator | HubEncoderDecoder) -> bool | None:
    """Whether its cross-attention adds a bias to q and k; None where that is not known."""
    if not isinstance(model, Translator):
        return None
    block = model.decoder[0]
    assert isinstance(block, DecoderBlock)
    return block.cross.query.bias is not None


def cross_attention_story(crossed: Crossed) -> Story:
    """Where one written token looks in the text that was read, and what it makes of it."""
    focus: dict[str, int | str] = {"cross_layer": crossed.layer, "cross_head": crossed.head, "row": crossed.row}
    steps = (_one(crossed), _guess(crossed), _all(crossed), _within(crossed))
    return Story("cross_attention", focus, {"bias": crossed.bias}, steps)


def _one(c: Crossed) -> Step:
    """The written text asks, the read text answers."""
    attention = c.attention
    weights = attention.weights[0, c.head]  # (T, S)
    strongest = int(weights[c.row].argmax())
    facts = {**c.facts, "key": numbered(c.source)[strongest], "share": weights[c.row, strongest].item()}
    rooted = divided_by_root(attention)
    lines = [
        formulas.projected("query", "i", r"a^i_{\text{written}}", c.bias)
        + r" \qquad "
        + formulas.projected("key", "j", r"h^j_{\text{read}}", c.bias),
        formulas.looking(r"\tilde\alpha_{i,j}", "q^i", "k^j", rooted=rooted),
    ]
    figure = _between("cross-weights", weights, c.target, c.source, Say("cross_attention.one.figure", facts), c.row)
    arrays = {"query": attention.query, "key": attention.key, "scores": attention.scores, "weights": attention.weights}
    inner = {name: array(values[0, c.head]) for name, values in arrays.items()}
    return Step("cross_attention.one", lines, {**facts, "rooted": rooted}, [figure], inner)


def _guess(c: Crossed) -> Step:
    """What the network holds likely after the token that is followed."""
    target = c.trace.target
    best = target.predictions(c.row, BEST)
    words = [word for word, _ in best]
    last = c.row + 1 == len(target.tokens)
    follows = "" if last else target.vocabulary[target.tokens[c.row + 1].id]
    marked = not last and follows in words
    title = Say("cross_attention.guess.figure", c.facts)
    given = {
        "labels": words,
        "probabilities": [probability for _, probability in best],
        "title": title,
        "value_name": Say("words.probability"),
        "highlight": words.index(follows) if marked else None,
    }
    facts = {**c.facts, "best": words[0], "chance": best[0][1], "follows": follows, "last": last, "marked": marked}
    chances = target.logits[c.row].float().softmax(dim=-1)  # (V,)
    figure = Figure("cross-guess", "probability_bars", given, alt=title)
    return Step("cross_attention.guess", [], facts, [figure], {"p": array(chances)})


def _all(c: Crossed) -> Step:
    """All heads of the layer."""
    weights = c.attention.weights[0]  # (H, T, S)
    title = Say("cross_attention.all.figure", {"layer": c.layer + 1})
    names = [Say("words.head_number", {"number": head + 1}) for head in range(len(weights))]
    given = {
        "maps": list(array(weights)),
        "titles": names,
        "kind": "weight",
        "title": title,
        "value_name": Say("words.weight"),
        "row_name": Say("cross_attention.row"),
        "column_name": Say("cross_attention.column"),
    }
    ending = (weights[:, :, -1].mean(dim=1) > _MOST).tolist()
    facts = {
        "layer": c.layer + 1,
        "ends": any(ending),
        "ending": Listed([name for name, ends in zip(names, ending, strict=True) if ends]),
        "end": c.source[-1],
    }
    figure = Figure("cross-heads", "map_grid", given, alt=title)
    return Step("cross_attention.all", [], facts, [figure], {"weights": array(weights)})


def _within(c: Crossed) -> Step:
    """The self-attention on either side, in the same layer and head where there is one."""
    source, target = _side(c, c.trace.source), _side(c, c.trace.target)
    figures = [
        _between(
            f"within-{name}",
            weights,
            names,
            names,
            Say(f"cross_attention.within.{name}", {"layer": layer + 1, "head": head + 1}),
            row,
        )
        for name, (weights, layer, head), names, row in (
            ("source", source, c.source, None),
            ("target", target, c.target, c.row),
        )
    ]
    facts = {"both_ways": bool(source[0].triu(1).any()), "causal": not bool(target[0].triu(1).any())}
    arrays = {"source": array(source[0]), "target": array(target[0])}
    return Step("cross_attention.within", [], facts, [Beside(figures)], arrays)


def _side(c: Crossed, trace: TextTrace) -> tuple[Tensor, int, int]:
    """Weights of the head within one of the texts, its layer and its number."""
    layer = min(c.layer, len(trace.layers) - 1)
    weights = trace.layers[layer].weights[0]
    head = min(c.head, len(weights) - 1)
    return weights[head], layer, head


def _between(
    name: str, weights: Tensor, rows: Sequence[str], columns: Sequence[str], title: Words, row: int | None
) -> Figure:
    """Weights; where a row is followed, a click follows another."""
    given = {
        "values": array(weights),
        "rows": list(rows),
        "columns": list(columns),
        "kind": "weight",
        "title": title,
        "row_title": Say("words.query"),
        "column_title": Say("words.key"),
        "value_name": Say("words.weight"),
        "highlight_row": row,
        "clickable": row is not None,
    }
    return Figure(name, "matrix", given, alt=title, pick=None if row is None else Pick("row", range(len(rows))))
