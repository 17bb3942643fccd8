"""A quantity in one trace; or as trained, as changed, and the difference, on one scale: the same figures either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.units import Unit
from attention_core.figures.style import MapKind, Quantity
from attention_core.stories.arrays import array
from attention_core.stories.story import Beside, Block, Figure, Folded, Note, Pick
from attention_core.words import Say, Words

FEW = 8  # rows: beside each other, the numbers of more would be too small to read


def matrix(
    name: str, values: Tensor, unit: Unit, *, kind: MapKind, title: Words, value: Words, query: int, **look: Any
) -> Figure:
    """One head's query × key numbers, (W, W); a click on a row follows its first token. look: of the figure."""
    given = {
        "values": array(values),
        "rows": unit.labels,
        "columns": unit.labels,
        "kind": kind,
        "title": title,
        "row_title": Say("words.query"),
        "column_title": Say("words.key"),
        "value_name": value,
        "highlight_row": unit.row(query),
        "clickable": True,
        **look,
    }
    return Figure(name, "matrix", given, alt=title, pick=Pick("query", [word.tokens[0] for word in unit.words]))


def matrices(
    name: str,
    is_: tuple[Tensor, Unit],
    was: tuple[Tensor, Unit] | None,
    *,
    title: Words,
    quantity: str,
    kind: MapKind,
    query: int,
    **look: Any,
) -> list[Block]:
    """A matrix; with `was`, the one as trained beside it and their difference below.

    is_, was: (T, T) and what its rows are; title: of the matrix as it is, which gets "as trained" added to it.
    """
    value = Say(f"words.{quantity}")
    (after, unit), few = is_, len(is_[1].words) <= FEW
    shown = unit.weights(after)
    if was is None:
        return [matrix(name, shown, unit, kind=kind, title=title, value=value, query=query, **look)]
    before, unit_before = was
    limit = None
    if kind != "weight":
        limit = max(_reach(before), _reach(after))
    sides = [
        matrix(
            f"{name}{ending}",
            rows.weights(values),
            rows,
            kind=kind,
            title=Say("change.which", {"title": title, "which": Say(f"change.{which}")}),
            value=value,
            query=query,
            show_values=few,
            limit=limit,
        )
        for ending, which, values, rows in (("-before", "before", before, unit_before), ("", "after", after, unit))
    ]
    there = ~after.isnan()  # what is masked now is blank, and the same otherwise
    if torch.equal(before[there], after[there]):
        return [Beside(sides), Note(Say("change.none"))]
    # On the scale of the quantity itself: a change of a hair must not look like one of everything.
    change = unit.weights(after - before)
    scale = max(limit or 1.0, _reach(change))
    difference = Say("change.difference", {"title": title})
    below = matrix(
        f"{name}-change", change, unit, kind="signed", title=difference, value=value, query=query, limit=scale
    )
    return [Beside(sides), below]


def _reach(values: Tensor) -> float:
    """The largest absolute value; what is masked has none."""
    return float(values.nan_to_num().abs().max())


def strip(name: str, values: Tensor, rows: Sequence[Words], quantity: Quantity, title: Words) -> Figure:
    """Vectors, one a row, in the colours of their quantity."""
    given = {"values": array(values), "rows": list(rows), "quantity": quantity, "title": title}
    return Figure(name, "vector_strip", given, alt=title)


def strip_changes(rows: Sequence[str], changes: Mapping[Quantity, tuple[Words, Tensor, Tensor]]) -> list[Block]:
    """Differences of vectors, folded; nothing where there are none. changes: quantity → title, as trained, changed."""
    if all(torch.equal(before, after) for _, before, after in changes.values()):
        return []
    strips = [
        strip(f"change-{quantity}", after - before, rows, quantity, Say("change.difference", {"title": title}))
        for quantity, (title, before, after) in changes.items()
    ]
    return [Folded(Say("change.folded"), strips)]
