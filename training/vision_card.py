"""The model card of the vision networks, written from their manifests and scores; no number by hand."""

from __future__ import annotations

from typing import Any

from training.shares import Scores, percent
from training.tables import MAP_NAMES, TRAINING, table

_ACCURACIES = ("class_top1", "class_top5", "group_top1", "group_top5")
SPAN = ("smallest", "largest", "spread")


def vision_card(
    manifests: dict[str, dict[str, Any]], scores: Scores, curves: str | None, ablations: Scores | None = None
) -> str:
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
        "smoothing 0.1, AdamW without decay on norms and biases, warm-up and cosine, small photos first and larger "
        f"ones later.{_trunk(first)} `python -m training.vision`; see docs/training.md.",
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


def _trunk(manifest: dict[str, Any]) -> str:
    common = manifest["training"].get("trunk_steps")
    return f" The first {common:,} steps are common to all builds: trained once, without attention." if common else ""


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
            f"`python -m training.ablations`: {found['train_photos']} training photos, {found['epochs']:g} epochs, one "
            f"run each (seed {found['seed']}); {found['dev_photos']} dev photos. Every variant but `cbam-masked`, the "
            "build that ships, pools by a plain average. Top-1 in %, differences in points over the same dev photos.",
            table(("variant", "size", "train", "dev", "train − dev", "− plain", "− se", "− cbam"), rows),
        ]
    )
