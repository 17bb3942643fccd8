"""Which heads follow which dependency relations, after Clark et al. 2019, "What does BERT look at?", §4.2.

For every dependent and its head word: does the attention head look from the one most to the other? Both directions;
to a word summed, from a word averaged over tokens; special tokens and the word itself left out; single sentences of at
most 40 words; subtypes merged (nmod:poss counts as nmod). The baseline is the best fixed offset ("the head is the next
word but one"), chosen per relation on the same sentences, as the best attention head is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from attention_core.analysis.words import word_matrix
from attention_core.models.text import TextModel
from training import conllu
from training.encoding import encode_text, layer_weights
from training.shares import Scores, clustered

LONGEST, FEWEST = 40, 50  # words of a sentence, cases of a relation
LEFT_OUT = ("root", "punct")
CERTAINTY = 2.0  # standard errors of a gain that have to be exceeded for a head to be named by it
DIRECTIONS = ("dependent_to_head", "head_to_dependent")


def arcs(sentence: conllu.Sentence) -> list[tuple[str, int, int]]:
    """(relation, index of the dependent, index of its head) of the relations that are scored."""
    index = {word.id: i for i, word in enumerate(sentence.words)}
    return [
        (word.relation, i, index[word.head])
        for i, word in enumerate(sentence.words)
        if word.relation not in LEFT_OUT and word.head
    ]


def strongest_words(weights: list[Tensor], owner: Tensor, words: int) -> list[Tensor]:
    """For each layer (H, T, T), the word that each word looks at most, itself left out: (H, words)."""
    found = []
    for layer in weights:
        between = word_matrix(layer.cpu(), owner, owner, words, words)
        between = between.masked_fill(torch.eye(words, dtype=torch.bool), -1.0)
        found.append(between.argmax(dim=-1))
    return found


def relation_scores(
    model: TextModel, sentences: list[conllu.Sentence], progress: Callable[[], object] = bool
) -> tuple[Scores, list[list[Scores]]]:
    """What is found of each relation, and what each head finds.

    By relation: cases, best head (layer, head, direction, score, standard_error), best offset, and the gain over it.
    By [layer][head]: the relation on which this head gains most over the best offset (relation, direction, score,
    best_offset_score, gain, gain_standard_error) by what is left of the gain after `CERTAINTY` standard errors; empty
    where nothing is left.
    """
    cases = _counted(model, sentences, progress)
    found: Scores = {}
    by_head: list[list[Scores]] = [[{} for _ in range(heads)] for heads in model.config.heads]
    surest = [[0.0] * heads for heads in model.config.heads]
    for relation, counted in sorted(cases.items()):
        count = counted.total
        if count < FEWEST:
            continue
        totals = [torch.stack(layer).sum(dim=0) for layer in zip(*counted.hits, strict=True)]  # (2, H) each
        offset, matching = counted.best_offset()
        baseline = {"best_offset": offset, "best_offset_score": round(matching / count, 5)}
        for layer, total in enumerate(totals):
            for head, direction in enumerate(total.argmax(dim=0).tolist()):
                gain = counted.gain(layer, direction, head, offset)
                left = gain["value"] - CERTAINTY * gain["standard_error"]
                if left > surest[layer][head]:
                    surest[layer][head] = left
                    by_head[layer][head] = {
                        "relation": relation,
                        "direction": DIRECTIONS[direction],
                        "score": round(total[direction, head].item() / count, 5),
                        **baseline,
                        "gain": gain["value"],
                        "gain_standard_error": gain["standard_error"],
                    }
        layer = max(range(len(totals)), key=lambda at: totals[at].max().item())
        direction, head = divmod(int(totals[layer].argmax()), totals[layer].shape[1])
        score = clustered([hits[layer][direction, head].item() for hits in counted.hits], counted.of_sentence)
        found[relation] = {
            "cases": count,
            "layer": layer,
            "head": head,
            "direction": DIRECTIONS[direction],
            "score": score["value"],
            "standard_error": score["standard_error"],
            **baseline,
            "gain": round(score["value"] - matching / count, 5),
        }
    return found, by_head


@dataclass
class _Cases:
    """Cases of one relation by sentence: their offsets, and how many of them each head found."""

    offsets: list[Counter[int]] = field(default_factory=list)  # sentence → head − dependent → cases
    hits: list[list[Tensor]] = field(default_factory=list)  # sentence → layer → (2, H)

    @property
    def of_sentence(self) -> list[int]:
        return [offsets.total() for offsets in self.offsets]

    @property
    def total(self) -> int:
        return sum(self.of_sentence)

    def best_offset(self) -> tuple[int, int]:
        """The offset that most cases have, and how many have it."""
        return sum(self.offsets, Counter[int]()).most_common(1)[0]

    def gain(self, layer: int, direction: int, head: int, offset: int) -> Scores:
        """How much more of the cases the head finds than the offset does, case by case on the same sentences."""
        more = [
            hits[layer][direction, head].item() - offsets[offset]
            for hits, offsets in zip(self.hits, self.offsets, strict=True)
        ]
        return clustered(more, self.of_sentence)


def _counted(model: TextModel, sentences: list[conllu.Sentence], progress: Callable[[], object]) -> dict[str, _Cases]:
    cases: dict[str, _Cases] = {}
    for sentence in sentences:
        if not 1 < len(sentence.words) <= LONGEST:
            continue
        encoded = encode_text(model, sentence.text)
        owner = conllu.word_of_token(encoded.tokens, sentence.words, 0)
        strongest = strongest_words(layer_weights(model, encoded), owner, len(sentence.words))
        seen = set[str]()
        for relation, dependent, head in arcs(sentence):
            counted = cases.setdefault(relation, _Cases())
            if relation not in seen:
                seen.add(relation)
                counted.offsets.append(Counter())
                counted.hits.append([torch.zeros(2, layer.shape[0]) for layer in strongest])
            counted.offsets[-1][head - dependent] += 1
            for tally, at in zip(counted.hits[-1], strongest, strict=True):
                tally += torch.stack([at[:, dependent] == head, at[:, head] == dependent])
        progress()
    return cases
