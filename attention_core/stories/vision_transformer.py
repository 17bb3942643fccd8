"""A vision transformer: patches as tokens, a head's row over the photo, all heads of a layer, all layers, the answer.

Dosovitskiy et al. 2021, §3.1. T tokens: the network's own, then the patches row by row; L layers, H heads of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor

from attention_core.analysis.heads import divided_by_root
from attention_core.analysis.rollout import attention_rollout
from attention_core.models.hub.patches import PatchTrace
from attention_core.stories.arrays import array
from attention_core.stories.photo import Pixels, seen_pixels
from attention_core.stories.photo_prediction import prediction
from attention_core.stories.story import Array, Beside, Block, Figure, Note, Pick, Step, Story
from attention_core.stories.tex import tex
from attention_core.words import Say, Words

KEY = "vision_transformer"
Seer = Literal["class", "patch"]
TIMES = 10.0  # an even share, at which the colours end


@dataclass(frozen=True, eq=False)
class Seen:
    """What is looked at. square: the photo that the network saw, sharp; patch: index of the one that asks.

    seer: who asks where a step shows one row, the class token or the patch.
    """

    trace: PatchTrace
    square: Pixels
    layer: int
    head: int
    patch: int
    seer: Seer

    @property
    def tokens(self) -> int:
        """T."""
        return self.trace.layers[0].weights.shape[-1]

    def token(self, seer: Seer) -> int:
        """Which token asks."""
        return 0 if seer == "class" else self.trace.special + self.patch

    def row_of(self, weights: Tensor, seer: Seer) -> Array:
        """weights (…, T, T) → what the seer gives to each patch, (…, patches), in even shares: 1 is what each of the T
        tokens would get if all got the same."""
        return array(weights[..., self.token(seer), self.trace.special :]) * self.tokens

    def place(self, patch: int) -> dict[str, int]:
        """Row and column of a patch, as the figures count them."""
        row, column = divmod(patch, self.trace.grid[1])
        return {"row": row, "column": column}

    @property
    def facts(self) -> dict[str, Any]:
        """What every step may speak of. classed: whether there is a class token; several: and others of its kind."""
        return {
            "classed": self.trace.special > 0,
            "several": self.trace.special > 1,
            "special": self.trace.special,
            "layer": self.layer + 1,
            "head": self.head + 1,
            "layers": len(self.trace.layers),
            "seer": Say(f"{KEY}.named.{self.seer}", self.place(self.patch)),
        }


def vision_transformer_story(
    trace: PatchTrace, square: Pixels | None = None, *, layer: int, head: int, patch: int, seer: Seer = "class"
) -> Story:
    """The way of one photo. square: the photo in its own sharpness, as the network saw it where it is None.

    layer, head, patch: from 0; a network without a class token is seen from the patch.
    """
    square = seen_pixels(trace) if square is None else square
    seen = Seen(trace, square, layer, head, patch, seer if trace.special else "patch")
    steps = (_patches(seen), _head(seen), _heads(seen), _rollout(seen), prediction(trace))
    focus: dict[str, int | str] = {"layer": layer, "head": head, "patch": patch, "seer": seen.seer}
    return Story(KEY, focus, seen.facts, steps)


def _patches(seen: Seen) -> Step:
    trace = seen.trace
    rows, columns = trace.grid
    side = trace.image.shape[-1]
    own = f"{trace.special} + " if trace.special else ""
    formula = rf"T = {own}\frac{{{side}}}{{{side // rows}}} \cdot \frac{{{side}}}{{{side // columns}}} = {seen.tokens}"
    facts = {
        **seen.facts,
        "count": rows * columns,
        "height": side // rows,
        "width": side // columns,
        **seen.place(seen.patch),
    }
    title = Say(f"{KEY}.patches.figure")
    figure = _over_photo(seen, "patches", title, selected=True)
    return Step(f"{KEY}.patches", [formula], facts, [figure], {"image": array(trace.image)})


def _head(seen: Seen) -> Step:
    """One head: the row of the patch, and that of the class token."""
    attention = seen.trace.layers[seen.layer]
    weights = attention.weights[0, seen.head]  # (T, T)
    own = seen.row_of(weights, "patch")
    best = int(own.argmax())
    facts = {
        **seen.facts,
        "weight": float(own[best]) / seen.tokens,
        "times": float(own[best]),
        "itself": best == seen.patch,
        **seen.place(best),
    }
    seers: tuple[Seer, ...] = ("patch", "class") if seen.trace.special else ("patch",)
    figures: list[Block] = [
        _over_photo(
            seen,
            f"head-{seer}",
            Say(f"{KEY}.head.{seer}", seen.place(seen.patch)),
            values=seen.row_of(weights, seer),
            selected=seer == "patch",
        )
        for seer in seers
    ]
    product = rf"{tex('query', 'q^i')} \cdot {tex('key', 'k^j')}"
    score = rf"\frac{{{product}}}{{\sqrt{{d}}}}" if divided_by_root(attention) else rf"c\,({product}) + \beta_{{i,j}}"
    weight = tex("weight", r"\tilde\alpha_{i,j}")
    formula = rf"{weight} = \mathrm{{softmax}}_j\left({score}\right)"
    return Step(
        f"{KEY}.head",
        [formula],
        facts,
        [Beside(figures) if len(figures) > 1 else figures[0]],
        {"weights": array(weights), **{seer: seen.row_of(weights, seer) for seer in seers}},
    )


def _heads(seen: Seen) -> Step:
    """The same row in every head of the layer, on one scale."""
    weights = seen.trace.layers[seen.layer].weights[0]  # (H, T, T)
    rows = seen.row_of(weights, seen.seer)
    shares = rows.sum(axis=-1) / seen.tokens
    facts = {**seen.facts, "various": len(rows) > 1}
    given = {
        "maps": list(rows.reshape(-1, *seen.trace.grid)),
        "titles": [
            Say(f"{KEY}.heads.name", {"head": head, "share": float(share)}) for head, share in enumerate(shares, 1)
        ],
        "kind": "activation",
        "limit": TIMES,
        "photo": seen.square,
        "opacity": 0.7,
        **_NAMES,
    }
    figure = Figure("patch-heads", "map_grid", given, alt=Say(f"{KEY}.heads.title", facts))
    return Step(f"{KEY}.heads", (), facts, [figure], {"weights": array(weights), "rows": rows})


def _rollout(seen: Seen) -> Step:
    """The last layer alone beside all layers."""
    means = [layer.weights[0].mean(dim=0) for layer in seen.trace.layers]
    rolled = attention_rollout(means, seen.tokens)[-1]
    facts = {**seen.facts, "own": rolled.diagonal()[seen.token(seen.seer)].item()}
    figures: list[Block] = [
        _over_photo(
            seen,
            f"patch-{name}",
            Say(f"{KEY}.rollout.{name}", facts),
            values=seen.row_of(weights, seen.seer),
            selected=seen.seer == "patch",
        )
        for name, weights in (("raw", means[-1]), ("rolled", rolled))
    ]
    formulas = [
        r"R_l = \left(\tfrac{1}{2}\,\overline{W}_l + \tfrac{1}{2}\,I\right) R_{l-1}",
        r"R_0 = I, \quad \overline{W}_l = \tfrac{1}{H} \textstyle\sum_h W_{l,h}",
    ]
    return Step(
        f"{KEY}.rollout",
        formulas,
        facts,
        [Beside(figures), Note(Say(f"{KEY}.rollout.caveat"))],
        {"means": np.stack([array(mean) for mean in means]), "rolled": array(rolled)},
    )


_NAMES: dict[str, Words] = {
    "value_name": Say(f"{KEY}.times"),
    "row_name": Say(f"{KEY}.row"),
    "column_name": Say(f"{KEY}.column"),
}


def _over_photo(seen: Seen, name: str, title: Words, *, selected: bool, values: Array | None = None) -> Figure:
    """The photo, cut; a click chooses the patch that asks. values: over the patches, none: the photo alone."""
    given: dict[str, Any] = {
        "photo": seen.square,
        "grid": seen.trace.grid,
        "selected": seen.patch if selected else None,
        "title": title,
        **_NAMES,
    }
    if values is not None:
        given |= {"values": values, "limit": TIMES}
    rows, columns = seen.trace.grid
    return Figure(name, "photo_patches", given, alt=title, pick=Pick("patch", range(rows * columns)))
