"""Scores what ships: `python -m training.evaluate text|translator|vision --data …`.

Writes scores as JSON and a model card beside the weights in `assets/`, and the table of runs in docs/training.md.
With `--checkpoint runs/text/checkpoint.pt` it scores a run half way instead, and writes `scores.json` beside that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from attention_core.models import registry
from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator
from attention_core.models.vision import VisionConfig, VisionModel
from training import (
    ablations,
    alignment,
    conllu,
    curves,
    documents,
    gate_life,
    masked_tokens,
    profiles,
    relations,
    run_folder,
    seeds,
    terminal,
    text_data,
    text_start,
    translator_scores,
    unknown,
)
from training.passes import kept_pass
from training.run_folder import ASSETS
from training.shares import Scores
from training.text_card import text_card
from training.text_data import Pair
from training.translator_card import translator_card
from training.vision_card import vision_card
from training.vision_scores import DevPhotos, read_photos, vision_scores

TEXT, VISION = ASSETS / "text", ASSETS / "vision"
DOCUMENT = ASSETS.parent / "docs" / "training.md"
README = ASSETS.parent / "README.md"
TIMED_THREADS = 2
TREEBANKS = {"en": "en_ewt-dev.conllu.gz", "zh": "zh_gsdsimp-dev.conllu.gz"}
TEXT_FILES = [
    *(f"text/{name}" for name in text_data.CORPORA),
    *(f"text/{name}" for name in TREEBANKS.values()),
    *(f"text/align_dev.{ending}" for ending in ("en.conllu", "zh.conllu", "json")),
]
VISION_FILES = [f"photos/{name}" for name in ("dev.zip", "dev_boxes.csv", "large_dev.zip", "large_dev_boxes.csv")]


def text_checkpoint(path: Path, device: str) -> TextModel:
    """The network in a checkpoint, with the tokenizer beside it."""
    state = _checkpoint(path)
    model = TextModel(TextConfig(**state["config"]), Tokenizer.from_file(path.parent / "tokenizer.json"))
    model.load_state_dict(state["model"])
    return model.eval().requires_grad_(False).to(device)


def vision_checkpoint(path: Path, device: str) -> tuple[str, VisionModel]:
    """(build, network) in a checkpoint."""
    state = _checkpoint(path)
    model = VisionModel(VisionConfig(**state["config"]), registry.vision_classes())
    model.load_state_dict(state["average"])
    return model.config.attention, model.eval().requires_grad_(False).to(device)


def _checkpoint(path: Path) -> dict[str, Any]:
    if not path.exists():
        sys.exit(f"{path} is not there: a training writes its first checkpoint after two minutes.")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def encoded_pairs(model: TextModel, data: Path, run: Path) -> list[Pair]:
    """All training pairs: those that the run kept if its tokenizer is this one, else encoded from the data."""
    saved, tokens = run / "pairs.pt", run / "tokenizer.json"
    if saved.exists() and tokens.exists() and Tokenizer.from_file(tokens).vocabulary == model.tokenizer.vocabulary:
        return [Pair(*fields) for fields in torch.load(saved, weights_only=True)]
    return text_data.encode_pairs(text_data.read_pairs(data), model.tokenizer)


def trace_milliseconds(model: TextModel, sentences: Iterable[tuple[str, str]]) -> Scores:
    """Median time of `trace` on pairs of 28 to 36 tokens in `TIMED_THREADS` threads; as information, no benchmark."""
    times = []
    before = torch.get_num_threads()
    torch.set_num_threads(TIMED_THREADS)
    for english, chinese in sentences:
        if 28 <= len(model.tokenizer.encode(english, chinese)[0]) <= 36:
            began = time.perf_counter()
            model.trace(english, chinese)
            times.append(1000 * (time.perf_counter() - began))
        if len(times) == 30:
            break
    torch.set_num_threads(before)
    median = round(statistics.median(times), 2) if times else float("nan")
    return {"trace_32_token_pair": median, "threads": TIMED_THREADS}


def text_scores(model: TextModel, data: Path, run: Path, quick: bool = False) -> Scores:
    """All text scores; quick leaves out the baselines' networks, the relations and what switching heads off does."""
    training, held_out = text_data.split(encoded_pairs(model, data, run))
    pairs = alignment.read_pairs(data)
    others: dict[str, TextModel] = {}
    if not quick:
        torch.manual_seed(0)
        others["untrained"] = TextModel(model.config, model.tokenizer).eval()
        others["bilingual_start"] = TextModel(model.config, model.tokenizer).eval()
        width = text_start.token_width(model.config)
        text_start.start(
            others["bilingual_start"], text_data.bilingual_start(training, model.config.vocabulary, width, 0), 0
        )
    treebanks = {} if quick else {k: conllu.read(data / "text" / name) for k, name in TREEBANKS.items()}
    steps = len(pairs) * (1 + len(others)) + sum(
        1 < len(s.words) <= relations.LONGEST for sentences in treebanks.values() for s in sentences
    )
    with tqdm(total=steps, mininterval=2, desc="sentences") as bar:
        aligned = alignment.alignment_scores(model, pairs, bar.update)
        for name, other in others.items():
            aligned[name] = alignment.alignment_scores(other.to(model.output_bias.device), pairs, bar.update)
        found = {
            language: relations.relation_scores(model, sentences, bar.update)
            for language, sentences in treebanks.items()
        }
    aligned["eflomal"] = alignment.EFLOMAL
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "masked_tokens": masked_tokens.masked_token_scores(model, held_out, training),
        "alignment": aligned,
        "relations": {language: by_relation for language, (by_relation, _) in found.items()},
        "head_relations": {language: by_head for language, (_, by_head) in found.items()},
        "heads": masked_tokens.head_scores(model, held_out, switch_off=not quick),
        "even_head": masked_tokens.even_head_scores(model, held_out),
        "milliseconds_cpu": trace_milliseconds(model, ((p.english.text, p.chinese.text) for p in pairs)),
    }


