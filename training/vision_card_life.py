"""Sections of the vision networks' card: the seeds, whether gates and masks live, and what is outside the classes."""

from __future__ import annotations

from training.shares import Scores, percent
from training.tables import table


def seeds_section(found: Scores) -> str:
    """Accuracy over several seeds, and the differences from plain."""
    builds, differences = found["builds"], found["minus_plain"]
    seeds = next(iter(builds.values()))["seeds"]

    def row(name: str, score: Scores) -> list[object]:
        errors = (percent(score["error_seeds"]), percent(score["error_photos"]))
        return [name, *(percent(value) for value in score["seeds"].values()), percent(score["value"]), *errors]

    return "\n\n".join(
        [
            f"### Over {len(seeds)} seeds",
            "Class top-1 in %, and differences in points, paired over photos and seeds. One standard error over seeds: "
            "how far the mean of as many other trainings would lie; one over photos: how far that on other photos. "
            f"{found['comparisons']} differences were looked at.",
            table(
                ("", *(f"seed {seed}" for seed in seeds), "mean", "± over seeds", "± over photos"),
                [row(name, score) for name, score in builds.items()]
                + [row(f"{name} − plain", score) for name, score in differences.items()],
            ),
        ]
    )


def life_section(life: Scores) -> str:
    """Whether gates and masks depend on the photo, and the answer on that; and what each mask follows."""
    rows, follows, frozen = [], [], []
    for build, found in life.items():
        for stage, parts in found["stages"].items():
            for name, part in parts.items():
                on_rim = (percent(part["rim"]), percent(part["rim_cells"])) if "rim" in part else ("", "")
                rows.append([f"{build} {stage}", name, f"{part['spread']:.3f}", percent(part["fixed_share"]), *on_rim])
            if "follows" in parts.get("masks", {}):
                mask = parts["masks"]
                numbers = [
                    percent(mask["rim_auc"]),
                    *(f"{mask[k]['value']:+.2f} ± {mask[k]['standard_error']:.2f}" for k in ("brightness", "edges")),
                    percent(mask["object"]),
                    percent(mask["object_minus_gaussian"]),
                ]
                follows.append([f"{build} {stage}", *numbers, mask["follows"]])
        for what, scores in found["frozen"].items():
            frozen.append([f"{build}: {what}", *(percent(scores[k]) for k in ("top1", "cost", "same"))])
    sections = [
        "### Do gates and masks depend on the photo?",
        "Spread: standard deviation between dev photos, mean over channels or cells. Fixed: the share of the variance "
        "that is the same for every photo. Rim: the share of masks whose brightest cell lies in the outermost ring, "
        "beside the ring's share of the cells. In % but for the spread.",
        table(("stage", "", "spread", "fixed", "brightest on the rim", "rim's cells"), rows),
        "All of them held at their mean over the dev photos: top-1, what that costs (paired over photos), and the "
        "share of answers that stay the same, in %:",
        table(("frozen", "top-1", "cost", "same answer"), frozen),
    ]
    if follows:
        sections += [
            "What each mask follows: the chance that a cell of the rim is brighter than one inside (%), its "
            "correlation with the photo's brightness and with its edges, pixel AUC against the boxes and how much more "
            'that is than a centred Gaussian\'s (%). "Object" where it beats the Gaussian by two standard errors; else '
            "the strongest of the first three if it is at least 0.3 (of the rim: twice its distance from 50%).",
            table(("stage", "rim", "brightness", "edges", "object", "– minus Gaussian", "follows"), follows),
        ]
    return "\n\n".join(sections)


def unknown_section(builds: dict[str, Scores]) -> str:
    """The four rules for what is outside of the classes, and the two that the app uses."""
    rows = [
        [
            f"{name}: {rule}" + (" (used)" if rule == found["rule"] else ""),
            percent(part["auc"]),
            percent(part["refused_outside"]),
            percent(part["refused_wrong"]),
            percent(part["refused_right"]),
        ]
        for name, found in builds.items()
        for rule, part in found["rules"].items()
    ]
    unsure = [
        [
            name,
            percent(found["below"]),
            *(percent(found[f"flagged_{kind}"]) for kind in ("outside", "wrong", "right")),
            *(percent(found[f"either_{kind}"]) for kind in ("outside", "wrong", "right")),
        ]
        for name, found in builds.items()
    ]
    first = next(iter(builds.values()))
    return "\n\n".join(
        [
            "### Outside the 100 classes",
            f"Four rules for how familiar a photo looks, on {first['photos_outside']} photos of other classes against "
            f"the dev photos; each refuses what looks less familiar than {percent(first['kept'], 0)}% of the dev "
            "photos do. The build uses the one that refuses most photos of other classes. In %:",
            table(("rule", "AUC", "refused: other classes", "wrongly named", "rightly named"), rows),
            "And it is unsure where the largest probability is below what "
            f"{percent(first['kept_right'], 0)}% of the rightly named dev photos exceed. Refused or unsure, in %:",
            table(
                (
                    "build",
                    "unsure below",
                    "unsure: other classes",
                    "wrongly named",
                    "rightly named",
                    "either: other classes",
                    "wrongly named",
                    "rightly named",
                ),
                unsure,
            ),
        ]
    )
