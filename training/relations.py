"""Which heads follow which dependency relations, after Clark et al. 2019, "What does BERT look at?", §4.2.

For every dependent and its head word: does the attention head look from the one most to the other? Both directions;
to a word summed, from a word averaged over tokens; special tokens and the word itself left out; single sentences of at
most 40 words; subtypes merged (nmod:poss counts as nmod). The baseline is the best fixed offset ("the head is the next
word but one"), chosen per relation on the same sentences, as the best attention head is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from attention_core.models.text import TextModel
from training import conllu
from training.encoding import encode_text, layer_weights
from training.shares import Scores, clustered

LONGEST, FEWEST = 40, 50  # words of a sentence, cases of a relation
LEFT_OUT = ("root", "punct")
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
        between = conllu.word_matrix(layer.cpu(), owner, owner, words, words)
        between = between.masked_fill(torch.eye(words, dtype=torch.bool), -1.0)
        found.append(between.argmax(dim=-1))
    return found


def relation_scores(
    model: TextModel, sentences: list[conllu.Sentence], progress: Callable[[], object] = bool
) -> Scores:
    """relation → cases, best head (layer, head, direction, score, standard_error), best offset, and the gain."""
    short = [sentence for sentence in sentences if 1 < len(sentence.words) <= LONGEST]
    offsets: dict[str, Counter[int]] = {}
    counts: dict[str, list[int]] = {}  # by sentence
    right: dict[str, list[list[Tensor]]] = {}  # relation → sentence → layer → (2, H) hits
    for number, sentence in enumerate(short):
        encoded = encode_text(model, sentence.text)
        owner = conllu.word_of_token(encoded.tokens, sentence.words, 0)
        strongest = strongest_words(layer_weights(model, encoded), owner, len(sentence.words))
        for relation, dependent, head in arcs(sentence):
            offsets.setdefault(relation, Counter())[head - dependent] += 1
            per_sentence = counts.setdefault(relation, [])
            hit = right.setdefault(relation, [])
            if len(per_sentence) <= number:
                missing = number + 1 - len(per_sentence)
                per_sentence += [0] * missing
                hit += [[torch.zeros(2, layer.shape[0]) for layer in strongest] for _ in range(missing)]
            per_sentence[number] += 1
            for tally, at in zip(hit[number], strongest, strict=True):
                tally += torch.stack([at[:, dependent] == head, at[:, head] == dependent])
        progress()
    result: Scores = {}
    for relation, cases in sorted((r, sum(c)) for r, c in counts.items()):
        if cases < FEWEST:
            continue
        totals = [torch.stack(layer).sum(dim=0) for layer in zip(*right[relation], strict=True)]
        layer = max(range(len(totals)), key=lambda at: totals[at].max().item())
        direction, head = divmod(int(totals[layer].argmax()), totals[layer].shape[1])
        hits = [sentence[layer][direction, head].item() for sentence in right[relation]]
        best = clustered(hits, counts[relation])
        offset, matching = offsets[relation].most_common(1)[0]
        result[relation] = {
            "cases": cases,
            "layer": layer,
            "head": head,
            "direction": DIRECTIONS[direction],
            "score": best["value"],
            "standard_error": best["standard_error"],
            "best_offset": offset,
            "best_offset_score": round(matching / cases, 5),
            "gain": round(best["value"] - matching / cases, 5),
        }
    return result
