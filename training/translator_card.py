"""The model card of the translator, written from its manifest and scores; no number by hand."""

from __future__ import annotations

from typing import Any

from training.shares import Scores, percent
from training.tables import DIRECTION_NAMES, head_name, table, training_of

DIRECTIONS = {"zh-en": "Chinese → English", "en-zh": "English → Chinese"}
ROWS = {"wrote": "rows that wrote the word", "written": "rows after it"}


def translator_card(manifest: dict[str, Any], scores: Scores, curves: str | None) -> str:
    """The card of the encoder–decoder."""
    config, training, alignment = manifest["config"], training_of(manifest), scores["alignment"]
    sections = [
        "# Translator (`assets/text/translator`)",
        "Written by `python -m training.evaluate translator`; every number comes from `translator.json` and "
        "`translator.scores.json` beside it. Layers and heads are counted from 1 here, from 0 in the JSON.",
        "## What it is",
        f"A pre-norm encoder–decoder for Chinese ↔ English, both directions in one network: "
        f"{len(config['encoder_heads'])} layers with {_listed(config['encoder_heads'])} heads read, "
        f"{len(config['decoder_heads'])} write, with {_listed(config['decoder_heads'])} heads of self-attention and "
        f"{_listed(config['cross_heads'])} of cross-attention; width {config['width']}, the tokenizer of the bilingual "
        f"encoder and a token for each language, up to {config['positions']} tokens, "
        f"{scores['parameters'] / 1e6:.2f} million parameters, float16 in the file. It is made for looking at its "
        "attention, not for translating: it is small, and knows everyday sentences.",
        "## Data and terms",
        "Trained on Tatoeba sentence pairs (CC BY 2.0 FR), photo captions of 3AM (MIT) and a quarter of the prose of "
        "the Python documentation (CC0), traditional characters turned into simplified ones. Scored on the pairs of "
        "the first two that are kept back for the bilingual encoder as well, and on hand-aligned sentence pairs of the "
        "Parallel UD treebanks (CC BY-SA 3.0; alignments by Nikolaev et al., ACL 2020). The weights and the code are "
        "under the project's licence; Tatoeba asks that its contributors are credited.",
        "## Recipe",
        f"{training['pairs']} pairs, {training['steps']} steps, {training['minutes']} minutes on "
        f"{training['threads']} thread(s) of {training['hardware']}; last training loss {training['loss']}, with label "
        "smoothing. It starts from the bilingual encoder (Lample & Conneau 2019): its first layers read, its last ones "
        "write, and its first layer, in which words look for their translation, is the start of each cross-attention. "
        "`python -m training.translator`; see docs/training.md.",
    ]
    if curves:
        sections.append(f"![training loss]({curves})")
    sections.append(
        f"## Translations\n\n{scores['pairs']} held-out pairs, one reference each, the likeliest token each time. "
        f"{scores['unseen_pairs']['pairs']} of the pairs have neither side in training (Tatoeba and the captions "
        "repeat sentences). Baseline: each word by the one that it shares most training pairs with (Dice coefficient). "
        "BLEU and chrF by sacrebleu, with capitals."
    )
    rows = [
        [label, DIRECTIONS[direction], *(f"{part[m][direction][k]:.1f}" for m in ("bleu", "chrf") for k in _COLUMNS)]
        for label, part in (("all pairs", scores), ("neither side in training", scores["unseen_pairs"]))
        for direction in DIRECTIONS
    ]
    sections.append(table(("", "", "BLEU", "word by word", "chrF", "word by word"), rows))
    best, both, straight = alignment["best"], alignment["best_symmetrised"], alignment["diagonal"]
    sections.append(
        f"## Cross-attention as word alignment\n\n{alignment['pairs']} hand-aligned pairs, {alignment['linked_words']} "
        "linked English words, as for the bilingual encoder; the network is led through the given translation. A word "
        "has two rows: that in which it was written, and the next, in which it is the last word read (Chen et al. "
        "2020). Score: share of linked English words whose strongest Chinese word is a gold link, in %. AER: lower is "
        "better."
    )
    value = percent({"value": best["score"], "standard_error": best["standard_error"]})
    line = percent({"value": straight["score"], "standard_error": straight["standard_error"]})
    sections.append(
        table(
            ("", "which", "score", "AER"),
            [
                [
                    "cross-attention",
                    f"{head_name(best)}, {DIRECTION_NAMES[best['direction']]}, {ROWS[best['rows']]}",
                    value,
                    f"{both['aer']:.3f} ({head_name(both)}, {both['how']}, {ROWS[both['rows']]})",
                ],
                ["baseline: the diagonal (position only)", "", line, f"{straight['aer']:.3f}"],
                [
                    f"reference: eflomal, {alignment['eflomal']['pairs']} pairs",
                    "",
                    percent(alignment["eflomal"]["score"]),
                    f"{alignment['eflomal']['aer']:.3f}",
                ],
            ],
        )
    )
    sections.append(
        "## Known limits\n\n"
        "- Rare words, names, numbers and long sentences go wrong; what it writes is fluent more often than right.\n"
        "- It writes one token after another and never takes one back.\n"
        "- The tokenizer lower-cases: capitals are put back by a list of words and at the start of a sentence.\n"
        "- The best head is picked on the sentences on which its score is given: a little too high.\n"
        "- An attention weight shows where a head reads, not why a word was chosen."
    )
    return "\n\n".join(sections) + "\n"


_COLUMNS = ("value", "baseline")


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
