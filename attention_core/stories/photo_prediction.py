"""The last step of every story about a photo: what the network takes it for, and how far to trust that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attention_core.analysis.photo_change import ClassChange, classes_beside
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import ClassifiedPhoto, VisionClass, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.photo import OUTPUT, class_named, group_named
from attention_core.stories.photo_measured import Measured, answer_of
from attention_core.stories.story import Beside, Block, Figure, Note, Step
from attention_core.stories.tex import tex
from attention_core.words import Say, Words

KEY = "photo.prediction"
BEST = 5  # classes


def prediction(
    trace: ClassifiedPhoto,
    before: ClassifiedPhoto | None = None,
    *,
    measured: Measured | None = None,
    random: Sequence[float] = (),
) -> Step:
    """What the network says, or that it does not know. before, measured, random: as in `FollowedStage`."""
    if not trace.classes:
        return Step(KEY, absent=Say(f"{KEY}.absent"))
    facts: dict[str, Any] = {
        "pooled": isinstance(trace, VisionTrace),
        "measured": measured is not None and bool(measured.trust),
        "changed": before is not None,
        "classes": len(trace.classes),
        "shown": min(BEST, len(trace.classes)),
        "grouped": bool(trace.classes[0].group),
    }
    blocks = _now(trace, measured) if before is None else _beside(before, trace, random)
    arrays = {"logits": array(trace.logits), "p": array(trace.probabilities)}
    if isinstance(trace, VisionTrace):
        arrays["g"] = array(trace.pooled)
    return Step(KEY, _formulas(trace), facts, blocks, arrays)


def _formulas(trace: ClassifiedPhoto) -> list[str]:
    """From the last stage's output to the probabilities; of networks of others only the end is known."""
    if not isinstance(trace, VisionTrace):
        return [r"p = \mathrm{softmax}(o)"]
    mean = rf"g_c = \frac{{1}}{{HW}} \sum_{{i,j}} {OUTPUT}"
    if isinstance(trace.stages[-1].attention, CBAMTrace):
        mean = rf"g_c = \frac{{\sum_{{i,j}} {OUTPUT}}}{{\sum_{{i,j}} {tex('mask', 'M(i,j)')}}}"
    return [mean, r"p = \mathrm{softmax}(W g + b)"]


def of_group(entry: VisionClass) -> Words:
    """What a class is called, with its group where it has one."""
    name = class_named(entry)
    return Say("photo.of_group", {"name": name, "group": group_named(entry)}) if entry.group else name


def _bars(name: str, labels: Sequence[Words], values: Sequence[float], alt: Words, **look: Any) -> Figure:
    given = {"labels": list(labels), "probabilities": list(values), "value_name": Say("words.probability"), **look}
    return Figure(name, "probability_bars", given, alt=alt)


def _now(trace: ClassifiedPhoto, measured: Measured | None) -> list[Block]:
    best = trace.top(BEST)
    entry, probability = best[0]
    facts: dict[str, Any] = {"name": class_named(entry), "probability": probability, "grouped": bool(entry.group)}
    if entry.group:
        facts["group"] = group_named(entry)
    answer = "known"
    if isinstance(trace, VisionTrace) and measured is not None and measured.things is not None:
        answer = answer_of(trace, measured.things)
        facts |= {"threshold": measured.things.unsure_below, "less": measured.things.less_familiar(trace)}
    figure = _bars("prediction", [of_group(one) for one, _ in best], [value for _, value in best], Say(f"{KEY}.title"))
    said = Note(Say(f"{KEY}.{answer}", facts), "text" if answer == "known" else "info")
    return [said, figure, *([] if measured is None else measured.trust)]


def _beside(before: ClassifiedPhoto, after: ClassifiedPhoto, random: Sequence[float]) -> list[Block]:
    """As trained and with the change: the same classes in the same order."""
    found = classes_beside(before, after, BEST)
    labels = [of_group(change.entry) for change in found]
    sides = [
        _bars(
            f"prediction-{which}",
            labels,
            [getattr(change, which) for change in found],
            Say("change.which", {"title": Say(f"{KEY}.title"), "which": Say(f"change.{which}")}),
            title=Say(f"change.{which}"),
            highlight=0,
        )
        for which in ("before", "after")
    ]
    blocks: list[Block] = [Beside(sides), Note(Say(f"{KEY}.first", _first(found)), "text")]
    if random:
        low, high, now = min(random), max(random), found[0].after
        facts = {"low": low, "high": high, "mean": sum(random) / len(random), "draws": len(random)}
        verdict = {"further": now < low, "less": now > high, "alike": low <= now <= high}
        blocks.append(Note(Say("photo.random", {**facts, **verdict}), "text"))
    return blocks


def _first(found: Sequence[ClassChange]) -> dict[str, Any]:
    truth, now = found[0], max(found, key=lambda change: change.after)
    return {
        "name": class_named(truth.entry),
        "before": truth.before,
        "after": truth.after,
        "points": round(100 * (truth.after - truth.before), 1) + 0.0,
        "same": now.entry == truth.entry,
        "other": class_named(now.entry),
        "probability": now.after,
    }
