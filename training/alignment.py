"""How well the heads align words of a translated pair, against hand-aligned sentences.

The pair goes in English first (segment 0), Chinese second (segment 1). For every head there are two matrices between
English words e and Chinese words z: en_zh, what e attends to in z, and zh_en, what z attends to in e; and their
product. *Score*: the share of linked English words whose strongest Chinese word is a gold link. *AER*: links are made
by a head (see `symmetrised`) and compared with the gold links; only content words were aligned by hand, so links of
English words that the annotation does not mention are not counted, neither for nor against.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from attention_core.analysis.words import word_matrix
from attention_core.models.text import TextModel
from training import conllu
from training.encoding import encode_text, layer_weights
from training.shares import Scores, clustered

DIRECTIONS = ("en_zh", "zh_en", "product")
SYMMETRISATIONS = ("intersection", "union", "mutual")
Matrices = Callable[["AlignedPair"], Iterable[tuple[Tensor, Tensor]]]  # per layer en_zh, zh_en: (H, E, Z)
# The reference figure that came with the data: eflomal 2.0 trained on Tatoeba, captions and the test sentences.
EFLOMAL = {"score": 0.727, "aer": 0.275, "precision": 0.772, "recall": 0.684, "pairs": 999}


@dataclass(frozen=True)
class AlignedPair:
    """Two sentences and the gold links between their words (indices from 0). judged: English words annotated."""

    english: conllu.Sentence
    chinese: conllu.Sentence
    gold: frozenset[tuple[int, int]]
    judged: frozenset[int]


@dataclass(frozen=True)
class Links:
    """Counts that precision, recall and AER come from."""

    right: int = 0
    made: int = 0
    gold: int = 0

    def __add__(self, other: Links) -> Links:
        return Links(self.right + other.right, self.made + other.made, self.gold + other.gold)

    def scores(self) -> Scores:
        """Precision, recall and AER = 1 − 2·right / (made + gold), all gold links being sure ones (Och & Ney 2003)."""
        return {
            "aer": round(1 - 2 * self.right / max(self.made + self.gold, 1), 5),
            "precision": round(self.right / max(self.made, 1), 5),
            "recall": round(self.right / max(self.gold, 1), 5),
        }


def read_pairs(data: Path) -> list[AlignedPair]:
    """The 500 hand-aligned dev pairs."""
    folder = data / "text"
    annotations = json.loads((folder / "align_dev.json").read_text(encoding="utf-8"))
    english, chinese = (conllu.read(folder / f"align_dev.{language}.conllu") for language in ("en", "zh"))
    return [aligned(*three) for three in zip(english, chinese, annotations, strict=True)]


def aligned(english: conllu.Sentence, chinese: conllu.Sentence, annotation: dict[str, list[str]]) -> AlignedPair:
    """A pair from its annotation: English word id → Chinese word ids; "X" on either side = no counterpart."""
    row = {str(word.id): index for index, word in enumerate(english.words)}
    column = {str(word.id): index for index, word in enumerate(chinese.words)}
    gold = {(row[e], column[z]) for e, linked in annotation.items() if e != "X" for z in linked if z != "X"}
    return AlignedPair(english, chinese, frozenset(gold), frozenset(row[e] for e in annotation if e != "X"))


def hits(matrix: Tensor, pair: AlignedPair) -> tuple[int, int]:
    """(linked English words whose strongest Chinese word is a gold link, linked English words); matrix (E, Z)."""
    strongest = matrix.argmax(dim=1).tolist()
    given = (matrix.amax(dim=1) > 0).tolist()  # a word without tokens attends to nothing, and hits nothing
    linked = {e for e, _ in pair.gold}
    return sum(given[e] and (e, strongest[e]) in pair.gold for e in linked), len(linked)


def symmetrised(en_zh: Tensor, zh_en: Tensor, how: str) -> set[tuple[int, int]]:
    """Links that a head makes; both matrices (E, Z).

    intersection: e's strongest z, and e is z's strongest; union: either; mutual: each the other's strongest in the
    product of the two matrices.
    """
    if how == "mutual":
        en_zh = zh_en = en_zh * zh_en
    forth = {(e, z) for e, z in enumerate(en_zh.argmax(dim=1).tolist())}
    back = {(e, z) for z, e in enumerate(zh_en.argmax(dim=0).tolist())}
    return forth | back if how == "union" else forth & back


def count_links(links: set[tuple[int, int]], pair: AlignedPair) -> Links:
    """How many of the links of annotated English words are gold."""
    made = {link for link in links if link[0] in pair.judged}
    return Links(len(made & pair.gold), len(made), len(pair.gold))


def diagonal(english: int, chinese: int) -> Tensor:
    """What a head that knows only positions does: e attends to the z at the same relative place; (E, Z)."""
    places = [torch.arange(count) / max(count - 1, 1) for count in (english, chinese)]
    return 1 - (places[0][:, None] - places[1][None]).abs()


def head_matrices(model: TextModel, pair: AlignedPair) -> Iterator[tuple[Tensor, Tensor]]:
    """For each layer, en_zh and zh_en between words, both (H, E, Z)."""
    encoded = encode_text(model, pair.english.text, pair.chinese.text)
    english = conllu.word_of_token(encoded.tokens, pair.english.words, 0)
    chinese = conllu.word_of_token(encoded.tokens, pair.chinese.words, 1)
    E, Z = len(pair.english.words), len(pair.chinese.words)
    for weights in layer_weights(model, encoded):
        weights = weights.cpu()
        yield (
            word_matrix(weights, english, chinese, E, Z),
            word_matrix(weights, chinese, english, Z, E).mT,
        )


class _Tally:
    """Hits per pair and links in all, by head and direction."""

    def __init__(self) -> None:
        self.hits: dict[str, list[int]] = {name: [] for name in DIRECTIONS}
        self.links = dict.fromkeys(SYMMETRISATIONS, Links())

    def add(self, en_zh: Tensor, zh_en: Tensor, pair: AlignedPair) -> None:
        for name, matrix in zip(DIRECTIONS, (en_zh, zh_en, en_zh * zh_en), strict=True):
            self.hits[name].append(hits(matrix, pair)[0])
        for how in SYMMETRISATIONS:
            self.links[how] += count_links(symmetrised(en_zh, zh_en, how), pair)


def alignment_scores(model: TextModel, pairs: list[AlignedPair], progress: Callable[[], object] = bool) -> Scores:
    """Those of the encoder's heads: see `scores_of`."""
    return scores_of(model.config.heads, partial(head_matrices, model), pairs, progress)


