"""Which sentence, token and head the text pages open on: what this network shows most clearly, measured.

    python -m training.defaults [--write]

Of each candidate in defaults.toml, in each language:

- alone: for each relation that the measured roles of a head name, p · w · (1 − s). p is the network's probability of
  the followed token with that hidden, which must be its best guess; w the weight that it gives to the word that the
  role is about, one token of which must have the largest of its row; s what the head's rows give to special tokens on
  average. The sentence has at most MOST_TOKENS tokens.
- in a pair: l · r, with the head that aligns best. l is the share of the words linked by hand whose strongest partner,
  by the product of both directions, is right; r how much the probability of one hidden word rises with the translation,
  to the best guess.

In a pair, only words that are one token of the vocabulary are hidden. `--write` makes the best ones
assets/text/defaults.json, which the pages read.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attention_core.analysis.alignment import aligners, pair_attention
from attention_core.analysis.head_roles import HeadRole, head_roles
from attention_core.analysis.words import Word, word_weights, words
from attention_core.models import registry
from attention_core.models.text import TextModel, TextTrace
from attention_core.runtime.assets import assets_folder

CANDIDATES = Path(__file__).with_name("defaults.toml")
LANGUAGES = {"en": "zh", "zh": "en"}  # each with that of its translations
MOST_TOKENS = 12  # of a sentence by itself, so that every number of its matrices can be read
SHOWN = 6  # of a ranking


@dataclass(frozen=True)
class Opening:
    """What one sentence, or pair, shows; layer, head, position counted from 0, the rest 0…1."""

    text: str
    translation: str
    layer: int
    head: int
    position: int  # of the followed token, or of the hidden one in a pair
    score: float
    factors: tuple[float, float, float]  # of the score: as above; the last one is 1 in a pair
    about: str  # what is seen, for the ranking


@dataclass(frozen=True)
class Candidate:
    """One line of the list, in one language."""

    text: str
    translation: str
    relations: tuple[tuple[str, str, str], ...]  # relation, dependent, governor
    links: tuple[tuple[str, str], ...]  # a word and its translation


def candidates(language: str) -> list[Candidate]:
    """The list, read from one language's side."""
    other = LANGUAGES[language]
    order = 1 if language == "en" else -1
    found = []
    for entry in tomllib.loads(CANDIDATES.read_text(encoding="utf-8"))["sentence"]:
        relations = [line.split() for line in entry[f"relations_{language}"]]
        links = [line.split()[::order] for line in entry["links"]]
        found.append(
            Candidate(
                entry[language],
                entry[other],
                tuple((relation, dependent, governor) for relation, dependent, governor in relations),
                tuple((here, there) for here, there in links),
            )
        )
    return found


def alone(model: TextModel, scores: dict[str, Any], language: str) -> list[Opening]:
    """All that the candidates show by themselves, the best first; 0 where a condition is not met."""
    roles = [
        role
        for layer, heads in enumerate(scores["heads"])
        for head in range(len(heads))
        for role in head_roles(scores, layer, head)
        if role.kind == "relation" and role.language == language
    ]
    found = [opening for one in candidates(language) for opening in _followed(model, one, roles)]
    return sorted(found, key=lambda opening: -opening.score)


def _followed(model: TextModel, one: Candidate, roles: Sequence[HeadRole]) -> Iterator[Opening]:
    trace = model.trace(one.text)
    if len(trace.tokens) > MOST_TOKENS:
        return
    together = words(trace)
    for relation, dependent, governor in one.relations:
        for role in roles:
            if role.relation != relation:
                continue
            pair = (dependent, governor) if role.direction == "dependent_to_head" else (governor, dependent)
            query, key = (_tokens(together, text) for text in pair)
            weights = trace.layers[role.layer].weights[0, role.head]
            special = [place for place, token in enumerate(trace.tokens) if token.special]
            rest = weights[:, special].sum(dim=1).mean().item()
            for position in query:
                row = weights[position]
                weight = row[[*key]].sum().item() if int(row.argmax()) in key else 0.0
                chance = _right(model.trace(one.text, hide=[position]), position)
                yield Opening(
                    one.text,
                    one.translation,
                    role.layer,
                    role.head,
                    position,
                    chance * weight * (1 - rest),
                    (chance, weight, 1 - rest),
                    f"{trace.tokens[position].text} → {pair[1]} ({relation})",
                )


def together(model: TextModel, scores: dict[str, Any], language: str) -> list[Opening]:
    """All that the candidates show beside their translations, the best first."""
    best = aligners(scores)[0]
    found = [_aligned(model, one, best.layer, best.head) for one in candidates(language)]
    return sorted(found, key=lambda opening: -opening.score)


def _aligned(model: TextModel, one: Candidate, layer: int, head: int) -> Opening:
    trace = model.trace(one.text, one.translation)
    found = words(trace)
    attention = pair_attention(word_weights(trace.layers[layer].weights[0, head], found), found)
    sides = [[word for word in found if not word.special and word.segment == segment] for segment in (0, 1)]
    partners = {sides[0][a].text: sides[1][b].text for a, b in enumerate(attention.product.argmax(dim=1).tolist())}
    linked = dict.fromkeys(here for here, _ in one.links)
    right = sum((word, partners[word]) in one.links for word in linked) / len(linked)
    rises = {
        word.tokens[0]: _right(model.trace(one.text, one.translation, hide=word.tokens), word.tokens[0])
        - _right(model.trace(one.text, hide=word.tokens), word.tokens[0], best=False)
        for word in sides[0]
        if word.text in linked and len(word.tokens) == 1
    }
    position = max(rises, key=rises.__getitem__, default=1)
    rise = max(rises.get(position, 0.0), 0.0)
    return Opening(
        one.text,
        one.translation,
        layer,
        head,
        position,
        right * rise,
        (right, rise, 1.0),
        f"{trace.tokens[position].text} hidden",
    )


def _right(trace: TextTrace, position: int, *, best: bool = True) -> float:
    """The probability of what is hidden there; with `best`, 0 where another token is likelier."""
    probabilities = trace.logits[position].float().softmax(dim=-1)
    token = trace.tokens[position].id
    return probabilities[token].item() if not best or int(probabilities.argmax()) == token else 0.0


def _tokens(together: Sequence[Word], text: str) -> tuple[int, ...]:
    return next(word.tokens for word in together if word.text == text)


def main() -> None:
    """Prints the rankings; with --write, the best of each becomes the default."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="assets/text/defaults.json")
    options = parser.parse_args()
    model, scores = registry.load_text_model(), registry.scores("text")
    chosen: dict[str, dict[str, Any]] = {}
    for language in LANGUAGES:
        chosen[language] = {}
        for kind, ranked in (("alone", alone(model, scores, language)), ("pair", together(model, scores, language))):
            print(f"\n{language}, {kind}: score = {'p · w · (1 − s)' if kind == 'alone' else 'l · r'}; counted from 1")
            for opening in ranked[:SHOWN]:
                factors = " · ".join(f"{factor:.2f}" for factor in opening.factors)
                place = f"{opening.layer + 1}.{opening.head + 1}, token {opening.position + 1}"
                print(f"  {opening.score:.3f} = {factors}  {opening.text}  {place}: {opening.about}")
            best = asdict(ranked[0])
            chosen[language][kind] = {name: best[name] for name in ("text", "translation", "layer", "head", "position")}
    if options.write:
        path = assets_folder() / "text" / "defaults.json"
        path.write_text(json.dumps(chosen, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        print(f"\nwritten: {path.name}")


if __name__ == "__main__":
    main()
