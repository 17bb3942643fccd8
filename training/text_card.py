"""The model card of the text network, written from its manifest and scores; no number by hand."""

from __future__ import annotations

from typing import Any

from training.shares import Scores, percent
from training.tables import DIRECTION_NAMES, head_name, table, training_of


def text_card(manifest: dict[str, Any], scores: Scores, curves: str | None) -> str:
    """The card of the bilingual encoder."""
    config, training = manifest["config"], training_of(manifest)
    masked, alignment = scores["masked_tokens"], scores["alignment"]
    eflomal = alignment["eflomal"]
    sections = [
        "# Bilingual encoder (`assets/text/bilingual`)",
        "Written by `python -m training.evaluate text`; every number comes from `bilingual.json` and "
        "`bilingual.scores.json` beside it. Layers and heads are counted from 1 here, from 0 in the JSON.",
        "## What it is",
        f"A pre-norm transformer encoder for Chinese and English, one sentence or a translated pair: "
        f"{len(config['heads'])} layers with {', '.join(map(str, config['heads']))} heads, width {config['width']}, "
        f"vocabulary {config['vocabulary']} (Chinese characters one a token, English WordPiece), up to "
        f"{config['positions']} tokens, {scores['parameters'] / 1e6:.2f} million parameters, float16 in the file. It "
        "guesses masked tokens; it is made for looking at its attention, not for translating or writing.",
        "## Data and terms",
        "Trained on Tatoeba sentence pairs (CC BY 2.0 FR), photo captions of 3AM (MIT) and prose of the Python "
        "documentation (CC0), traditional characters turned into simplified ones. Scored on held-out pairs of the "
        "first two; on UD English EWT dev and UD Chinese GSDSimp dev (CC BY-SA 4.0); and on hand-aligned sentence "
        "pairs of the Parallel UD treebanks (CC BY-SA 3.0; alignments by Nikolaev et al., ACL 2020). None of the dev "
        "sets was trained on, but runs are chosen by them. The weights and the code are under the project's licence; "
        "Tatoeba asks that its contributors are credited.",
        "## Recipe",
        f"{training['pairs']} pairs, {training['steps']} steps, {training['minutes']} minutes on "
        f"{training['threads']} thread(s) of {training['hardware']}; last training loss {training['loss']}. "
        f"{_averaged(training)}Embeddings start from an SVD of the token × pair matrix beside "
        "sinusoidal positions; some heads start with W^q = W^k "
        "(which already aligns words: see below), the others by looking at a neighbour. Masked tokens in single "
        "sentences, in pairs, and in pairs with one side whole and half of the other masked. "
        "`python -m training.text`; see docs/training.md.",
    ]
    if curves:
        sections.append(f"![training loss]({curves})")
    sections += ["## Scores", f"### Masked tokens\n\n{masked['pairs']} held-out pairs, 15% of one side masked, in %."]
    rows = [
        [label, *(percent(part.get(k)) for k in ("top1", "top5")), f"{part['loss']:.3f}" if "loss" in part else "–"]
        for label, part in (
            ("sentence alone", masked["alone"]),
            ("with its translation visible", masked["with_translation"]),
            ("– English", masked["with_translation"]["en"]),
            ("– Chinese", masked["with_translation"]["zh"]),
            (
                f"alone, the {masked['unseen_pairs']} pairs with no sentence in training",
                masked["alone"]["unseen_pairs"],
            ),
            ("with translation, the same pairs", masked["with_translation"]["unseen_pairs"]),
            ("baseline: most frequent tokens", masked["unigram"]),
        )
    ]
    sections.append(table(("", "top-1", "top-5", "loss (nats)"), rows))
    sections.append(
        f"### Word alignment\n\n{alignment['pairs']} hand-aligned pairs, {alignment['linked_words']} linked English "
        "words. Score: share of linked English words whose strongest Chinese word (gold segmentation) is a gold link, "
        "in %. AER: links made by one head in both directions; lower is better."
    )
    rows = []
    for label, part in (
        ("trained", alignment),
        ("its start, before any training (SVD embeddings, W^q = W^k)", alignment.get("bilingual_start")),
        ("untrained (random start)", alignment.get("untrained")),
    ):
        if part:
            best, both = part["best"], part["best_symmetrised"]
            how = f"{head_name(best)}, {DIRECTION_NAMES[best['direction']]}"
            value = percent({"value": best["score"], "standard_error": best["standard_error"]})
            rows.append([f"{label}: best head", how, value, f"{both['aer']:.3f} ({head_name(both)}, {both['how']})"])
    straight = alignment["diagonal"]
    value = percent({"value": straight["score"], "standard_error": straight["standard_error"]})
    rows.append(["baseline: the diagonal (position only)", "", value, f"{straight['aer']:.3f}"])
    rows.append(
        [f"reference: eflomal, {eflomal['pairs']} pairs", "", percent(eflomal["score"]), f"{eflomal['aer']:.3f}"]
    )
    sections.append(table(("", "which", "score", "AER"), rows))
    if scores.get("relations"):
        sections.append(
            "### Dependency relations\n\nAs in Clark et al. 2019, relations with at least 50 cases: best head against "
            "the best fixed offset, in %. Shown: relations where the head is better; all are in the JSON."
        )
        rows = []
        for language, relations in scores["relations"].items():
            for name, r in sorted(relations.items(), key=lambda item: -item[1]["gain"]):
                if r["gain"] > 0:
                    value = percent({"value": r["score"], "standard_error": r["standard_error"]})
                    rows.append(
                        [
                            language,
                            name,
                            r["cases"],
                            f"{head_name(r)}, {r['direction'].replace('_', ' ')}",
                            value,
                            f"{percent(r['best_offset_score'])} ({r['best_offset']:+d})",
                        ]
                    )
        sections.append(table(("", "relation", "cases", "best head", "score", "best offset"), rows))
    sections.append("### Heads\n\nOn the held-out sentences: entropy in nats, distance in tokens, shares in %.")
    rows = [
        [
            f"{layer + 1}.{number + 1}",
            f"{head['entropy']:.2f}",
            f"{head['distance']:.1f}",
            *(percent(head[k]) for k in ("special", "previous", "next", "same", "other_language")),
            f"{head['loss_increase']:+.3f}" if "loss_increase" in head else "–",
            *(percent(alignment["heads"][layer][number][k]) for k in ("en_zh", "zh_en", "product")),
        ]
        for layer, heads in enumerate(scores["heads"])
        for number, head in enumerate(heads)
    ]
    header = (
        "head",
        "entropy",
        "distance",
        "special",
        "previous",
        "next",
        "same",
        "other language",
        "loss when off",
        "aligns en→zh",
        "zh→en",
        "product",
    )
    sections.append(table(header, rows))
    sections.append(
        "## Known limits\n\n"
        "- Small network; everyday sentences, captions and some documentation: names, news and literary language are "
        "foreign to it. What it says about people reflects its sources.\n"
        "- Best heads are picked on the same dev sets on which their scores are given: a little too high.\n"
        f"- Only {masked['unseen_pairs']} of the {masked['pairs']} held-out pairs have neither sentence in a training "
        "pair (Tatoeba and the captions repeat sentences with several translations); their own row is above.\n"
        "- The start alone aligns words; compare with its row before crediting the training.\n"
        "- An attention weight shows where a head reads, not why the network decides.\n"
        "- Positions beyond about a hundred tokens were trained through random offsets only."
    )
    return "\n\n".join(sections) + "\n"


def _averaged(training: dict[str, Any]) -> str:
    """A sentence where the weights are a mean of two runs', nothing where they are one's."""
    share = training.get("averaged")
    if share is None:
        return ""
    return (
        f"The weights are a mean: {100 * share:g}% of the last run's, the rest of those that it went on from "
        "(`python -m training.average`). "
    )
