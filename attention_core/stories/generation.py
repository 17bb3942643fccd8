"""Writing: what a network wrote token by token, and the moment when one of the tokens was chosen.

n tokens written, T read before one of them, S of the text that is translated, H heads, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from attention_core.analysis.heads import divided_by_root
from attention_core.analysis.sinks import FEWEST, MARK
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.tokenization import numbered, visible
from attention_core.models.translation import TranslationStep
from attention_core.models.writing import GenerationStep, Sampling, log_probability, rivals
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.story import Beside, Figure, Pick, Step, Story
from attention_core.words import Say, Words


@dataclass(frozen=True, eq=False)
class Moment:
    """The moment when one token was chosen, in a whole that a network wrote; all counted from 0.

    sampling: None for the likeliest token each time; head: of the attention over what is written; cross_head: over what
    is read, None in a network that has one text only.
    """

    written: Sequence[GenerationStep]
    sampling: Sampling | None
    number: int
    layer: int
    head: int
    cross_head: int | None = None

    @property
    def now(self) -> GenerationStep:
        """When the token was chosen."""
        return self.written[self.number]

    @cached_property
    def names(self) -> list[str]:
        """Of the n written tokens."""
        return visible(self.written[-1].written)

    @property
    def name(self) -> str:
        """Of the token that was chosen."""
        return self.names[self.number]

    @property
    def last(self) -> str:
        """The last token that was read before it."""
        return visible(self.now.read)[-1]

    @property
    def focus(self) -> dict[str, int | str]:
        """As links and files say it: the translator's layers and heads are others than those of pages on one text."""
        if self.cross_head is None:
            return {"written": self.number, "layer": self.layer, "head": self.head}
        heads = {"cross_head": self.cross_head, "own_head": self.head}
        return {"written": self.number, "cross_layer": self.layer, **heads}

    @property
    def facts(self) -> dict[str, Any]:
        """What every step may speak of."""
        drawn = self.sampling is not None
        facts = {"last": self.last, "token": self.name, "layer": self.layer + 1, "drawn": drawn}
        if self.sampling is not None:
            top_k = self.sampling.top_k
            facts |= {
                "temperature": self.sampling.temperature,
                "top_k": str(top_k) if top_k else Say("generation.every"),
            }
        return facts


def generation_story(moment: Moment) -> Story:
    """All choices, then one of them: its rivals, where the heads looked, and the same heads at every choice."""
    steps = [_whole(moment), _guess(moment)]
    if moment.cross_head is not None:
        steps.append(_cross(moment, moment.cross_head))
    steps.append(_own(moment))
    steps.append(_rows(moment) if moment.cross_head is None else _both(moment, moment.cross_head))
    return Story("generation", moment.focus, {"translates": moment.cross_head is not None}, steps)


def _whole(m: Moment) -> Step:
    """All choices with their probabilities, and their product."""
    total = log_probability(m.written)
    own = [one.probability for one in m.written]
    drawn = [] if m.sampling is None else [m.sampling.probability(one) for one in m.written]
    facts = {
        **m.facts,
        "count": len(m.written),
        "product": _power(total),
        "log": total,
        "mean": math.exp(total / len(m.written)),
    }
    title = Say("generation.whole.figure")
    pick = Pick("written", range(len(m.written)))
    figure = _bars("written-tokens", m.names, own, drawn, title, m.number, pick)
    arrays = {"p": np.array(own)} | ({"drawn": np.array(drawn)} if drawn else {})
    formula = r"p(y \mid x) = \prod_{t=1}^{n} p(y_t \mid x,\, y_1 \dots y_{t-1})"
    return Step("generation.whole", [formula], facts, [figure], arrays)


def _power(logarithm: float) -> str:
    """e to a power, small as it may be: 12% or 3.2 × 10⁻⁷."""
    if logarithm > math.log(0.001):
        return f"{math.exp(logarithm):.1%}"
    tens = logarithm / math.log(10)
    power = math.floor(tens)
    superscript = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{10 ** (tens - power):.1f} × 10{superscript}"


def _guess(m: Moment) -> Step:
    """What the network held for likely, what temperature and top-k made of it, and what it wrote."""
    one, sampling = m.now, m.sampling
    others = rivals(one, sampling)
    # Of networks of others it is not known whether they add a bias.
    added = "+ b" if isinstance(one, TranslationStep) else r"\;(+\, b)"
    lines = [rf"p(\text{{next}}) = \mathrm{{softmax}}(z), \quad z = E\, h_T {added}"]
    facts = {**m.facts, "share": one.probability, "goes_on": m.number + 1 < len(m.written)}
    arrays = {"p": array(one.logits.float().softmax(dim=-1))}  # (V,)
    if sampling is not None:
        kept = rf"_{{\text{{top }}{sampling.top_k}}}" if sampling.top_k else ""
        lines.append(rf"p'(\text{{next}}) = \mathrm{{softmax}}{kept}(z / {sampling.temperature:g})")
        facts["chance"] = sampling.probability(one)
        arrays["drawn"] = array(sampling.probabilities(one.logits))
    figure = _bars(
        "next-token",
        [rival.token for rival in others],
        [rival.probability for rival in others],
        [] if sampling is None else [rival.drawn for rival in others],
        Say("generation.guess.figure", {"last": m.last}),
        next(place for place, rival in enumerate(others) if rival.written),
    )
    return Step("generation.guess", lines, facts, [figure], arrays)


