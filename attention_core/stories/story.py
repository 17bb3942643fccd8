"""A story: what there is to see in a trace, step by step, as data.

A story has no words and no widgets, and needs no network to be drawn: words are keys of `attention_core.words` with the
facts that they use, figures are names of `attention_core.figures` with what these functions take. Every door draws the
same story: the page, the presenter's screen, a lesson, a notebook, a page to take along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from attention_core.words import Say, Words

Array = npt.NDArray[Any]
Tone = Literal["text", "caption", "info", "warning"]


@dataclass(frozen=True)
class Pick:
    """What a click on a figure chooses: a part of the focus, by the row that was clicked.

    rows: the value for each row of a matrix, or for each point of a figure without columns; none where the figure's
    points carry their layer and head.
    """

    focus: str
    rows: Sequence[int] = ()


@dataclass(frozen=True)
class Figure:
    """A figure to be: `kind` is a function of `attention_core.figures`, `given` what it takes.

    name: what the files and the page call it; alt: what it shows, in words; widths: (least, full) pixels of one that
    keeps its size on a narrow screen.
    """

    name: str
    kind: str
    given: Mapping[str, Any]
    alt: Words
    pick: Pick | None = None
    widths: tuple[int, int] | None = None


@dataclass(frozen=True)
class Line:
    """A line of the figure `curves`: a `figures.Curve` whose name is in words yet. look: its colour, dash and so on."""

    name: Words
    values: Array
    look: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """Blocks side by side, as far as there is room. shares: of the width, all alike where there are none."""

    blocks: Sequence[Block]
    shares: Sequence[float] = ()


@dataclass(frozen=True)
class Grouped:
    """Blocks below each other that stay together, such as a figure with its note in a row of figures."""

    blocks: Sequence[Block]


@dataclass(frozen=True)
class Note:
    """Words between the figures; tone "info" for what somebody should not miss, "warning" for what misleads."""

    words: Words
    tone: Tone = "caption"


@dataclass(frozen=True)
class Sequenced:
    """A table with a column a token: (name of a row, its cells); the first row is the head."""

    rows: Sequence[tuple[Words, Sequence[Words]]]
    alt: Words


@dataclass(frozen=True)
class Table:
    """A table: names of the columns, and its rows, the first cell of which says what they are of."""

    head: Sequence[Words]
    rows: Sequence[Sequence[Words]]
    alt: Words


@dataclass(frozen=True)
class Folded:
    """What is shown when it is asked for. is_open: or at first, until it is folded."""

    title: Words
    blocks: Sequence[Block]
    is_open: bool = False


@dataclass(frozen=True)
class Instead:
    """What a door shows that has no control for the step, such as numbers that a page has in fields to type into."""

    blocks: Sequence[Block]


Block = Figure | Beside | Grouped | Note | Sequenced | Table | Folded | Instead


@dataclass(frozen=True)
class Step:
    """One step: the messages `<key>.title` and `<key>.see` with its facts, formulas, and what it shows.

    formulas: TeX, one a line; arrays: its quantities by name, what the files hold; absent: instead of all that, why
    this network does not have the step.
    """

    key: str
    formulas: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    arrays: Mapping[str, Array] = field(default_factory=dict)
    absent: Words | None = None

    @property
    def title(self) -> Words:
        """What the step is about."""
        return Say(f"{self.key}.title", self.facts)

    @property
    def see(self) -> Words:
        """What there is to see in it."""
        return Say(f"{self.key}.see", self.facts)

    @property
    def figures(self) -> dict[str, Figure]:
        """All its figures by name, as deep as they lie."""
        return {figure.name: figure for figure in _figures(self.blocks)}


@dataclass(frozen=True)
class Story:
    """What one trace, or one as trained and one changed, tells at one focus.

    key: of the mechanism; focus: what is followed, such as layer, head and query, counted from 0; facts: of the
    network.
    """

    key: str
    focus: Mapping[str, int | str]
    facts: Mapping[str, Any]
    steps: Sequence[Step]

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures of all steps by name."""
        return {name: figure for step in self.steps for name, figure in step.figures.items()}


def _figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Beside | Grouped | Folded | Instead):
            yield from _figures(block.blocks)


def as_data(value: Any) -> Any:
    """A story, or a part of it, as what JSON has; arrays as nested lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(name): as_data(inner) for name, inner in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        parts = {name: as_data(getattr(value, name)) for name in value.__dataclass_fields__}
        return {"is": type(value).__name__, **parts}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [as_data(inner) for inner in value]
    return value
