"""The numbers of a trace as files: one archive of all arrays, and one labelled table a matrix."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attention_core.analysis.mask_trial import TriedKind, TriedMap
from attention_core.analysis.temporal import ClipTrace
from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.encoder_decoder import TwoTextTrace
from attention_core.models.hub.patches import PatchTrace
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.text import TextTrace
from attention_core.models.tokenization import Token, visible
from attention_core.models.translation import TranslationStep
from attention_core.models.writing import GenerationStep

_FORMULA = "=+-@\t\r"  # what a formula begins with
Array = npt.NDArray[Any]
_KEYS_ACROSS = ("scores", "weights")  # of attention between tokens: a column a key


@dataclass(frozen=True)
class Table:
    """A matrix with names. index: what the names before a row are; rows: these names, one tuple a row."""

    name: str  # with / between folders
    index: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    columns: Sequence[str]
    values: Array  # (rows, columns); NaN stays empty


def npz(
    trace: Trace, tried: Mapping[TriedKind, TriedMap] | None = None, beside: Mapping[str, Array] | None = None
) -> bytes:
    """All tensors of a trace by their dotted names, such as "layers.0.weights"; of a sentence also its `tokens`.

    tried: maps whose tensors are added as "tried.mask.deletion" and so on; beside: other arrays by their names.
    `numpy.load` opens it without pickle.
    """
    arrays: dict[str, Any] = {**trace.arrays(), **(beside or {})}
    for kind, each in (tried or {}).items():
        arrays |= each.arrays(f"tried.{kind}")
    if isinstance(trace, TextTrace):
        arrays["tokens"] = _texts(trace.tokens)
    return _packed(arrays)


def written_npz(written: Sequence[GenerationStep]) -> bytes:
    """The same of a text that was written: "steps.0.layers.2.weights" and so on, and the tokens."""
    arrays: dict[str, Any] = {}
    for number, step in enumerate(written):
        arrays |= step.arrays(f"steps.{number}")
    last = written[-1]
    if isinstance(last, TranslationStep):
        arrays["source"] = _texts(last.source)
    return _packed({**arrays, "read": _texts(last.read), "written": _texts(last.written)})


def translation_npz(trace: TwoTextTrace) -> bytes:
    """The same of one text written from another: "cross.2.weights" and so on, and the tokens of both."""
    texts = {"tokens.source": _texts(trace.source.tokens), "tokens.target": _texts(trace.target.tokens)}
    return npz(trace, beside=texts)


def _texts(tokens: Sequence[Token]) -> Array:
    return np.array([token.text for token in tokens])


def _packed(arrays: Mapping[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def csv_zip(tables: Iterable[Table]) -> bytes:
    """One CSV file a table, UTF-8 with the mark that Excel needs; 9 digits, which give back every float32."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables:
            archive.writestr(f"{table.name}.csv", _written(table).encode("utf-8-sig"))
    return stream.getvalue()


def _written(table: Table) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([_name(cell) for cell in (*table.index, *table.columns)])
    for row, values in zip(table.rows, table.values.tolist(), strict=True):
        writer.writerow([*map(_name, row), *("" if math.isnan(value) else f"{value:.9g}" for value in values)])
    return stream.getvalue()


def _name(cell: object) -> object:
    """A name that a spreadsheet would take for a formula, behind an apostrophe; a sign by itself is none."""
    return f"'{cell}" if isinstance(cell, str) and len(cell) > 1 and cell[0] in _FORMULA else cell


