"""Self-attention at a size that can be followed with a pencil: four tokens of four numbers, each of which is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from attention_core.figures.style import Kind
from attention_core.mechanisms.by_hand import names_of
from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.story import Beside, Block, Figure, Folded, Instead, Note, Step, Story
from attention_core.stories.tex import number, tex
from attention_core.words import Say, Words

TOKENS = tuple(Say(f"by_hand.tokens.{place}") for place in range(4))
DIMENSIONS = tuple(Say(f"by_hand.dimensions.{place}") for place in range(4))
NUMBERED = ("1", "2", "3", "4")


def by_hand_story(matrices: Mapping[str, Tensor], trace: SelfAttentionTrace, score: str, query: int) -> Story:
    """matrices, score: what `typed_attention` has made `trace` of; query: the token that is followed, from 0."""
    steps = (
        numbers(matrices, score),
        _projections(trace, query),
        _scores(trace, score, query),
        _weights(trace, query),
        _sum(trace, query),
    )
    return Story("by_hand", {"query": query}, {"score": score}, steps)


def numbers(matrices: Mapping[str, Tensor], score: str) -> Step:
    """The first step, which says nothing of what follows from the numbers."""
    shown = {name: matrices[name] for name in names_of(score)}
    figures = [_typed(name, values) for name, values in shown.items()]
    return Step(
        "by_hand.numbers",
        [rf"{tex('embedding', 'a^i')} = W x^i"],
        {"ends": bool(matrices["x"][3, 3] == 1)},
        [Instead([Beside(figures[start : start + 2]) for start in range(0, len(figures), 2)])],
        {name: array(values) for name, values in shown.items()},
    )


def _typed(name: str, values: Tensor) -> Figure:
    """A matrix that was typed, with its letter in front of what it is called."""
    title = Say(f"by_hand.matrices.{name}")
    tokens = name == "x"
    rows = TOKENS if tokens else NUMBERED[: len(values)]
    return _matrix(f"hand-{name}", values, DIMENSIONS if tokens else NUMBERED, title, None, rows=rows)


def _projections(trace: SelfAttentionTrace, query: int) -> Step:
    vectors = {"query": trace.query[0], "key": trace.key[0], "value": trace.value[0]}  # (4, 4) each
    figures = [
        _matrix(f"hand-{name}", values, NUMBERED, Say(f"words.{name}"), query) for name, values in vectors.items()
    ]
    arrays = {name: array(values) for name, values in vectors.items()}
    return Step("by_hand.projections", formulas.projections(False), {}, [Beside(figures)], arrays)


def _scores(trace: SelfAttentionTrace, score: str, query: int) -> Step:
    best = int(trace.weights[0, query].argmax())
    products = " + ".join(
        rf"{tex('query', number(q))} \cdot {tex('key', number(k))}"
        for q, k in zip(trace.query[0, query].tolist(), trace.key[0, best].tolist(), strict=True)
    )
    result = number(trace.scores[0, query, best].item())
    left = tex("score", rf"\alpha_{{{query + 1},{best + 1}}}")
    worked = {
        "scaled_dot": rf"{left} = \frac{{{products}}}{{\sqrt{{{trace.key.shape[-1]}}}}} = {result}",
        "dot": rf"{left} = {products} = {result}",
        "cosine": rf"{left} = \frac{{{products}}}{{\lvert q \rvert \, \lvert k \rvert}} = {result}",
        "additive": rf"{left} = v^\top \tanh(W_1 {tex('query', 'q')} + W_2 {tex('key', 'k')}) = {result}",
    }[score]
    facts = {"query": TOKENS[query], "key": TOKENS[best]}
    figure = _pairs("hand-scores", trace.scores[0], Say("words.score"), query, "signed")
    return Step("by_hand.scoring", [worked], facts, [figure], {"scores": array(trace.scores[0])})


def _weights(trace: SelfAttentionTrace, query: int) -> Step:
    scores = trace.scores[0, query].tolist()
    best = int(trace.weights[0, query].argmax())
    below = " + ".join(f"e^{{{score:.2f}}}" for score in scores)
    left = tex("weight", rf"\tilde\alpha_{{{query + 1},{best + 1}}}")
    formula = rf"{left} = \frac{{e^{{{scores[best]:.2f}}}}}{{{below}}} = {trace.weights[0, query, best].item():.2f}"
    figure = _pairs("hand-weights", trace.weights[0], Say("words.weight"), query, "weight")
    facts = {"query": TOKENS[query]}
    return Step("by_hand.softmax", [formula], facts, [figure], {"weights": array(trace.weights[0])})


def _sum(trace: SelfAttentionTrace, query: int) -> Step:
    terms = " + ".join(
        rf"{tex('weight', f'{weight:.2f}')}\,{tex('value', f'v^{{{place}}}')}"
        for place, weight in enumerate(trace.weights[0, query].tolist(), start=1)
    )
    total = ",\\; ".join(f"{value:.2f}" for value in trace.output[0, query].tolist())
    left = tex("output", f"b^{{{query + 1}}}")
    formula = [f"{left} = {terms}", f"{left} = ({tex('output', total)})"]
    blocks: list[Block] = [
        _matrix("hand-output", trace.output[0], NUMBERED, Say("words.output"), query),
        Folded(Say("words.differs"), [Note(Say("self_attention.sum.correction"), "text")]),
    ]
    return Step("by_hand.sum", formula, {"query": TOKENS[query]}, blocks, {"output": array(trace.output[0])})


def _pairs(name: str, values: Tensor, title: Words, query: int, kind: Kind) -> Figure:
    """Query × key."""
    axes = {"row_title": Say("words.query"), "column_title": Say("words.key")}
    return _matrix(name, values, TOKENS, title, query, kind=kind, **axes)


def _matrix(
    name: str, values: Tensor, columns: Sequence[Words], title: Words, query: int | None, **look: Any
) -> Figure:
    given = {
        "values": array(values),
        "rows": list(look.pop("rows", TOKENS)),
        "columns": list(columns),
        "kind": "signed",
        "title": title,
        "value_name": title,
        "highlight_row": query,
        **look,
    }
    return Figure(name, "matrix", given, alt=title)
