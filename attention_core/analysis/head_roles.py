"""What each attention head does, read from the scores that `python -m training.evaluate text` measured.

A role is one measure in which a head stands out from its baseline: alignment from the diagonal, a dependency relation
from the best fixed distance, a share of the weights from a head that looks evenly at everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

RoleKind = Literal["alignment", "relation", "previous", "next", "same", "special"]
LEAST_GAIN = 0.1  # over the baseline: what Clark et al. 2019 call a head that is particularly good
SHARES: tuple[RoleKind, ...] = ("previous", "next", "same", "special")
LEAST_SHARE = 0.4  # of a head's weights, so that a role is most of what a head does


@dataclass(frozen=True)
class HeadRole:
    """One thing that a head does. layer, head: counted from 0; score, baseline: 0…1.

    relation, language, direction: of a dependency relation, as in the treebank; empty otherwise.
    """

    layer: int
    head: int
    kind: RoleKind
    score: float
    baseline: float
    relation: str = ""
    language: str = ""
    direction: str = ""

    @property
    def gain(self) -> float:
        """How far the score is above the baseline."""
        return self.score - self.baseline


def head_roles(scores: Mapping[str, Any], layer: int, head: int) -> list[HeadRole]:
    """Everything that one head does, the greatest gain first; empty for a head that stands out in nothing.

    scores: as `registry.scores("text")` gives them.
    """
    roles = [role for role in _best_of_relations(scores) if (role.layer, role.head) == (layer, head)]
    named = {(role.language, role.relation) for role in roles}
    for language, layers in scores.get("head_relations", {}).items():
        best = layers[layer][head]
        if best and (language, best["relation"]) not in named:
            roles.append(_relation(layer, head, language, best["relation"], best))
    alignment = scores["alignment"]
    aligned = max(alignment["heads"][layer][head].values())
    roles.append(HeadRole(layer, head, "alignment", aligned, alignment["diagonal"]["score"]))
    for kind in SHARES:
        share = scores["heads"][layer][head][kind]
        if share >= LEAST_SHARE:
            roles.append(HeadRole(layer, head, kind, share, scores.get("even_head", {}).get(kind, 0.0)))
    return sorted((role for role in roles if role.gain >= LEAST_GAIN), key=lambda role: -role.gain)


def outstanding_heads(scores: Mapping[str, Any]) -> list[HeadRole]:
    """The heads that are best at something, each with the first of its roles.

    Alignment comes first, then relations by their gain, then the shares.
    """
    every = [
        role
        for layer, heads in enumerate(scores["heads"])
        for head in range(len(heads))
        for role in head_roles(scores, layer, head)
    ]
    best: dict[tuple[str, str, str], HeadRole] = {}
    for role in sorted(every, key=lambda role: (get_args(RoleKind).index(role.kind), -role.gain)):
        best.setdefault((role.kind, role.language, role.relation), role)
    heads: dict[tuple[int, int], HeadRole] = {}
    for role in best.values():
        heads.setdefault((role.layer, role.head), role)
    return list(heads.values())


def _best_of_relations(scores: Mapping[str, Any]) -> Iterator[HeadRole]:
    for language, relations in scores["relations"].items():
        for name, best in relations.items():
            yield _relation(best["layer"], best["head"], language, name, best)


def _relation(layer: int, head: int, language: str, name: str, found: Mapping[str, Any]) -> HeadRole:
    score, baseline = found["score"], found["best_offset_score"]
    return HeadRole(layer, head, "relation", score, baseline, name, language, found["direction"])


def within_a_sentence(roles: Iterable[HeadRole]) -> HeadRole | None:
    """The first role that shows in a single sentence and between different words, or None."""
    return next((role for role in roles if role.kind in ("relation", "previous", "next")), None)
