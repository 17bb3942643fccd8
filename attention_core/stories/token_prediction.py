"""From one head to what a text network says at a token: the way through its layer, then the likeliest tokens.

T tokens, D model width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attention_core.analysis.change import predictions_beside
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered, visible
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.compared import strip
from attention_core.stories.story import Beside, Block, Figure, Folded, Note, Step
from attention_core.stories.text import Followed
from attention_core.words import Say, Words

BEST = 5  # tokens that a prediction shows


@dataclass(frozen=True)
class Guessing:
    """What the story's last step needs beside the trace: the same sentence with the query token hidden, too.

    hidden, before: that trace, and the one as trained; written: what the network makes of all hidden tokens of the
    query's word together, with the word and their number, where there are several.
    """

    hidden: TextTrace | None = None
    before: TextTrace | None = None
    written: tuple[str, str, int] | None = None


ONLY_SEEN = Guessing()


def prediction(f: Followed, guessing: Guessing) -> Step:
    """The way from the head to the end, then what is said with the token in sight, and with it hidden."""
    predicts, token = f.network.predicts, f.trace.tokens[f.query]
    if predicts == "nothing":
        return Step("self_attention.prediction", absent=Say("self_attention.prediction.absent"))
    guesses = predicts == "hidden"
    special = token.special and guesses
    shown = f.trace if guessing.hidden is None else guessing.hidden
    best, chance = shown.predictions(f.query, 1)[0]
    facts = {
        **f.facts,
        "guesses": guesses,
        "special": special,
        "beside": guessing.hidden is not None,
        "best": best,
        "chance": chance,
    }
    blocks: list[Block] = [_way(f)]
    if special:
        blocks.append(Note(Say("self_attention.prediction.special"), "info"))
    else:
        blocks += _bars(f, "seen" if guesses else "next", f.trace, f.before)
        if guessing.written is not None:
            word, written, count = guessing.written
            pieces = {"word": word, "written": written, "count": count}
            blocks.append(Note(Say("self_attention.prediction.pieces", pieces)))
        if guessing.hidden is not None:
            hidden = _bars(f, "hidden", guessing.hidden, guessing.before)
            if f.before is None and isinstance(blocks[-1], Figure) and isinstance(hidden[0], Figure):
                blocks[-1:] = [Beside([blocks[-1], hidden[0]])]
            else:
                blocks += hidden
    formula = formulas.prediction(f.layer, f.network.shipped)
    probabilities = f.trace.logits[f.query].float().softmax(dim=-1)
    return Step("self_attention.prediction", formula, facts, blocks, {"p": array(probabilities)})


def _way(f: Followed) -> Block:
    """What the layer makes of the followed token: what comes in, what its attention and the network behind it add."""
    block = f.trace.blocks[f.layer]
    given = f.trace.embedding if f.layer == 0 else f.trace.blocks[f.layer - 1].output
    added = block.after_attention - given
    parts = {
        "given": given,
        "attention": added,
        "after": block.after_attention,
        "feed_forward": block.feed_forward,
        "leaves": block.output,
    }
    title = Say("self_attention.way.title", {"layer": f.layer + 1, "token": f.said[f.query]})
    rows = [Say(f"self_attention.way.{name}") for name in parts]
    stacked = torch.stack([part[f.query] for part in parts.values()])  # (5, D)
    return Folded(title, [strip("way", stacked, rows, "output", title), Note(Say("self_attention.way.see"))])


def _bars(f: Followed, which: str, trace: TextTrace, before: TextTrace | None) -> list[Block]:
    """What is said at the query's place; with `before`, as trained and with the change, the same tokens in order."""
    token = f.trace.tokens[f.query]
    known = which != "next"
    name = numbered(visible(f.trace.tokens))[f.query]
    hidden = "hidden" if f.query in trace.hidden else "seen"
    title = Say(f"self_attention.prediction.{hidden if known else 'next'}", {"query": name})

    def bars(ending: str, words: list[str], values: list[float], highlight: int | None, title: Words) -> Figure:
        given = {
            "labels": words,
            "probabilities": values,
            "title": title,
            "value_name": Say("words.probability"),
            "highlight": highlight,
        }
        return Figure(f"prediction-{which}{ending}", "probability_bars", given, alt=title)

    if before is None:
        best = trace.predictions(f.query, BEST)
        words, read_as = [word for word, _ in best], trace.vocabulary[token.id]
        highlight = words.index(read_as) if known and read_as in words else None
        return [bars("", words, [value for _, value in best], highlight, title)]
    found = predictions_beside(before, trace, f.query, also=(token.id,) if known else ())
    truth = next((i for i, entry in enumerate(found) if entry.token == token.id), None) if known else None
    words = [entry.text for entry in found]
    hidden_before = "hidden" if f.query in before.hidden else "seen"
    titles = {
        "before": Say(f"self_attention.prediction.{hidden_before if known else 'next'}", {"query": name}),
        "after": title,
    }
    sides = [
        bars(
            f"-{side}",
            words,
            [getattr(entry, side) for entry in found],
            truth,
            Say("change.which", {"title": titles[side], "which": Say(f"change.{side}")}),
        )
        for side in ("before", "after")
    ]
    blocks: list[Block] = [Beside(sides)]
    if truth is not None:
        entry = found[truth]
        points = round(100 * (entry.after - entry.before), 1) + 0.0
        facts = {"token": entry.text, "before": entry.before, "after": entry.after, "points": points}
        blocks.append(Note(Say("self_attention.prediction.truth", facts), "text"))
    return blocks
