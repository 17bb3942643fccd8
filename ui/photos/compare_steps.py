"""The steps that set the three builds of the photo network side by side: one photo, then what was measured."""

from __future__ import annotations

from typing import Any

import streamlit as st

from attention_core.analysis.comparisons import Difference, Overfitting, difference, overfitting
from attention_core.analysis.stages import channel_weights, is_flat
from attention_core.figures import differences, probability_bars, score_pairs, sorted_lines
from attention_core.figures.comparisons import points
from attention_core.models.registry import VISION_MODELS
from attention_core.models.vision import VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.tex import tex
from ui.i18n import joined, t
from ui.inputs import networks
from ui.photos.answers import answer_of, answer_values
from ui.photos.scores import find, measured_scores
from ui.photos.steps import BUILD_NAMES, class_name, group_name, stage_name
from ui.stage.steps import show, step

BUILDS = VISION_MODELS
EVERYWHERE = "se-convolutions"  # the variant with SE behind every convolution


def build_name(build: str) -> str:
    """What a build is called in the page's language."""
    return BUILD_NAMES.get(build) or t("compare.plain")


def predictions_step(number: int, traces: dict[str, VisionTrace]) -> None:
    """The five likeliest things of each build."""
    with step(number, "compare.predictions"):
        for place, (build, trace) in zip(st.columns(len(traces)), traces.items(), strict=True):
            with place:
                best = trace.top(5)
                title = build_name(build)
                show(
                    probability_bars(
                        [class_name(entry) for entry, _ in best],  # three columns have no room for the groups
                        [probability for _, probability in best],
                        title=title,
                        value_name=t("words.probability"),
                    ),
                    f"prediction-{build}",
                    alt=f"{title}: {t('compare.predictions.title')}",
                )
                st.markdown(_answer(trace, build))


def _answer(trace: VisionTrace, build: str) -> str:
    first, _ = trace.top(1)[0]
    values = {"name": class_name(first), "group": group_name(first), **answer_values(trace, build)}
    return t(f"compare.predictions.{answer_of(trace, build)}", **values)


def gates_step(number: int, se: VisionTrace, cbam: VisionTrace) -> None:
    """The channel weights of both builds in every stage, in order of size."""
    formula = rf"{tex('channel', 's_c')} \in (0, 1)"
    with step(number, "compare.gates", formula):
        for place, pair in zip(st.columns(len(se.stages)), zip(se.stages, cbam.stages, strict=True), strict=True):
            gates = [channel_weights(stage) for stage in pair]
            name = stage_name(pair[0].name)
            title = t("compare.gates.figure", stage=name, channels=len(gates[0]))
            with place:
                show(
                    sorted_lines(
                        [array(values) for values in gates],
                        names=[BUILD_NAMES["se"], BUILD_NAMES["cbam"]],
                        title=title,
                        rank_name=t("compare.gates.rank"),
                        value_name=t("photo.weight"),
                        baseline=0.5,
                    ),
                    f"gates-{pair[0].name}",
                    alt=t("compare.gates.alt", stage=title),
                )
                flat = [label for label, values in zip(BUILD_NAMES.values(), gates, strict=True) if is_flat(values)]
                for label in flat:
                    st.caption(t("compare.gates.flat", build=label))


def measured_step(number: int) -> None:
    """Accuracies, differences and costs of the evaluation, and what follows from them."""
    scores = measured_scores()
    counts = {name: _seeds(scores, name) for name in ("seeds", "comparisons")}
    with step(number, "compare.measured", **counts):
        if not scores:
            st.info(t("compare.measured.missing"), icon=":material/straighten:")
            return
        photos = int(find(scores, "builds", BUILDS[0], "photos") or 0)
        st.table(_table(scores), hide_index=True, hide_header=False, border="horizontal", alt=t("compare.measured.alt"))
        threads = int(find(scores, "builds", BUILDS[0], "milliseconds_cpu", "threads") or 1)
        st.caption(t("compare.measured.table", photos=f"{photos:,}", threads=threads, **_guess(scores)))
        found = {build: difference(scores.get("minus_plain", {}).get(build)) for build in BUILD_NAMES}
        known = {build: value for build, value in found.items() if value is not None}
        if not known:
            return
        title = t("compare.measured.figure")
        show(
            differences(
                [f"{BUILD_NAMES[build]} − {t('compare.plain')}" for build in known],
                [value.value for value in known.values()],
                [value.standard_error for value in known.values()],
                title=title,
                value_name=t("compare.points"),
            ),
            "differences",
            alt=title,
        )
        for build, value in known.items():
            st.markdown(_follows(build, value))
            each = scores["minus_plain"][build].get("seeds", {})
            if each:
                st.caption(
                    t("compare.measured.each", points=joined("words.comma", [points(one) for one in each.values()]))
                )


def _seeds(scores: dict[str, Any], what: str) -> int:
    """How many trainings of each build, or comparisons, stand behind the differences."""
    over = scores.get("seeds", {})
    if what == "comparisons":
        return int(over.get("comparisons", len(BUILD_NAMES)))
    return len(over.get("builds", {}).get("plain", {}).get("seeds", {})) or 1


