"""What the network writes in the place of a hidden word, and how likely it finds the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attention_core.errors import ControlError
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import UNKNOWN

_PIECE = "##"  # begins a piece that goes on a word


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


def guesses(trace: TextTrace, positions: Sequence[int]) -> list[Guess]:
    """One guess for each position, all of which the network must have seen as [MASK]. Raises `ControlError`."""
    seen = sorted(set(positions) - trace.hidden)
    if seen:
        raise ControlError(
            "guesses.seen",
            f"position {seen[0]} was not hidden; expected one of {sorted(trace.hidden)}. Trace with hide=….",
            came=seen[0],
            hidden=sorted(trace.hidden),
        )
    found = []
    for position in positions:
        probabilities = trace.logits[position].float().softmax(dim=-1)
        token = trace.tokens[position].id
        [(best, likeliest)] = trace.predictions(position, 1)
        found.append(Guess(trace.vocabulary[token], probabilities[token].item(), best, likeliest))
    return found


def as_word(pieces: Sequence[str]) -> str:
    """Tokens of the vocabulary put together as one word."""
    return "".join(piece.removeprefix(_PIECE) for piece in pieces)
