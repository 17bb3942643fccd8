"""What a batch of sentences hides from the network, and how."""

from __future__ import annotations

import torch
from torch import Tensor

from attention_core.models.tokenization import Tokenizer
from training.text_data import Pair

SINGLE = 0.35  # share of the batches whose sentences stand alone
HIDDEN, HIDDEN_ALONE, HIDDEN_SIDE = 0.15, 0.2, 0.5  # in both sides of a pair, in a sentence alone, in one side only
LONGEST_SPAN = 3  # tokens hidden together in a sentence alone
SHOWN, REPLACED = 0.1, 0.15  # of what is to be guessed: left as it is, replaced by another token of the same language


class Batch:
    """Padded ids, positions, segments (B, T), which are real, and which the network has to guess.

    A batch of pairs hides words on both sides, or half of one side while the other is whole. A batch of sentences that
    stand alone (share `single`) hides spans of 1…`LONGEST_SPAN` tokens (Joshi et al. 2020, SpanBERT), so that the
    neighbours by themselves do not tell. Not all are [MASK]: some are shown, others replaced (Devlin et al. 2019,
    §3.1), so that every token that is seen has to be checked against the others, too.
    """

    def __init__(
        self,
        pairs: list[Pair],
        tokenizer: Tokenizer,
        positions: int,
        generator: torch.Generator,
        single: float = SINGLE,
    ) -> None:
        kind = torch.rand(1, generator=generator).item()
        alone = kind < single
        along = (kind - single) / max(1 - single, 1e-9)  # among the batches of pairs
        sides = (HIDDEN, HIDDEN) if along < 0.24 else (HIDDEN_SIDE, 0.0) if along < 0.62 else (0.0, HIDDEN_SIDE)
        sequences, segments, languages, chances = [], [], [], []
        for pair in pairs:
            both = [(pair.english, 0), (pair.chinese, 1)]
            if torch.rand(1, generator=generator).item() < 0.5:
                both.reverse()
            for segment, (ids, language) in enumerate(both):
                opening = [tokenizer.start] if segment == 0 or alone else []
                framed = torch.tensor([*opening, *ids.tolist(), tokenizer.separator])
                sequences.append(framed)
                segments.append(torch.full_like(framed, 0 if alone else segment))
                languages.append(torch.full_like(framed, language))
                chances.append(torch.full(framed.shape, HIDDEN_ALONE if alone else sides[segment]))
        if not alone:
            sequences, segments, languages, chances = map(_joined, (sequences, segments, languages, chances))
        pad = torch.nn.utils.rnn.pad_sequence
        self.target = pad(sequences, batch_first=True, padding_value=tokenizer.padding)  # (B, T)
        self.segments = pad(segments, batch_first=True)  # (B, T)
        self.real = self.target != tokenizer.padding  # (B, T)
        self.positions = self._positions(positions, generator)  # (B, T)
        ordinary = self.real & (self.target != tokenizer.start) & (self.target != tokenizer.separator)
        chance = pad(chances, batch_first=True)
        drawn = _spans(chance, generator) if alone else torch.rand(chance.shape, generator=generator) < chance
        self.guess = ordinary & drawn  # (B, T)
        self.ids = self._seen(tokenizer.mask, ordinary, pad(languages, batch_first=True), generator)  # (B, T)

    def _positions(self, limit: int, generator: torch.Generator) -> Tensor:
        """Counted anew in each segment, in half of the sentences from a random start, so that late ones are trained."""
        B, T = self.target.shape
        second_starts = ((self.segments == 0) & self.real).sum(dim=1, keepdim=True)  # (B, 1)
        positions = torch.arange(T)[None] - self.segments * second_starts
        offset = torch.randint(0, max(limit - T, 1), (B, 1), generator=generator)
        moved = torch.rand((B, 1), generator=generator) < 0.5
        return (positions + offset * moved).clamp(0, limit - 1)

    def _seen(self, mask: int, ordinary: Tensor, languages: Tensor, generator: torch.Generator) -> Tensor:
        """What the network sees instead of `target`."""
        draw = torch.rand(self.target.shape, generator=generator)
        seen = torch.where(self.guess & (draw >= SHOWN), mask, self.target)
        replaced = self.guess & (draw >= SHOWN) & (draw < SHOWN + REPLACED)
        for language in (0, 1):
            places = replaced & (languages == language)
            pool = self.target[ordinary & (languages == language)]
            if len(pool):
                seen[places] = pool[torch.randint(len(pool), (int(places.sum()),), generator=generator)]
        return seen

    def to(self, device: str) -> Batch:
        """Moves all tensors to `device`."""
        for name, tensor in vars(self).items():
            setattr(self, name, tensor.to(device))
        return self


def _joined(sides: list[Tensor]) -> list[Tensor]:
    return [torch.cat([first, second]) for first, second in zip(sides[::2], sides[1::2], strict=True)]


def _spans(chance: Tensor, generator: torch.Generator) -> Tensor:
    """Spans of 1…`LONGEST_SPAN` tokens, all lengths as likely, which cover about `chance` of the tokens."""
    starts = torch.rand(chance.shape, generator=generator) < chance * 2 / (1 + LONGEST_SPAN)
    lengths = torch.randint(1, LONGEST_SPAN + 1, chance.shape, generator=generator)
    covered = starts.clone()
    for further in range(1, LONGEST_SPAN):
        covered[:, further:] |= (starts & (lengths > further))[:, :-further]
    return covered
