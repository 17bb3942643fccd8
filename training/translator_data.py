"""What a batch of translations shows the translator, and in which direction."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from attention_core.models.translation import LANGUAGES
from attention_core.models.translator import Translator
from training.text_data import EVERYDAY, Pair, spread

HIDDEN = 0.1  # of what is read, and of what has been written, shown as [MASK]
DOCUMENTATION = 0.25  # of the documentation's pairs: long, and of a register of their own
OFTEN, MOSTLY = 3, 0.8  # a word has a capital that stands in the midst of sentences so often, and at this share


class Translations:
    """A batch: what is read (B, S), what the decoder is given (B, T) and what it has to write (B, T), padded.

    Each pair goes in one of the two directions, drawn anew. A tenth of what is read and of what is given is hidden, so
    that the network neither leans on one word nor on what it has just written (word dropout; Iyyer et al. 2015).
    """

    def __init__(self, pairs: list[Pair], model: Translator, generator: torch.Generator) -> None:
        tokenizer, read, given, wanted = model.tokenizer, [], [], []
        end = torch.tensor([tokenizer.separator])
        backwards = torch.rand(len(pairs), generator=generator) < 0.5
        for pair, into_english in zip(pairs, backwards.tolist(), strict=True):
            sides = (pair.chinese, pair.english) if into_english else (pair.english, pair.chinese)
            source, target = (side.long() for side in sides)
            start = torch.tensor([model.start_of(LANGUAGES[0 if into_english else 1])])
            read.append(torch.cat([torch.tensor([tokenizer.start]), source, end]))
            given.append(torch.cat([start, target]))
            wanted.append(torch.cat([target, end]))
        pad, padding = torch.nn.utils.rnn.pad_sequence, tokenizer.padding
        self.source = pad(read, batch_first=True, padding_value=padding)
        self.target = pad(given, batch_first=True, padding_value=padding)
        self.wanted = pad(wanted, batch_first=True, padding_value=padding)
        self.real = (self.source != padding)[:, None, None]  # (B, 1, 1, S)
        self.counted = self.wanted != padding  # (B, T)
        for shown, kept in ((self.source, (tokenizer.start, tokenizer.separator, padding)), (self.target, (padding,))):
            ordinary = ~torch.isin(shown, torch.tensor(kept)) & (shown < model.config.vocabulary)
            dropped = ordinary & (torch.rand(shown.shape, generator=generator) < HIDDEN)
            shown[dropped] = tokenizer.mask

    def to(self, device: str) -> Translations:
        """Moves all tensors to `device`."""
        for name, tensor in vars(self).items():
            setattr(self, name, tensor.to(device))
        return self


def chosen(pairs: list[Pair]) -> list[Pair]:
    """All everyday pairs, and a share `DOCUMENTATION` of those from documentation."""
    everyday = [pair for pair in pairs if pair.everyday]
    return everyday + spread([pair for pair in pairs if not pair.everyday], DOCUMENTATION)


def capitalised(folder: Path) -> list[str]:
    """The English words that have a capital wherever they stand: as Tatoeba writes them, since captions do not."""
    with gzip.open(folder / "text" / EVERYDAY[0], "rt", encoding="utf-8") as stream:
        english = [line.split("\t")[0] for line in stream]
    inside = Counter(word for sentence in english for word in re.findall(r"(?<=[a-z,;] )[A-Za-z]+", sentence))
    plain = Counter[str]()
    for word, count in inside.items():
        plain[word.lower()] += count
    return sorted(
        word
        for word, count in inside.items()
        if word != word.lower() and word != "I" and count >= OFTEN and count >= MOSTLY * plain[word.lower()]
    )


def loss_of(model: Translator, batch: Translations, smoothing: float = 0.1) -> Tensor:
    """Cross-entropy of the next tokens, with label smoothing (Szegedy et al. 2016; Vaswani et al. 2017, §5.4)."""
    hidden = model.decode(model.encode(batch.source, batch.real), batch.target, batch.real)
    logits = model.unembed(hidden[batch.counted])
    return torch.nn.functional.cross_entropy(logits, batch.wanted[batch.counted], label_smoothing=smoothing)