def _write(path: Path, scores: Scores) -> None:
    path.write_text(json.dumps(scores, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"\nwrote {path}", file=sys.stderr)


def _write_curves(path: Path, panels: list[curves.Panel]) -> str | None:
    """The picture's name for the card: new if there are logs, the old one if there is one, else None."""
    panels = [curves.Panel(p.title, p.across, {k: v for k, v in p.series.items() if v}) for p in panels]
    if any(panel.series for panel in panels):
        path.write_text(curves.curves_svg([panel for panel in panels if panel.series]), encoding="utf-8")
    return path.name if path.exists() else None


def _write_documents(runs: list[dict[str, str]]) -> None:
    DOCUMENT.write_text(documents.with_runs(DOCUMENT.read_text(encoding="utf-8"), runs), encoding="utf-8")
    files = (TEXT / "bilingual.scores.json", VISION / "scores.json", TEXT / "translator.scores.json")
    measured = (json.loads(file.read_text(encoding="utf-8")) if file.exists() else None for file in files)
    written = documents.with_section(
        README.read_text(encoding="utf-8"), *documents.SCORES, documents.readme_scores(*measured)
    )
    README.write_text(written, encoding="utf-8")


def evaluate_text(options: argparse.Namespace) -> None:
    """The command's `text`."""
    data = run_folder.data_folder(options.data, TEXT_FILES)
    if options.checkpoint:
        model = text_checkpoint(options.checkpoint, options.device)
        scores = text_scores(model, data, options.checkpoint.parent, options.quick)
        terminal.print_text(scores)
        _write(options.checkpoint.parent / "scores.json", scores)
        return
    manifest = registry.manifest("text", "bilingual")
    model = registry.load_text_model(device=options.device)
    run = options.run or Path("runs/text")
    scores = {"weights": manifest["sha256"], **text_scores(model, data, run, options.quick)}
    terminal.print_text(scores)
    _write(TEXT / "bilingual.scores.json", scores)
    log = curves.read_log(run / "log.csv")
    picture = _write_curves(
        TEXT / "curves.svg", [curves.Panel("training loss (nats)", "step", {"bilingual": curves.curve(log, "loss")})]
    )
    (TEXT / "MODEL_CARD.md").write_text(text_card(manifest, scores, picture), encoding="utf-8")
    _write_documents([documents.text_run(manifest, scores)])


def evaluate_translator(options: argparse.Namespace) -> None:
    """The command's `translator`."""
    data = run_folder.data_folder(options.data, TEXT_FILES)
    if options.checkpoint:
        state, text = _checkpoint(options.checkpoint), registry.load_text_model(device="cpu")
        model = Translator(TranslatorConfig(**state["config"]), text.tokenizer)
        model.load_state_dict(state["model"])
        scores = translator_scores.all_scores(model.eval().requires_grad_(False), data)
        terminal.print_translator(scores)
        _write(options.checkpoint.parent / "scores.json", scores)
        return
    manifest = registry.manifest("text", "translator")
    model = registry.load_translator(device="cpu")
    scores = {"weights": manifest["sha256"], **translator_scores.all_scores(model, data)}
    terminal.print_translator(scores)
    _write(TEXT / "translator.scores.json", scores)
    log = curves.read_log((options.run or Path("runs/translator")) / "log.csv")
    picture = _write_curves(
        TEXT / "translator_curves.svg",
        [curves.Panel("training loss (nats)", "step", {"translator": curves.curve(log, "loss")})],
    )
    (TEXT / "TRANSLATOR_CARD.md").write_text(translator_card(manifest, scores, picture), encoding="utf-8")
    _write_documents([documents.translator_run(manifest, scores)])


def evaluate_vision(options: argparse.Namespace) -> None:
    """The command's `vision`."""
    data = run_folder.data_folder(options.data, VISION_FILES)
    keep = (options.run or Path("runs")) / "kept"
    if options.checkpoint:
        kind, model = vision_checkpoint(options.checkpoint, options.device)
        scores = vision_scores({kind: model}, _read_photos(data, options.quick), keep, options.quick)
        terminal.print_vision(scores)
        _write(options.checkpoint.parent / "scores.json", scores)
        return
    names = [name for name in registry.VISION_MODELS if (VISION / f"{name}.json").exists()]
    if not names:
        sys.exit(f"{VISION} has no weights yet: train them first (docs/training.md).")
    manifests = {name: registry.manifest("vision", name) for name in names}
    models = {name: registry.load_vision_model(name, device=options.device) for name in names}
    photos = _read_photos(data, options.quick)
    checksums = {name: manifests[name]["sha256"] for name in names}
    scores = {"weights": checksums, **vision_scores(models, photos, keep, options.quick)}
    logs: dict[str, list[dict[str, float]]] = {}
    if options.seeds:
        runs = seeds.seed_runs(options.seeds)
        scores |= seeds.compared(runs, photos, keep, options.device)
        logs = {run.build: run.log for run in runs if run.seed == manifests[run.build]["training"].get("seed")}
    _write_measured(models, photos, keep, checksums)
    terminal.print_vision(scores)
    _write(VISION / "scores.json", scores)
    picture = _write_curves(
        VISION / "curves.svg",
        [curves.Panel("training loss", "step", {name: curves.curve(log, "loss") for name, log in logs.items()})],
    )
    varied = json.loads(ablations.RESULTS.read_text(encoding="utf-8")) if ablations.RESULTS.exists() else None
    (VISION / "MODEL_CARD.md").write_text(vision_card(manifests, scores, picture, varied), encoding="utf-8")
    _write_documents([documents.vision_run(name, manifests[name], scores) for name in names])


def _write_measured(models: dict[str, VisionModel], photos: DevPhotos, keep: Path, checksums: dict[str, str]) -> None:
    """Beside the scores, what the app draws and reckons with: profiles and bands of gates, directions of classes."""
    found: dict[str, dict[str, Tensor]] = {"profiles": {}, "bands": {}, "directions": {}}
    for name, model in models.items():
        classes = len(model.classes)
        seen = kept_pass(model, photos.images[model.config.image_size], keep)
        for stage, gates in seen.gates.items():
            found["profiles"][f"{name}.{stage}"] = profiles.class_means(gates, photos.labels, classes)
            found["bands"][f"{name}.{stage}"] = gate_life.band(gates)
        directions = unknown.class_directions(seen.pooled, photos.labels, classes)
        found["directions"] |= {f"{name}.means": directions.means, f"{name}.whitening": directions.whitening}
    for file, tensors in found.items():
        profiles.save_measured(tensors, VISION / f"{file}.safetensors", checksums)


def _read_photos(data: Path, quick: bool) -> DevPhotos:
    print("reading photos …", file=sys.stderr)
    return read_photos(data, (VisionConfig.image_size,)) if quick else read_photos(data)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("text", "translator", "vision"))
    parser.add_argument("--data", help="folder with text/ and photos/ (or the variable ATTENTION_DATA)")
    parser.add_argument("--run", type=Path, help="run folder of the text network; for vision the folder of its runs")
    parser.add_argument("--checkpoint", type=Path, help="score this checkpoint.pt instead of what ships")
    parser.add_argument("--seeds", type=Path, help="vision: folder of several seeds of each build, compared over them")
    parser.add_argument("--quick", action="store_true", help="without what takes longest")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    {"text": evaluate_text, "translator": evaluate_translator, "vision": evaluate_vision}[options.kind](options)


if __name__ == "__main__":
    main()
