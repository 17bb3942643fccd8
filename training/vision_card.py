"""The model card of the vision networks, written from their manifests and scores; no number by hand."""

from __future__ import annotations

from typing import Any

from training.shares import Scores, percent
from training.tables import MAP_NAMES, table
from training.vision_card_life import life_section, seeds_section, unknown_section

_ACCURACIES = ("class_top1", "class_top5", "group_top1", "group_top5")
SPAN = ("smallest", "largest", "spread")
TRAINING_COLUMNS = {
    "seed": "seed",
    "photos": "photos",
    "epochs": "epochs",
    "steps": "steps",
    "minutes": "minutes",
    "hardware": "hardware",
    "loss": "last training loss",
}


def vision_card(
    manifests: dict[str, dict[str, Any]], scores: Scores, curves: str | None, ablations: Scores | None = None
) -> str:
    """One card for the builds of the vision network."""
    config = next(iter(manifests.values()))["config"]
    sizes = next(iter(scores["builds"].values()))["sizes"]
    sections = [
        "# Vision networks (`assets/vision`)",
        "Written by `python -m training.evaluate vision`; every number comes from the manifests and `scores.json` "
        "beside it.",
        "## What they are",
        f"One small residual network in {len(manifests)} build(s) ({', '.join(manifests)}) that differ in nothing but "
        f"the attention after each stage, on the trunk: {len(config['widths'])} stages "
        f"of {listed(config['widths'])} channels and {listed(config['depths'])} residual blocks, "
        f"{config['classes']} classes, photos at "
        f"{config['image_size']}×{config['image_size']}. float16 in the files. They are for looking at SE channel "
        "weights and CBAM spatial masks of trained networks, not for recognising things in earnest.",
        "## Data and terms",
        "100 classes of Tiny ImageNet (a 64-pixel subset of ImageNet made for Stanford CS231n), 500 photos a class; "
        "scored on 2,500 more photos with a box each. The 224-pixel photographs of other classes come from Imagenette "
        "(fast.ai). Boxes: ImageNet. **ImageNet's terms: non-commercial research and education.** The photos are not "
        "in this repository; treat the weights under the same terms.",
        "## Recipe",
        "Same recipe and length for all builds, and of one seed the same order of photos and crops: SGD with Nesterov "
        "momentum, weight decay on kernels and matrices alone and none inside the attention modules, crops, flips, "
        "contrast, brightness, saturation, CutMix, label smoothing 0.1, warm-up and cosine, small photos first and "
        "larger ones later; what ships is the running mean of the weights. `python -m training.vision`; see "
        "docs/training.md. Of each build the median seed ships.",
        _origins(manifests),
        table(
            ("build", *TRAINING_COLUMNS.values()),
            [[name, *(m["training"].get(k, "–") for k in TRAINING_COLUMNS)] for name, m in manifests.items()],
        ),
    ]
    if curves:
        sections.append(f"![training curves]({curves})")
    sections += [
        "## Scores\n\nDev photos, in %, ± one standard error over photos (the seed that ships).",
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
        "Times: of the machine that scored, as information only. Accuracy (class top-1) by inference size, on "
        f"{next(iter(sizes.values()))['photos']} of the photos:",
        table(
            ("build", *(f"{size} px" for size in sizes)),
            [[name, *(percent(s["class_top1"]) for s in b["sizes"].values())] for name, b in scores["builds"].items()],
        ),
        seeds_section(scores["seeds"]) if "seeds" in scores else _one_seed(scores.get("minus_plain", {})),
    ]
    if scores.get("life"):
        sections.append(life_section(scores["life"]))
    for key, title in (
        ("masks", "Masks against boxes: dev photos"),
        ("masks_large", "Masks against boxes: 224-pixel photos of other classes"),
        ("masks_untrained", "The same dev photos, an untrained network"),
    ):
        if key in scores:
            sections.append(_mask_section(title, scores[key]))
    if "removal" in scores:
        sections.append(_removal_section(scores["removal"]))
    if scores.get("profiles"):
        sections.append(_profile_section(scores["profiles"]))
    if ablations:
        sections.append(ablation_section(ablations))
    sections.append(unknown_section({name: build["unknown"] for name, build in scores["builds"].items()}))
    sections.append(
        "## Known limits\n\n"
        "- 64 pixels, 100 things, centred photos: what is small, off-centre or something else is often named wrongly, "
        "and with confidence.\n"
        "- Differences between builds within about two standard errors mean nothing.\n"
        "- A mask shows where the network keeps its features, not what it understands; a score beside it says how far "
        "to trust it, and the centred Gaussian is a strong baseline on these photos.\n"
        "- The photos of the dev set choose the seed that ships and the thresholds, and are scored with them."
    )
    return "\n\n".join(sections) + "\n"


def listed(numbers: list[int]) -> str:
    """Numbers in a sentence."""
    return ", ".join(map(str, numbers))


def _origins(manifests: dict[str, dict[str, Any]]) -> str:
    """Where the weights come from, in one line for all builds that share it."""
    sources: dict[str, list[str]] = {}
    for name, manifest in manifests.items():
        sources.setdefault(manifest["training"]["source"], []).append(name)
    return "\n".join(f"Trained {source}: {', '.join(names)}." for source, names in sources.items())


def _one_seed(differences: Scores) -> str:
    return "\n\n".join(
        f"{name} − plain, class top-1, paired over photos: {percent(difference)} points."
        for name, difference in differences.items()
    )


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
            "The mask's pixel AUC minus that of others, in points, paired over photos: "
            + "; ".join(
                f"{name}: "
                + ", ".join(f"{MAP_NAMES[kind]} {percent(gain)}" for kind, gain in stage["mask_minus"].items())
                for name, stage in part.items()
                if isinstance(stage, dict) and "mask_minus" in stage
            )
            + ".",
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


def _profile_section(part: Scores) -> str:
    rows = [
        [
            f"{build} {stage}",
            *(percent(values[k]) for k in ("class_share", "chance")),
            *(f"{values[k]:.3f}" for k in SPAN),
        ]
        for build, stages in part.items()
        for stage, values in stages.items()
    ]
    return "\n\n".join(
        [
            "### Excitation profiles",
            "How far the channel weights depend on what the photo shows (Hu et al. 2018, figs. 6 and 7): share of "
            "their variance over the dev photos that lies between classes, in %, and what chance gives. The mean "
            "weights of each class are in `profiles.safetensors`.",
            table(("stage", "between classes", "chance", *SPAN), rows),
        ]
    )


def ablation_section(found: Scores) -> str:
    """The table of `python -m training.ablations`."""
    rows = []
    for name, scores in found["variants"].items():
        train, dev = scores["train_top1"], scores["dev_top1"]
        differences = found["differences"][name]
        rows.append(
            [
                name,
                f"{scores['parameters'] / 1e6:.2f} M",
                percent(train["value"]),
                percent(dev),
                percent(train["value"] - dev["value"]),
                *(percent(differences.get(reference)) for reference in ("plain", "se", "cbam")),
            ]
        )
    return "\n\n".join(
        [
            f"### What the papers vary, on the first {found['classes']} classes only",
            f"`python -m training.ablations` on a network of {listed(found['network']['widths'])} channels: "
            f"{found['train_photos']} training photos, {found['epochs']:g} epochs, one "
            f"run each (seed {found['seed']}); {found['dev_photos']} dev photos. Every variant but `cbam-masked`, the "
            "build that ships, pools by a plain average. Top-1 in %, differences in points over the same dev photos.",
            table(("variant", "size", "train", "dev", "train − dev", "− plain", "− se", "− cbam"), rows),
        ]
    )
