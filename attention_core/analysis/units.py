"""What a row of attention weights stands for: a token, or a word with all its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from attention_core.analysis.words import Word, single_tokens, word_weights
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import numbered


@dataclass(frozen=True)
class Unit:
    """The rows: each of `words`, which may be single tokens."""

    words: Sequence[Word]

    @property
    def labels(self) -> list[str]:
        """What stands on the axes."""
        return [word.text for word in self.words]

    @property
    def names(self) -> list[str]:
        """What they are called in sentences: equal ones carry their places."""
        return numbered(self.labels)

    def row(self, token: int) -> int:
        """The row that a token is in."""
        return next(row for row, word in enumerate(self.words) if token in word.tokens)

    def weights(self, weights: Tensor) -> Tensor:
        """(…, T, T) → (…, W, W)."""
        return word_weights(weights, self.words)

    def looks(self, weights: Tensor, query: int) -> dict[str, str | float]:
        """Where the row of a token looks most, by name, and its share there. weights: (T, T) of one head."""
        row = self.row(query)
        shares = self.weights(weights)[row]
        most = int(shares.argmax())
        return {"query": self.names[row], "key": self.names[most], "share": shares[most].item()}


def read_unit(trace: TextTrace, mask: str, words: Sequence[Word] | None = None) -> Unit:
    """The words of a trace, or its tokens one by one, with what is hidden called as the network reads it: `mask`."""
    together = single_tokens(trace) if words is None else words
    return Unit([replace(word, text=mask) if trace.hidden.issuperset(word.tokens) else word for word in together])
