"""What the network writes in the place of a hidden word, and how likely it finds the right one.

A word of several tokens is filled in from left to right: each token is guessed while those before it stand there and
those after it are still hidden. Guesses that know nothing of each other do not make a word ("small" + "dog" + "dog").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.words import is_han
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel, TextTrace
from attention_core.models.tokenization import CONTINUES, UNKNOWN

_BETWEEN = " · "  # tokens that do not go on a word


@dataclass(frozen=True)
class Guess:
    """The guess at one hidden token; probabilities 0…1."""

    answer: str  # what was hidden, as the vocabulary spells it
    answer_probability: float
    best: str  # the likeliest token
    best_probability: float

    @property
    def known(self) -> bool:
        """Whether there is a right answer: the vocabulary has the hidden token."""
        return self.answer != UNKNOWN


@torch.no_grad()
def filled_in(
    model: TextModel | HubTextModel, text: str, pair: str | None, positions: Sequence[int], **controls: Any
) -> list[Guess]:
    """One guess for each of the `positions`, which are hidden together and filled in from left to right.

    best: the likeliest token after the best ones before it, which is what the network writes. answer_probability: of
    the right token after the right ones before it, so that the product is the probability of the whole. controls: as
    `TextModel.trace` takes them, `hide` for what stays hidden throughout. Raises what `trace` does.
    """
    order = sorted(positions)
    always = set(controls.pop("hide", ())) - {*order}
    written, right = dict[int, int](), dict[int, int]()
    found = []
    for number, position in enumerate(order):
        hide = sorted({*order[number:], *always})
        trace = model.trace(text, pair, hide=hide, written=written, **controls)
        beside = trace if written == right else model.trace(text, pair, hide=hide, written=right, **controls)
        likely, known = (_probabilities(one, position) for one in (trace, beside))
        best, answer = int(likely.argmax()), trace.tokens[position].id
        names = trace.vocabulary
        found.append(Guess(names[answer], known[answer].item(), names[best], likely[best].item()))
        written[position], right[position] = best, answer
    return found


def _probabilities(trace: TextTrace, position: int) -> Tensor:
    return trace.logits[position].float().softmax(dim=-1)  # (V,)


def written_together(pieces: Sequence[str]) -> str:
    """Tokens of the vocabulary as they would stand in a text: pieces that go on a word and Chinese characters join,
    others are kept apart by a dot, since nothing says that they are one word."""
    text = ""
    for piece in map(str.strip, pieces):
        if text and not piece.startswith(CONTINUES) and not (is_han(piece) and is_han(text[-1])):
            text += _BETWEEN
        text += piece.removeprefix(CONTINUES) if text else piece
    return text
