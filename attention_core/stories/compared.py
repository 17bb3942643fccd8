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
    name: str,
    values: Tensor,
    unit: Unit,
    *,
    kind: MapKind,
    title: Words,
    value: Words,
    query: int,
    alt: Words | None = None,
    **look: Any,
) -> Figure:
    """One head's query × key numbers, (W, W); a click on a row follows its first token.

    alt: where the title alone does not say what it is; look: of the figure.
    """
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
    return Figure(name, "matrix", given, alt or title, pick=Pick("query", [word.tokens[0] for word in unit.words]))


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
    below = matrix(
        f"{name}-change",
        change,
        unit,
        kind="signed",
        title=Say("change.minus"),  # what it is of stands above it
        alt=Say("change.difference", {"title": title}),
        value=value,
        query=query,
        limit=scale,
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


def bars(name: str, is_: Tensor, was: Tensor | None = None, *, title: Words, unit: Words, **look: Any) -> list[Block]:
    """One bar a number, (N,); with `was`, those as trained beside them in the same figure.

    unit: what a bar is of; look: of the figure.
    """
    given = {"limits": None, "title": title, "channel_name": unit, **look}
    if was is None:
        return [Figure(name, "channel_bars", {"values": array(is_), **given}, alt=title)]
    pair = {"values": array(was), "second": array(is_), "names": (Say("change.before"), Say("change.after"))}
    return [Figure(name, "channel_bars", {**given, **pair}, alt=title), *_said_if_equal(was, is_)]


def maps(name: str, is_: Tensor, was: Tensor | None = None, *, title: Words, **look: Any) -> list[Block]:
    """One map, (H, W); with `was`, the one as trained beside it on the same scale, and their difference.

    A map alone bears its title, those beside each other only what they are.
    """
    if was is None:
        given = {"values": array(is_), "kind": map_kind(is_), "title": title, **look}
        return [Figure(name, "spatial_map", given, alt=title)]
    limit = max(_reach(was), _reach(is_))
    # One kind for both: a change must not look like one of the colours.
    given = {"kind": map_kind(was, is_), "limit": limit, **look}
    sides: list[Block] = [
        Figure(
            f"{name}-{which}",
            "spatial_map",
            {"values": array(values), "title": Say(f"change.{which}"), **given},
            alt=Say("change.which", {"title": title, "which": Say(f"change.{which}")}),
        )
        for which, values in (("before", was), ("after", is_))
    ]
    return side_by_side(sides, name, is_, was, title=title, limit=limit)


def side_by_side(
    sides: Sequence[Block], name: str, is_: Tensor, was: Tensor, *, title: Words, limit: float
) -> list[Block]:
    """Two maps as trained and with the change, and beside them their difference, or a note that there is none."""
    if torch.equal(was, is_):
        return [Beside(sides), Note(Say("change.none"))]
    change = is_ - was
    # On the scale of the quantity itself: a change of a hair must not look like one of everything.
    given = {"kind": "signed", "limit": max(limit, _reach(change)), "title": Say("change.minus")}
    difference = Say("change.difference", {"title": title})
    third = Figure(f"{name}-change", "spatial_map", {"values": array(change), **given}, alt=difference)
    return [Beside([*sides, third])]


Tiles = tuple[Sequence[Tensor], Sequence[Words]]  # maps (H, W), and what stands over each


def tiles(name: str, is_: Tiles, was: Tiles | None = None, *, title: Words, columns: int, **look: Any) -> list[Block]:
    """Maps in one figure on one scale; with `was`, those as trained in lines above them, the differences below."""
    shown, over = is_
    if was is None:
        given = {"maps": [array(each) for each in shown], "titles": list(over), "kind": map_kind(*shown)}
        return [Figure(name, "map_grid", {**given, "columns": columns, **look}, alt=title)]
    before, over_before = was
    everything = [*before, *shown]
    limit = max(map(_reach, everything))
    more = [""] * (-(-len(shown) // columns) - 1)  # lines behind the first of either
    given = {
        "maps": [array(each) for each in everything],
        "titles": [*over_before, *over],
        "kind": map_kind(*everything),
        "limit": limit,
        "row_titles": [Say("change.before"), *more, Say("change.after"), *more],
    }
    both = Figure(name, "map_grid", {**given, "columns": columns, **look}, alt=title)
    changes = [after - earlier for after, earlier in zip(shown, before, strict=True)]
    if not any(bool(change.any()) for change in changes):
        return [both, Note(Say("change.none"))]
    difference = Say("change.difference", {"title": title})
    given = {
        "maps": [array(change) for change in changes],
        "titles": list(over),
        "kind": "signed",
        "limit": max(limit, *map(_reach, changes)),
        "title": Say("change.minus"),
    }
    return [both, Figure(f"{name}-change", "map_grid", {**given, "columns": columns, **look}, alt=difference)]


def map_kind(*maps: Tensor) -> MapKind:
    """The colours of feature maps: some networks have negative values in theirs."""
    return "signed" if any(bool((each < 0).any()) for each in maps) else "activation"


def _said_if_equal(was: Tensor, is_: Tensor) -> list[Block]:
    return [Note(Say("change.none"))] if torch.equal(was, is_) else []
