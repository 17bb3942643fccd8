"""The parts of docs/training.md and README.md that the evaluation writes, each between two markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attention_core.analysis.head_roles import LEAST_GAIN
from training.shares import Scores, percent
from training.tables import DIRECTION_NAMES, head_name, table, training_of

RUNS = ("<!-- runs: written by python -m training.evaluate -->", "<!-- end of runs -->")
SCORES = ("<!-- scores: written by python -m training.evaluate -->", "<!-- end of scores -->")
RUN_COLUMNS = ("weights", "network", "change", "steps", "minutes", "hardware", "scores on the dev sets")


def section_of(document: str, begin: str, end: str) -> str:
    """What stands between two markers. Raises `ValueError` where one is missing."""
    if begin not in document or end not in document:
        raise ValueError(f"the document has no section between {begin!r} and {end!r}.")
    return document.split(begin, 1)[1].split(end, 1)[0]


def with_section(document: str, begin: str, end: str, text: str) -> str:
    """`document` with `text` between the markers. Raises `ValueError` where one is missing."""
    old = section_of(document, begin, end)
    return document.replace(f"{begin}{old}{end}", f"{begin}\n\n{text}\n\n{end}", 1)


def readme_scores(text: Scores | None, vision: Scores | None, translator: Scores | None = None) -> str:
    """The README's table: each score beside its baselines."""
    rows: list[tuple[object, ...]] = []
    if text is not None:
        alignment, masked = text["alignment"], text["masked_tokens"]
        rows += [
            (
                f"text: words whose strongest counterpart is right, best head ({head_name(alignment['best'])})",
                f"{percent(alignment['best']['score'])}%",
                f"diagonal {percent(alignment['diagonal']['score'])}%, untrained network "
                f"{percent(alignment['untrained']['best']['score'])}%, initial embeddings "
                f"{percent(alignment['bilingual_start']['best']['score'])}%, eflomal "
                f"{percent(alignment['eflomal']['score'])}%",
            ),
            (
                "text: hidden token guessed, translation visible",
                f"{percent(masked['with_translation']['top1'])}%",
                f"without translation {percent(masked['alone']['top1'])}%, "
                f"commonest token {percent(masked['unigram']['top1'])}%",
            ),
        ]
    if translator is not None:
        rows += [
            (
                f"translations {name}, BLEU",
                f"{translator['bleu'][direction]['value']:.1f}",
                f"word by word {translator['bleu'][direction]['baseline']:.1f}",
            )
            for direction, name in (("zh-en", "Chinese → English"), ("en-zh", "English → Chinese"))
        ]
    if vision is not None:
        builds = vision["builds"]
        constant = f"always the same class {percent(vision['constant']['class_top1'])}%"
        rows += [
            (f"photos: class named rightly, {name}", f"{percent(builds[name]['class_top1'])}%", constant)
            for name in builds
        ]
        masks = vision["masks"]
        best = masks["best"]
        rows.append(
            (
                f"photos: CBAM mask of {best['stage']} against object boxes, pixel AUC",
                percent(best["pixel_auc"]),
                f"centred Gaussian {percent(masks['centred_gaussian']['pixel_auc'])}, mean feature "
                f"{percent(masks[best['stage']]['features']['pixel_auc'])}, uniform "
                f"{percent(masks['uniform']['pixel_auc'])}",
            )
        )
    return table(("measure, on held-out data", "score", "to compare"), rows)


def text_run(manifest: dict[str, Any], scores: Scores) -> dict[str, str]:
    """The row of the shipped text network in the table of runs."""
    best, masked = scores["alignment"]["best"], scores["masked_tokens"]
    counted = ", ".join(
        f"{language} {sum(found['gain'] >= LEAST_GAIN for found in relations.values())}"
        for language, relations in scores["relations"].items()
    )
    summary = (
        f"best head {percent(best['score'])}% of linked words ({head_name(best)}, "
        f"{DIRECTION_NAMES[best['direction']]}), AER {scores['alignment']['best_symmetrised']['aer']:.3f}; masked "
        f"top-1 {percent(masked['alone']['top1']['value'])} alone, "
        f"{percent(masked['with_translation']['top1']['value'])} with translation; relations 10 points above the best "
        f"offset: {counted}"
    )
    return _run("text: bilingual", manifest, summary)


def translator_run(manifest: dict[str, Any], scores: Scores) -> dict[str, str]:
    """The row of the translator in the table of runs."""
    bleu, chrf = scores["bleu"], scores["chrf"]
    summary = "; ".join(
        f"{direction}: BLEU {bleu[direction]['value']:.1f}, chrF {chrf[direction]['value']:.1f}" for direction in bleu
    )
    return _run("text: translator", manifest, f"{summary}; AER {scores['aer']['value']:.3f}")


def vision_run(name: str, manifest: dict[str, Any], scores: Scores) -> dict[str, str]:
    """The row of one vision build in the table of runs."""
    build = scores["builds"][name]
    summary = f"class top-1 {percent(build['class_top1'])}, group top-1 {percent(build['group_top1']['value'])}"
    if name == "cbam" and "masks" in scores:
        best = scores["masks"]["best"]
        summary += f"; best mask {best['stage']}: pixel AUC {percent(best['pixel_auc'])}, "
        summary += f"pointing {percent(best['pointing'])}"
    return _run(f"vision: {name}", manifest, summary)


def _run(network: str, manifest: dict[str, Any], summary: str) -> dict[str, str]:
    training = training_of(manifest)
    threads = training["threads"]
    hardware = training["hardware"] if threads == "–" else f"{training['hardware']}, {threads} thread(s)"
    cells = (
        f"`{manifest['sha256'][:8]}`",
        network,
        "",
        str(training["steps"]),
        str(training["minutes"]),
        hardware,
        summary,
    )
    return dict(zip(RUN_COLUMNS, cells, strict=True))


def with_runs(document: str, runs: Sequence[dict[str, str]]) -> str:
    """`document` with its table of runs brought up to date.

    A run is known by its weights' checksum: its row is rewritten in place, keeping what somebody wrote under
    "change"; rows of other weights stay, so that the table is a history. Raises `ValueError` without the markers.
    """
    section = section_of(document, *RUNS)
    rows: dict[str, dict[str, str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == len(RUN_COLUMNS):
            rows[cells[0]] = dict(zip(RUN_COLUMNS, cells, strict=True))
    for run in runs:
        kept = rows.get(run["weights"], {}).get("change", "")
        rows[run["weights"]] = {**run, "change": run["change"] or kept}
    written = table(RUN_COLUMNS, [[row[column] for column in RUN_COLUMNS] for row in rows.values()])
    return with_section(document, *RUNS, written)
