"""What every head does, as it was measured, beside a sentence; then how attention passes on from layer to layer.

L layers, H heads of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from attention_core.analysis.head_atlas import (
    MEASURES,
    Baseline,
    HeadEntry,
    Measure,
    baselines,
    head_atlas,
    sentence_atlas,
)
from attention_core.analysis.head_roles import head_roles
from attention_core.figures.style import MINUS, MapKind
from attention_core.models.text import TextTrace
from attention_core.stories.arrays import array
from attention_core.stories.heads import Scores, does, head_values, role, tiles
from attention_core.stories.multi_head import enlarged, looks
from attention_core.stories.rollout import Effects, hidden_in_turn, passed_on
from attention_core.stories.story import Array, Beside, Block, Grouped, Note, Step, Story, Table
from attention_core.stories.text import Followed
from attention_core.words import Listed, Say, Words

KEY = "head_atlas"
KINDS: dict[Measure, MapKind] = {
    "gain_en": "signed",
    "gain_zh": "signed",
    "loss_increase": "signed",
    "entropy": "activation",
    "distance": "activation",
}
GAINS: tuple[Measure, ...] = ("gain_en", "gain_zh")
IN_UNITS: tuple[Measure, ...] = ("entropy", "distance", "loss_increase")  # the others are shares
LANGUAGES = ("en", "zh")  # of the treebanks that relations were measured on
_EMPTY = "–"


def head_atlas_story(
    followed: Followed,
    measure: Measure | None = None,
    *,
    scores: Scores | None = None,
    effects: Effects | None = None,
) -> Story:
    """measure: what the map shows, None for the first; scores: of the heads, None for a network that was never
    measured; effects: as in `rollout_story`."""
    entries = entries_of(followed.trace, scores)
    measure = measure or known(entries)[0]
    steps = (
        all_by_measure(followed, entries, measure, scores),
        table(followed, entries, scores),
        one(followed, scores),
        passed_on(followed),
        hidden_in_turn(followed, effects),
    )
    return Story(KEY, followed.focus, followed.facts, steps)


def entries_of(trace: TextTrace, scores: Scores | None) -> list[HeadEntry]:
    """Every head, as it was measured; without `scores`, as it is in `trace`."""
    return sentence_atlas(trace) if scores is None else head_atlas(scores)


def known(entries: Sequence[HeadEntry]) -> list[Measure]:
    """The measures that there are numbers of."""
    return [name for name in MEASURES if any(not math.isnan(entry.measures[name]) for entry in entries)]


def measure_name(measure: Measure, *, shipped: bool) -> Say:
    """As it stands over a column."""
    return Say(f"head_atlas.measures.{measure}", {"shipped": shipped})


def meaning(measure: Measure, *, shipped: bool) -> Say:
    """How it comes about, in a sentence."""
    return Say(f"head_atlas.meaning.{measure}", {"shipped": shipped})


def baseline_line(measure: Measure, scores: Scores | None) -> Say:
    """What a number of this measure is to be compared with."""
    if scores is None:
        return Say("head_atlas.baselines.unmeasured")
    found = [
        Say(f"head_atlas.baselines.{name}", {"value": _in_words(measure, values[measure])})
        for name, values in baselines(scores).items()
        if measure in values
    ]
    if not found:
        return Say("head_atlas.baselines.gain" if measure in GAINS else "head_atlas.baselines.none")
    return Say("head_atlas.baselines.line", {"listed": Listed(found, by="heads.and")})


def all_by_measure(f: Followed, entries: Sequence[HeadEntry], measure: Measure, scores: Scores | None) -> Step:
    """One number a head, beside the heads' weights on the sentence."""
    shipped, selected = scores is not None, (f.layer, f.head)
    values = by_layer(entries, measure)
    name, sentence = measure_name(measure, shipped=shipped), Say("head_atlas.map.sentence")
    kind = KINDS.get(measure, "weight")
    numbers = head_values("atlas-map", values, name, kind=kind, selected=selected)
    sides = [
        Grouped([numbers, Note(baseline_line(measure, scores))]),
        Grouped([Note(sentence), *tiles("atlas-heads", f.trace, f.unit(), sentence, selected=selected)]),
    ]
    blocks: list[Block] = [Note(meaning(measure, shipped=shipped), "text"), Beside(sides)]
    if not shipped:
        blocks.insert(0, Note(Say("head_atlas.map.unmeasured"), "info"))
    arrays = {f"{measure}_{layer}": row for layer, row in enumerate(values)}
    return Step("head_atlas.map", (), {**f.facts, "shipped": shipped, "measure": measure}, blocks, arrays)