def scores_of(
    heads: Sequence[int], matrices: Matrices, pairs: list[AlignedPair], progress: Callable[[], object]
) -> Scores:
    """Every head's score in each direction, the best one, the best symmetrised head's AER, and the diagonal's.

    heads: how many each layer has.
    """
    tallies = [[_Tally() for _ in range(count)] for count in heads]
    diagonals = _Tally()
    linked = [len({e for e, _ in pair.gold}) for pair in pairs]
    for pair in pairs:
        for layer, both in enumerate(matrices(pair)):
            for head, (en_zh, zh_en) in enumerate(zip(*both, strict=True)):
                tallies[layer][head].add(en_zh, zh_en, pair)
        straight = diagonal(len(pair.english.words), len(pair.chinese.words))
        diagonals.add(straight, straight, pair)
        progress()

    def score(tally: _Tally, direction: str) -> Scores:
        return clustered(tally.hits[direction], linked)

    places = [(layer, head) for layer, row in enumerate(tallies) for head in range(len(row))]
    layer, head, direction = max(
        ((layer, head, name) for layer, head in places for name in DIRECTIONS),
        key=lambda at: sum(tallies[at[0]][at[1]].hits[at[2]]),
    )
    best = score(tallies[layer][head], direction)
    sym_layer, sym_head, how = min(
        ((layer, head, how) for layer, head in places for how in SYMMETRISATIONS),
        key=lambda at: tallies[at[0]][at[1]].links[at[2]].scores()["aer"],
    )
    straight_score = score(diagonals, "en_zh")
    result: Scores = {
        "pairs": len(pairs),
        "linked_words": sum(linked),
        "heads": [[{name: score(tally, name)["value"] for name in DIRECTIONS} for tally in row] for row in tallies],
        "best": {
            "layer": layer,
            "head": head,
            "direction": direction,
            "score": best["value"],
            "standard_error": best["standard_error"],
        },
        "best_symmetrised": {"layer": sym_layer, "head": sym_head, "how": how}
        | tallies[sym_layer][sym_head].links[how].scores(),
        "diagonal": {"score": straight_score["value"], "standard_error": straight_score["standard_error"]}
        | diagonals.links["intersection"].scores(),
    }
    return result
