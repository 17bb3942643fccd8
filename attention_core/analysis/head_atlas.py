"""Everything that was measured of every head, and what each measure is to be compared with.

It is read from the scores that `python -m training.evaluate text` wrote; or, for a network that was never scored, the
little that a single sentence tells is taken from its trace.

T tokens, N of them not special, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from attention_core.analysis.head_roles import HeadRole
from attention_core.models.text import TextTrace

Measure = Literal[
    "alignment",
    "gain_en",
    "gain_zh",
    "previous",
    "next",
    "same",
    "special",
    "other_language",
    "entropy",
    "distance",
    "loss_increase",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Baseline = Literal["even", "diagonal", "untrained", "bilingual_start"]


@dataclass(frozen=True)
class HeadEntry:
    """One head. layer, head: counted from 0.

    measures: shares and alignment 0…1, gains over the best fixed offset −1…1, entropy and loss in nats, distance in
    tokens; NaN where something was not measured. relations: by language, the relation on which it gains most.
    """

    layer: int
    head: int
    measures: dict[Measure, float]
    relations: dict[str, HeadRole]


def head_atlas(scores: Mapping[str, Any]) -> list[HeadEntry]:
    """Every head, layer by layer. scores: as `registry.scores("text")` gives them."""
    return [_entry(scores, layer, head) for layer, heads in enumerate(scores["heads"]) for head in range(len(heads))]


def sentence_atlas(trace: TextTrace) -> list[HeadEntry]:
    """Every head, by what it does in one sentence or pair: shares, entropy and distance, means over the tokens that are
    not special. The rest is not to be known from a sentence, and NaN; so is the share on the other sentence of none.
    """
    ordinary = torch.tensor([not token.special for token in trace.tokens])
    segments = torch.tensor([token.segment for token in trace.tokens])
    T = len(segments)
    places = torch.arange(T)
    apart = (places[:, None] - places).abs()  # (T, T)
    others = (segments[:, None] != segments) & ordinary[:, None] & ordinary
    shares: dict[Measure, Tensor] = {
        "previous": (places[:, None] - places == 1) & ordinary,
        "next": (places - places[:, None] == 1) & ordinary,
        "same": apart == 0,
        "special": (~ordinary).expand(T, T),
        "other_language": others,
    }
    entries = []
    for layer, attention in enumerate(trace.layers):
        weights = attention.weights[0, :, ordinary].cpu().double()  # (H, N, T)
        found = {name: (weights * cells[ordinary]).sum(dim=-1).mean(dim=-1) for name, cells in shares.items()}
        if not others.any():
            del found["other_language"]
        among = weights * ordinary
        found["entropy"] = torch.special.entr(weights).sum(dim=-1).mean(dim=-1)
        found["distance"] = ((among * apart[ordinary]).sum(dim=-1) / among.sum(dim=-1).clamp_min(1e-30)).mean(dim=-1)
        for head in range(len(weights)):
            known = {name: values[head].item() for name, values in found.items()}
            entries.append(HeadEntry(layer, head, {name: known.get(name, math.nan) for name in MEASURES}, {}))
    return entries


def baselines(scores: Mapping[str, Any]) -> dict[Baseline, dict[Measure, float]]:
    """What the measures are of something that does not attend.

    even: a head that spreads its weights evenly; diagonal: links by relative position alone; untrained: the best
    head of a network with random weights; bilingual_start: of this network before its training, whose first embeddings
    know which words occur in the same pairs. A gain is over its own baseline, the best fixed offset, and needs none.
    """
    alignment = scores["alignment"]
    even = scores.get("even_head", {})
    found: dict[Baseline, dict[Measure, float]] = {
        "even": {measure: even[measure] for measure in MEASURES if measure in even},
        "diagonal": {"alignment": alignment["diagonal"]["score"]},
    }
    for name in ("untrained", "bilingual_start"):
        if name in alignment:
            found[name] = {"alignment": alignment[name]["best"]["score"]}
    return found


def _entry(scores: Mapping[str, Any], layer: int, head: int) -> HeadEntry:
    relations = {
        language: _relation(layer, head, language, best)
        for language, layers in scores.get("head_relations", {}).items()
        if (best := layers[layer][head])
    }
    known = {
        **scores["heads"][layer][head],
        "alignment": max(scores["alignment"]["heads"][layer][head].values()),
        **{f"gain_{language}": role.gain for language, role in relations.items()},
    }
    return HeadEntry(layer, head, {measure: known.get(measure, math.nan) for measure in MEASURES}, relations)


def _relation(layer: int, head: int, language: str, best: Mapping[str, Any]) -> HeadRole:
    return HeadRole(
        layer,
        head,
        "relation",
        best["score"],
        best["best_offset_score"],
        best["relation"],
        language,
        best["direction"],
    )
