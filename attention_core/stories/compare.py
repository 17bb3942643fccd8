"""The builds of the photo network side by side: one photo through all of them, then what was measured on many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from attention_core.analysis.comparisons import Difference, Overfitting, Verdict, difference, overfitting
from attention_core.analysis.familiarity import KnownThings
from attention_core.analysis.stages import channel_weights, is_flat
from attention_core.models.registry import VISION_MODELS
from attention_core.models.vision import VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.masks import masks
from attention_core.stories.photo import BUILD_NAMES, Pixels, class_named, group_named, seen_pixels, stage_named
from attention_core.stories.photo_measured import Answer, Measured, answer_of, find
from attention_core.stories.photo_prediction import BEST
from attention_core.stories.story import Array, Beside, Block, Figure, Grouped, Note, Step, Story, Table
from attention_core.stories.tex import tex
from attention_core.words import Listed, Say, Words

KEY = "compare"
BUILDS = VISION_MODELS
EVERYWHERE = "se-convolutions"  # the variant with SE behind every convolution
_VERDICTS: tuple[Verdict, ...] = ("more", "less", "unclear")


def compare_story(
    traces: Mapping[str, VisionTrace],
    square: Pixels | None = None,
    *,
    known: Mapping[str, KnownThings | None],
    scores: Mapping[str, Any],
    ablations: Mapping[str, Any] | None,
) -> Story:
    """traces: of one photo, by build; square: the photo in its own sharpness, as the networks saw it where it is
    None; known: each build's rule.

    scores, ablations: what was measured, as `registry.scores("vision")` and `registry.ablations` give it; empty and
    None where nothing was.
    """
    cbam = traces["cbam"]
    steps = (
        _predictions(traces, known, measured=bool(scores)),
        _gates(traces["se"], cbam),
        masks(cbam, seen_pixels(cbam) if square is None else square, measured=Measured("cbam", scores)),
        _measured(scores),
        _overfitting(ablations, scores),
    )
    return Story(KEY, {}, {"measured": bool(scores)}, steps)


def _predictions(traces: Mapping[str, VisionTrace], known: Mapping[str, KnownThings | None], *, measured: bool) -> Step:
    """The likeliest things of each build."""
    key, places = f"{KEY}.predictions", []
    for build, trace in traces.items():
        best = trace.top(BEST)
        title = _build_named(build)
        given = {
            "labels": [class_named(entry) for entry, _ in best],  # three columns have no room for the groups
            "probabilities": [probability for _, probability in best],
            "title": title,
            "value_name": Say("words.probability"),
        }
        figure = Figure(f"prediction-{build}", "probability_bars", given, alt=Say(f"{key}.alt", {"build": title}))
        places.append(Grouped([figure, Note(Say(f"{key}.answer", _answer(trace, known.get(build))), "text")]))
    arrays = {build: array(trace.probabilities) for build, trace in traces.items()}
    return Step(key, facts={"measured": measured}, blocks=[Beside(places)], arrays=arrays)


def _build_named(build: str) -> Words:
    return BUILD_NAMES.get(build) or Say(f"{KEY}.variants.plain")


def _answer(trace: VisionTrace, things: KnownThings | None) -> dict[str, Any]:
    """What a build says, and how sure it is of it."""
    [(first, probability)] = trace.top(1)
    answer = answer_of(trace, things)
    return {
        "name": class_named(first),
        "group": group_named(first),
        "probability": probability,
        "classes": len(trace.classes),
        **{one: one == answer for one in get_args(Answer)},
        "threshold": 0.0 if things is None else things.unsure_below,
        "less": 0.0 if things is None else things.less_familiar(trace),
    }


def _gates(se: VisionTrace, cbam: VisionTrace) -> Step:
    """The channel weights of both builds in every stage, in order of size."""
    key, places = f"{KEY}.gates", []
    arrays: dict[str, Array] = {}
    names = [*BUILD_NAMES.values()]
    for pair in zip(se.stages, cbam.stages, strict=True):
        stage, gates = pair[0].name, [channel_weights(one) for one in pair]
        arrays |= {f"{build}.{stage}": array(values) for build, values in zip(BUILD_NAMES, gates, strict=True)}
        facts = {"stage": stage_named(stage), "channels": len(gates[0])}
        given = {
            "series": [array(values) for values in gates],
            "names": names,
            "title": Say(f"{key}.figure", facts),
            "rank_name": Say(f"{key}.rank"),
            "value_name": Say(f"{key}.weight"),
            "baseline": 0.5,
        }
        figure = Figure(f"gates-{stage}", "sorted_lines", given, alt=Say(f"{key}.alt", facts))
        flat = [name for name, values in zip(names, gates, strict=True) if is_flat(values)]
        places.append(Grouped([figure, *(Note(Say(f"{key}.flat", {"build": name})) for name in flat)]))
    return Step(key, [rf"{tex('channel', 's_c')} \in (0, 1)"], blocks=[Beside(places)], arrays=arrays)


def _measured(scores: Mapping[str, Any]) -> Step:
    """Accuracies, differences and costs of the evaluation, and what follows from them."""
    key = f"{KEY}.measured"
    if not scores:
        return Step(key, absent=Say(f"{key}.missing"))
    found = {build: difference(scores.get("minus_plain", {}).get(build)) for build in BUILD_NAMES}
    differences = {build: value for build, value in found.items() if value is not None}
    of_plain = scores["builds"].get(BUILDS[0], {})
    shares = {name: find(scores, "constant", f"class_{name}") for name in ("top1", "top5")}
    about = {
        "photos": int(find(of_plain, "photos") or 0),
        "threads": int(find(of_plain, "milliseconds_cpu", "threads") or 1),
        "guessed": None not in shares.values(),
        **shares,
    }
    blocks: list[Block] = [_table(scores), Note(Say(f"{key}.table", about))]
    if differences:
        labels = {build: Say(f"{key}.minus", {"build": BUILD_NAMES[build]}) for build in differences}
        blocks.append(_differences("differences", labels.values(), differences.values(), Say(f"{key}.figure")))
    for build, value in differences.items():
        facts = {"build": BUILD_NAMES[build], **_said("", value)}
        blocks.append(Note(Say(f"{key}.follows", facts), "text"))
        if each := scores["minus_plain"][build].get("seeds", {}):
            points = [Say(f"{key}.points", {"points": _points(one)}) for one in each.values()]
            blocks.append(Note(Say(f"{key}.each", {"points": Listed(points)})))
    seeds = _seeds(scores)
    facts = {
        "compared": bool(differences),
        "again": seeds > 1,
        "seeds": seeds,
        "comparisons": int(find(scores, "seeds", "comparisons") or len(BUILD_NAMES)),
    }
    arrays = {build: np.array([value.value, value.standard_error]) for build, value in differences.items()}
    return Step(key, facts=facts, blocks=blocks, arrays=arrays)


def _seeds(scores: Mapping[str, Any]) -> int:
    """How many trainings of each build stand behind the differences."""
    return len(scores.get("seeds", {}).get("builds", {}).get("plain", {}).get("seeds", {})) or 1


def _table(scores: Mapping[str, Any]) -> Table:
    """One column a build, one row a quantity."""
    key = f"{KEY}.measured"
    columns = []
    for build in BUILDS:
        of = scores["builds"].get(build, {})
        times = of.get("milliseconds_cpu")
        columns.append(
            [
                _with_error("share", of.get("class_top1")),
                _with_error("share", of.get("class_top5")),
                _with_error("signed", scores.get("minus_plain", {}).get(build)),
                _number("count", of.get("parameters")),
                _number("millions", of.get("multiply_adds"), 1e6),
                _number("milliseconds", times and times["trace"]),
            ]
        )
    names = ("top1", "top5", "against_plain", "parameters", "multiply_adds", "milliseconds")
    rows = [[Say(f"{key}.rows.{name}"), *cells] for name, cells in zip(names, zip(*columns, strict=True), strict=True)]
    return Table(["", *map(_build_named, BUILDS)], rows, Say(f"{key}.alt"))


def _with_error(kind: str, score: Mapping[str, float] | None) -> Words:
    if score is None:
        return "–"
    return Say(f"{KEY}.cells.{kind}", {"value": 100 * score["value"], "error": 100 * score["standard_error"]})


def _number(kind: str, value: float | None, unit: float = 1) -> Words:
    return "–" if value is None else Say(f"{KEY}.cells.{kind}", {"value": value / unit if unit != 1 else value})


def _differences(name: str, labels: Any, values: Any, title: Words) -> Figure:
    values = [*values]
    given = {
        "labels": [*labels],
        "values": [value.value for value in values],
        "errors": [value.standard_error for value in values],
        "title": title,
        "value_name": Say(f"{KEY}.points"),
    }
    return Figure(name, "differences", given, alt=title)


def _said(name: str, value: Difference) -> dict[str, Any]:
    """A difference in points with its error, and which verdict holds, as facts."""
    verdicts = {f"{name}{verdict}": verdict == value.verdict for verdict in _VERDICTS}
    return {f"{name}points": _points(value.value), f"{name}error": 100 * value.standard_error, **verdicts}


def _points(share: float) -> float:
    """In percentage points, as they are printed; without a sign of its own where that is 0."""
    return round(100 * share, 1) + 0.0


def _overfitting(found: Mapping[str, Any] | None, scores: Mapping[str, Any]) -> Step:
    """SE put everywhere, and the other variants of the papers: measured, or said not to be."""
    key = f"{KEY}.overfitting"
    if found is None:
        return Step(key, blocks=[Note(Say(f"{key}.missing"), "info")])
    rows = overfitting(found)
    labels = [Say(f"{KEY}.variants.{row.name}") for row in rows]
    title = Say(f"{key}.pairs")
    given = {
        "labels": labels,
        "first": [row.train for row in rows],
        "second": [row.dev for row in rows],
        "names": (Say(f"{key}.train"), Say(f"{key}.dev")),
        "title": title,
        "gap_name": Say(f"{key}.gap"),
    }
    sides = [Figure("overfitting", "score_pairs", given, alt=title)]
    known = [(label, row.minus_plain) for label, row in zip(labels, rows, strict=True) if row.minus_plain is not None]
    if known:
        told = [label for label, _ in known], [value for _, value in known]
        sides.append(_differences("overfitting-against-plain", *told, Say(f"{key}.differences")))
    stages = len(found.get("network", {}).get("widths", ()))
    facts = {
        "classes": found["classes"],
        "train": found["train_photos"],
        "dev": found["dev_photos"],
        "epochs": found["epochs"],
        "stages": stages,
        "comparisons": len(known),
        "chance": 0.05 * len(known),
        "measured": bool(scores),
        "seeds": _seeds(scores),
    }
    blocks: list[Block] = [Beside(sides), Note(Say(f"{key}.how", facts)), Note(Say(f"{key}.otherwise", facts))]
    arrays = {name: np.array([getattr(row, name) for row in rows]) for name in ("train", "dev", "gap")}
    return Step(key, blocks=[*blocks, _everywhere(rows)], arrays=arrays)


def _everywhere(rows: Sequence[Overfitting]) -> Note:
    """What follows for SE behind every convolution."""
    key = f"{KEY}.overfitting"
    row = next((row for row in rows if row.name == EVERYWHERE), None)
    if row is None or row.gap_minus_plain is None or row.minus_plain is None:
        return Note(Say(f"{key}.not_yet"), "info")
    facts = {"gap": _points(row.gap), **_said("gap_", row.gap_minus_plain), **_said("dev_", row.minus_plain)}
    return Note(Say(f"{key}.follows", facts), "text")
