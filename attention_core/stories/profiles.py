"""Excitation profiles: the mean gates of classes, stage by stage, and a photo's gates over them.

Hu et al. 2018, Figs. 6 and 7. K classes, C channels of a stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from attention_core.analysis.profiles import StageProfile, stage_profile
from attention_core.figures import COLOURS, STROKES
from attention_core.models.registry import PROFILED
from attention_core.models.vision import StageTrace, VisionTrace
from attention_core.stories.arrays import array
from attention_core.stories.photo import class_named, group_named, stage_named
from attention_core.stories.photo_measured import STILL, find
from attention_core.stories.story import Block, Figure, Line, Note, Step, Story, Table
from attention_core.words import Listed, Say

KEY = "profiles"
Order = Literal["sorted", "index", "spread"]
DIFFERING = 50  # channels, as many as the paper draws
CROWDED = 100  # channels from which lines are drawn thinner
MOSTLY, TWICE = 0.5, 2  # shares of the variance between classes: from which most is; and against chance


def profiles_story(
    build: str,
    trace: VisionTrace,
    means: Mapping[str, Tensor],
    *,
    beside: Sequence[int],
    order: Order,
    scores: Mapping[str, Any],
) -> Story:
    """A step a stage, then all stages in numbers.

    means: stage → (K, C), as `registry.excitation_profiles` gives them; beside: classes drawn with the one that the
    network names; order: of the channels along the axis; scores: as `registry.scores("vision")` gives them, empty where
    nothing was measured.
    """
    classes = [int(trace.logits.argmax()), *beside]
    stages = [_stage(build, trace, stage, means[stage.name], classes, order, scores) for stage in trace.stages]
    return Story(KEY, {"build": build, "order": order}, {}, [*stages, _shares(build, scores)])


def _stage(
    build: str,
    trace: VisionTrace,
    stage: StageTrace,
    means: Tensor,
    classes: Sequence[int],
    order: Order,
    scores: Mapping[str, Any],
) -> Step:
    """One stage: the mean over all classes, the chosen classes, and the photo."""
    profile = stage_profile(means, stage)
    predicted = classes[0]
    facts = {
        "stage": stage_named(stage.name),
        "channels": len(profile.photo),
        "nearest": class_named(trace.classes[profile.nearest]),
        "predicted": class_named(trace.classes[predicted]),
        "same": profile.nearest == predicted,
        "known": not bool(profile.distances[predicted].isnan()),
        "rank": profile.rank(predicted),
        "count": int((~profile.distances.isnan()).sum()),
    }
    blocks: list[Block] = [_named(trace)] if stage is trace.stages[0] else []
    blocks += [_verdict(build, profile, stage.name, scores), _figure(trace, profile, stage.name, classes, order)]
    arrays = {name: array(getattr(profile, name)) for name in ("classes", "mean", "spread", "photo", "distances")}
    return Step(f"{KEY}.stage", (), facts, blocks, arrays)


def _named(trace: VisionTrace) -> Note:
    """Whose profile is always drawn."""
    [(entry, probability)] = trace.top(1)
    facts = {"name": class_named(entry), "group": group_named(entry), "probability": probability}
    return Note(Say(f"{KEY}.named", facts), "text")


def _verdict(build: str, profile: StageProfile, stage: str, scores: Mapping[str, Any]) -> Note:
    """How much the gates differ at all, then how much of that is the class."""
    names = ("spread", "class_share", "chance")
    spread, share, chance = (find(scores, "profiles", build, stage, name) for name in names)
    facts: dict[str, Any] = {"classes": profile.spread.mean().item(), "measured": False}
    kinds = dict.fromkeys(("still", "class", "photo", "neither"), False)
    if spread is not None and share is not None and chance is not None:
        mostly, more = share >= MOSTLY, share >= TWICE * chance
        kinds["still" if spread < STILL else "class" if mostly else "photo" if more else "neither"] = True
        facts |= {"measured": True, "spread": spread, "share": share, "chance": chance}
    return Note(Say(f"{KEY}.verdict", {**facts, **kinds}), "text")


def _figure(trace: VisionTrace, profile: StageProfile, stage: str, classes: Sequence[int], order: Order) -> Figure:
    channels = _channels(profile, order)
    thin = len(channels) > CROWDED
    lines = [Line(Say(f"{KEY}.mean"), array(profile.mean)[channels], {"width": 4 if thin else 5})]
    for number, (colour, dash) in zip(classes, STROKES, strict=False):
        look = {"colour": colour, "dash": dash, "width": 1.3 if thin else 2}
        lines.append(Line(class_named(trace.classes[number]), array(profile.classes[number])[channels], look))
    look = {"colour": COLOURS["channel"], "width": 1, "markers": True}
    lines.append(Line(Say(f"{KEY}.photo"), array(profile.photo)[channels], look))
    named = stage_named(stage)
    given = {
        "x": np.arange(len(channels)),
        "lines": lines,
        "title": named,
        "x_name": Say(f"{KEY}.axis.{order}", {"count": len(channels)}),
        "value_name": Say("words.gate"),
        "labels": [str(channel) for channel in channels],
        "hover_name": Say("words.channel"),
    }
    drawn = Listed([class_named(trace.classes[number]) for number in classes])
    return Figure(f"profile-{stage}", "curves", given, alt=Say(f"{KEY}.alt", {"stage": named, "classes": drawn}))


def _channels(profile: StageProfile, order: Order) -> npt.NDArray[np.intp]:
    """Which channels are drawn, and in what order."""
    falling = np.argsort(-array(profile.mean), kind="stable")
    if order == "index":
        return np.arange(len(falling))
    if order == "spread":
        most = np.argsort(-array(profile.spread), kind="stable")[:DIFFERING]
        return falling[np.isin(falling, most)]
    return falling


def _shares(build: str, scores: Mapping[str, Any]) -> Step:
    """How far the gates of each stage depend on the class: both builds, and what chance gives."""
    key = f"{KEY}.shares"
    measured = {name: scores.get("profiles", {}).get(name) for name in PROFILED}
    if not all(measured.values()):
        return Step(key, absent=Say(f"{key}.missing"))
    stages = list(measured[build])
    shares = {name: np.array([of[stage]["class_share"] for stage in stages]) for name, of in measured.items()}
    chance = np.array([measured[build][stage]["chance"] for stage in stages])
    first, last = shares[build][0], shares[build][-1]
    facts = {
        "build": Say(f"{KEY}.builds.{build}"),
        "first": float(first),
        "last": float(last),
        "rises": bool(last > first),
        "falls": bool(last < first),
    }
    rows = [
        [stage_named(stage), *(Say(f"{key}.cell", {"share": float(value)}) for value in values)]
        for stage, *values in zip(stages, *shares.values(), chance, strict=True)
    ]
    head = [Say("words.stage"), *(Say(f"{KEY}.builds.{name}") for name in shares), Say(f"{key}.chance")]
    formula = (
        r"\eta^2 = \frac{\sum_c \sum_k n_k (\bar s_{k,c} - \bar s_c)^2}"
        r"{\sum_c \sum_n (s_{n,c} - \bar s_c)^2}"
    )
    table = Table(head, rows, Say(f"{key}.title"))
    return Step(key, [formula], facts, [table], {**shares, "chance": chance})