def text_tables(trace: TextTrace) -> Iterator[Table]:
    """A row a token; a table a head where there are heads. The logits stand upright, as a sheet has too few columns."""
    tokens = visible(trace.tokens)
    for name, values in trace.arrays().items():
        folder = name.replace(".", "/")
        if name == "logits":
            rows = list(enumerate(trace.vocabulary))
            yield Table(
                folder, ("row", "vocabulary"), rows, [f"{i} {token}" for i, token in enumerate(tokens)], values.T
            )
            continue
        across = name.rpartition(".")[2] in _KEYS_ACROSS
        for place, matrix in _matrices(values):
            columns = [f"{i} {token}" for i, token in enumerate(tokens)] if across else _numbers(matrix.shape[1])
            yield Table(folder + place, ("position", "token"), list(enumerate(tokens)), columns, matrix)


def _matrices(values: Array) -> Iterator[tuple[str, Array]]:
    """(T, D), (1, T, D) or (1, H, T, D) → the matrices of the last two axes, each with its ending of the name."""
    if values.ndim == 4:
        yield from ((f"/head-{head}", matrix) for head, matrix in enumerate(values[0]))
    else:
        yield "", values.reshape(values.shape[-2:])


def vision_tables(trace: StagedTrace, stage: int | None = None) -> Iterator[Table]:
    """A row a line of a map, after its channel, or a row a channel; the last two have a row a class.

    stage: the only one that is written, counted from 0; None: all.
    """
    for name, values in trace.arrays().items():
        if stage is not None and name.startswith("stages.") and not name.startswith(f"stages.{stage}."):
            continue
        folder = name.replace(".", "/")
        if name in ("logits", "probabilities"):
            classes = [(row, entry.wnid, entry.en, entry.zh) for row, entry in enumerate(trace.classes)]
            yield Table(folder, ("row", "wnid", "en", "zh"), classes, [name], values[:, None])
        elif values.ndim >= 3:
            maps = values.reshape(-1, *values.shape[-2:])  # (C, H, W), the batch of one left out
            rows = [(channel, line) for channel in range(maps.shape[0]) for line in range(maps.shape[1])]
            yield Table(folder, ("channel", "line"), rows, _numbers(maps.shape[2]), maps.reshape(-1, maps.shape[2]))
        else:
            vector = values.reshape(-1, 1)
            yield Table(folder, ("channel",), [(channel,) for channel in range(len(vector))], [name], vector)


def patch_tables(trace: PatchTrace, layer: int) -> Iterator[Table]:
    """Of one layer, counted from 0: a row a token and a table a head; of scores and weights a column a token. Then a
    row a class, where there are any."""
    places = [divmod(patch, trace.grid[1]) for patch in range(math.prod(trace.grid))]
    names = [f"special {number}" for number in range(trace.special)] + [f"{row},{column}" for row, column in places]
    for name, values in trace.layers[layer].arrays().items():
        across = name in _KEYS_ACROSS
        for place, matrix in _matrices(values):
            columns = names if across else _numbers(matrix.shape[1])
            yield Table(f"layers/{layer}/{name}{place}", ("row,column",), [(one,) for one in names], columns, matrix)
    if trace.classes:
        classes = [(row, entry.en, entry.zh) for row, entry in enumerate(trace.classes)]
        probabilities = trace.probabilities.cpu().numpy()[:, None]
        yield Table("probabilities", ("row", "en", "zh"), classes, ["probabilities"], probabilities)


def written_tables(
    written: Sequence[GenerationStep], layer: int, beside: Mapping[str, Sequence[float]] | None = None
) -> Iterator[Table]:
    """Of one layer, counted from 0: a table a head, a row a written token, a column a token that was read before it;
    of a translation the same with a column a token that is translated. Then how likely each of them was.

    beside: other probabilities of each written token, by their names.
    """
    last = written[-1]
    rows = list(enumerate(visible([step.token for step in written])))
    columns = [f"{place} {name}" for place, name in enumerate(visible(last.read))]
    for name in _KEYS_ACROSS:
        heads = np.full((written[0].layers[layer].weights.shape[1], len(rows), len(columns)), np.nan, np.float32)
        for row, step in enumerate(written):
            heads[:, row, : len(step.read)] = step.layers[layer].arrays()[name][0, :, 0]
        for head, matrix in enumerate(heads):
            yield Table(f"layers/{layer}/{name}/head-{head}", ("position", "token"), rows, columns, matrix)
    if isinstance(last, TranslationStep):
        across = [step.cross[layer].arrays() for step in written if isinstance(step, TranslationStep)]
        names = [f"{place} {name}" for place, name in enumerate(visible(last.source))]
        for name in _KEYS_ACROSS:
            for ending, matrix in _matrices(np.concatenate([each[name] for each in across], axis=2)):  # (1, H, T, S)
                yield Table(f"cross/{layer}/{name}{ending}", ("position", "token"), rows, names, matrix)
    likely = {"probability": [step.probability for step in written], **(beside or {})}
    yield Table("probabilities", ("position", "token"), rows, [*likely], np.array([*likely.values()]).T)