def _bars(
    name: str,
    labels: Sequence[str],
    own: Sequence[float],
    drawn: Sequence[float],
    title: Words,
    highlight: int,
    pick: Pick | None = None,
) -> Figure:
    """Probabilities; drawn: what temperature and top-k have made of them, where they have."""
    given: dict[str, Any] = {
        "labels": list(labels),
        "probabilities": list(own),
        "title": title,
        "value_name": Say("words.probability"),
        "highlight": highlight,
    }
    if drawn:
        given |= {"second": list(drawn), "names": (Say("generation.own"), Say("generation.changed"))}
    return Figure(name, "probability_bars", given, alt=title, pick=pick)


def _cross(m: Moment, head: int) -> Step:
    """Where the heads of the layer looked in the text that is translated."""
    one = m.now
    assert isinstance(one, TranslationStep)
    symbols = (r"q^{T,h}_{\text{written}}", r"k^{j,h}_{\text{read}}")
    return _heads(m, "cross", one.cross[m.layer], visible(one.source), head, "cross_head", symbols)


def _own(m: Moment) -> Step:
    """Where the heads of the layer looked in what was there, when the token was chosen."""
    focus = "head" if m.cross_head is None else "own_head"
    symbols = ("q^{T,h}", "k^{j,h}")
    return _heads(m, "heads", m.now.layers[m.layer], visible(m.now.read), m.head, focus, symbols)


def _heads(
    m: Moment,
    name: str,
    attention: MultiHeadTrace,
    columns: Sequence[str],
    head: int,
    focus: str,
    symbols: tuple[str, str],
) -> Step:
    """One query, that of the last token, in all heads of a layer. symbols: of a query and a key."""
    weights = attention.weights[0, :, 0]  # (H, T or S)
    strongest = int(weights[head].argmax())
    bright = int((weights[:, 0] > max(MARK, 2 / len(columns))).sum())
    facts = {
        **m.facts,
        "head": head + 1,
        "key": numbered(columns)[strongest],
        "share": weights[head, strongest].item(),
        "sink": len(columns) > FEWEST and 2 * bright > len(weights),
        "bright": bright,
        "heads": len(weights),
        "first": columns[0],
    }
    title = Say(f"generation.{name}.figure", facts)
    given = {
        "values": array(weights),
        "rows": [Say("words.head_number", {"number": row + 1}) for row in range(len(weights))],
        "columns": list(columns),
        "kind": "weight",
        "title": title,
        "column_title": Say("words.key"),
        "value_name": Say("words.weight"),
        "highlight_row": head,
        "clickable": True,
    }
    figure = Figure(f"next-{name}", "matrix", given, alt=title, pick=Pick(focus, range(len(weights))))
    formula = formulas.looking(r"\tilde\alpha^{h}_{T,j}", *symbols, rooted=divided_by_root(attention))
    arrays = {
        "query": array(attention.query[0, :, 0]),
        "key": array(attention.key[0]),
        "scores": array(attention.scores[0, :, 0]),
        "weights": array(weights),
    }
    return Step(f"generation.{name}", [formula], facts, [figure], arrays)


def _rows(m: Moment) -> Step:
    """One head, token after token: each row is as long as what had been read."""
    rows = _read_rows(m)
    figure = _row_matrix(m, "rows", rows, visible(m.written[-1].read), m.head)
    facts = {**m.facts, "head": m.head + 1}
    return Step("generation.rows", [], facts, [figure], {"weights": rows})


def _both(m: Moment, cross_head: int) -> Step:
    """The same of both kinds of heads of a translator."""
    steps = [one for one in m.written if isinstance(one, TranslationStep)]
    across = np.stack([array(one.cross[m.layer].weights[0, cross_head, 0]) for one in steps])  # (n, S)
    back = _read_rows(m)
    figures = [
        _row_matrix(m, "across", across, visible(steps[-1].source), cross_head),
        _row_matrix(m, "back", back, visible(steps[-1].read), m.head),
    ]
    return Step("generation.both", [], m.facts, [Beside(figures)], {"across": across, "back": back})


def _read_rows(m: Moment) -> npt.NDArray[Any]:
    """(n, tokens read in the end); NaN where a token had not been read yet."""
    rows = np.full((len(m.written), len(m.written[-1].read)), np.nan, np.float32)
    for row, one in enumerate(m.written):
        rows[row, : len(one.read)] = array(one.layers[m.layer].weights[0, m.head, 0])
    return rows


def _row_matrix(m: Moment, name: str, rows: npt.NDArray[Any], columns: Sequence[str], head: int) -> Figure:
    title = Say(f"generation.{name}.figure", {"layer": m.layer + 1, "head": head + 1})
    given = {
        "values": rows,
        "rows": m.names,
        "columns": list(columns),
        "kind": "weight",
        "title": title,
        "row_title": Say("generation.rows.row"),
        "column_title": Say("words.key"),
        "value_name": Say("words.weight"),
        "highlight_row": m.number,
        "clickable": True,
    }
    return Figure(f"next-{name}", "matrix", given, alt=title, pick=Pick("written", range(len(rows))))
