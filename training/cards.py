"""Model cards, written from manifests and scores; no number by hand."""

from __future__ import annotations

from typing import Any

from training.shares import Scores, percent
from training.tables import DIRECTION_NAMES, MAP_NAMES, TRAINING, head_name, table, training_of

_ACCURACIES = ("class_top1", "class_top5", "group_top1", "group_top5")


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
        f"{training['threads']} thread(s) of {training['hardware']}; last training loss {training['loss']}. Embeddings "
        "start from an SVD of the token × pair matrix beside sinusoidal positions; some heads start with W^q = W^k "
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


def vision_card(manifests: dict[str, dict[str, Any]], scores: Scores, curves: str | None) -> str:
    """One card for the builds of the vision network."""
    first = next(iter(manifests.values()))
    config = first["config"]
    sections = [
        "# Vision networks (`assets/vision`)",
        "Written by `python -m training.evaluate vision`; every number comes from the manifests and `scores.json` "
        "beside it.",
        "## What they are",
        f"One small residual network in {len(manifests)} build(s) ({', '.join(manifests)}) that differ in nothing but "
        f"the attention after each stage, on the trunk: {len(config['widths'])} stages of "
        f"{', '.join(map(str, config['widths']))} channels, {config['classes']} classes, photos at "
        f"{config['image_size']}×{config['image_size']}. float16 in the files. They are for looking at SE channel "
        "weights and CBAM spatial masks of trained networks, not for recognising things in earnest.",
        "## Data and terms",
        "100 classes of Tiny ImageNet (a 64-pixel subset of ImageNet made for Stanford CS231n), 500 photos a class; "
        "scored on 2,500 more photos with a box each. The 224-pixel photographs of other classes come from Imagenette "
        "(fast.ai). Boxes: ImageNet. **ImageNet's terms: non-commercial research and education.** The photos are not "
        "in this repository; treat the weights under the same terms.",
        "## Recipe",
        "Same recipe, seed, data order and length for all builds: crops, flips, brightness and contrast, label "
        "smoothing 0.1, AdamW without decay on norms and biases, warm-up and cosine, photos at half the side first and "
        "at full size last. `python -m training.vision`; see docs/training.md.",
        table(
            ("build", "photos", "epochs", "steps", "minutes", "threads", "hardware", "last training loss"),
            [[name, *(m["training"].get(k, "–") for k in TRAINING)] for name, m in manifests.items()],
        ),
    ]
    if curves:
        sections.append(f"![training curves]({curves})")
    sections += [
        "## Scores\n\nDev photos, in %, ± one standard error over photos (one seed a build).",
        table(
            ("build", "class top-1", "top-5", "group top-1", "top-5", "parameters", "multiply-adds", "CPU ms a photo"),
            [
                [
                    name,
                    *(percent(b[k]) for k in _ACCURACIES),
                    f"{b['parameters'] / 1e6:.2f} M",
                    f"{b['multiply_adds'] / 1e6:.1f} M",
                    f"{b['milliseconds_cpu']['trace']} ({b['milliseconds_cpu']['threads']} thread)",
                ]
                for name, b in scores["builds"].items()
            ]
            + [
                [
                    "baseline: the commonest",
                    *(percent(scores["constant"][k]) for k in _ACCURACIES),
                    *["–"] * 3,
                ]
            ],
        ),
        "Times: of the machine that scored, as information only. Accuracy (class top-1) by inference size:",
        table(
            ("build", *(f"{size} px" for size in next(iter(scores["builds"].values()))["sizes"])),
            [[name, *(percent(s["class_top1"]) for s in b["sizes"].values())] for name, b in scores["builds"].items()],
        ),
    ]
    for name, difference in scores.get("minus_plain", {}).items():
        sections.append(f"{name} − plain, class top-1, paired over photos: {percent(difference)} points.")
    for key, title in (
        ("masks", "Masks against boxes: dev photos"),
        ("masks_large", "Masks against boxes: 224-pixel photos of other classes"),
    ):
        if key in scores:
            sections.append(_mask_section(title, scores[key]))
    if "removal" in scores:
        sections.append(_removal_section(scores["removal"]))
    sections.append(
        "### Outside the 100 classes\n\nThe app says so when the largest probability is below a threshold that keeps "
        "90% of the rightly named dev photos. In %:"
    )
    sections.append(
        table(
            ("build", "threshold", "flags: other classes (224-px photos)", "wrongly named dev photos", "AUC"),
            [
                [
                    name,
                    percent(u["below"]),
                    f"{percent(u['flagged_outside'])} of {u['photos_outside']}",
                    percent(u["flagged_wrong"]),
                    percent(u["auc"]),
                ]
                for name, u in ((name, b["unknown"]) for name, b in scores["builds"].items())
            ],
        )
    )
    sections.append(
        "## Known limits\n\n"
        "- 64 pixels, 100 things, centred photos: what is small, off-centre or something else is often named wrongly, "
        "and with confidence.\n"
        "- One seed a build: differences between builds within about two standard errors mean nothing.\n"
        "- A mask shows where the network keeps its features, not what it understands; a score beside it says how far "
        "to trust it, and the centred Gaussian is a strong baseline on these photos.\n"
        "- The photos of the dev set choose the threshold and are scored with it."
    )
    return "\n\n".join(sections) + "\n"