def translation_tables(trace: TwoTextTrace, layer: int) -> Iterator[Table]:
    """Scores and weights of one layer of the cross-attention, and of the two texts where they have as many: a table a
    head, a row a query, a column a key."""
    texts = {
        side: visible(tokens) for side, tokens in (("source", trace.source.tokens), ("target", trace.target.tokens))
    }
    for part, layers, queries, keys in (
        ("cross", trace.cross, "target", "source"),
        ("source", trace.source.layers, "source", "source"),
        ("target", trace.target.layers, "target", "target"),
    ):
        columns = [f"{place} {token}" for place, token in enumerate(texts[keys])]
        rows = list(enumerate(texts[queries]))
        for name in _KEYS_ACROSS if layer < len(layers) else ():
            for place, matrix in _matrices(layers[layer].arrays()[name]):
                yield Table(f"{part}/{layer}/{name}{place}", ("position", "token"), rows, columns, matrix)


def tried_tables(tried: Mapping[TriedKind, TriedMap]) -> Iterator[Table]:
    """Of each kind of map: the map, and its curves with a row a share of changed pixels and a column a draw."""
    for kind, each in tried.items():
        shown, shares = each.shown.cpu().numpy(), each.shares.cpu().numpy()
        yield Table(f"tried/{kind}/map", ("line",), [(y,) for y in range(len(shown))], _numbers(shown.shape[1]), shown)
        curves = np.concatenate([each.deletion.cpu().numpy(), each.insertion.cpu().numpy()])  # (2m, n+1)
        names = [f"{name} {draw}" for name in ("deletion", "insertion") for draw in range(len(each.deletion))]
        yield Table(f"tried/{kind}/curves", ("share",), [(f"{share:.9g}",) for share in shares], names, curves.T)


def hand_tables(trace: SelfAttentionTrace, tokens: Sequence[str]) -> Iterator[Table]:
    """A row a token, a batch of one left out; of scores and weights a column a key."""
    for name, values in trace.arrays().items():
        columns = list(tokens) if name in _KEYS_ACROSS else _numbers(values.shape[2])
        yield Table(name, ("token",), [(token,) for token in tokens], columns, values[0])


def clip_tables(trace: ClipTrace, attention: SelfAttentionTrace, frames: Sequence[int]) -> Iterator[Table]:
    """The masks with a row a line of a frame, the classes with a row a frame; then the attention between the frames."""
    names = [str(frame) for frame in frames]
    for stage, masks in trace.masks.items():
        lines = [(frame, line) for frame in frames for line in range(masks.shape[1])]
        values = masks.flatten(0, 1).cpu().numpy()
        yield Table(f"masks/{stage}", ("frame", "line"), lines, _numbers(masks.shape[2]), values)
    rows = [(frame,) for frame in frames]
    classes = [entry.en for entry in trace.classes]
    yield Table("probabilities", ("frame",), rows, classes, trace.probabilities.cpu().numpy())
    for name in _KEYS_ACROSS:
        yield Table(name, ("frame",), rows, names, attention.arrays()[name][0])


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]