def _table(scores: dict[str, Any]) -> dict[str, list[str]]:
    """One column a build, one row a quantity."""
    labels = ["top1", "top5", "against_plain", "parameters", "multiply_adds", "milliseconds"]
    table = {"": [t(f"compare.measured.rows.{label}") for label in labels]}
    for build in BUILDS:
        of_build = scores["builds"].get(build, {})
        table[build_name(build)] = [
            _share(of_build.get("class_top1")),
            _share(of_build.get("class_top5")),
            _signed(difference(scores.get("minus_plain", {}).get(build))),
            _count(of_build.get("parameters")),
            _millions(of_build.get("multiply_adds")),
            _milliseconds(of_build.get("milliseconds_cpu")),
        ]
    return table


def _guess(scores: dict[str, Any]) -> dict[str, str]:
    shares = {name: find(scores, "constant", f"class_{name}") for name in ("top1", "top5")}
    return {name: "–" if share is None else f"{share:.0%}" for name, share in shares.items()}


def _share(score: dict[str, float] | None) -> str:
    return "–" if score is None else f"{100 * score['value']:.1f} ± {100 * score['standard_error']:.1f}"


def _signed(value: Difference | None) -> str:
    return "–" if value is None else f"{points(value.value)} ± {100 * value.standard_error:.1f}"


def _count(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def _millions(count: int | None) -> str:
    return "–" if count is None else t("compare.measured.millions", count=f"{count / 1e6:.2f}")


def _milliseconds(times: dict[str, float] | None) -> str:
    return "–" if times is None else f"{times['trace']:.1f} ms"


def _follows(build: str, value: Difference) -> str:
    verdict = t(f"compare.verdicts.{value.verdict}", build=BUILD_NAMES[build])
    return t(
        "compare.measured.follows",
        build=BUILD_NAMES[build],
        difference=points(value.value),
        error=f"{100 * value.standard_error:.1f}",
        verdict=verdict,
    )


def overfitting_step(number: int) -> None:
    """SE put everywhere, and the other variants of the papers: measured, or said not to be."""
    found = networks.ablations()
    with step(number, "compare.overfitting"):
        if found is None:
            st.info(t("compare.overfitting.missing"), icon=":material/straighten:")
            return
        rows = overfitting(found)
        labels = [t(f"compare.variants.{row.name}") for row in rows]
        left, right = st.columns(2)
        with left:
            title = t("compare.overfitting.pairs")
            figure = score_pairs(
                labels,
                [row.train for row in rows],
                [row.dev for row in rows],
                names=(t("compare.overfitting.train"), t("compare.overfitting.dev")),
                title=title,
                gap_name=t("compare.overfitting.gap"),
            )
            show(figure, "overfitting", alt=title)
        with right:
            _against_plain(rows, labels)
        sizes = {"classes": found["classes"], "train": f"{found['train_photos']:,}", "dev": f"{found['dev_photos']:,}"}
        st.caption(t("compare.overfitting.how", epochs=f"{found['epochs']:g}", **sizes))
        st.caption(t("compare.overfitting.otherwise", **sizes, **_otherwise(found, rows)))
        everywhere = next((row for row in rows if row.name == EVERYWHERE), None)
        if everywhere is None or everywhere.gap_minus_plain is None or everywhere.minus_plain is None:
            st.info(t("compare.overfitting.not_yet"), icon=":material/straighten:")
        else:
            st.markdown(_everywhere(everywhere, everywhere.gap_minus_plain, everywhere.minus_plain))


def _otherwise(found: dict[str, Any], rows: list[Overfitting]) -> dict[str, object]:
    compared = sum(row.minus_plain is not None for row in rows)
    stages = len(found.get("network", {}).get("widths", ())) or "–"
    seeds = _seeds(measured_scores(), "seeds")
    return {"comparisons": compared, "chance": f"{0.05 * compared:.1f}", "stages": stages, "seeds": seeds}


def _against_plain(rows: list[Overfitting], labels: list[str]) -> None:
    known = [(label, row.minus_plain) for label, row in zip(labels, rows, strict=True) if row.minus_plain is not None]
    if not known:
        return
    title = t("compare.overfitting.differences")
    figure = differences(
        [label for label, _ in known],
        [value.value for _, value in known],
        [value.standard_error for _, value in known],
        title=title,
        value_name=t("compare.points"),
    )
    show(figure, "overfitting-against-plain", alt=title)


def _everywhere(row: Overfitting, gap: Difference, dev: Difference) -> str:
    return t(
        "compare.overfitting.follows",
        gap=points(row.gap),
        more=points(gap.value),
        error=f"{100 * gap.standard_error:.1f}",
        verdict=t(f"compare.overfitting.verdicts.{gap.verdict}"),
        dev=points(dev.value),
        dev_error=f"{100 * dev.standard_error:.1f}",
        dev_verdict=t(f"compare.overfitting.once.{dev.verdict}"),
    )