def by_layer(entries: Sequence[HeadEntry], measure: Measure) -> list[Array]:
    """The numbers of a measure, (H,) a layer; NaN where there is none."""
    layers = sorted({entry.layer for entry in entries})
    return [np.array([entry.measures[measure] for entry in entries if entry.layer == layer]) for layer in layers]


def table(f: Followed, entries: Sequence[HeadEntry], scores: Scores | None) -> Step:
    """Every head with every measure that there are numbers of, and the same of what does not attend."""
    shipped, measures = scores is not None, known(entries)
    names: list[Words] = [measure_name(measure, shipped=shipped) for measure in measures]
    rows: list[list[Words]] = []
    for entry in entries:
        numbers = [_cell(measure, entry.measures[measure]) for measure in measures]
        name = f"{entry.layer + 1}.{entry.head + 1}"
        rows.append([name, *_roles(entry, scores), *numbers, *_relations(entry, scores)])
    head = [Say("words.head"), *([Say("head_atlas.table.role")] if shipped else []), *names]
    head += [relation_name(language) for language in LANGUAGES if shipped]
    blocks: list[Block] = [Table(head, rows, Say("head_atlas.table.title"))]
    if scores is not None:
        blocks.append(_baselines(baselines(scores), measures))
    arrays = {str(measure): np.array([entry.measures[measure] for entry in entries]) for measure in measures}
    return Step("head_atlas.table", (), {**f.facts, "shipped": shipped}, blocks, arrays)


def columns(measures: Sequence[Measure]) -> list[str]:
    """Of a table: the measures, each gain followed by the relation that it is of."""
    return [
        name
        for measure in measures
        for name in (measure, *((measure.replace("gain", "relation"),) if measure in GAINS else ()))
    ]


def numbers(rows: Sequence[Mapping[Measure, float]]) -> dict[str, list[float | None]]:
    """Of a table that can be sorted by size: shares in per cent, gains in percentage points; None where there is
    none."""
    units = {measure: 1 if measure in IN_UNITS else 100 for measure in MEASURES}
    return {
        measure: [None if math.isnan(value := row.get(measure, math.nan)) else value * unit for row in rows]
        for measure, unit in units.items()
    }


def one(f: Followed, scores: Scores | None) -> Step:
    """One head on the sentence."""
    facts = {**f.facts, **looks(f), "shipped": scores is not None}
    blocks: list[Block] = [Note(does(f.trace, f.layer, f.head, scores)), *enlarged(f, "atlas-weights")]
    weights = f.attention.weights[0, f.head]
    return Step("head_atlas.one", (), facts, blocks, {"weights": array(weights)})


def stands_out(layer: int, head: int, scores: Scores | None) -> Say | None:
    """The greatest of a head's roles, if it has any."""
    roles = [] if scores is None else head_roles(scores, layer, head)
    return role(roles[0]) if roles else None


def _roles(entry: HeadEntry, scores: Scores | None) -> list[Words]:
    return [] if scores is None else [stands_out(entry.layer, entry.head, scores) or _EMPTY]


def relation(entry: HeadEntry, language: str) -> Say | None:
    """The relation of a language on which a head gains most, if it gains on any."""
    found = entry.relations.get(language)
    return role(found) if found else None


def relation_name(language: str) -> Say:
    """As it stands over a column."""
    return Say("head_atlas.table.relation", {"language": Say(f"heads.languages.{language}")})


def _relations(entry: HeadEntry, scores: Scores | None) -> list[Words]:
    return [] if scores is None else [relation(entry, language) or _EMPTY for language in LANGUAGES]


def _baselines(found: dict[Baseline, dict[Measure, float]], measures: Sequence[Measure]) -> Table:
    shown = [measure for measure in measures if any(measure in row for row in found.values())]
    rows: list[list[Words]] = [
        [
            Say(f"head_atlas.baselines.row_{name}"),
            *(_cell(measure, values.get(measure, math.nan)) for measure in shown),
        ]
        for name, values in found.items()
    ]
    title = Say("head_atlas.baselines.title")
    return Table([title, *(measure_name(measure, shipped=True) for measure in shown)], rows, title)


def _cell(measure: Measure, value: float) -> str:
    """A number of the table: shares in per cent, gains in percentage points."""
    if math.isnan(value):
        return _EMPTY
    if measure in GAINS:
        written = f"{100 * value:+.1f}"
    elif measure in IN_UNITS:
        written = format(value, {"distance": ".1f", "entropy": ".2f"}.get(measure, "+.2f"))
    else:
        written = f"{value:.0%}"
    return written.replace("-", MINUS)


def _in_words(measure: Measure, value: float) -> Words:
    if measure == "entropy":
        return Say("head_atlas.units.nats", {"value": value})
    if measure == "distance":
        return Say("head_atlas.units.tokens", {"value": value})
    return f"{value:.0%}"