def _mask_section(title: str, part: Scores) -> str:
    keys = ("pointing", "energy", "pixel_auc")
    rows = []
    ranges = []
    for name, stage in part.items():
        if isinstance(stage, dict) and "mask" in stage:
            for kind, label in MAP_NAMES.items():
                if kind in stage:
                    rows.append([f"{name}: {label}", *(percent(stage[kind][k]) for k in keys)])
            r = stage["range"]
            ranges.append(
                [
                    name,
                    f"{stage['side']}×{stage['side']}",
                    *(f"{r[k]:.3f}" for k in ("min", "mean", "max", "spread")),
                    "flat" if r["flat"] else "",
                ]
            )
    for label, kind in (("baseline: centred Gaussian", "centred_gaussian"), ("baseline: uniform", "uniform")):
        rows.append([label, *(percent(part[kind][k]) for k in keys)])
    return "\n\n".join(
        [
            f"### {title}",
            f"{part['photos']} of {part['photos_in_all']} photos remain, those whose boxes cover at most "
            f"{percent(part['largest_box'], 0)}% of the frame; there, boxes cover {percent(part['box_area'])}% on "
            "average, which is what energy inside has to beat. CAM and Grad-CAM are of the class that the network "
            "names, rightly or not, as in the app. In %.",
            table(("map", "pointing game", "energy inside", "pixel AUC"), rows),
            "Range of the masks; spread = highest − lowest within a photo, on average:",
            table(("stage", "size", "min", "mean", "max", "spread", ""), ranges),
        ]
    )


def _removal_section(part: Scores) -> str:
    columns = ("deletion", "deletion_minus_gaussian", "insertion", "insertion_minus_gaussian")
    rows = []
    for kind, values in part["maps"].items():
        # "grad_cam_stage1" is the Grad-CAM of stage1; the other maps are of the last stage, or of none.
        name, _, stage = kind.partition("_stage")
        label = f"stage{stage}: {MAP_NAMES[name]}" if stage else MAP_NAMES[name]
        own = kind == "centred_gaussian"
        rows.append([label, *("–" if own and k.endswith("gaussian") else percent(values[k]) for k in columns)])
    return "\n\n".join(
        [
            "### Masks against the network's own answer: deletion and insertion",
            f"{part['photos']} of {part['photos_in_all']} dev photos drawn with seed {part['seed']}, {part['steps']} "
            "steps (Petsiuk et al. 2018). Pixels go, highest first, into the photo's mean colour (deletion), or come "
            "into its strongly blurred copy (insertion). Area under the probability of the class that the network "
            f"names, in %, and its difference from the centred Gaussian's, paired over photos. Mask and CAM are of "
            f"{part['stage']}. A good map has a small deletion area and a large insertion area.",
            table(("map", "deletion", "– minus Gaussian", "insertion", "– minus Gaussian"), rows),
        ]
    )
